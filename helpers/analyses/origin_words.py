"""Churn by origin in sentences, and as findings with money, evidence and the next step."""

import json

import pandas as pd

from helpers.analyses.cause_words import name_slice
from helpers.analyses.customer_origins import LOGOS, MORE, REVENUE, SEATS, SMALL, Origins
from helpers.analyses.finding import Finding
from helpers.analyses.loss_origins import Reasons, describe_reasons, find_clearest
from helpers.units import format_value, in_sentence

NOTEBOOK = "05_root_cause_5m"
WHAT = {LOGOS: "leave", REVENUE: "lose revenue", SEATS: "give back seats"}
MOST = 3


def describe_origins(origins: Origins, currency: str = "USD") -> str:
    """Say in one sentence who leaves more at the same age, or that nothing shows it."""
    if origins.why_not:
        return origins.why_not
    lost, stake = origins.total[LOGOS]
    base = f"{lost:,.0f} of {stake:,.0f} left where they could"
    first = _first(origins.frame)
    if first is not None:
        return _say_value(first, currency)
    judged = int((origins.frame["verdict"] != SMALL).sum())
    if not judged:
        return f"Not enough evidence on how those who left had come in: {base}"
    return f"No way in loses customers beyond chance: {base}, compared at the same age"


def _first(frame: pd.DataFrame) -> pd.Series | None:
    more = frame[frame["verdict"] == MORE]
    if more.empty:
        return None
    order = more.assign(rank=more["measure"].map({LOGOS: 0, REVENUE: 1, SEATS: 2}))
    return order.sort_values(["rank", "p_value"], kind="stable").iloc[0]


def _say_value(row: pd.Series, currency: str) -> str:
    """Say how much more one origin loses."""
    who = _name_customers(row["label"], row["value"])
    rates = (
        f"{_share(row['rate'])} of {_base(row, currency)}, where {_share(row['expected_rate'])} is usual at their age"
    )
    times = _times(row["ratio"], "often" if row["measure"] == LOGOS else "much")
    interval = (
        f"{row['low']:.1f} to {row['high']:.1f} times" if row["high"] < 100 else f"at least {row['low']:.1f} times"
    )
    money = ""
    if pd.notna(row["money"]) and row["money"] < 0 and row["measure"] != SEATS:
        money = f": {format_value(abs(row['money']), 'currency', currency=currency)} of a year's revenue"
    return f"{who} {WHAT[row['measure']]} {times} at the same age ({rates}; {interval}){money}"


def _name_customers(label: str, value: str) -> str:
    word = in_sentence(label)
    if word in ("source", "channel", "source detail"):
        return f"Customers who came through {value}"
    return f"Customers with {word} {value}"


def _base(row: pd.Series, currency: str) -> str:
    if row["measure"] == REVENUE:
        return f"{format_value(row['at_stake'] * 12, 'currency', currency=currency)} a year up for renewal"
    noun = "accounts" if row["measure"] == LOGOS else "seats"
    return f"{row['at_stake']:,.0f} {noun} up for renewal"


def _share(value: float) -> str:
    return format_value(value, "share")


def _times(ratio: float, adverb: str = "often") -> str:
    """Write a ratio as people say it.

    >>> _times(2.04), _times(1.5), _times(float("inf"))
    ('twice as often', '1.5 times as often', 'far more often')
    """
    if ratio > 50:
        return f"far more {adverb}" if adverb == "often" else "far more"
    if 1.9 <= ratio < 2.1:
        return f"twice as {adverb}"
    return f"{ratio:.1f} times as {adverb}"


def describe_sellers(origins: Origins) -> str:
    """Say whether whose sale it was matters, never by name."""
    told = origins.sellers[origins.sellers["verdict"] != SMALL]
    if told.empty:
        return "Nobody sold enough of those who could leave to be compared"
    off = int((told["verdict"] == MORE).sum())
    if off:
        return (
            f"Sales of {off} of {len(told)} people leave more than what they sold explains: look at what was promised, "
            "to whom it is sold and how it is handed over"
        )
    return "Whose sale it was makes no difference beyond chance, given what was sold"


def list_origin_findings(origins: Origins, reasons: list[Reasons], *, currency: str = "USD") -> list[Finding]:
    """Turn churn by origin and the reasons into findings.

    Args:
        origins: As made by ``review_origins``.
        reasons: As made by ``review_reasons``.
        currency: The company's currency.
    """
    if origins.why_not:
        note = Finding(origins.why_not, next_step="Add the export", notebook=NOTEBOOK, severity="note")
        return [note, *_reason_findings(reasons)]
    found = []
    more = origins.frame[origins.frame["verdict"] == MORE].sort_values("p_value", kind="stable")
    more = more.drop_duplicates(["measure", "n", "lost"])
    for row in more.head(MOST).to_dict("records"):
        series = pd.Series(row)
        found.append(
            Finding(
                headline=_say_value(series, currency),
                kpi={LOGOS: "logo_churn", REVENUE: "revenue_churn", SEATS: "seat_churn"}[row["measure"]],
                slice=f"{row['origin']}={row['value']}",
                money=row["money"] if pd.notna(row["money"]) else None,
                evidence={
                    "n": row["n"],
                    "low": row["low"],
                    "high": row["high"],
                    "q_value": round(row["q_value"], 4),
                    "definition": f"{origins.stakes.basis}; expected: all accounts of the same age and quarter",
                },
                next_step="Ask why we let them in: check promise, price and fit before the next such deal is signed",
                notebook=NOTEBOOK,
                severity="bad",
            )
        )
    for row in origins.causes[origins.causes["verdict"] == "cause"].head(MOST).to_dict("records"):
        values = json.loads(row["slice_json"])
        if len(values) < 2:
            continue
        found.append(
            Finding(
                headline=f"Customers in {name_slice(row['slice_json'])} leave {_times(row['ratio'])} at the same age: "
                f"{row['left']:.0f} of {row['n']} left, {row['expected']:.1f} were to be expected",
                kpi="logo_churn",
                slice=row["slice"],
                money=row["money"] if pd.notna(row["money"]) else None,
                evidence={"n": row["n"], "q_value": round(row["q_value"], 4), "definition": origins.stakes.basis},
                next_step="Ask why we let them in, why they bought, and what they missed",
                notebook=NOTEBOOK,
                severity="bad",
            )
        )
    return [*found, *_reason_findings(reasons)]


def _reason_findings(reasons: list[Reasons]) -> list[Finding]:
    """Tell the clearest reason of each kind."""
    found = []
    for one in reasons:
        ahead = find_clearest(one)
        if len(ahead):
            first = ahead.iloc[0]
            found.append(
                Finding(
                    headline=describe_reasons(one),
                    slice=f"{first['origin']}={first['value']}",
                    evidence={"n": int(first["n"]), "low": first["low"], "high": first["high"],
                              "q_value": round(float(first["q_value"]), 4), "definition": f"Reasons of {one.what}"},
                    next_step="Read ten of these records before the reason is believed",
                    notebook=NOTEBOOK,
                    severity="note",
                )
            )  # fmt: skip
    return found
