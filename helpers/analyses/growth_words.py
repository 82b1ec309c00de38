"""What to say of a volume and its long-term pair."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.analyses.finding import Finding
from helpers.units import format_value, in_sentence

NOTEBOOK = "06_goal_cascade"


def say_pair(row: Mapping[str, Any], catalog: Any, currency: str = "USD") -> str:
    """Say in one sentence what a volume did and what its pair did meanwhile."""
    if row["verdict"] == "unknown":
        return f"{row['volume_label']} and {in_sentence(row['pair_label'])}: not known yet. {row['reason']}".strip()
    volume, pair = catalog.kpis[row["volume"]], catalog.kpis[row["pair"]]
    digits = 0 if volume.unit == "count" else None
    sides = []
    for name, kpi, places in (("volume", volume, digits), ("pair", pair, None)):
        now, before = (float(row[f"{name}_{when}"]) for when in ("now", "before"))
        told = [format_value(one, kpi.unit, currency=currency, digits=places) for one in (before, now)]
        if told[0] == told[1] and kpi.unit == "share":
            told = [format_value(one, kpi.unit, digits=1) for one in (before, now)]
        verb = "stayed" if told[0] == told[1] else "rose" if now > before else "fell"
        label = kpi.label if name == "volume" else in_sentence(kpi.label)
        sides.append(
            f"{label} {verb} from {told[0]} to {told[1]}" if verb != "stayed" else f"{label} stayed at {told[1]}"
        )
    end = {
        "vanity": "",
        "sound": ": growth that lasts",
        "noise": ": not told apart from noise",
        "no_rise": "",
    }[row["verdict"]]
    between = "while" if row["verdict"] == "vanity" else "and"
    return f"{sides[0]} {between} {sides[1]}{end}"


def list_pair_findings(table: pd.DataFrame, catalog: Any) -> list[Finding]:
    """Say each vanity, each growth that lasts, and in one note what can't be told apart or isn't known yet."""
    found = [_say(row, catalog) for row in table.to_dict("records") if row["verdict"] in ("vanity", "sound")]
    rest = [_note(table[table["verdict"] == "noise"], "noise"), _note(table[table["verdict"] == "unknown"], "unknown")]
    return [*found, *(one for one in rest if one is not None)]


def _say(row: Mapping[str, Any], catalog: Any) -> Finding:
    is_vanity = row["verdict"] == "vanity"
    pair = catalog.kpis[row["pair"]]
    later = "" if not row["lag"] else f"; {in_sentence(row['volume_label'])} of {row['volume_window']}"
    evidence = {
        "n": int(row["pair_n"]), "period": f"{row['window']} against {row['compared']}{later}",
        "low": float(row["pair_low"]), "high": float(row["pair_high"]), "unit": pair.unit,
        "q of the volume": round(float(row["volume_q"]), 4), "q of the pair": round(float(row["pair_q"]), 4),
        "definition": f"{pair.label}: {pair.formula}; both changes beyond chance, corrected for all pairs",
    }  # fmt: skip
    step = ""
    if is_vanity:
        step = f"Give {row['team']} a goal for {in_sentence(row['pair_label'])} beside the one for "
        step += f"{in_sentence(row['volume_label'])}."
    said = f"Vanity: {row['said']}" if is_vanity else row["said"]
    return Finding(said, row["volume"], "all", None, evidence, step, NOTEBOOK, "bad" if is_vanity else "good")


def _note(rows: pd.DataFrame, verdict: str) -> Finding | None:
    if rows.empty:
        return None
    named = [f"{row['volume_label']} with {in_sentence(row['pair_label'])}" for row in rows.to_dict("records")]
    listed = "; ".join(named)
    if verdict == "unknown":
        reasons = " ".join(dict.fromkeys(rows["reason"]))
        head = f"Not known yet whether growth lasts: {listed}"
        return Finding(head, rows["volume"].iloc[0], "all", None, {"reason": reasons}, "", NOTEBOOK, "note")
    head = f"Volume and quality can't be told apart from noise: {listed}"
    evidence = {"pairs": len(rows), "definition": "changes of both sides tested and corrected for their number"}
    return Finding(head, rows["volume"].iloc[0], "all", None, evidence, "", NOTEBOOK, "note")


def say_known(row: Mapping[str, Any]) -> str:
    """Say up to which period a pair can be told.

    >>> say_known({"verdict": "noise", "known_until": "Q3 2025", "lag": 4, "volume_label": "Deals won"})
    "Deals won after Q3 2025 can't be judged yet"
    """
    if row["verdict"] == "unknown" or not row["known_until"]:
        return ""
    return f"{row['volume_label']} after {row['known_until']} can't be judged yet"
