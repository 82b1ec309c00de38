"""Patterns in pipeline coverage: slips, losses, being built; the over-ask, the slide, the floating bar, composition."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.coverage import need_coverage
from helpers.engine.journeys import build_journeys
from helpers.engine.timeline import NO_DAY, day_number
from helpers.periods import period_of

SLIPS, LOSSES, WINS, BUILT, SLIPS_BUILT, MOVED, STEADY = (
    "slips", "losses", "wins", "being_built", "slips_while_being_built", "unclear", "steady",
)  # fmt: skip

BAR_COLUMNS = ["created_period", "n", "won", "win_rate", "days", "first_amount"]
"""The columns of ``measure_bar``."""

MADE_PLAN = 0.995


def name_pattern(
    first: Mapping[str, float], last: Mapping[str, float], *, tolerance: float = 0.10
) -> dict[str, object]:
    """Read this-, next- and all-period pipeline together.

    Args:
        first: A row of ``read_this_next_all`` (this_period, next_period, all_open, booked).
        last: A later row of the same period.
        tolerance: A change counts as none up to this share of what was due in the period at first.

    Returns:
        ``pattern`` and the changes ``this``, ``next``, ``all``, ``booked`` in currency. The pattern: ``slips`` (this
        down, next up, all flat), ``losses`` (this down, next flat, all down), ``wins`` (the same where bookings rose by
        at least half of the fall), ``being_built`` (next up, this not down), ``slips_while_being_built`` (this down,
        next up, all up), ``steady`` (none moved), else ``unclear``.

    Source:
        Kellogg, this/next/all-quarter pipeline analysis.

    >>> start = {"this_period": 100.0, "next_period": 50.0, "all_open": 200.0, "booked": 0.0}
    >>> name_pattern(start, start | {"this_period": 70.0, "next_period": 80.0})["pattern"]
    'slips'
    """
    change = {
        name: float(last[column] - first[column])
        for name, column in (
            ("this", "this_period"),
            ("next", "next_period"),
            ("all", "all_open"),
            ("booked", "booked"),
        )
    }
    size = float(first["this_period"]) or float(first["all_open"])
    way = {name: 0 if abs(moved) <= tolerance * size else int(np.sign(moved)) for name, moved in change.items()}
    moves = (way["this"], way["next"], way["all"])
    if moves[:2] == (-1, 1) and moves[2] >= 0:
        pattern = SLIPS if moves[2] == 0 else SLIPS_BUILT
    elif moves == (-1, 0, -1):
        pattern = WINS if change["booked"] >= -change["this"] / 2 else LOSSES
    elif moves[1] == 1 and moves[0] >= 0:
        pattern = BUILT
    else:
        pattern = STEADY if moves == (0, 0, 0) else MOVED
    return {"pattern": pattern, **change}


def detect_over_ask(asked: float, starts: pd.DataFrame, *, tolerance: float = 0.15) -> Mapping[str, float] | None:
    """Detect that more coverage is demanded than making plan takes.

    Args:
        asked: The coverage demanded.
        starts: Ended periods with ``open_pipeline``, ``bookings``, ``coverage`` and ``attainment``.
        tolerance: How much more than needed still passes.

    Returns:
        ``asked``, ``needed`` (1 ÷ conversion of the periods together: their pipeline ÷ their bookings), ``periods`` and
        ``on_plan`` (periods that made plan although they started below what was asked); None where nothing is
        over-asked.

    Source:
        Domain: 25 % conversion at 4× exactly makes plan; who demands 5× lets marketing fail while sales makes plan.

    >>> at_4x = pd.DataFrame({"open_pipeline": [4.0] * 4, "bookings": [1.0] * 4, "coverage": [4.0] * 4})
    >>> at_4x["attainment"] = 1.0
    >>> detect_over_ask(5.0, at_4x)["needed"], detect_over_ask(4.0, at_4x)
    (4.0, None)
    """
    known = starts[starts["bookings"].notna() & starts["coverage"].notna() & (starts["open_pipeline"] > 0)]
    if asked <= 0 or known.empty:
        return None
    needed = need_coverage(float(known["bookings"].sum() / known["open_pipeline"].sum()))
    on_plan = int(((known["coverage"] < asked) & (known["attainment"] >= MADE_PLAN)).sum())
    if not asked > needed * (1 + tolerance) or on_plan == 0:
        return None
    return {"asked": asked, "needed": round(needed, 10), "periods": len(known), "on_plan": on_plan}


def detect_slide(starts: pd.DataFrame, *, tolerance: float = 0.10, most: int = 6) -> Mapping[str, float] | None:
    """Detect that coverage slid over the last periods while conversion held, so that attainment followed it down.

    Args:
        starts: Ended periods, oldest first, with ``coverage``, ``conversion`` and ``attainment``.
        tolerance: A change of conversion from the first to the last within this share counts as steady, and coverage
            has to lose more than twice it.
        most: Periods looked at, from the last one back; at least 3 are needed.

    Returns:
        ``periods``, ``coverage_before`` and ``coverage_after``, the same of ``conversion`` and ``attainment``; None
        where coverage did not fall in most steps, or conversion moved too.

    Source:
        Kellogg, pipeline generation and coverage: 3.1× to 2.4× over six quarters at 34 %, from 109 % to 82 % of plan.
    """
    known = starts[starts["coverage"].notna() & starts["conversion"].notna()].tail(most)
    if len(known) < 3:
        return None
    first, last = known.iloc[0], known.iloc[-1]
    steps = np.diff(known["coverage"].to_numpy())
    fell = last["coverage"] < first["coverage"] * (1 - 2 * tolerance) and (steps < 0).mean() > 0.5
    steady = (known["conversion"] / known["conversion"].mean() - 1).abs().max() <= tolerance
    if not (fell and steady):
        return None
    found: dict[str, float] = {"periods": len(known)}
    for name in ("coverage", "conversion", "attainment"):
        found |= {f"{name}_before": float(first[name]), f"{name}_after": float(last[name])}
    return found


def measure_bar(company, *, as_of: date, grain: str = "quarter", back: int = 8, days: int = 0) -> pd.DataFrame:
    """Measure how many deals each period let into the pipeline, and how many of them were won by the same age.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        grain: The length of a period.
        back: Periods of creation at most.
        days: The age by which wins count; 0 takes the median days from creation to win of new business.

    Returns:
        One row per period of creation, oldest first, of which every deal has reached that age: ``n`` deals of new
        business, ``won`` within ``days`` of creation, ``win_rate``, ``first_amount`` (mean in currency on the day of
        creation, blank where unknown). Empty without deals or wins.
    """
    journeys = build_journeys(company, as_of=as_of)
    deals = journeys.records.get("deal")
    if deals is None:
        return pd.DataFrame(columns=BAR_COLUMNS)
    created, won_on, today = journeys.history.created, deals.reached["won", "new"], day_number(as_of)
    is_new = deals.is_business("new") & (created != NO_DAY) & (created <= today)
    wait = (won_on - created)[is_new & (won_on != NO_DAY) & (won_on >= created)]
    if not len(wait):
        return pd.DataFrame(columns=BAR_COLUMNS)
    days = days or int(np.ceil(np.median(wait)))
    won = is_new & (won_on != NO_DAY) & (won_on >= created) & (won_on - created <= days)
    begins, rows = int(created[is_new].min()), []
    period = period_of(as_of, grain, company.fiscal_year_start)
    while len(rows) < back and day_number(period.start) >= begins:
        first, last = day_number(period.start), day_number(period.end)
        cohort = is_new & (created >= first) & (created <= last)
        if last + days <= today and cohort.any():
            amount = journeys.history.amounts.value_on(first - 1, journeys.history.amount)[0][cohort]
            known = amount[~np.isnan(amount)]
            n, wins = int(cohort.sum()), int((cohort & won).sum())
            mean = float(known.mean()) if len(known) else float("nan")
            rows.append((pd.Timestamp(period.start), n, wins, wins / n, days, mean))
        period = period.previous()
    return pd.DataFrame(rows[::-1], columns=BAR_COLUMNS)


def detect_floating_bar(
    bar: pd.DataFrame, *, tolerance: float = 0.10, significance: float = 0.05, most: int = 4
) -> Mapping[str, float | str] | None:
    """Detect that what counts as pipeline changed: more deals let in without more wins, or fewer without fewer.

    Args:
        bar: As made by ``measure_bar``.
        tolerance: How far the number of deals has to move.
        significance: The p-value below which two win rates count as different (Fisher's exact test, two-sided).
        most: Earlier periods that are the measure.

    Returns:
        ``direction`` (``lowered`` or ``raised``), ``n`` and ``won`` of the last period, ``usual_n`` and ``usual_won``
        per earlier period, ``win_rate``, ``usual_win_rate``, ``p``, ``days``; None where the number of deals and the
        win rate did not move against each other, or wins moved as the deals did.

    Source:
        Kellogg, go-to-market troubleshooting: the floating bar.
    """
    if len(bar) < 3:
        return None
    last, earlier = bar.iloc[-1], bar.iloc[:-1].tail(most)
    n, won, usual_n, usual_won = int(last["n"]), int(last["won"]), earlier["n"].mean(), earlier["won"].mean()
    rate = float(earlier["won"].sum() / earlier["n"].sum())
    more, fewer = n > usual_n * (1 + tolerance), n < usual_n * (1 - tolerance)
    lowered = more and last["win_rate"] < rate
    raised = fewer and last["win_rate"] > rate
    if not (lowered or raised) or abs(won - usual_won) > abs(n - usual_n) * rate / 2:
        return None
    from scipy.stats import fisher_exact

    before = [int(earlier["won"].sum()), int(earlier["n"].sum() - earlier["won"].sum())]
    p = float(fisher_exact([[won, n - won], before]).pvalue)
    if p >= significance:
        return None
    found: dict[str, float | str] = {"direction": "lowered" if lowered else "raised", "n": n, "won": won}
    found |= {"usual_n": float(usual_n), "usual_won": float(usual_won), "win_rate": float(last["win_rate"])}
    return found | {"usual_win_rate": rate, "p": p, "days": int(last["days"]), "periods": len(earlier)}
