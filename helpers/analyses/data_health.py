"""How far the numbers can be trusted: what was read, what could not be used, and what it does to the answers."""

from typing import Any

import pandas as pd

from helpers.analyses.finding import Finding
from helpers.engine.cells import is_shortcut
from helpers.engine.journeys import build_journeys
from helpers.issues import count_issues
from helpers.units import format_value

KIND_ORDER = {"error": 0, "warning": 1, "note": 2}


def summarise_inputs(inputs: pd.DataFrame) -> pd.DataFrame:
    """Tell per file how many rows came in and how many count.

    Returns:
        One row per file and object: file, object, exported_on, rows_read, rows_used, rows_quarantined.
    """
    columns = ["file", "object", "exported_on", "rows_read", "rows_used", "rows_quarantined"]
    if inputs.empty:
        return pd.DataFrame(columns=columns)
    shown = inputs[[column for column in columns if column in inputs]].reset_index(drop=True)
    return shown.assign(object=[name_object(name) for name in shown["object"]]) if "object" in shown else shown


def name_object(text: Any) -> str:
    """Write what a file holds for a reader.

    >>> name_object("deal, deal_contact"), name_object("look-up for deal.owner")
    ('deal, deal contact', 'look-up for the owner of a deal')
    """
    if not isinstance(text, str):
        return ""
    opening, of, target = text.partition("look-up for ")
    if of and "." in target:
        owner, field = target.split(".", 1)
        text = f"{opening}{of}the {field} of a {owner}"
    return text.replace("_", " ")


def summarise_issues(issues: pd.DataFrame) -> pd.DataFrame:
    """Count issues by kind, the gravest and most frequent first.

    Returns:
        One row per severity, code, file and column: severity, code, file, column, count, example (the first value),
        message and cure.
    """
    columns = ["severity", "code", "file", "column", "count", "example", "message", "cure"]
    if issues.empty:
        return pd.DataFrame(columns=columns)
    grouped = issues.groupby(["severity", "code", "file", "column"], sort=False, dropna=False, as_index=False).agg(
        count=("code", "size"), example=("value", "first"), message=("message", "first"), cure=("cure", "first")
    )
    order = grouped["severity"].map(KIND_ORDER)
    return grouped.assign(order=order).sort_values(
        ["order", "count", "code"], ascending=[True, False, True], ignore_index=True
    )[columns]


def list_missing(available: pd.DataFrame, company: Any) -> pd.DataFrame:
    """List the KPIs that can't be told, without those that only skip a stage which is told step by step.

    Args:
        available: The result of ``explain_availability``.
        company: The company.

    Returns:
        One row per KPI: label, reason and cure.
    """
    journeys = build_journeys(company, as_of=None)
    skips = [is_shortcut(company, journeys, company.catalog.kpi(kpi)) for kpi in available["kpi"]]
    missing = available[~available["is_available"].astype(bool) & ~pd.Series(skips, index=available.index, dtype=bool)]
    return missing[["label", "reason", "cure"]].reset_index(drop=True)


def headline_missing(missing: pd.DataFrame, available: pd.DataFrame) -> str:
    """Say in one sentence how many KPIs can't be told."""
    if missing.empty:
        return "Every KPI of the catalog can be told from these exports"
    verb = "is" if len(missing) == 1 else "are"
    return f"{len(missing)} of {len(available)} KPIs {verb} not available yet"


def headline_health(inputs: pd.DataFrame, issues: pd.DataFrame) -> str:
    """Say in one sentence how much of what came in counts."""
    if inputs.empty:
        return "No exports yet, so every number of the CRM is missing"
    read, left_out = int(inputs["rows_read"].sum()), int(inputs["rows_quarantined"].sum())
    counts = count_issues(issues)
    share = 1 - left_out / read if read else 0
    some = f"{_percent(share)} of the rows count, {left_out:,} could not be used"
    usable = some if left_out else "every row counts"
    looks = "value looks" if counts["warning"] == 1 else "values look"
    number = f"{counts['warning']:,}" if counts["warning"] else "no"
    return f"{_count_rows(read)} read: {usable}; {number} {looks} wrong"


def _count_rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def _percent(share: float) -> str:
    """Write a share so that nearly all is never rounded up to all."""
    return f"{min(int(share * 1000) / 10, 99.9):.1f} %" if share > 0.9 else format_value(share, "share")


def find_health(inputs: pd.DataFrame, issues: pd.DataFrame, *, threshold: float = 0.02) -> list[Finding]:
    """Report data health as a finding only where it could change an answer.

    Args:
        inputs: The company's inputs.
        issues: The company's issues.
        threshold: Share of rows that could not be used from which it is worth a leader's time.
    """
    read = int(inputs["rows_read"].sum()) if len(inputs) else 0
    left_out = int(inputs["rows_quarantined"].sum()) if len(inputs) else 0
    if not read or left_out / read < threshold:
        return []
    gravest = summarise_issues(issues[issues["severity"] == "error"])
    cure = gravest["cure"].iloc[0] if len(gravest) else "See the table of issues."
    return [
        Finding(
            headline=f"{left_out:,} of {read:,} exported rows could not be used, so every number is too low",
            evidence={"n": read, "definition": "rows in the exports", "period": "all exports"},
            next_step=cure,
            notebook="00_start_here",
            severity="bad",
        )
    ]
