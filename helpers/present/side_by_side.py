"""Answers beside each other: every question a row and every person a column, long texts folded, grids row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from helpers.model.survey import Survey, SurveyField, SurveyTab
from helpers.present import words
from helpers.present.charts.dots import PSEUDONYM

MOST_COLUMNS = 6
"""People beside each other; more of them continue in a table below, so that nothing has to be scrolled sideways."""

FOLDED, ITEM_FOLDED, NAME_FOLDED, LONGEST = 150, 400, 150, 4000
DISPUTED = 0.67
SHAPE = '<span class="shape" aria-hidden="true">◐</span> '


def side_by_side_html(answers: pd.DataFrame, agreement: pd.DataFrame, survey: Survey, *, currency: str) -> str:
    """Write everybody's answers as tables, one part per tab of the survey, the first one unfolded.

    Args:
        answers: one row per question, item and respondent, as ``list_answers`` returns them.
        agreement: one row per question and item, as ``measure_agreement`` returns them.
        survey: the survey's definition.
        currency: ISO code of the company's currency.

    Returns:
        HTML; whatever people typed is escaped.
    """
    people = list_people(answers, survey)
    measures = {(row["question_id"], row["item"]): row for row in agreement.to_dict("records")}
    parts = []
    for tab in survey.tabs.values():
        rows = answers[answers["tab"] == tab.id]
        if len(rows):
            parts.append(_tab_html(tab, rows, people, measures, currency, is_open=not parts))
    return "".join(parts)


def list_people(answers: pd.DataFrame, survey: Survey) -> dict[str, str]:
    """Return everybody who answered, with the team; without it where names are hidden."""
    teams = team_labels(survey)
    first = answers.drop_duplicates("respondent")
    return {
        name: "" if name.startswith(PSEUDONYM) else teams.get(team, words.label_of(team))
        for name, team in zip(first["respondent"], first["team"], strict=True)
    }


def team_labels(survey: Survey) -> dict[str, str]:
    """Return team's id → label, in the survey's order."""
    return {id: label for field in survey.respondent if field.id == "team" for id, label in field.choices.items()}


def answers_table(answers: pd.DataFrame, *, currency: str) -> pd.DataFrame:
    """Lay the answers side by side: one row per question and item, one column per person, as readers say them."""
    said = answers.assign(answer=[say_answer(row, currency) for row in answers.to_dict("records")])
    order = said.drop_duplicates(["question_id", "item"])[["question_id", "item", "label"]]
    wide = said.pivot_table(index=["question_id", "item"], columns="respondent", values="answer", aggfunc="; ".join)
    people = list(dict.fromkeys(answers["respondent"]))
    table = order.merge(wide[people].reset_index(), on=["question_id", "item"], how="left")
    return table.drop(columns=["question_id", "item"]).rename(columns={"label": "question"})


def say_answer(row: Mapping[Any, Any], currency: str) -> str:
    """Say one answer as a reader does: numbers with their unit, choices by their label, lists with commas."""
    if row["type"] == "currency" or (row["type"] == "number" and row["unit"] != "year"):
        typed = pd.to_numeric(row["answer"], errors="coerce")
        number = row["number"] if words.is_missing(typed) else float(typed)
        return words.say_value(number, row["unit"] or "count", currency=currency)
    return words.clean_text(row["answer"])


def _tab_html(
    tab: SurveyTab,
    rows: pd.DataFrame,
    people: Mapping[str, str],
    measures: Mapping[tuple[str, str], Mapping[str, Any]],
    currency: str,
    *,
    is_open: bool,
) -> str:
    plain = [field for field in tab.fields if field.type != "grid"]
    asked = rows.drop_duplicates(["question_id", "item"])
    lines = [
        _line(asked[asked["question_id"] == field.id].iloc[0], _name(field), rows, measures)
        for field in plain
        if (asked["question_id"] == field.id).any()
    ]
    html = _blocks(lines, people, currency) if lines else ""
    for field in tab.fields:
        if field.type == "grid":
            html += _grid_html(field, rows, people, measures, currency)
    count = words.count_of(len(asked), "answer to compare", "answers to compare")
    return (
        f'<details class="more tab"{" open" if is_open else ""}><summary>{escape(tab.label)} '
        f'<span class="n">{count}</span></summary>{html}</details>'
    )


Line = tuple[str, str, Mapping[str, str], str, bool]
"""Kind of row, heading, person → answer, how far they agree in words, whether they are far apart."""


def _line(
    first: pd.Series,
    label: str,
    rows: pd.DataFrame,
    measures: Mapping[tuple[str, str], Mapping[str, Any]],
    kind: str = "",
) -> tuple[str, str, list[dict[Any, Any]], str, bool]:
    same = (rows["question_id"] == first["question_id"]) & (rows["item"] == first["item"])
    measure = measures.get((str(first["question_id"]), str(first["item"])))
    told = str(measure["measure"]) if measure else ""
    return kind, label, rows[same].to_dict("records"), told, bool(measure and measure["agreement"] < DISPUTED)


def _name(field: SurveyField) -> str:
    """Name a question by its label; a part of a sentence by its short name."""
    return field.short if field.label.endswith("…") and field.short else field.label


def _grid_html(
    field: SurveyField,
    rows: pd.DataFrame,
    people: Mapping[str, str],
    measures: Mapping[tuple[str, str], Mapping[str, Any]],
    currency: str,
) -> str:
    cells = rows[rows["question_id"].str.startswith(f"{field.id}.")]
    named = rows[rows["question_id"] == field.id]
    if cells.empty and named.empty:
        return ""
    lines = [_line(named.iloc[0], "Rows named", rows, measures)] if len(named) else []
    for item in dict.fromkeys(cells["item"]):
        lines.append(("item", words.clean_text(item), [], "", False))
        own = cells[cells["item"] == item]
        for column in field.columns[1:]:
            first = own[own["question_id"] == f"{field.id}.{column.id}"]
            if len(first):
                lines.append(_line(first.iloc[0], column.short or column.label, rows, measures, "cell"))
    count = words.count_of(cells["item"].nunique(), "row")
    return (
        f'<details class="more grid"><summary>{escape(field.short or field.label)} '
        f'<span class="n">{count}</span></summary>{_blocks(lines, people, currency)}</details>'
    )


def _blocks(lines: Sequence[Any], people: Mapping[str, str], currency: str) -> str:
    """Write the lines as one table per handful of people, of about equal width."""
    names = list(people)
    blocks = -(-len(names) // MOST_COLUMNS)
    size = -(-len(names) // blocks)
    return "".join(
        _table_html(lines, {name: people[name] for name in names[i : i + size]}, currency)
        for i in range(0, len(names), size)
    )


def _table_html(lines: Sequence[Any], people: Mapping[str, str], currency: str) -> str:
    heads = "".join(
        f'<th scope="col">{escape(words.shorten(name, 60))}{f"<small>{escape(team)}</small>" if team else ""}</th>'
        for name, team in people.items()
    )
    first = 26 if len(people) < 4 else 22
    widths = f'<col style="width:{first}%">' + f'<col style="width:{(100 - first) / len(people):.1f}%">' * len(people)
    body = []
    for kind, label, said, told, is_apart in lines:
        if kind == "item":
            shown = _fold(label, NAME_FOLDED)
            body.append(f'<tr class="item"><th scope="rowgroup" colspan="{len(people) + 1}">{shown}</th></tr>')
            continue
        by = {row["respondent"]: row for row in said}
        cells = "".join(_cell_html(by.get(name), currency) for name in people)
        shape = SHAPE if is_apart else ""
        kind_of = " class=apart" if is_apart else ""
        measure = f"<small{kind_of}>{shape}{escape(told)}</small>" if told else ""
        body.append(
            f'<tr{f" class={kind}" if kind else ""}><th scope="row">{words.prose_html(label)}{measure}</th>{cells}</tr>'
        )
    return (
        f'<div class="frame"><table class="side"><colgroup>{widths}</colgroup><thead><tr><th scope="col">Question</th>'
        f"{heads}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _cell_html(row: Mapping[Any, Any] | None, currency: str) -> str:
    if row is None:
        return '<td class="none" title="not answered">–</td>'
    text = say_answer(row, currency)
    items = text.split("; ") if row["type"] in ("ranked", "multiple_choice", "grid") else []
    if len(items) > 1:
        mark = [f"{i}. " for i in range(1, len(items) + 1)] if row["type"] == "ranked" else [""] * len(items)
        shown = "<br>".join(
            f"{number}{_fold(item, ITEM_FOLDED)}" for number, item in zip(mark, items[:20], strict=False)
        )
        return f"<td>{shown}</td>"
    return f"<td>{_fold(text, FOLDED)}</td>"


def _fold(text: str, length: int) -> str:
    """Write a text; of a long one the beginning, which unfolds, and where it has no end how much more there is."""
    if len(text) <= length:
        return words.prose_html(text)
    start = words.prose_html(words.shorten(text, length - 30))
    whole = words.prose_html(words.shorten(text, LONGEST))
    more = f"<br><i>{len(text) - LONGEST:,} more characters in the person's file.</i>" if len(text) > LONGEST else ""
    return f'<details class="fold"><summary><span>{start}</span></summary>{whole}{more}</details>'
