"""Gut against CRM: one axis per question in its unit, every respondent a dot, the CRM a diamond and its interval."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from helpers.analyses.gut_check import does_match
from helpers.present import words
from helpers.present.charts.canvas import Canvas, fit_text, measure_text, wrap_text
from helpers.present.charts.choices import Place, draw_places
from helpers.present.charts.dots import (
    Axis,
    Person,
    draw_flags,
    fit_axis,
    list_ticks,
    make_room,
    raise_flags,
    short_names,
)
from helpers.present.display import Display, show_svg
from helpers.units import format_median

Row = Mapping[Hashable, Any]

WIDTH, MARGIN = 900, 20
COLUMN, AXIS, EDGE = 228, 272, 886
NAME, DOT, STEP, LIFT = 13.5, 6.5, 20, 15
WIDEST_NAMES = 230
ON_AXIS = ("value", "new_business_share", "goal_history")
BY_CHOICE = ("on_track", "leading_value")
SAME_THING = ("value", "new_business_share")
"""Comparisons in which people and CRM speak of the same number."""

FURTHEST_SCALE = 6.0
"""Rows whose numbers differ by more than this share no axis."""


def draw_agreement(
    answers: pd.DataFrame, gut: pd.DataFrame, *, title: str, subtitle: str = "", currency: str = "USD"
) -> Display:
    """Draw what people believe beside what the CRM says, question by question, the largest error first.

    Args:
        answers: one row per question, item and respondent, as ``list_answers`` returns them.
        gut: one row per question and item, as ``check_gut`` returns them; what the CRM can't tell is not drawn.
        title: the finding, in a sentence.
        subtitle: measure, period, n.
        currency: ISO code of the company's currency.

    Returns:
        A display; its text has one line per question and respondent, with the CRM's value, interval and n.

    Raises:
        ValueError: the CRM answers none of the questions.
    """
    drawn = gut[gut["is_available"] & gut["check"].isin([*ON_AXIS, *BY_CHOICE])]
    if drawn.empty:
        raise ValueError("The CRM answers none of these questions. Show a message instead.")
    canvas = Canvas(WIDTH, kind="agreement")
    people = short_names(answers["respondent"])
    inner = WIDTH - 2 * MARGIN
    y = canvas.lines(MARGIN, 26, words.wrap_evenly(title, 84), leading=25, size=19, weight=600)
    y = canvas.lines(MARGIN, y, wrap_text(subtitle, 14, inner), leading=19, size=14, fill="grey") if subtitle else y
    y = _draw_legend(canvas, y + 4)
    for rows in _order_questions(drawn):
        y = _draw_question(canvas, rows, answers, people, y + 10, currency)
    numbers = _list_numbers(drawn, answers, currency)
    return show_svg(canvas.render(y + 8), title=title, subtitle=subtitle, numbers=numbers)


def _order_questions(drawn: pd.DataFrame) -> list[list[Row]]:
    """Put the rows of one question together, those on which people are most wrong first."""
    groups = [group.to_dict("records") for _, group in drawn.groupby("question_id", sort=False)]
    return sorted(groups, key=lambda rows: max(row["miss"] for row in rows), reverse=True)


def _draw_legend(canvas: Canvas, y: float) -> float:
    canvas.dot(MARGIN + 7, y - 4.5, DOT)
    canvas.text(MARGIN + 20, y, "what one person says", size=13, fill="grey")
    x = MARGIN + 34 + measure_text("what one person says", 13)
    canvas.line(x, y - 4.5, x + 34, y - 4.5, stroke="accent", width=3)
    canvas.diamond(x + 17, y - 4.5, 7)
    told = "what the CRM says, with its interval; hollow where few records are behind it"
    canvas.text(x + 44, y, told, size=13, fill="grey")
    return y + 10


def _draw_question(
    canvas: Canvas, rows: Sequence[Row], answers: pd.DataFrame, people: Mapping[str, str], y: float, currency: str
) -> float:
    """Draw one question with all its rows, and return where the next one may begin."""
    canvas.may_break(y - 5)
    canvas.line(MARGIN, y, WIDTH - MARGIN, y, stroke="rule")
    y += 24
    heading = str(rows[0]["question"] if not rows[0]["item"] else _name_column(rows[0]))
    lines = wrap_text(heading, 16, WIDTH - 2 * MARGIN, weight=600, most=2)
    y = canvas.lines(MARGIN, y, lines, leading=21, size=16, weight=600) - 10
    said = [_find_said(answers, row) for row in rows]
    if rows[0]["check"] in BY_CHOICE:
        places = _list_places(rows[0], said[0], people)
        below = draw_places(canvas, places, AXIS, WIDTH - MARGIN, y + 8, size=NAME, radius=DOT)
        y = max(_draw_words(canvas, rows[0], y, currency), below)
    else:
        y = _draw_axes(canvas, rows, said, people, y, currency)
    told = wrap_text(_say_definitions(rows), 12, WIDTH - 2 * MARGIN, most=5)
    return canvas.lines(MARGIN, y + 18, told, leading=16, size=12, fill="grey")


def _say_definitions(rows: Sequence[Row]) -> str:
    """Say how the CRM's values are made, rows that are made alike together."""
    made: dict[str, list[str]] = {}
    for row in rows:
        made.setdefault(str(row["crm_definition"]), []).append(str(row["item"]))
    first, *others = made
    told = [f"{words.join_words(made[other])}: {other}" for other in others]
    return " ".join([f"The CRM: {first[:1].lower()}{first[1:]}", *told])


def _draw_axes(
    canvas: Canvas,
    rows: Sequence[Row],
    said: Sequence[pd.DataFrame],
    people: Mapping[str, str],
    y: float,
    currency: str,
) -> float:
    """Draw rows of numbers, on one axis where they are of one size."""
    unit = str(rows[0]["unit"] or "count")
    dots = [_list_dots(row, frame, people) for row, frame in zip(rows, said, strict=True)]
    sizes = [max(row["crm_value"], 1e-9) for row in rows]
    if max(sizes) / min(sizes) > FURTHEST_SCALE:
        for i in range(len(rows)):
            y = _draw_block(canvas, rows[i : i + 1], dots[i : i + 1], unit, y, currency)
        return y
    return _draw_block(canvas, rows, dots, unit, y, currency)


def _draw_block(
    canvas: Canvas, rows: Sequence[Row], dots: Sequence[Sequence[Person]], unit: str, y: float, currency: str
) -> float:
    told = [v for row in rows for v in (row["crm_value"], row["crm_high"], *(value for _, value in row["crm_marks"]))]
    letters = {"edge": float(EDGE), "size": NAME, "radius": DOT, "widest": float(WIDEST_NAMES)}
    whole = 1.0 if unit == "share" else None
    axis = fit_axis([dot.value for row in dots for dot in row], AXIS, EDGE - 20, whole=whole, always=told)
    for row in dots:
        axis = make_room(axis, row, **letters)
    placed = [(row, raise_flags(own, axis, **letters)) for row, own in zip(rows, dots, strict=True)]
    top, ticks, parts = y, list_ticks(axis, unit, currency=currency), []
    for row, flags in placed:
        base = y + LIFT + 8 + STEP * max(flag.level for flag in flags)
        below = _place_below(row, axis, unit, currency)
        end = base + 10 + 16 * (1 + max(tier for _, _, tier, _ in below))
        parts.append((row, flags, base, below, y))
        y = max(end, _measure_words(row, y, currency)) + 8
    for number, text in ticks:
        x = axis.place(number)
        canvas.line(x, top, x, y, stroke="rule")
        canvas.text(x, y + 14, text, size=12, fill="grey", anchor="middle" if x > axis.left + 10 else "start")
    for row, flags, base, below, start in parts:
        _draw_words(canvas, row, start, currency)
        _draw_line(canvas, row, axis, base, below)
        draw_flags(canvas, flags, base, size=NAME, radius=DOT, step=STEP, lift=LIFT)
    return y + 16


def _draw_line(
    canvas: Canvas, row: Row, axis: Axis, base: float, below: Sequence[tuple[float, str, int, bool]]
) -> None:
    canvas.line(axis.left, base, axis.right, base, stroke="faint", width=3)
    if not words.is_missing(row["crm_low"]) and not words.is_missing(row["crm_high"]):
        canvas.line(axis.place(row["crm_low"]), base, axis.place(row["crm_high"]), base, stroke="accent", width=3)
    for (_, value), (_, _, tier, _) in zip(row["crm_marks"], below[1:], strict=True):
        x = axis.place(value)
        canvas.line(x, base - 5, x, base + 10 + 16 * tier, stroke="grey", width=1.5)
    canvas.diamond(axis.place(row["crm_value"]), base, 8, is_hollow=bool(row["is_small"]))
    for x, text, tier, is_crm in below:
        style = {"fill": "accent", "weight": 600} if is_crm else {"fill": "grey"}
        canvas.text(x, base + 22 + 16 * tier, text, size=12.5, anchor="middle", is_above=True, **style)


def _place_below(row: Row, axis: Axis, unit: str, currency: str) -> list[tuple[float, str, int, bool]]:
    """Place the CRM's numbers under the axis, each at a height at which it meets no other: x, text, height, is main."""
    value = words.say_value(row["crm_value"], unit, currency=currency)
    mean = "mean " if row["crm_marks"] else "year before " if row["check"] == "goal_history" else ""
    wanted = [(axis.place(row["crm_value"]), f"{mean}{value}", True)]
    wanted += [
        (axis.place(number), f"{name} {words.say_value(number, unit, currency=currency)}", False)
        for name, number in row["crm_marks"]
    ]
    taken: list[tuple[int, float, float]] = []
    placed = []
    for x, text, is_crm in wanted:
        half = measure_text(text, 12.5, weight=600) / 2 + 6
        at = min(max(x, AXIS + half - 6), EDGE - half)
        tier = next(k for k in range(9) if all(k != t or at + half < b or at - half > e for t, b, e in taken))
        taken.append((tier, at - half, at + half))
        placed.append((at, text, tier, is_crm))
    marks = [
        (axis.place(number), tier) for (_, number), (_, _, tier, _) in zip(row["crm_marks"], placed[1:], strict=True)
    ]
    return [
        (_step_aside(at, text, [x for x, t in marks if t > tier]), text, tier, main) for at, text, tier, main in placed
    ]


def _step_aside(at: float, text: str, lines: Sequence[float]) -> float:
    """Move a number from under the lines that lead past it to one further down."""
    half = measure_text(text, 12.5, weight=600) / 2 + 5
    for x in lines:
        if abs(x - at) < half:
            at = x + half if at >= x else x - half
    return at


def _say_row(row: Row, currency: str) -> list[tuple[str, float, str, int]]:
    """What stands left of a row: text, size, colour, weight."""
    unit = str(row["unit"] or "count")
    lines: list[tuple[str, float, str, int]] = []
    if row["item"]:
        lines.append((fit_text(str(row["item"]), 14, COLUMN, weight=600), 14, "ink", 600))
    colour = "bad" if row["is_off"] else "grey" if row["is_small"] else "ink"
    verdict = f"{str(row['verdict'])[:1].upper()}{str(row['verdict'])[1:]}"
    lines += [(line, 14, colour, 600) for line in wrap_text(verdict, 14, COLUMN, weight=600, most=2)]
    if row["check"] in BY_CHOICE:
        told = [str(row["sentence"])]
    else:
        said = format_median(row["gut_median"], unit, low=row["gut_low"], high=row["gut_high"], currency=currency)
        n = int(row["n_people"])
        told = [
            f"People say {said}, median of {n}" if n > 1 else f"One person says {said}",
            _say_crm(row, unit, currency),
        ]
    return lines + [(line, 12.5, "grey", 400) for text in told for line in wrap_text(text, 12.5, COLUMN, most=5)]


def _say_crm(row: Row, unit: str, currency: str) -> str:
    if unit == "count" and row["crm_n"] == row["crm_value"]:
        return f"CRM {words.say_value(row['crm_value'])}, all counted: no interval"
    has_interval = not words.is_missing(row["crm_low"])
    interval = words.say_interval(
        row["crm_value"], row["crm_low"], row["crm_high"], unit, n=row["crm_n"], currency=currency
    )
    return f"CRM {interval}" if has_interval else f"CRM {interval}, a sum: no interval"


def _measure_words(row: Row, y: float, currency: str) -> float:
    return y + sum(size + 4.5 for _, size, _, _ in _say_row(row, currency)) + 4


def _draw_words(canvas: Canvas, row: Row, y: float, currency: str) -> float:
    for text, size, fill, weight in _say_row(row, currency):
        canvas.text(MARGIN, y + size - 1, text, size=size, fill=fill, weight=weight)
        y += size + 4.5
    return y


def _list_dots(row: Row, said: pd.DataFrame, people: Mapping[str, str]) -> list[Person]:
    return [Person(people[one["respondent"]], float(one["number"])) for one in said.to_dict("records")]


def _list_places(row: Row, said: pd.DataFrame, people: Mapping[str, str]) -> list[Place]:
    """Say who chose what, and where the CRM stands; what it says is a place of its own where nobody chose it."""
    answers = list(dict.fromkeys(said["answer"]))
    if row["check"] == "on_track":
        answers = ["Yes", "No", *(["Don't know"] if "Don't know" in answers else [])]
        told = f"{words.say_value(row['crm_value'], 'share')} of what should be won by now"
    else:
        told = f"{words.say_value(row['crm_value'], 'share')} of closed revenue"
        if not any(does_match(answer, row) for answer in answers):
            answers.append(str(row["crm_also"]))
    places = []
    for answer in answers:
        who = tuple(people[name] for name in said.loc[said["answer"] == answer, "respondent"])
        places.append(Place(answer, who, crm=told if does_match(answer, row) else ""))
    return places


def _find_said(answers: pd.DataFrame, row: Row) -> pd.DataFrame:
    return answers[(answers["question_id"] == row["question_id"]) & (answers["item"] == row["item"])]


def _name_column(row: Row) -> str:
    return str(row["label"]).removesuffix(f" ({row['item']})")


def _list_numbers(drawn: pd.DataFrame, answers: pd.DataFrame, currency: str) -> pd.DataFrame:
    rows = []
    for row in drawn.to_dict("records"):
        unit = "share" if row["check"] in BY_CHOICE else str(row["unit"] or "count")
        crm = words.say_interval(
            row["crm_value"], row["crm_low"], row["crm_high"], unit, n=row["crm_n"], currency=currency
        )
        crm = f"{row['crm_also']}: {crm}" if row["check"] in BY_CHOICE else crm
        marks = [f"{name} {words.say_value(value, unit, currency=currency)}" for name, value in row["crm_marks"]]
        for one in _find_said(answers, row).to_dict("records"):
            is_number = not words.is_missing(one["number"])
            said = words.say_value(one["number"], unit, currency=currency) if is_number else one["answer"]
            told = {"question": row["label"], "who": one["respondent"], "says": said}
            rows.append({**told, "the_CRM_says": "; ".join([crm, *marks]), "gap": row["verdict"]})
    return pd.DataFrame(rows, columns=["question", "who", "says", "the_CRM_says", "gap"])
