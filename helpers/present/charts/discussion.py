"""The picture to discuss on a projector: at most eight questions, every respondent a labelled dot, the gap in words."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from helpers.analyses.discussion import name_question
from helpers.present import words
from helpers.present.charts.canvas import Canvas, wrap_text
from helpers.present.charts.choices import Place, draw_places
from helpers.present.charts.dots import (
    Person,
    draw_flags,
    fit_axis,
    list_ticks,
    make_room,
    raise_flags,
    short_names,
)
from helpers.present.display import Display, show_svg

WIDTH, MARGIN = 900, 20
NAME = 16
DOT, STEP = 8, 25
WIDEST_NAMES = 300


def draw_discussion(
    discussion: pd.DataFrame,
    answers: pd.DataFrame,
    *,
    title: str,
    subtitle: str = "",
    currency: str = "USD",
    note: str = "",
) -> Display:
    """Draw the questions on which people are furthest apart, each on an axis in its own unit.

    Args:
        discussion: one row per question, the strongest disagreement first, as ``select_discussion`` returns them.
        answers: one row per question, item and respondent, as ``list_answers`` returns them.
        title: the finding, in a sentence.
        subtitle: period, n.
        currency: ISO code of the company's currency.
        note: what is left out, in a sentence.

    Returns:
        A display; its text has one line per question and respondent.

    Raises:
        ValueError: nothing is to be discussed.
    """
    if discussion.empty:
        raise ValueError("Nobody differs on anything. Show a message instead.")
    people = short_names(answers["respondent"])
    canvas = Canvas(WIDTH, kind="discussion")
    inner = WIDTH - 2 * MARGIN
    y = canvas.lines(MARGIN, 32, words.wrap_evenly(title, 66), leading=31, size=24, weight=600)
    if subtitle:
        y = canvas.lines(MARGIN, y, wrap_text(subtitle, 15, inner), leading=21, size=15, fill="grey")
    rows = []
    for place, question in enumerate(discussion.to_dict("records")):
        same = (answers["question_id"] == question["question_id"]) & (answers["item"] == question["item"])
        said = answers[same]
        y = _draw_heading(canvas, question, len(people), y + (14 if place == 0 else 26))
        if question["type"] in ("number", "currency"):
            y = _draw_numbers(canvas, question, said, people, y, currency)
        else:
            y = _draw_choices(canvas, question, said, people, y)
        rows += [_row(question, one, currency) for one in said.to_dict("records")]
    if note:
        y = canvas.lines(MARGIN, y + 30, wrap_text(note, 13, inner), leading=18, size=13, fill="grey") - 18
    numbers = pd.DataFrame(rows, columns=["question", "respondent", "answer", "gap"])
    return show_svg(canvas.render(y + 20), title=title, subtitle=subtitle, numbers=numbers)


def _draw_heading(canvas: Canvas, question: Mapping[Hashable, Any], asked: int, y: float) -> float:
    """Write a question, its gap and what has to be known of its n; return where the drawing may begin."""
    canvas.may_break(y - 6)
    canvas.line(MARGIN, y, WIDTH - MARGIN, y, stroke="rule")
    y += 30
    label = name_question(question) if question["item"] else str(question["question"])
    lines = wrap_text(label, 20, WIDTH - 2 * MARGIN, weight=600, most=2)
    y = canvas.lines(MARGIN, y, lines, leading=26, size=20, weight=600)
    gap = wrap_text(str(question["gap"]), 17, WIDTH - 2 * MARGIN, most=2)
    y = canvas.lines(MARGIN, y, gap, leading=23, size=17, fill="accent")
    n = int(question["n"])
    told = [f"{n} of {asked} answered" if n < asked else "", str(question["also"])]
    small = " · ".join(part for part in told if part)
    if small:
        y = canvas.lines(
            MARGIN, y - 1, wrap_text(small, 14, WIDTH - 2 * MARGIN, most=2), leading=20, size=14, fill="grey"
        )
    return y


def _draw_numbers(
    canvas: Canvas,
    question: Mapping[Hashable, Any],
    said: pd.DataFrame,
    people: Mapping[str, str],
    y: float,
    currency: str,
) -> float:
    unit = str(question["unit"] or "count")
    low, high = said["number"].min(), said["number"].max()
    dots = [
        Person(people[one["respondent"]], one["number"], one["number"] in (low, high))
        for one in said.to_dict("records")
    ]
    whole = 1.0 if unit == "share" else None
    letters = {"edge": WIDTH - 14, "size": NAME, "radius": DOT, "widest": WIDEST_NAMES}
    axis = make_room(fit_axis([d.value for d in dots], MARGIN + 8, WIDTH - MARGIN, whole=whole), dots, **letters)
    flags = raise_flags(dots, axis, **letters)
    base = y + 22 + STEP * max(flag.level for flag in flags)
    canvas.line(axis.left, base, axis.right, base, stroke="faint", width=3)
    canvas.line(axis.place(low), base, axis.place(high), base, stroke="accent_soft", width=8)
    for number, text in list_ticks(axis, unit, currency=currency):
        x = axis.place(number)
        canvas.line(x, base + 6, x, base + 11, stroke="mid")
        canvas.text(x, base + 28, text, size=14, fill="grey", anchor="middle" if x > axis.left + 12 else "start")
    draw_flags(canvas, flags, base, size=NAME, radius=DOT, step=STEP, lift=18)
    return base + 28


def _draw_choices(
    canvas: Canvas, question: Mapping[Hashable, Any], said: pd.DataFrame, people: Mapping[str, str], y: float
) -> float:
    """Draw one place per answer that somebody gave, the people who gave it below."""
    counts = said["answer"].value_counts()
    options = [option for option in question["options"] if option in counts] or sorted(counts.index)
    places = []
    for option in options:
        who = tuple(people[name] for name in said.loc[said["answer"] == option, "respondent"])
        places.append(Place(option, who, is_named=len(who) < counts.max() or len(options) == len(said)))
    return draw_places(canvas, places, MARGIN, WIDTH - MARGIN, y, size=NAME, radius=DOT)


def _row(question: Mapping[Hashable, Any], said: Mapping[Hashable, Any], currency: str) -> dict[str, str]:
    number = said["number"]
    answer = said["answer"]
    if not words.is_missing(number):
        answer = words.say_value(number, said["unit"] or "count", currency=currency)
    return {
        "question": str(question["label"]),
        "respondent": str(said["respondent"]),
        "answer": str(answer),
        "gap": str(question["gap"]),
    }
