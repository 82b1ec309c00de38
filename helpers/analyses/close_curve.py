"""The close curve: what share of the records created in one period reaches its end how many periods later.

An average sales cycle says nothing about how closes spread. The curve does: per age (0 = the period of creation) the
share of a cohort that was won at that age. Ages that a cohort has not lived through yet are incomplete and never count
in an average.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from helpers.engine.journeys import build_journeys
from helpers.engine.timeline import NO_DAY
from helpers.errors import QuestionError
from helpers.periods import MONTHS_IN, Period, period_of

CLOSE_CURVE_COLUMNS = ["cohort", "age", "n", "won", "share", "is_complete"]
"""The columns of ``close_curve.csv``."""

MEAN, POOLED = "mean", "pooled"


def build_close_curve(counts: pd.DataFrame) -> pd.DataFrame:
    """Turn counts per cohort and age into close curves, their mean and their pool.

    Args:
        counts: One row per cohort and age with ``cohort``, ``age`` (periods since creation), ``n`` (records of the
            cohort), ``won`` (won at that age) and, where some entries are still growing, ``is_complete``.

    Returns:
        One row per cohort and age: cohort, age, n, won, share (0–1, won ÷ n), is_complete. Below the cohorts follow
        ``mean`` (per age the unweighted mean of the complete cohorts' shares; its ``n`` and ``won`` are their sums) and
        ``pooled`` (sum of won ÷ sum of n over the same cohorts). An age that no cohort has completed is left out of
        both. No counts give no rows; a cohort without records has no share.

    Raises:
        QuestionError: A column is missing.

    Source:
        Kellogg, time-based close rates (inverted funnel, part III): incomplete cohorts are left out of averages.

    >>> curve = build_close_curve(pd.DataFrame({"cohort": ["A", "B"], "age": [0, 0], "n": [10, 30], "won": [1, 9]}))
    >>> curve.set_index("cohort")["share"].to_dict()
    {'A': 0.1, 'B': 0.3, 'mean': 0.2, 'pooled': 0.25}
    """
    missing = [column for column in ("cohort", "age", "n", "won") if column not in counts.columns]
    if missing:
        raise QuestionError(f"close curve: column '{missing[0]}' is missing. Needed: cohort, age, n, won.")
    curve = counts.copy()
    curve["cohort"] = curve["cohort"].astype("str")
    if "is_complete" not in curve.columns:
        curve["is_complete"] = True
    n = curve["n"].astype(float)
    curve["share"] = (curve["won"].astype(float) / n).where(n > 0)
    curve = curve[CLOSE_CURVE_COLUMNS].reset_index(drop=True)
    known = curve[curve["is_complete"].astype(bool) & curve["share"].notna()]
    if known.empty:
        return curve
    ages = known.groupby("age", sort=True).agg(n=("n", "sum"), won=("won", "sum"), share=("share", "mean"))
    mean = ages.reset_index().assign(cohort=MEAN, is_complete=True)
    pooled = mean.assign(cohort=POOLED, share=mean["won"] / mean["n"])
    return pd.concat([curve, mean[CLOSE_CURVE_COLUMNS], pooled[CLOSE_CURVE_COLUMNS]], ignore_index=True)


def count_closes(
    created: pd.Series,
    won: pd.Series,
    *,
    as_of: date,
    grain: str = "quarter",
    fiscal_year_start: int = 1,
    max_age: int | None = None,
) -> pd.DataFrame:
    """Count per creation period and age how many records were won.

    Args:
        created: When each record was created; records without a date or created after ``as_of`` don't count.
        won: When each was won, missing where it wasn't; a win before the creation's day or after ``as_of`` doesn't
            count.
        as_of: The last day that counts.
        grain: month, quarter or year.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.
        max_age: The oldest age; by default as old as the oldest cohort.

    Returns:
        One row per cohort and age: cohort (first day of the period, ISO text), age (periods since creation), n, won,
        is_complete (the age's whole period lies on or before ``as_of``). Periods without records are cohorts of n 0.
        Without any dated record there are no rows.
    """
    frame = pd.DataFrame({"created": pd.to_datetime(created).dt.normalize(), "won": pd.to_datetime(won).dt.normalize()})
    frame = frame[frame["created"].notna() & (frame["created"] <= pd.Timestamp(as_of))]
    if frame.empty:
        return pd.DataFrame(columns=["cohort", "age", "n", "won", "is_complete"])
    counted = (frame["won"] >= frame["created"]) & (frame["won"] <= pd.Timestamp(as_of))
    first = period_of(frame["created"].min().date(), grain, fiscal_year_start)
    last = period_of(as_of, grain, fiscal_year_start)
    starts = _starts(first, last)
    cohort = np.searchsorted(starts, frame["created"].to_numpy().astype("datetime64[D]"), side="right") - 1
    closed = frame["won"].where(counted).to_numpy().astype("datetime64[D]")
    closed_in = np.searchsorted(starts, closed, side="right") - 1
    size = len(starts)
    n = np.bincount(cohort, minlength=size)
    age = (closed_in - cohort)[counted.to_numpy()]
    won_at = np.zeros((size, size), dtype=int)
    np.add.at(won_at, (cohort[counted.to_numpy()], age), 1)
    is_last_whole = last.end <= as_of
    rows = []
    for position in range(size):
        lived = size - 1 - position
        oldest = lived if max_age is None else min(lived, max_age)
        for at in range(oldest + 1):
            whole = at < lived or is_last_whole
            rows.append((str(starts[position]), at, int(n[position]), int(won_at[position, at]), whole))
    return pd.DataFrame(rows, columns=["cohort", "age", "n", "won", "is_complete"])


def measure_close_curve(
    company,
    *,
    as_of: date,
    grain: str = "quarter",
    from_stage: str = "",
    to_stage: str = "won",
    max_age: int | None = None,
) -> pd.DataFrame:
    """Measure the close curve of a company's new business.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        grain: The length of a period.
        from_stage: The stage whose entry makes a cohort; by default the last one before ``to_stage`` that the data has.
        to_stage: The stage that ends it.
        max_age: The oldest age; by default two years.

    Returns:
        One row per cohort and age, as by ``build_close_curve``; ``attrs["from_stage"]`` names the stage. Without
        records that carry both stages there are no rows.
    """
    journeys = build_journeys(company, as_of=as_of)
    stages = [id for id in company.catalog.stages if id in journeys.homes]
    before = stages[: stages.index(to_stage)] if to_stage in stages else []
    candidates = [from_stage] if from_stage else [id for id in reversed(before) if journeys.homes[id] != "session"]
    for stage in candidates:
        records = journeys.records.get(journeys.homes.get(stage, ""))
        if records is None or not {(stage, "new"), (to_stage, "new")} <= set(records.reached):
            continue
        counts = count_closes(
            _to_dates(records.reached[stage, "new"]),
            _to_dates(records.reached[to_stage, "new"]),
            as_of=as_of,
            grain=grain,
            fiscal_year_start=company.fiscal_year_start,
            max_age=2 * 12 // MONTHS_IN[grain] if max_age is None else max_age,
        )
        if len(counts):
            curve = build_close_curve(counts)
            curve.attrs["from_stage"] = stage
            return curve
    return pd.DataFrame(columns=CLOSE_CURVE_COLUMNS)


def _to_dates(days: np.ndarray) -> pd.Series:
    stamps = np.where(days == NO_DAY, np.datetime64("NaT"), days.astype("int64").astype("datetime64[D]"))
    return pd.Series(stamps.astype("datetime64[us]"))


def get_shares(curve: pd.DataFrame, cohort: str = MEAN) -> pd.Series:
    """Return one curve as a series.

    Returns:
        One value per age from 0 on without a hole: share (0–1) won at that age; 0 where an age has no entry. Empty
        where the curve has no such cohort.
    """
    rows = curve[curve["cohort"] == cohort]
    if rows.empty:
        return pd.Series(dtype=float, name="share")
    shares = rows.set_index("age")["share"].astype(float)
    return shares.reindex(range(int(shares.index.max()) + 1)).fillna(0.0)


def accumulate_curve(curve: pd.DataFrame) -> pd.DataFrame:
    """Add the shares up over the ages, for a picture.

    Returns:
        One row per cohort and age up to the last age at which anything was won anywhere: cohort, age, n, share (won by
        that age, 0–1), is_complete (every age up to it is), is_last (of its cohort). Empty without a curve.
    """
    if curve.empty:
        return pd.DataFrame(columns=["cohort", "age", "n", "share", "is_complete", "is_last"])
    reached = curve.loc[curve["won"] > 0, "age"]
    shown = curve[curve["age"] <= (int(reached.max()) if len(reached) else 0)].sort_values(
        ["cohort", "age"], kind="stable"
    )
    whole = shown["is_complete"].astype(bool)
    return pd.DataFrame(
        {
            "cohort": shown["cohort"],
            "age": shown["age"].astype(int),
            "n": shown["n"],
            "share": shown["share"].astype(float).groupby(shown["cohort"]).cumsum(),
            "is_complete": whole.groupby(shown["cohort"]).cummin(),
            "is_last": ~shown["cohort"].duplicated(keep="last"),
        }
    ).reset_index(drop=True)


def total_complete(curve: pd.DataFrame, *, ages: int | None = None) -> float:
    """Average the whole close rate of the cohorts that have completed every age.

    It legitimately differs from the sum of the mean curve, in which young ages rest on more cohorts than old ones.

    Args:
        curve: As made by ``build_close_curve``.
        ages: How many ages make a whole curve; by default as many as the mean curve has.

    Returns:
        The unweighted mean (0–1); NaN where no cohort is complete.
    """
    cohorts = curve[~curve["cohort"].isin([MEAN, POOLED]) & curve["is_complete"].astype(bool)]
    needed = ages if ages is not None else len(get_shares(curve))
    per_cohort = cohorts[cohorts["age"] < needed].groupby("cohort")["share"].agg(["sum", "count"])
    whole = per_cohort[per_cohort["count"] == needed]["sum"]
    return float(whole.mean()) if len(whole) else float("nan")


def expect_wins(created: Sequence[float], shares: Sequence[float]) -> float:
    """Expect the wins of one period from what was created in it and before.

    Args:
        created: Records created, this period first, then one period earlier, and so on.
        shares: The close curve from age 0 on (0–1).

    Returns:
        The sum over the ages of created × share, never rounded; 0 without records or curve.

    Source:
        Kellogg: ``wins(q) = Σ opportunities(q − k) × c(k)``.

    >>> expect_wins([100, 200], [0.05, 0.1])
    25.0
    """
    return float(sum(count * share for count, share in zip(created, shares, strict=False)))


def find_deadline(landing: Period, shares: Sequence[float], *, share: float = 0.5) -> date | None:
    """Tell from which day on it is too late to create for a period, counted back in the company's own periods.

    Args:
        landing: The period in which the wins are wanted.
        shares: The close curve from age 0 on.
        share: Which part of a cohort's eventual wins must still land by the period's end.

    Returns:
        The last day on which a record can be created so that this part of its eventual wins lands by the period's end;
        None where the curve is empty or all zero. Ages are read as created evenly over the period; whole periods of the
        lag are as long as those before the landing period really are.
    """
    lag = _useful_lag(shares, share)
    if lag is None:
        return None
    last = landing.previous(int(lag))
    return last.end - timedelta(days=round((lag - int(lag)) * last.days))


def _useful_lag(shares: Sequence[float], share: float) -> float | None:
    cumulative = np.cumsum(np.asarray(list(shares), dtype=float))
    if len(cumulative) == 0 or cumulative[-1] <= 0:
        return None
    lag = np.interp(share * cumulative[-1], np.concatenate([[0.0], cumulative]), _age_bounds(len(cumulative)))
    return round(float(lag), 9)


def split_share(shares: Sequence[float], age: int, begin: float, end: float) -> float:
    """Tell which share of the records created in one part of their period is won at an age.

    Records created early have more of the period before them, so more of them are won at a young age.

    Args:
        shares: The close curve from age 0 on, of records created evenly over their period.
        age: Periods since creation.
        begin: Where the part of the creation period begins (0 its first day, 1 its end).
        end: Where it ends.

    Returns:
        A share (0–1). The parts of a period, weighted by their length, give back the curve's own share of that age;
        so does the whole period, and a part without length.

    >>> early, late = split_share([0.1, 0.1], 0, 0, 0.5), split_share([0.1, 0.1], 0, 0.5, 1)
    >>> early > late, round(early + late, 12)
    (True, 0.2)
    """
    whole = float(shares[age]) if age < len(shares) else 0.0
    if whole <= 0 or end - begin <= 0 or end - begin >= 1:
        return whole
    bounds, cumulative = _age_bounds(len(shares)), np.concatenate([[0.0], np.cumsum(np.asarray(shares, dtype=float))])

    def take(part_begin: float, part_end: float) -> float:
        at = part_begin + (np.arange(64) + 0.5) / 64 * (part_end - part_begin)
        until = np.interp(age + 1 - at, bounds, cumulative)
        return float(np.mean(until - np.interp(np.maximum(age - at, 0.0), bounds, cumulative)))

    rest = [(0.0, begin), (begin, end), (end, 1.0)]
    weighed = [(b - a) * take(a, b) if b > a else 0.0 for a, b in rest]
    return whole * weighed[1] / sum(weighed) / (end - begin) if sum(weighed) > 0 else whole


def _age_bounds(count: int) -> np.ndarray:
    # Created evenly over a period, a win of age k comes k periods later on average, half a period either way.
    return np.concatenate([[0.0], np.arange(count) + 0.5])


def _starts(first: Period, last: Period) -> np.ndarray:
    starts = []
    current = first
    while current.start <= last.start:
        starts.append(np.datetime64(current.start, "D"))
        current = current.previous(-1)
    return np.array(starts)
