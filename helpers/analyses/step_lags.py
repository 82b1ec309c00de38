"""How long each step of the funnel takes: of the records of one period, which share reaches the next stage at what age.

Every step has a close curve of its own. Laid one behind the other they tell how much earlier each stage has to be
filled: steps of one and of two periods make a way of three.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from helpers.analyses.close_curve import MEAN, POOLED, build_close_curve, count_closes
from helpers.engine.journeys import Journeys, Records, build_journeys
from helpers.engine.slicing import resolve_partition
from helpers.engine.timeline import NO_DAY
from helpers.errors import QuestionError, suggest
from helpers.periods import MONTHS_IN, Period, period_of

STEP_LAG_COLUMNS = [
    "step", "cohort", "age", "n", "reached", "share", "is_complete", "from_stage", "to_stage", "dimension", "slice",
]  # fmt: skip
"""One row per step, slice, cohort and age."""

WHOLE = "all"
NEW = "new"


def measure_step_lags(
    company,
    *,
    as_of: date,
    grain: str = "quarter",
    by: Iterable[str] = (),
    steps: Sequence[tuple[str, str]] | None = None,
    to_stage: str = "won",
    max_age: int | None = None,
) -> pd.DataFrame:
    """Measure after how many periods the records of each stage reach the next one, for new business.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        grain: The length of a period.
        by: Partitions whose slices get lags of their own, beside the company's; a step whose records don't carry the
            partition has none.
        steps: Pairs of stage ids; by default every stage that the data has and the one after it, up to ``to_stage``.
        to_stage: The last stage of the default steps.
        max_age: The oldest age; by default two years.

    Returns:
        One row per step, slice, cohort and age: ``step`` (such as ``mql_to_opportunity``), ``cohort`` (first day of the
        period in which the first stage was reached, ISO text; ``mean`` and ``pooled`` as in ``build_close_curve``),
        ``age`` (periods until the second stage), ``n`` (records of the cohort), ``reached`` (of them at that age),
        ``share`` (reached ÷ n, 0–1), ``is_complete`` (the age's whole period lies on or before ``as_of``; the others
        are left out of ``mean`` and ``pooled``), ``from_stage``, ``to_stage``, ``dimension`` and ``slice`` (both
        ``all`` for the company). A step that no record carries both ends of has no rows.

    Raises:
        QuestionError: A stage or a partition is unknown.

    Source:
        Kellogg, inverted funnel, parts II and III: each stage shifted by its own lag, the lag as a distribution.
    """
    journeys = build_journeys(company, as_of=as_of)
    pairs = _list_steps(company, journeys, to_stage) if steps is None else [_check(company, step) for step in steps]
    ages = 2 * 12 // MONTHS_IN[grain] if max_age is None else max_age
    parts = [resolve_partition(company, name, journeys.labels) for name in by]
    found = []
    for first, last in pairs:
        records = _find_records(journeys, first, last)
        if records is None:
            continue
        entered, reached = _to_dates(records.reached[first, NEW]), _to_dates(records.reached[last, NEW])
        for dimension, value, kept in _list_slices(journeys, records, parts, entered):
            counts = count_closes(
                entered[kept],
                reached[kept],
                as_of=as_of,
                grain=grain,
                fiscal_year_start=company.fiscal_year_start,
                max_age=ages,
            )
            if len(counts):
                curve = build_close_curve(counts).rename(columns={"won": "reached"})
                names = {"step": f"{first}_to_{last}", "from_stage": first, "to_stage": last}
                found.append(curve.assign(**names, dimension=dimension, slice=value)[STEP_LAG_COLUMNS])
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=STEP_LAG_COLUMNS)


def get_step_shares(
    lags: pd.DataFrame, from_stage: str, to_stage: str, *, dimension: str = WHOLE, slice: str = WHOLE
) -> list[float]:
    """Return the pooled lag of one step.

    Returns:
        One share (0–1) per age from 0 on without a hole; empty where the step wasn't measured.
    """
    mine = lags[
        (lags["from_stage"] == from_stage)
        & (lags["to_stage"] == to_stage)
        & (lags["dimension"] == dimension)
        & (lags["slice"] == slice)
        & (lags["cohort"] == POOLED)
    ]
    if mine.empty:
        return []
    shares = mine.set_index("age")["share"].astype(float)
    return shares.reindex(range(int(shares.index.max()) + 1)).fillna(0.0).tolist()


def count_entered(lags: pd.DataFrame, *, grain: str = "quarter", fiscal_year_start: int = 1) -> dict:
    """Return stage id → period → records that entered the stage in it, as ``plan_stages`` takes them.

    The running period counts with what it has brought so far. Stages that no measured step leads from are missing.
    """
    cohorts = lags[~lags["cohort"].isin([MEAN, POOLED]) & (lags["dimension"] == WHOLE)]
    found: dict[str, dict[Period, float]] = {}
    for row in cohorts.drop_duplicates(["from_stage", "cohort"]).to_dict("records"):
        period = period_of(date.fromisoformat(row["cohort"]), grain, fiscal_year_start)
        found.setdefault(row["from_stage"], {})[period] = float(row["n"])
    return found


def chain_steps(*shares: Sequence[float]) -> list[float]:
    """Lay lags one behind the other: of the records of the first stage, which share reaches the last one at what age.

    Args:
        *shares: The lag of each step from age 0 on (0–1), the first step first.

    Returns:
        One share per age from 0 on, as long as all ages together reach; empty where a step has none.

    Source:
        Convolution: ``c(k) = Σ a(i) × b(k − i)``. It holds where the age of a record at one stage says nothing of how
        long the next step takes.

    >>> chain_steps([0.0, 0.5], [0.1, 0.2])
    [0.0, 0.05, 0.1]
    """
    if not shares or any(len(each) == 0 for each in shares):
        return []
    chained = np.array([1.0])
    for each in shares:
        chained = np.convolve(chained, np.asarray(each, dtype=float))
    return chained.tolist()


def _list_steps(company, journeys: Journeys, to_stage: str) -> list[tuple[str, str]]:
    order = list(company.catalog.stages)
    within = order[: order.index(to_stage) + 1] if to_stage in order else order
    return list(pairwise(id for id in within if journeys.homes.get(id, "session") != "session"))


def _check(company, step: tuple[str, str]) -> tuple[str, str]:
    for stage in step:
        if stage not in company.catalog.stages:
            allowed = list(company.catalog.stages)
            raise QuestionError(
                f"step {step[0]} to {step[1]}: stage '{stage}' is unknown. "
                f"Allowed: {', '.join(allowed)}.{suggest(stage, allowed)}"
            )
    return step


def _find_records(journeys: Journeys, first: str, last: str) -> Records | None:
    records = journeys.records.get(journeys.homes.get(first, ""))
    both = {(first, NEW), (last, NEW)}
    return records if records is not None and both <= set(records.reached) else None


def _list_slices(journeys: Journeys, records: Records, parts: Sequence[str], entered: pd.Series):
    yield WHOLE, WHOLE, slice(None)
    present = entered.notna().to_numpy()
    for part in parts:
        if part not in records.codes:
            continue
        codes = records.codes[part]
        for code in np.unique(codes[present]):
            yield part, str(journeys.labels[part][code]), codes == code


def _to_dates(days: np.ndarray) -> pd.Series:
    stamps = np.where(days == NO_DAY, np.datetime64("NaT"), days.astype("int64").astype("datetime64[D]"))
    return pd.Series(stamps.astype("datetime64[us]"))
