"""What a gap's analysis finds, as findings with money, evidence and the next step."""

import pandas as pd

from helpers.analyses.cause_words import describe_bridge, describe_gap, describe_money, describe_moved
from helpers.analyses.finding import Finding
from helpers.analyses.five_m import EVIDENCE
from helpers.analyses.gap import Gap

NOTEBOOK = "05_root_cause_5m"
LEAST_CAUSES = 5

TOLD_ELSEWHERE = ("win_rate_spread", "volume", "composition", "quality", "deal_size", "closing_rate")
"""Causes of the five Ms that the search over slices, what moved everywhere, or the comparison of people tells."""


def find_in_gap(gap: Gap, *, currency: str) -> list[Finding]:
    """Turn what was found about a gap into findings.

    Args:
        gap: The result of ``explain_gap``.
        currency: The company's currency.

    Returns:
        The gap itself, then each cause, and the evidence of the five Ms that no cause tells yet; a single note where
        nothing can be compared.
    """
    findings = []
    if gap.is_explained:
        findings.append(_tell_gap(gap, currency))
    else:
        reason, _, cure = gap.why_not.rstrip(".").partition(". ")
        step = f"{cure}." if cure else "Come back when there is a second period."
        findings.append(Finding(reason, next_step=step, notebook=NOTEBOOK, severity="note"))
    findings += _tell_moved(gap)
    findings += _tell_causes(gap, currency)
    findings += _tell_five_m(gap)
    return findings


def _tell_gap(gap: Gap, currency: str) -> Finding:
    """Tell the gap and its largest kinds of reason."""
    headline = f"{describe_gap(gap, currency)}. {describe_bridge(gap, currency)}"
    return Finding(
        headline=headline,
        kpi=gap.outcome,
        money=gap.gap if gap.is_money else None,
        evidence={
            "period": gap.period.label,
            "n": int(gap.closing.frame[f"{gap.closing.steps[0]}_actual"].sum()),
            "definition": gap.closing.basis,
        },
        next_step="Start with the largest cause, not with the largest team",
        notebook=NOTEBOOK,
        severity="bad" if gap.gap < 0 else "good",
    )


def _tell_moved(gap: Gap) -> list[Finding]:
    """Tell what moved everywhere the most, where anything did."""
    headline = describe_moved(gap)
    if not headline:
        return []
    return [
        Finding(
            headline=headline,
            evidence={"period": gap.period.label, "definition": "What moved outside every slice that stands out"},
            next_step="Look for what all slices share (season, price, process, definition) before looking into slices",
            notebook=NOTEBOOK,
            severity="note",
        )
    ]


def _tell_causes(gap: Gap, currency: str) -> list[Finding]:
    """Tell each cause; suspicions are notes."""
    found = []
    rules = gap.five_m.set_index("m") if len(gap.five_m) else pd.DataFrame()
    for row in gap.causes.to_dict("records")[:LEAST_CAUSES]:
        is_suspicion = row["verdict"] == "not enough evidence"
        leaves = gap.search if row["lens"] == "closing" else gap.creation
        has_money = bool(leaves.amount or leaves.worth)
        severity = "note" if is_suspicion else "bad" if row["contribution"] < 0 else "good"
        prefix = "Not enough evidence yet, worth a second look: " if is_suspicion else ""
        found.append(
            Finding(
                headline=f"{prefix}{row['statement']}{describe_money(row, gap, currency)}",
                kpi=row["step"],
                slice=row["slice"],
                money=row["contribution"] if has_money and not is_suspicion else None,
                evidence={
                    "period": gap.period.label,
                    "n": int(row["n_actual"]),
                    "low": row["low"] if has_money else None,
                    "high": row["high"] if has_money else None,
                    "unit": "currency",
                    "q_value": round(row["q_value"], 4),
                    "definition": leaves.basis,
                },
                next_step=_next_step(row, rules),
                notebook=NOTEBOOK,
                severity=severity,
            )
        )
    return found


def _next_step(row: dict, rules: pd.DataFrame) -> str:
    """Choose what to do from the rule that fits the cause."""
    if row["verdict"] == "not enough evidence":
        return "Read the records of this slice before deciding anything; judge again when the next period is in"
    if row["contribution"] > 0:
        return "Find out what went better here and whether it carries over"
    wanted = {"volume": "volume", "mix": "composition", "rate": "quality", "value": "quality"}[row["effect"]]
    if row["effect"] == "rate" and row["lens"] == "closing":
        wanted = "closing_rate"
    if row["m"] == "machinery":
        wanted = "assignment_break"
    matching = rules[rules["cause"] == wanted] if len(rules) else rules
    return str(matching["contain"].iloc[0]) if len(matching) else "Look at this slice's records first"


def _tell_five_m(gap: Gap) -> list[Finding]:
    """Tell the evidence of the Ms beyond what the search over slices and the comparison of people have told."""
    if gap.five_m.empty:
        return []
    mine = gap.five_m[gap.five_m["verdict"].eq(EVIDENCE) & ~gap.five_m["cause"].isin(TOLD_ELSEWHERE)]
    return [
        Finding(
            headline=row.statement,
            slice=row.slice,
            money=None if pd.isna(row.money) else row.money,
            evidence={"period": gap.period.label, "n": row.n, "m": row.m, "confidence": row.confidence}
            | ({} if pd.isna(row.low) else {"low": row.low, "high": row.high, "unit": "currency"})
            | ({} if pd.isna(row.q_value) else {"q_value": round(row.q_value, 4)}),
            next_step=row.contain,
            notebook=NOTEBOOK,
            severity="note" if row.m == "measurement" else "bad",
        )
        for row in mine.itertuples()
    ]
