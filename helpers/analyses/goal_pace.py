"""Where a period should stand today: the goal × the share that earlier periods usually had by the like day.

Bookings crowd at a period's end, so the calendar alone would call every period behind until its last weeks. Earlier
periods tell the course; where they are too few it is taken as even, and that is said.
"""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from helpers.analyses.finding import Finding
from helpers.analyses.goal_locks import find_set
from helpers.analyses.goal_relations import TOTAL, list_additive
from helpers.analyses.revenue_history import ENOUGH_PERIODS, LEARNT_FROM
from helpers.engine.journeys import Journeys, build_journeys
from helpers.engine.timeline import NO_DAY, day_number
from helpers.model.goal import GoalRules, load_goal_rules
from helpers.periods import Period, period_of
from helpers.units import format_value, in_sentence, was_or_were

NOTEBOOK = "04_goal_matrix"
REVENUE = "revenue_won"
AHEAD, ON_PACE, BEHIND = "ahead", "on pace", "behind"
PACE_COLUMNS = [
    "kpi", "label", "unit", "period_start", "goal", "actual_to_date", "expected_by_now", "low", "high", "periods",
    "status", "share_by_now", "basis",
]  # fmt: skip
COURSE_COLUMNS = ["day", "date", "actual", "expected", "low", "high"]


def measure_pace(
    company, matrix: pd.DataFrame, *, as_of: date, grain: str = "quarter", rules: GoalRules | None = None
) -> pd.DataFrame:
    """Set what the running period has brought beside what it should have by now.

    Args:
        company: The opened company.
        matrix: A solved matrix.
        as_of: The last day that counts. Where a period ends on it, that period is told to its end.
        grain: The length of a period.
        rules: What ``goals.toml`` says: the central range.

    Returns:
        One row per volume or sum of the company that has a goal in the period: kpi, label, unit, period_start, goal,
        actual_to_date (in the KPI's unit), expected_by_now (goal × the mean share that earlier periods had by the like
        day), low and high (the central range of those shares × goal; blank with fewer than four periods), periods (how
        many), status (ahead of the range, on pace within it, behind it; without a range, and of a period that is over,
        within the tolerance of ``rules.toml`` counts as on pace), share_by_now (0–1), basis (in words). ``attrs``:
        period (label), day (days gone), days, begins (label of the period that begins tomorrow, empty where one goes
        on), is_goal (whether anybody set a goal for revenue; else the goal is what history lets one expect), tolerance
        (0–1). Empty without goals.

    Source:
        Share of a period's total by day, aligned by the part of the period that has gone; at most eight whole periods.
        The period in which the first one ever came is left out: what had begun before it is not in the records.
    """
    rules, journeys = rules or load_goal_rules(), build_journeys(company, as_of=as_of)
    period = _find_period(company, as_of, grain)
    rows, goals = [], _read_goals(matrix, period, company.catalog)
    day = (min(as_of, period.end) - period.start).days + 1
    for kpi, goal in goals.items():
        events = _list_events(journeys, company.catalog.kpis[kpi].measure)
        if events is None:
            continue
        actual, shares = _trace(*events, period, as_of)
        by_now = _summarise(shares, period.days, rules)[:, day]
        row = _tell(goal, float(actual[day]), by_now, len(shares), company.catalog.rules.tolerance, day == period.days)
        meta = company.catalog.kpis[kpi]
        names = {"kpi": kpi, "label": meta.label, "unit": meta.unit, "period_start": pd.Timestamp(period.start)}
        rows.append(names | {"goal": goal, "basis": _say_basis(len(shares), grain)} | row)
    pace = pd.DataFrame(rows, columns=PACE_COLUMNS)
    pace.attrs = _describe(company, matrix, period, as_of, day)
    return pace


def trace_pace(
    company,
    matrix: pd.DataFrame,
    kpi: str = REVENUE,
    *,
    as_of: date,
    grain: str = "quarter",
    rules: GoalRules | None = None,
) -> pd.DataFrame:
    """Trace a KPI through the period day by day, beside the course that leads to its goal.

    Args:
        company: The opened company.
        matrix: A solved matrix.
        kpi: Id of a volume or sum.
        as_of: The last day that counts; a period that ends on it is traced to its end.
        grain: The length of a period.
        rules: What ``goals.toml`` says: the central range.

    Returns:
        One row per day from the eve of the period (day 0) to its end: day, date, actual (cumulative, in the KPI's
        unit; blank after ``as_of``), expected, low and high (goal × share by that day; low and high blank with fewer
        than four earlier periods). ``attrs``: those of ``measure_pace`` and kpi, label, unit, goal, periods, basis.
        Empty where the KPI has no goal or no dated records.
    """
    rules, journeys = rules or load_goal_rules(), build_journeys(company, as_of=as_of)
    period = _find_period(company, as_of, grain)
    goal = _read_goals(matrix, period, company.catalog).get(kpi)
    events = _list_events(journeys, company.catalog.kpis[kpi].measure) if goal is not None else None
    if goal is None or events is None:
        return pd.DataFrame(columns=COURSE_COLUMNS)
    actual, shares = _trace(*events, period, as_of)
    day = (min(as_of, period.end) - period.start).days + 1
    expected, low, high = goal * _summarise(shares, period.days, rules)
    days = np.arange(period.days + 1)
    course = pd.DataFrame(
        {
            "day": days,
            "date": pd.Timestamp(period.start) + pd.to_timedelta(days - 1, "D"),
            "actual": np.where(days <= day, actual, np.nan),
            "expected": expected,
            "low": low,
            "high": high,
        }
    )
    meta = company.catalog.kpis[kpi]
    told = {"kpi": kpi, "label": meta.label, "unit": meta.unit, "goal": goal, "periods": len(shares)}
    course.attrs = _describe(company, matrix, period, as_of, day) | told | {"basis": _say_basis(len(shares), grain)}
    return course


def list_rest(pace: pd.DataFrame) -> dict[str, float]:
    """Return KPI → share of the running period that is still to come (0–1); empty on the eve of a period."""
    if pace.empty or pace.attrs.get("begins"):
        return {}
    return {row.kpi: max(1.0 - row.share_by_now, 0.0) for row in pace.itertuples()}


def say_pace(pace: pd.DataFrame, *, as_of: date, currency: str = "USD", kpi: str = REVENUE) -> str:
    """Say in a sentence where a KPI stands in its period; empty where it has no row.

    Args:
        pace: As made by ``measure_pace``.
        as_of: The last day that counts.
        currency: ISO code of the company's currency.
        kpi: Its id.
    """
    mine = pace[pace["kpi"] == kpi]
    if mine.empty:
        return ""
    row, told = mine.iloc[0], pace.attrs

    def write(value: float) -> str:
        return format_value(value, row["unit"], currency=currency, digits=0 if row["unit"] == "count" else None)

    label, what = in_sentence(row["label"]), "goal" if told["is_goal"] else "expectation"
    wanted = "a goal" if told["is_goal"] else "an expectation"
    actual, goal = write(row["actual_to_date"]), write(row["goal"])
    if told["begins"]:
        share = format_value(row["actual_to_date"] / row["goal"], "share") if row["goal"] > 0 else "all"
        return (
            f"{told['period']} closed at {share} of its {label} {what}: {actual} of {goal}; "
            f"{told['begins']} begins tomorrow"
        )
    usual = write(row["expected_by_now"])
    between = f" ({write(row['low'])}–{write(row['high'])})" if pd.notna(row["low"]) else ""
    where = {AHEAD: "ahead of pace", ON_PACE: "on pace", BEHIND: "behind pace"}[row["status"]]
    by = format_value(as_of, "date")
    course = "usual by then" if row["periods"] >= ENOUGH_PERIODS else "even course by then"
    return (
        f"{row['label']} of {told['period']} {was_or_were(row['label'])} {where} on {by}: {actual}, {course} {usual}"
        f"{between} on the way to {wanted} of {goal}"
    )


def say_volumes(pace: pd.DataFrame) -> str:
    """Say in a sentence how many volumes are behind; empty without any.

    Args:
        pace: As made by ``measure_pace``.
    """
    if pace.empty:
        return ""
    late = [in_sentence(label) for label in pace.loc[pace["status"] == BEHIND, "label"]]
    aim, told = "goal" if pace.attrs["is_goal"] else "expectation", pace.attrs
    which = f": {', '.join(late)}" if 0 < len(late) < len(pace) else ""
    if told["begins"]:
        by = f"of {told['period']} by more than {told['tolerance'] * 100:g} %"
        return f"{_count(len(late), len(pace))} missed {'its' if len(late) <= 1 else 'their'} {aim} {by}{which}"
    if not late:
        return f"No volume fell short of its pace in {told['period']}"
    verb = "was behind its" if len(late) == 1 else "were behind their"
    return f"{_count(len(late), len(pace))} {verb} pace in {told['period']}{which}"


def _count(n: int, of: int) -> str:
    """Say how many of the volumes: none, some, both or all.

    >>> _count(0, 3), _count(2, 3), _count(2, 2), _count(1, 1)
    ('No volume', '2 of 3 volumes', 'Both volumes', 'The only volume')
    """
    if n == of:
        return {1: "The only volume", 2: "Both volumes"}.get(of, f"All {of} volumes")
    return f"{n} of {of} volumes" if n else "No volume"


def find_pace(pace: pd.DataFrame, *, as_of: date, currency: str = "USD") -> list[Finding]:
    """Say where revenue stands in its period, as a finding; none without a goal that people set.

    Args:
        pace: As made by ``measure_pace``.
        as_of: The last day that counts.
        currency: ISO code of the company's currency.
    """
    mine = pace[pace["kpi"] == REVENUE]
    if mine.empty or not pace.attrs["is_goal"]:
        return []
    row = mine.iloc[0]
    evidence = {
        "period": pace.attrs["period"],
        "n": int(row["periods"]),
        "low": float(row["low"]),
        "high": float(row["high"]),
        "unit": "currency",
        "definition": f"goal × share usually booked by day {pace.attrs['day']} of {pace.attrs['days']}; {row['basis']}",
    }
    severity = {AHEAD: "good", ON_PACE: "note", BEHIND: "bad"}[row["status"]]
    step = "Look at what is open and due in the period, deal by deal." if severity == "bad" else ""
    money = float(row["actual_to_date"] - row["expected_by_now"])
    headline = say_pace(pace, as_of=as_of, currency=currency)
    return [Finding(headline, REVENUE, TOTAL, money, evidence, step, NOTEBOOK, severity)]


def _find_period(company, as_of: date, grain: str) -> Period:
    return period_of(as_of, grain, company.fiscal_year_start)


def _describe(company, matrix: pd.DataFrame, period: Period, as_of: date, day: int) -> dict:
    begins = period_of(as_of + timedelta(days=1), period.grain, company.fiscal_year_start)
    return {
        "period": period.label,
        "day": day,
        "days": period.days,
        "begins": begins.label if begins != period else "",
        "tolerance": company.catalog.rules.tolerance,
        "is_goal": bool((find_set(matrix) & (matrix["kpi"] == REVENUE)).any()) if len(matrix) else False,
    }


def _read_goals(matrix: pd.DataFrame, period: Period, catalog) -> dict[str, float]:
    if matrix.empty:
        return {}
    mine = matrix[
        (matrix["grain"] == period.grain)
        & (matrix["dimension"] == TOTAL)
        & (pd.to_datetime(matrix["period_start"]) == pd.Timestamp(period.start))
        & matrix["kpi"].isin(list_additive(catalog, over_time=True))
        & (matrix["goal"] > 0)
    ]
    return dict(zip(mine["kpi"], mine["goal"].astype(float), strict=True))


def _list_events(journeys: Journeys, measure) -> tuple[np.ndarray, np.ndarray] | None:
    """List the days on which a volume or sum came, and what came on each; None where no record tells."""
    records = journeys.records.get(journeys.homes.get(measure.stage, ""))
    days = records.reached.get((measure.stage, measure.business)) if records is not None else None
    if days is None or measure.where or not (days != NO_DAY).any():
        return None
    if measure.kind == "sum":
        amounts = records.cents.get(measure.field)
        if amounts is None:
            return None
        amounts = amounts / 100.0
    else:
        amounts = np.ones(records.n) if records.weight is None else records.weight
    kept = days != NO_DAY
    order = np.argsort(days[kept], kind="stable")
    return days[kept][order], np.asarray(amounts, dtype=float)[kept][order]


def _trace(days: np.ndarray, amounts: np.ndarray, period: Period, as_of: date) -> tuple[np.ndarray, np.ndarray]:
    """Add up the period day by day, and give the like shares of whole periods before it: one row each, day 0 first."""
    sums = np.concatenate([[0.0], np.cumsum(amounts)])

    def add_up(until: np.ndarray) -> np.ndarray:
        return sums[np.searchsorted(days, until, side="right")]

    first = day_number(period.start)
    ends = first - 1 + np.arange(period.days + 1)
    actual = add_up(np.minimum(ends, day_number(as_of))) - add_up(np.array([first - 1]))
    shares = []
    for back in range(1, LEARNT_FROM + 1):
        past = period.previous(back)
        begin, end = day_number(past.start), day_number(past.end)
        if begin < days[0]:
            break
        gone = np.ceil(np.arange(period.days + 1) / period.days * past.days - 1e-9).astype(int)
        came = add_up(begin - 1 + gone) - add_up(np.array([begin - 1]))
        if came[-1] > 0 and end <= day_number(as_of):
            shares.append(came / came[-1])
    return actual, np.array(shares)


def _summarise(shares: np.ndarray, days: int, rules: GoalRules) -> np.ndarray:
    """Return mean, low and high share per day; even and without a range where too few periods tell."""
    if len(shares) < ENOUGH_PERIODS:
        even = np.arange(days + 1) / days
        return np.array([even, np.full(days + 1, np.nan), np.full(days + 1, np.nan)])
    edge = (1 - rules.simulation.interval) / 2
    return np.array([shares.mean(axis=0), np.quantile(shares, edge, axis=0), np.quantile(shares, 1 - edge, axis=0)])


def _tell(goal: float, actual: float, by_now: np.ndarray, periods: int, tolerance: float, is_over: bool) -> dict:
    expected, low, high = (float(goal * share) for share in by_now)
    least, most = (low, high) if np.isfinite(low) else (expected * (1 - tolerance), expected * (1 + tolerance))
    if is_over:
        least, most = goal * (1 - tolerance), goal * (1 + tolerance)
    status = BEHIND if actual < least * (1 - 1e-9) else AHEAD if actual > most * (1 + 1e-9) else ON_PACE
    return {
        "actual_to_date": actual,
        "expected_by_now": expected,
        "low": low,
        "high": high,
        "periods": periods,
        "status": status,
        "share_by_now": float(by_now[0]),
    }


def _say_basis(periods: int, grain: str) -> str:
    unit = f"{grain}{'s' * (periods != 1)}"
    if periods < ENOUGH_PERIODS:
        seen = f"only {periods} earlier {unit}" if periods else f"no whole earlier {grain}"
        return f"even course over the days: {seen} could tell it"
    return f"course of {periods} earlier {unit}"
