"""The KPI table: every KPI asked for, through every combination of partitions, for every period."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import pandas as pd

from helpers.engine.aggregates import Evaluator, Outline
from helpers.engine.answering import answer
from helpers.engine.cell_frame import CELL_COLUMNS, build_frame
from helpers.engine.journeys import build_journeys
from helpers.engine.local_evaluator import evaluate_journeys
from helpers.engine.slicing import Lens, Question, read_filters, resolve_partition
from helpers.engine.timeline import build_axis, day_number
from helpers.errors import ParameterError, QuestionError, suggest
from helpers.model.kpi import Kpi
from helpers.periods import parse_day

__all__ = ["CELL_COLUMNS", "build_cells"]


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
        grain: One of ``SLICING_GRAINS`` (week, month, quarter, half_year, year, calendar_quarter, calendar_year,
            rolling_90, or custom for the one period from ``start`` to ``end``), or all for one row over the whole
            history.
        start: Periods that end before this day are left out.
        end: Periods that start after this day are left out. A period is never cut, except the one of grain all.
        as_of: The last day that counts: later events are invisible, deals closed later are open again, and stage,
            amount and close date are those of then where the deal history tells them. None takes everything in the
            exports.
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
    evaluator = open_evaluator(company, as_of)
    question = ask(company, evaluator, grain, start, end, filters, horizon_days)
    chosen = choose_kpis(company, evaluator.outline, kpis)
    lenses = lay_lenses(company, question, by)
    strict = kpis is not None

    def allowed(kpi: Kpi, lens: Lens) -> bool:
        return allows(company, kpi, (*lens.by, *question.filters), strict=strict)

    return build_frame(answer(company, question, chosen, lenses, allowed), question.axis, chosen)


def open_evaluator(company, as_of: date | str | None = None) -> Evaluator:
    """Return who counts a company's records as of a day: in memory, or where its tables lie."""
    day = _day(as_of, "as_of")
    if getattr(company, "warehouse", None) is not None:
        from helpers.engine.warehouse import evaluators

        return evaluators.open_evaluator(company, day)
    return evaluate_journeys(build_journeys(company, as_of=day))


def lay_lenses(company, question: Question, by: Sequence[Sequence[str] | str]) -> list[Lens]:
    """Return a lens per combination of partitions, each given by ids or aliases.

    Raises:
        QuestionError: A partition is unknown.
    """
    labels = question.outline.labels
    asked = [(one,) if isinstance(one, str) else tuple(one) for one in by]
    return [Lens(question, [resolve_partition(company, name, labels) for name in names], names) for names in asked]


def _day(text: date | str | None, name: str) -> date | None:
    return None if text is None or text == "" else parse_day(text, name=name)


def ask(
    company, evaluator: Evaluator, grain: str, start=None, end=None, filters=None, horizon_days: int | None = None
) -> Question:
    """Lay out the periods and the records of a question; the arguments are those of ``build_cells``."""
    if horizon_days is not None and int(horizon_days) < 0:
        raise ParameterError(f"horizon_days is {horizon_days}. It is a number of days from 0 on.")
    begin, stop = _day(start, "start"), _day(end, "end")
    outline = evaluator.outline
    axis = build_axis(
        grain,
        first=outline.first_day,
        last=outline.observed_until,
        fiscal_year_start=company.fiscal_year_start,
        start=None if begin is None else day_number(begin),
        end=None if stop is None else day_number(stop),
    )
    codes = read_filters(company, outline.labels, filters)
    rules = company.catalog.rules
    horizon = None if horizon_days is None else int(horizon_days)
    return Question(
        evaluator, axis, codes, horizon, rules.confidence, rules.maturity_percentile, company.fiscal_year_start
    )


def choose_kpis(company, outline: Outline, kpis: Iterable[str] | None = None) -> list[Kpi]:
    """Return the KPIs to compute, in the catalog's order.

    Args:
        company: The opened company.
        outline: What its records hold.
        kpis: Ids; None takes all, of the conversions only those between neighbouring stages that the data has and those
            from end to end, up to won. A conversion asked for by id is computed between any two stages.

    Raises:
        QuestionError: An id is unknown.
    """
    catalog = company.catalog
    neighbours = catalog.conversions_between(outline.homes)
    known = {**catalog.kpis, **{kpi.id: kpi for kpi in neighbours}}
    if kpis is not None:
        wanted = [kpis] if isinstance(kpis, str) else list(kpis)
        for id in wanted:
            if id not in known:
                raise QuestionError(f"KPI '{id}' is unknown.{suggest(id, known)} The glossary lists them all.")
        return [known[id] for id in known if id in set(wanted)]
    return [kpi for kpi in known.values() if not is_shortcut(company, outline, kpi)]


def is_shortcut(company, outline: Outline, kpi: Kpi) -> bool:
    """Tell whether a KPI steps over a stage that the data has, without going to the end, won."""
    if kpi.measure.kind not in ("conversion", "duration"):
        return False
    stages = [id for id in company.catalog.stages if id in outline.homes]
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
