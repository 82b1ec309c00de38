"""What customers are worth and cost, as a table that says how each number is made and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from helpers.present import words
from helpers.present.display import Display, show_message, show_table

if TYPE_CHECKING:
    from helpers.analyses.unit_economics import UnitEconomics


def show_unit_economics(found: UnitEconomics, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show lifetime, lifetime value, cost and payback of a customer, each with its basis or what it lacks.

    Args:
        found: As made by ``review_unit_economics``.
        subtitle: Company, period, last day.
        currency: The company's currency.

    Returns:
        A table; a message where nothing can be told.
    """
    if not found.is_available:
        return show_message(
            "empty",
            "What a customer is worth and costs can't be told from these exports",
            " ".join(dict.fromkeys(found.table["reason"])),
            "Add contracts with their monthly amounts, and what was spent on sales and marketing by month.",
        )
    rows = found.table.to_dict("records")
    table = pd.DataFrame(
        {
            "measure": [row["label"] for row in rows],
            "value": [
                "–" if words.is_missing(row["value"]) else _say(row["value"], row["unit"], currency) for row in rows
            ],
            "n": [words.say_n(row["n"]) if row["n"] else "" for row in rows],
            "how": [row["reason"] or row["definition"] for row in rows],
        }
    )
    title = found.findings[0].headline if found.findings else "What can be told of a customer's worth and cost"
    when = str(found.table["period"].iloc[0])
    return show_table(
        table,
        title=title,
        subtitle=f"{when[:1].upper()}{when[1:]} · {subtitle}".strip(" ·"),
        labels={"measure": "Measure", "value": "Value", "n": "Records", "how": "How it is made, or what it lacks"},
        note=" ".join(found.notes),
    )


def _say(value: float, unit: str, currency: str) -> str:
    return words.say_value(value, unit, currency=currency, digits=1 if unit in ("count", "ratio") else None)
