"""Data health and the rules of counting, as tables."""

import pandas as pd

from helpers.present.display import Display, show_message, show_table
from helpers.present.words import count_of, say_value

SEVERITY_WORDS = {"error": "✕ could not be used", "warning": "◐ looks wrong", "note": "● worth knowing"}


def draw_issues(kinds: pd.DataFrame, *, subtitle: str) -> Display:
    """Show what was found wrong with the exports, by kind.

    Args:
        kinds: The result of ``summarise_issues``.
        subtitle: Company, period, last day.
    """
    if kinds.empty:
        return show_message("good", "Nothing was found wrong with the exports")
    table = pd.DataFrame(
        {
            "what": kinds["message"],
            "where": [f"{f}: {c}" if c else f for f, c in zip(kinds["file"], kinds["column"], strict=True)],
            "rows": kinds["count"],
            "for_example": kinds["example"],
            "what_it_means": kinds["severity"].map(SEVERITY_WORDS),
            "cure": kinds["cure"],
        }
    )
    several = f"{len(kinds)} kinds of issues were found, the gravest first"
    title = several if len(kinds) > 1 else "One kind of issue was found"
    return show_table(
        table,
        title=title,
        subtitle=subtitle,
        labels={"what_it_means": "How grave", "cure": "What to do"},
        note="Each single row, with its file, row and value, stands in issues.csv.",
    )


def draw_rules(rules: pd.DataFrame, *, subtitle: str) -> Display:
    """Show how unusual records are counted; rules that touched none are only counted.

    Args:
        rules: The result of ``describe_rules``.
        subtitle: Company, period, last day.
    """
    touched = rules[rules["n_records"] > 0].sort_values("n_records", ascending=False, kind="stable")
    if touched.empty:
        return show_message("good", "No record was unusual: each went through the stages once and in order")
    rules_apply = "1 rule of counting applies" if len(touched) == 1 else f"{len(touched)} rules of counting apply"
    return show_table(
        touched[["description", "n_records"]].reset_index(drop=True),
        title=f"{rules_apply} to this company's records",
        subtitle=subtitle,
        labels={"description": "How they are counted", "n_records": "Records"},
        note=f"{count_of(len(rules) - len(touched), 'further rule')} had nothing to decide.",
    )


def draw_totals(reconciliation: pd.DataFrame, *, subtitle: str, currency: str) -> Display:
    """Show what the deals add up to before and after cleaning, so that no amount is lost unseen.

    Args:
        reconciliation: The company's reconciliation: rows and amounts read and used, per file and outcome.
        subtitle: Company, period, last day.
        currency: The company's currency.
    """
    if reconciliation.empty:
        return show_message("empty", "There are no deals whose amounts could be added up")
    latest = reconciliation[reconciliation["exported_on"] == reconciliation["exported_on"].max()]
    table = latest[["file", "outcome", "rows_read", "rows_used", "amount_read", "amount_used"]].reset_index(drop=True)
    lost = float(table["amount_read"].sum() - table["amount_used"].sum())
    title = (
        "Every amount that was read is used"
        if abs(lost) < 0.005
        else f"{say_value(abs(lost), 'currency', currency=currency)} of what was read is not used"
    )
    return show_table(
        table,
        title=title,
        subtitle=subtitle,
        currency=currency,
        units={"amount_read": "currency", "amount_used": "currency"},
        note="Before and after duplicates, deleted records and unusable rows were set aside.",
    )
