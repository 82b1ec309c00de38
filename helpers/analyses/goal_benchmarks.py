"""What is needed beside what is published: each source by itself, for deals as large as the company's, or not at all.

Nothing is converted and nothing averaged. Where a figure can't be compared the row says why.
"""

from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.revenue_history import read_wins
from helpers.engine.journeys import build_journeys
from helpers.engine.timeline import day_number
from helpers.model.benchmark import Benchmarks, BenchmarkSet, Measure, load_benchmarks
from helpers.units import format_money, format_value

BENCHMARK_COLUMNS = [
    "kpi", "period_start", "needed", "benchmark", "low", "high", "band", "source", "year", "n", "statistic", "reason",
    "mapping", "caveat", "note",
]  # fmt: skip
NONE_KNOWN = "No sourced benchmark is known for this KPI."
FEW_DEALS = 30


def compare_with_benchmarks(
    ranks: pd.DataFrame, company, *, as_of: date, grain: str = "quarter", benchmarks: Benchmarks | None = None
) -> pd.DataFrame:
    """Set each needed value beside what is published for companies with deals of like size.

    Args:
        ranks: What is needed, with ``kpi``, ``period_start`` and ``goal``, as made by ``rank_in_history``.
        company: The opened company.
        as_of: The last day that counts; the band is that of the average deal won in the year up to it.
        grain: The length of the periods of ``ranks``.
        benchmarks: What is published; by default ``benchmarks.toml``.

    Returns:
        One row per KPI, period and set that tells something of it: kpi, period_start, needed (the goal), benchmark (in
        the KPI's unit; of a range its middle is not made up: blank), low and high (where the source tells a range),
        band (of annual contract value, in words), source, year (what it covers), n (companies behind it, blank where
        not told), statistic (typical, median …), reason (why there is no figure, empty where there is one), mapping
        (how what the source measures fits the KPI), caveat (what to mind of the source), note (all three). A KPI that
        no set tells anything of has one row that says so.
        ``attrs``: deal_size (average, company's currency; NaN without wins), deals (n), since and until (dates).

    Source:
        ``benchmarks.toml``; deal size of new business is taken for annual contract value.
    """
    known = benchmarks or load_benchmarks()
    size, deals, since = _measure_size(company, as_of)
    rows = []
    for row in ranks.to_dict("records"):
        found = [
            _compare(measure, [one for one in each.rows if one.measure == name], each, size, deals, company, grain)
            for name, measure in known.measures.items()
            for each in known.sets
            if measure.kpi == row["kpi"] and any(one.measure == name for one in each.rows)
        ]
        base = {"kpi": row["kpi"], "period_start": row["period_start"], "needed": row["goal"]}
        rows += [base | each for each in found] or [base | {"reason": NONE_KNOWN, "note": NONE_KNOWN}]
    texts = ["band", "source", "year", "statistic", "reason", "mapping", "caveat", "note"]
    frame = pd.DataFrame([dict.fromkeys(texts, "") | row for row in rows], columns=BENCHMARK_COLUMNS)
    frame = frame.astype(dict.fromkeys(texts, "str"))
    numbers = ["needed", "benchmark", "low", "high", "n"]
    frame = frame.assign(**{name: frame[name].astype(float) for name in numbers})
    frame.attrs = {"deal_size": size, "deals": deals, "since": since.isoformat(), "until": as_of.isoformat()}
    return frame


def say_band(benchmarks: pd.DataFrame, currency: str) -> str:
    """Say on which deals the choice of the band rests.

    Args:
        benchmarks: As made by ``compare_with_benchmarks``.
        currency: ISO code of the company's currency.
    """
    told = benchmarks.attrs
    if not told.get("deals"):
        return "No deal of the last year carries an amount, so no band of deal size can be chosen."
    size = format_money(told["deal_size"], currency)
    until = format_value(date.fromisoformat(told["until"]), "date")
    return f"Bands are chosen by the average new-business deal of the year up to {until}: {size} (n {told['deals']:,})."


def _measure_size(company, as_of: date) -> tuple[float, int, date]:
    since = (pd.Timestamp(as_of) - pd.DateOffset(years=1)).date()
    days, amounts = read_wins(build_journeys(company, as_of=as_of), "new")
    recent = amounts[(days > day_number(since)) & (amounts > 0)]
    return (float(recent.mean()) if len(recent) else float("nan")), len(recent), since


def _compare(measure: Measure, rows, each: BenchmarkSet, size: float, deals: int, company, grain: str) -> dict:
    currency = company.currency
    second_hand = " Second-hand." if each.evidence == "second-hand" else ""
    name = {"source": each.source, "year": each.years, "n": each.n, "caveat": f"{each.caveat}{second_hand}"}
    name["mapping"] = f"{measure.label[:1].upper()}{measure.label[1:]}. {measure.mapping}"
    minded = f"{name['mapping']} {name['caveat']}"
    banded = [row for row in rows if row.has_band]
    reason = ""
    if measure.is_annual and grain != "year":
        reason = f"Not comparable: it is told for a year, the goal for a {grain}."
    elif banded and each.currency != currency:
        why = f"its bands of deal size are in {each.currency}, the company's deals in {currency}"
        reason = f"Not comparable: {why}, and nothing is converted."
    elif banded and not np.isfinite(size):
        reason = "Not comparable: no deal with an amount was won in the last year."
    if reason:
        return name | {"reason": reason, "note": f"{reason} {minded}"}
    held = next((row for row in rows if not row.has_band or row.holds_for(size)), None)
    if held is None:
        reason = f"The source tells nothing for deals of {format_money(size, currency)}."
        return name | {"reason": reason, "note": f"{reason} {minded}"}
    few = f" Only {deals} deals tell the band." if held.has_band and deals < FEW_DEALS else ""
    return name | {
        "benchmark": held.value,
        "low": held.low,
        "high": held.high,
        "band": _say_bounds(held, each.currency),
        "statistic": held.statistic,
        "note": f"{minded}{few}",
    }


def _say_bounds(row, currency: str) -> str:
    if not row.has_band:
        return "all deal sizes"
    if row.above is None:
        return f"{'below' if row.is_below else 'up to'} {format_money(row.up_to, currency, digits=0)}"
    if row.up_to is None:
        return f"above {format_money(row.above, currency, digits=0)}"
    return f"{format_money(row.above, currency, digits=0)}–{format_money(row.up_to, currency, digits=0)}"
