"""What opens below the charts: the records behind a number, and the state as parameters of a batch run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers.analyses.exploration import Exploration
from helpers.analyses.exploration_answer import Answer
from helpers.analyses.exploration_state import write_command, write_python, write_yaml
from helpers.analyses.records import RecordList, list_records
from helpers.analyses.records_behind import DENOMINATOR, NUMERATOR
from helpers.present import words
from helpers.present.explorer.writing import cut_name
from helpers.present.records_view import trim_records

MOST_ROWS = 50
NUMERIC = ("amount", "counts")
HEADS = {"link": "In the CRM", "counts": "Counts for", "why": "Why it counts", "later_date": "Later date"}


def describe_records(
    exploration: Exploration, answer: Answer, content: Mapping[str, Any], currency: str
) -> tuple[RecordList, dict[str, Any]]:
    """List the records behind a slice, or behind everything that is filtered by.

    Args:
        exploration: Whose company it is.
        answer: What is on screen.
        content: partition and value of the slice (both empty for the whole) and the side asked for.
        currency: The company's currency.
    """
    partition, value = str(content.get("partition", "")), str(content.get("value", ""))
    kpi = answer.kpi
    side = content.get("side") or (DENOMINATOR if kpi.is_rate else NUMERATOR)
    found = list_records(
        exploration.company,
        kpi.id,
        answer.period,
        slice={partition: value} if partition else None,
        filters=answer.state.to_filters(without=partition) or None,
        side=side,
        basis=answer.basis,
        as_of=exploration.as_of,
        horizon_days=exploration.horizon_days,
    )
    frame = trim_records(found.frame).head(MOST_ROWS) if len(found.frame) else found.frame
    links = list(frame["link"]) if "link" in frame else [""] * len(frame)
    names = [name for name in frame if name != "link"]
    names = [name for name in names if name not in NUMERIC] + [name for name in NUMERIC if name in names]
    rows = [
        {"cells": [_say(row[name], name, currency) for name in names], "link": str(link or "")}
        for row, link in zip(frame.to_dict("records"), links, strict=True)
    ]
    left = len(found.frame) - len(frame)
    sides = [[DENOMINATOR, "All that count"], [NUMERATOR, "Those that made it"]]
    return found, {
        "kind": "records",
        "title": words.clean_text(found.sentence)[:400],
        "heads": [HEADS.get(name, words.label_of(name)) for name in names],
        "rows": rows,
        "numbers": sum(name in NUMERIC for name in names),
        "note": f"The first {MOST_ROWS} of {len(found.frame):,}; a download holds all of them." if left > 0 else "",
        "sides": sides if kpi.is_rate else [],
        "side": side,
        "partition": partition,
        "value": value,
    }


def describe_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Write the state in the three forms in which a batch run takes it."""
    return {
        "kind": "parameters",
        "title": "The same numbers from a batch run",
        "forms": [
            ["python", "Cell tagged parameters of 03_kpi_slicing", write_python(parameters)],
            ["yaml", "YAML for papermill -f", write_yaml(parameters)],
            ["command", "Command", write_command(parameters)],
        ],
    }


def _say(value: Any, name: str, currency: str) -> str:
    if words.is_missing(value):
        return ""
    if name == "amount":
        return words.say_full(value, "currency", currency=currency)
    return f"{value:g}" if name == "counts" else cut_name(words.say_value(value))
