"""Charts with what a reader has to know beneath them, so that the finding and its picture stand close together."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.present import theme, words
from helpers.present.display import Display, show_chart
from helpers.present.theme import LIGHT

SIZE, LEADING, GAP = 11, 15, 14


def show_chart_with_footnote(chart: Any, *, note: str, width: int = theme.WIDTH, **say: Any) -> Display:
    """Show a chart as ``show_chart`` does, with its note beneath the picture in place of above it.

    Args:
        chart: Any Altair chart without a title of its own.
        note: How to read it, and what it rests on.
        width: Pixels that title, subtitle and note may fill.
        **say: Whatever else ``show_chart`` takes.

    Returns:
        A display; its text ends with the note.
    """
    import altair as alt

    lines = words.wrap_words(note, int(width / 6.0)) if note else []
    if lines:
        beneath = (
            alt.Chart(pd.DataFrame({"text": ["\n".join(lines)]}))
            .mark_text(
                align="left", baseline="top", fontSize=SIZE, lineHeight=LEADING, lineBreak="\n", color=LIGHT["grey"]
            )
            .encode(x=alt.value(0), y=alt.value(0), text="text:N")
            .properties(width=int(width) - 40, height=LEADING * len(lines))
        )
        chart = alt.concat(chart, beneath, columns=1, spacing=GAP, align="none").resolve_scale(color="independent")
    shown = show_chart(chart, width=width, **say)
    shown.text = "\n".join(part for part in (shown.text, words.clean_text(note)) if part)
    return shown
