"""The answer on one page: questions of a leadership team at the left, what the data says to them at the right."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from helpers.present import theme, words
from helpers.present.display import Display, show_message

STYLE = theme.TEMPLATES / "answer.css"
SHAPES = {"bad": ("▼", "costs money"), "good": ("▲", "good news"), "note": ("", "")}


def show_answer(lines: Sequence[Any], *, title: str, subtitle: str = "", why_not: str = "") -> Display:
    """Show a gap's answer, one question per line.

    Args:
        lines: The result of ``answer_gap``.
        title: The answer in one sentence.
        subtitle: Company, period, last day.
        why_not: Why there is no answer, where there is none.

    Returns:
        A display; a message where nothing can be compared.
    """
    if not lines:
        reason, _, cure = why_not.rstrip(".").partition(". ")
        return show_message("empty", reason or "There is no gap to explain yet", "", cure)
    rows, text = [], []
    for line in lines:
        shape, spoken = SHAPES[line.tone]
        mark = f'<span class="shape is-{line.tone}" role="img" aria-label="{spoken}">{shape}</span> ' if shape else ""
        told = "".join(
            f"<p>{mark if place == 0 else ''}{words.prose_html(statement)}</p>"
            for place, statement in enumerate(line.statements)
        )
        basis = f'<p class="basis">{words.prose_html(line.basis)}</p>' if line.basis else ""
        rows.append(f"<dt>{words.prose_html(line.question)}</dt><dd>{told}{basis}</dd>")
        text.append(f"{line.question} {'; '.join(words.clean_text(one) for one in line.statements)} ({line.basis})")
    heading = f'<p class="title">{words.prose_html(title)}</p>'
    heading += f'<p class="subtitle">{words.prose_html(subtitle)}</p>' if subtitle else ""
    html = f'<style>{_css()}</style>{heading}<dl class="answer">{"".join(rows)}</dl>'
    return Display(title=title, subtitle=subtitle, text="\n".join(text), html=html)


@cache
def _css() -> str:
    return STYLE.read_text(encoding="utf-8")
