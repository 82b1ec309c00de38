"""What to talk about first: the few questions on which people are furthest apart, each with its gap in words."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.model.survey import Survey
from helpers.units import format_value, in_sentence

DISCUSSION_COLUMNS = [
    "question_id", "item", "question", "label", "type", "unit", "n", "apart", "gap", "also", "options",
]  # fmt: skip
ON_ONE_AXIS = ("number", "currency", "choice", "yes_no_unknown")
"""Kinds of question whose answers lie on one axis; lists and own words are compared beside each other instead."""

MOST = 8
"""Questions that a group can discuss in one meeting."""

FEW_PEOPLE = 3
"""Below it two answers differ, but nothing can be said of a spread."""


def select_discussion(
    agreement: pd.DataFrame, answers: pd.DataFrame, survey: Survey, *, currency: str = "USD", most: int = MOST
) -> pd.DataFrame:
    """Select the questions to discuss, the strongest disagreement first.

    Args:
        agreement: What ``measure_agreement`` returns.
        answers: What ``list_answers`` returns.
        survey: The survey's definition.
        currency: The company's currency.
        most: How many questions at most.

    Returns:
        One row per question, with ``DISCUSSION_COLUMNS``: of a grid only the row on which people differ most, the
        others that differ as much named in ``also``. ``apart`` is 0–1: of numbers 1 − lowest ÷ highest, of choices the
        share of people outside the largest group; among equals a question that the CRM can answer stands first.
        ``gap`` says it in words, ``options`` are the answers that may be chosen, in the order of the definition.
        Questions that fewer than half of the people answered, years (which one looks up), what words mean, lists and
        own words are left out. Empty where nobody differs.
    """
    fields = {field.id: field for _, field in survey.fields()}
    fields |= {f"{f.id}.{column.id}": column for f in list(fields.values()) for column in f.columns}
    asked = answers["respondent"].nunique()
    fits = agreement["type"].isin(ON_ONE_AXIS) & (agreement["unit"] != "year") & (agreement["tab"] != "definitions")
    rows = []
    for row in agreement[fits & (agreement["n"] * 2 > asked)].to_dict("records"):
        said = answers[(answers["question_id"] == row["question_id"]) & (answers["item"] == row["item"])]
        apart = _measure_gap(said, row)
        if apart > 0:
            known = fields.get(str(row["question_id"]))
            options = list(known.allowed.values()) if known else []
            told = {"apart": apart, "gap": _say_gap(said, row, currency), "options": options}
            rows.append({**row, **told, "is_linked": bool(known and known.crm), "answers": said["answer"].nunique()})
    if not rows:
        return pd.DataFrame(columns=DISCUSSION_COLUMNS)
    ranked = pd.DataFrame(rows).sort_values(["apart", "is_linked", "answers"], ascending=False, kind="stable")
    first = ranked.drop_duplicates("question_id").head(most)
    also = [_say_also(ranked, row) for row in first.to_dict("records")]
    return first.assign(also=also)[DISCUSSION_COLUMNS].reset_index(drop=True)


def headline_discussion(discussion: pd.DataFrame) -> str:
    """Say in one sentence what people are furthest apart on.

    >>> headline_discussion(pd.DataFrame(columns=DISCUSSION_COLUMNS))
    'People say the same wherever they can be compared'
    """
    if discussion.empty:
        return "People say the same wherever they can be compared"
    row = discussion.iloc[0]
    first, _, rest = str(row["gap"]).partition(": ")
    gap = first if row["type"] in ("number", "currency") else rest
    return f"People are furthest apart on “{name_question(row)}”: {in_sentence(gap)}"


def name_question(row: Mapping[Any, Any]) -> str:
    """Name a question for a heading: the row of a grid first, then what was asked of it.

    >>> name_question({"label": "Sales cycle (Flow)", "item": "Flow"})
    'Flow: sales cycle'
    """
    label, item = str(row["label"]), str(row["item"])
    return f"{item}: {in_sentence(label.removesuffix(f' ({item})'))}" if item else label


def shorten_choice(text: str) -> str:
    """Return a choice without what explains it.

    >>> shorten_choice("Sales-led: we reach out")
    'Sales-led'
    """
    return text.split(": ")[0]


def _measure_gap(said: pd.DataFrame, row: Mapping[Any, Any]) -> float:
    if row["type"] in ("number", "currency"):
        low, high = float(said["number"].min()), float(said["number"].max())
        return 1 - low / high if high > 0 else 0.0
    return 1 - float(said["answer"].value_counts(normalize=True).iloc[0])


def _say_gap(said: pd.DataFrame, row: Mapping[Any, Any], currency: str) -> str:
    if row["type"] not in ("number", "currency"):
        return _say_split(said)
    unit = str(row["unit"] or "count")
    low, high = float(said["number"].min()), float(said["number"].max())
    first, last = (format_value(value, unit, currency=currency) for value in (low, high))
    if unit == "share":
        apart = f"{format_value((high - low) * 100, 'count', digits=0)} points apart"
    elif low <= 0:
        apart = "far apart"
    elif high / low < 1.1:
        apart = f"{format_value(high / low - 1, 'share', digits=0)} apart"
    else:
        times = format_value(high / low, "count", digits=1 if high / low < 10 else 0).removesuffix(".0")
        apart = f"the highest is {times} times the lowest"
    return f"From {first} to {last}: {apart}"


def _say_split(said: pd.DataFrame) -> str:
    """Say how a choice splits people; who stands alone against all others is named."""
    counts = said["answer"].value_counts(sort=False).sort_values(ascending=False, kind="stable")
    told = [f"{count} × {shorten_choice(str(text))}" for text, count in counts.items()]
    n, most = len(said), int(counts.iloc[0])
    if most > 1 and most == n - 1:
        alone = said[said["answer"] == counts.index[-1]].iloc[0]
        others = shorten_choice(str(counts.index[0]))
        return f"{alone['respondent']} alone says {shorten_choice(str(alone['answer']))}: the other {most} say {others}"
    if most * 2 > n:
        return f"Most agree: {', '.join(told)}"
    return f"{'Split in half' if len(counts) == 2 and n > 2 else 'No majority'}: {', '.join(told)}"


def _say_also(ranked: pd.DataFrame, row: Mapping[Any, Any]) -> str:
    """Name the other rows of the same grid on which people differ as much."""
    others = ranked[(ranked["question_id"] == row["question_id"]) & (ranked["item"] != row["item"])]
    alike = [str(item) for item in others.loc[others["apart"] >= row["apart"] - 1e-9, "item"]]
    if not alike:
        return ""
    named = alike if len(alike) < 4 else [*alike[:2], f"{len(alike) - 2} more"]
    joined = f"{', '.join(named[:-1])} and {named[-1]}" if named[1:] else named[0]
    return f"Just as far apart: {joined}"
