"""The KPI table: every KPI asked for, through every combination of partitions, for every period."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

from helpers.engine.counting import (
    Cells,
    measure_average,
    measure_conversion,
    measure_duration,
    measure_outcome_share,
    measure_sum,
    measure_velocity,
    measure_volume,
)
from helpers.engine.journeys import Journeys, build_journeys
from helpers.engine.pipeline import measure_coverage, measure_pipeline_conversion, measure_push, measure_stock
from helpers.engine.recurring import measure_retention
from helpers.engine.slicing import Lens, Question, keep_records, resolve_partition
from helpers.engine.timeline import FAR, build_axis, day_number, to_date
from helpers.errors import ParameterError, QuestionError, suggest
from helpers.model.kpi import Kpi
from helpers.periods import parse_day

CELL_COLUMNS = [
    "kpi", "basis", "grain", "period_start", "period_end", "horizon_days", "dimension", "slice",
    "numerator", "denominator", "value", "n", "low", "high", "is_complete",
]  # fmt: skip
"""The columns of ``kpis.csv``."""

MEASURES = {
    "volume": measure_volume,
    "sum": measure_sum,
    "average": measure_average,
    "outcome_share": measure_outcome_share,
    "velocity": measure_velocity,
    "stock": measure_stock,
    "push": measure_push,
    "pipeline_conversion": measure_pipeline_conversion,
    "retention": measure_retention,
}


def build_cells(
    company,
    *,
    kpis: Sequence[str] | None = None,
    by: Sequence[Sequence[str] | str] = ((),),
    grain: str = "quarter",
    start: date | str | None = None,
    end: date | str | None = None,
    as_of: date | str | None = None,
    filters: Mapping[str, object] | None = None,
    horizon_days: int | None = None,
) -> pd.DataFrame:
    """Compute KPIs over slices and periods.

    Args:
        company: The opened company; it isn't changed (its joined journeys are remembered on it).
        kpis: KPI ids; None takes every KPI that the data can tell.
        by: Combinations of partitions, each a tuple of ids or aliases; ``()`` is the company.
        grain: month, quarter, year, or all for one row over the whole history.
        start: Periods that end before this day are left out.
        end: Periods that start after this day are left out. A period is never cut, except the one of grain all.
        as_of: The last day that counts: later events are invisible, deals closed later are open again, and stage,
        amount and
            close date are those of then where the deal history tells them. None takes everything in the exports.
        filters: Partition → value or list of values that records must have; None or ``(blank)`` selects missing ones.
            A KPI whose records don't carry the partition is left out rather than shown unfiltered.
        horizon_days: Days that a cohort is given; None gives it until the last day that counts.

    Returns:
        One row per KPI, basis, combination of partitions, slice and period, sorted in that order (KPIs as in the
        catalog, slices by name with ``(blank)`` last), with the columns of ``kpis.csv``. ``value`` is a share as 0–1,
        money in the company's currency, days, or a count; ``n`` counts the records behind it; blank (NaN) where there
        is none. A rate whose denominator is 0 has no row. A count has a row from the slice's first event on, then 0 is
        a true zero. ``is_complete`` is False while the period runs, or while a cohort is too young. KPIs that the data
        can't tell have no rows (see ``explain_availability``); neither have combinations that a KPI's records don't
        carry.

    Raises:
        QuestionError: A KPI, partition or filter value is unknown, or a rate is asked by a partition that is known only
            later than at entry.
        ParameterError: A grain or a day is written wrongly.
    """
    asked = [(one,) if isinstance(one, str) else tuple(one) for one in by]
    journeys = build_journeys(company, as_of=_day(as_of, "as_of"))
    question = ask(company, journeys, grain, start, end, filters, horizon_days)
    chosen = choose_kpis(company, journeys, kpis)
    ids = [tuple(resolve_partition(company, name, journeys.labels) for name in names) for names in asked]
    filtered = [resolve_partition(company, name, journeys.labels) for name in filters or {}]
    lenses = [Lens(question, one, names) for one, names in zip(ids, asked, strict=True)]
    blocks = []
    for kpi in chosen:
        for lens in lenses:
            if allows(company, kpi, (*lens.by, *filtered), strict=kpis is not None):
                blocks += [_frame(kpi, lens, cells) for cells in measure(company, kpi, lens)]
    return _assemble(blocks, question, chosen)


def _day(text: date | str | None, name: str) -> date | None:
    return None if text is None or text == "" else parse_day(text, name=name)


def ask(
    company, journeys: Journeys, grain: str, start=None, end=None, filters=None, horizon_days: int | None = None
) -> Question:
    """Lay out the periods and the records of a question; the arguments are those of ``build_cells``."""
    if horizon_days is not None and int(horizon_days) < 0:
        raise ParameterError(f"horizon_days is {horizon_days}. It is a number of days from 0 on.")
    begin, stop = _day(start, "start"), _day(end, "end")
    axis = build_axis(
        grain,
        first=journeys.first_day,
        last=journeys.observed_until,
        fiscal_year_start=company.fiscal_year_start,
        start=None if begin is None else day_number(begin),
        end=None if stop is None else day_number(stop),
    )
    keep, _ = keep_records(company, journeys, filters)
    rules = company.catalog.rules
    horizon = None if horizon_days is None else int(horizon_days)
    return Question(
        journeys, axis, keep, horizon, rules.confidence, rules.maturity_percentile, company.fiscal_year_start
    )


def choose_kpis(company, journeys: Journeys, kpis: Iterable[str] | None = None) -> list[Kpi]:
    """Return the KPIs to compute, in the catalog's order.

    Args:
        company: The opened company.
        journeys: Its journeys.
        kpis: Ids; None takes all, of the conversions only those between neighbouring stages that the data has and those
            from end to end, up to won. A conversion asked for by id is computed between any two stages.

    Raises:
        QuestionError: An id is unknown.
    """
    catalog = company.catalog
    neighbours = catalog.conversions_between(journeys.homes)
    known = {**catalog.kpis, **{kpi.id: kpi for kpi in neighbours}}
    if kpis is not None:
        wanted = [kpis] if isinstance(kpis, str) else list(kpis)
        for id in wanted:
            if id not in known:
                raise QuestionError(f"KPI '{id}' is unknown.{suggest(id, known)} The glossary lists them all.")
        return [known[id] for id in known if id in set(wanted)]
    return [kpi for kpi in known.values() if not is_shortcut(company, journeys, kpi)]


def is_shortcut(company, journeys: Journeys, kpi: Kpi) -> bool:
    """Tell whether a KPI steps over a stage that the data has, without going to the end, won."""
    if kpi.measure.kind not in ("conversion", "duration"):
        return False
    stages = [id for id in company.catalog.stages if id in journeys.homes]
    first, last = kpi.measure.from_stage, kpi.measure.to_stage
    if first not in stages or last not in stages or company.catalog.stages[last].closes:
        return False
    return stages.index(last) - stages.index(first) != 1


def allows(company, kpi: Kpi, partitions: Iterable[str], *, strict: bool) -> bool:
    """Tell whether a KPI may be cut by partitions: by what is known at entry, else counts only, outcomes by outcomes.

    Raises:
        QuestionError: It may not, and ``strict`` is set.
    """
    for id in partitions:
        partition = company.partitions[id]
        if partition.known == "entry" or (partition.known == "during" and kpi.is_count):
            continue
        if partition.known == "outcome" and kpi.is_count and _counts_outcomes(company, kpi):
            continue
        if not strict:
            return False
        when = "only with the outcome" if partition.known == "outcome" else "only while a record is under way"
        entry = ", ".join(sorted(one for one, other in company.partitions.items() if other.known == "entry"))
        raise QuestionError(
            f"'{kpi.id}' can't be cut by '{id}': its values are known {when}, so records that are still open or ended "
            "otherwise have none, and every slice would look better or worse than it is. "
            f"Cut it by a partition known at entry ({entry or 'there is none'}), or cut won deals or revenue by '{id}'."
        )
    return True


def _counts_outcomes(company, kpi: Kpi) -> bool:
    stages = list(company.catalog.stages)
    knot = next((i for i, id in enumerate(stages) if company.catalog.stages[id].closes), len(stages))
    stage = getattr(kpi.measure, "stage", getattr(kpi.measure, "to_stage", None))
    return stage not in stages or stages.index(stage) >= knot if stage is not None else False


def measure(company, kpi: Kpi, lens: Lens) -> list[Cells]:
    """Compute one KPI through one lens; an empty list where the data can't tell it."""
    kind = kpi.measure.kind
    if kind == "conversion":
        return measure_conversion(kpi.measure, lens, kpi.basis)
    if kind == "duration":
        return measure_duration(kpi.measure, lens, kpi.basis)
    if kind == "coverage":
        return measure_coverage(kpi.measure, lens, company)
    if kind == "ratio":
        return _measure_ratio(company, kpi, lens)
    return MEASURES[kind](kpi.measure, lens)


def _measure_ratio(company, kpi: Kpi, lens: Lens) -> list[Cells]:
    """Divide one additive KPI by another, cell by cell; no row where the denominator is 0."""
    halves = []
    for id in (kpi.measure.numerator, kpi.measure.denominator):
        part = company.catalog.kpi(id)
        if part.measure.kind not in ("volume", "sum", "stock"):
            raise QuestionError(f"'{kpi.id}' divides '{id}', which can't be added up. Divide volumes, sums or stocks.")
        cells = measure(company, part, lens)
        if not cells:
            return []
        halves.append(cells[0])
    top, bottom = halves
    width = len(lens.question.axis)
    place = dict(zip((top.slices * width + top.periods).tolist(), top.value.tolist(), strict=True))
    used = bottom.value != 0
    keys = (bottom.slices * width + bottom.periods)[used]
    numerator = np.array([place.get(key, 0.0) for key in keys.tolist()])
    denominator, periods = bottom.value[used], bottom.periods[used]
    value = numerator / denominator
    ended = lens.question.ended[periods]
    return [
        Cells(
            kpi.basis[0],
            bottom.slices[used],
            periods,
            value,
            bottom.n[used],
            numerator,
            denominator,
            is_complete=ended,
        )
    ]


def _frame(kpi: Kpi, lens: Lens, cells: Cells) -> dict[str, np.ndarray]:
    size = len(cells.value)
    order = np.lexsort((cells.periods, cells.slices))
    slices, periods = cells.slices[order], cells.periods[order]
    distinct, back = np.unique(slices, return_inverse=True)
    nothing = np.full(size, np.nan)

    def number(values: np.ndarray | None) -> np.ndarray:
        return nothing if values is None else np.asarray(values, float)[order]

    return {
        "kpi": np.full(size, kpi.id, dtype="O"),
        "basis": np.full(size, cells.basis, dtype="O"),
        "period": periods,
        "horizon_days": np.full(size, -1 if cells.horizon is None else cells.horizon),
        "dimension": np.full(size, lens.dimension, dtype="O"),
        "slice": lens.names(distinct)[back] if size else np.empty(0, dtype="O"),
        "numerator": number(cells.numerator),
        "denominator": number(cells.denominator),
        "value": number(cells.value),
        "n": number(cells.n),
        "low": number(cells.low),
        "high": number(cells.high),
        "is_complete": cells.is_complete[order].astype(bool),
    }


def _assemble(blocks: list[dict[str, np.ndarray]], question: Question, chosen: list[Kpi]) -> pd.DataFrame:
    axis = question.axis
    if blocks:
        columns = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    else:
        columns = {name: np.empty(0) for name in [*CELL_COLUMNS, "period"]}
    period = columns["period"].astype(np.int64)
    horizon = columns["horizon_days"].astype(np.int64)
    frame = pd.DataFrame(
        {
            "kpi": pd.array(columns["kpi"], dtype="str"),
            "basis": pd.array(columns["basis"], dtype="str"),
            "grain": pd.array(np.full(len(period), axis.grain, dtype="O"), dtype="str"),
            "period_start": _stamps(axis.starts[period]),
            "period_end": _stamps(axis.ends[period]),
            "horizon_days": pd.array(np.where(horizon < 0, 0, horizon), dtype="Int64"),
            "dimension": pd.array(columns["dimension"], dtype="str"),
            "slice": pd.array(columns["slice"], dtype="str"),
            **{name: columns[name].astype(float) for name in ("numerator", "denominator", "value")},
            "n": pd.array(np.rint(columns["n"].astype(float)).astype(np.int64), dtype="Int64"),
            **{name: columns[name].astype(float) for name in ("low", "high")},
            "is_complete": columns["is_complete"].astype(bool),
        }
    )
    frame.loc[horizon < 0, "horizon_days"] = pd.NA
    return frame[CELL_COLUMNS]


def _stamps(days: np.ndarray) -> np.ndarray:
    return days.astype("datetime64[D]").astype("datetime64[us]")


def last_day(journeys: Journeys) -> date:
    """Return the last day that the question can see."""
    return to_date(journeys.observed_until if journeys.as_of == FAR else journeys.as_of)
