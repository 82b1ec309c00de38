"""The data dictionary as a page shows it: what each field of the CRM means, how far it is filled, and what uses it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from helpers.analyses.data_dictionary import headline_dictionary
from helpers.present.display import Display, show_message, show_table
from helpers.present.words import count_of, join_words

NAMES = {"gtm survey": "GTM survey", "kpi discovery": "KPI discovery", "root cause 5m": "root causes"}
"""Pages as a reader calls them."""


def show_data_dictionary(dictionary: pd.DataFrame, *, subtitle: str = "") -> Display:
    """Show the data dictionary: one row per field, by object; beyond twelve rows the rest folds.

    Args:
        dictionary: What ``build_data_dictionary`` returns.
        subtitle: Measure, day.
    """
    if dictionary.empty:
        return show_message("empty", headline_dictionary(dictionary), "Every field of an export gets a row here.")
    is_plain = dictionary["type"].isin(["key", "name"])
    ordered = pd.concat([dictionary[~is_plain], dictionary[is_plain]])
    shown = pd.DataFrame(
        {
            "field": [_say_field(row) for row in ordered.to_dict("records")],
            "meaning": ordered["meaning"],
            "fill_rate": ordered["fill_rate"],
            "fill_rate_90d": ordered["fill_rate_90d"],
            "n_values": ordered["n_values"],
            "filled_since": [_say_month(month) for month in ordered["filled_since"]],
            "owner": ordered["owner"].replace("", None),
            "uses": [_say_uses(row) for row in ordered.to_dict("records")],
        }
    )
    named = int((dictionary["owner"] != "").sum())
    return show_table(
        shown,
        title=headline_dictionary(dictionary),
        subtitle=subtitle,
        units={"fill_rate": "share", "fill_rate_90d": "share", "n_values": "count"},
        labels={
            "field": "Field in the CRM",
            "meaning": "Means",
            "fill_rate": "Filled",
            "fill_rate_90d": "In 90 days",
            "n_values": "Values",
            "filled_since": "Since",
            "owner": "Decides",
            "uses": "Used by",
        },
        note=f"Made anew from the exports each time. {named} of {len(dictionary)} fields have somebody who decides on "
        "them. Type, file, KPIs and pages of each stand in data_dictionary.csv.",
    )


def show_unused_fields(dictionary: pd.DataFrame, *, subtitle: str = "") -> Display:
    """List the fields that nothing uses."""
    unused = dictionary[~dictionary["is_used"]] if len(dictionary) else dictionary
    if unused.empty:
        return show_message("good", headline_dictionary(dictionary))
    frame = pd.DataFrame(
        {
            "field": [_say_field(row) for row in unused.to_dict("records")],
            "file": unused["file"],
            "meaning": unused["meaning"],
            "fill_rate": unused["fill_rate"],
        }
    )
    return show_table(
        frame,
        title=f"{count_of(len(unused), 'field')} that nothing in this workbook uses",
        subtitle=subtitle,
        units={"fill_rate": "share"},
        labels={"field": "Field in the CRM", "file": "File", "meaning": "Means", "fill_rate": "Filled"},
        note="Stop asking for it, or say which number it should feed.",
    )


def _say_field(row: Mapping[Hashable, Any]) -> str:
    is_rolled = row["how"] == "rolled up" and str(row["column"]).startswith("rollups.")
    name = f"{row['label']} (rolled up)" if is_rolled else row["column"]
    return f"{row['object'].capitalize()}: {name}"


def _say_month(month: str) -> str | None:
    return pd.Timestamp(f"{month}-01").strftime("%b %Y") if month else None


def _say_uses(row: Mapping[Hashable, Any]) -> str:
    if not row["is_used"]:
        return "nothing"
    parts = []
    if row["n_kpis"]:
        parts.append(f"counts {count_of(int(row['n_kpis']), 'KPI')}")
    if row["cuts"]:
        parts.append(f"cuts {count_of(int(row['cuts']), 'KPI')}")
    if not parts and row["type"] == "key":
        parts.append("joins records")
    if not parts and row["pages"]:
        names = [page.split("_", 1)[1].replace("_", " ") for page in row["pages"].split(", ")]
        parts.append(f"read on {join_words(NAMES.get(name, name) for name in names)}")
    return ", ".join(parts) or "names the record"
