"""The from–to matrix: how many moved from which stage to which, with the chain's promise and the truth beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.stage_transitions import BACK, LOST_MOVE, NEXT, SKIPPED
from helpers.present import words
from helpers.present.display import Display, show_chart, show_message, show_table
from helpers.present.theme import LIGHT

if TYPE_CHECKING:
    import altair

    from helpers.analyses.stage_transitions import Transitions

CELL, NARROW_CELL, ROW = 46, 35, 30
MANY_STAGES = 8
TONES = {NEXT: "bar", SKIPPED: "accent_soft", BACK: "bad_soft", LOST_MOVE: "rule"}
BESIDE = {"chain": "chain says", "won": "was won", "days": "median days"}
WIDE, NARROW = 84, 68


def draw_transitions(found: Transitions | None, *, subtitle: str = "", note: str = "") -> Display:
    """Draw the moves between stages as a matrix.

    Args:
        found: As made by ``measure_transitions``; None says what is missing.
        subtitle: What stands under the title before the basis.
        note: Further words on how to read it.

    Returns:
        A display; its text lists every kind of move.
    """
    if found is None:
        return _missing()
    names = _names(found)
    matrix, beside = _matrix(found, names), _beside(found, names)
    chart = _join(matrix, beside)
    who = "deals" if found.object == "deal" else "contacts"
    how = "Row: from, column: to. Grey: on to the next stage or lost; blue: a stage skipped; red: back."
    return show_chart(
        chart,
        title=found.headline,
        subtitle=f"Moves of {found.n:,} {who} between stages · {subtitle}".strip(" ·"),
        numbers=found.moves,
        units={"n": "count", "share": "share"},
        labels={"n": "Moves", "share": "Of all moves out"},
        note=f"{how} {found.note} {note}".strip(),
        width=_widths(found)[0] * len(found.stages) + _widths(found)[1] * len(BESIDE) + 200,
    )


def show_stage_table(found: Transitions | None, *, subtitle: str = "") -> Display | None:
    """List per stage what became of those that entered, the chain's promise, and how long they stayed.

    Args:
        found: As made by ``measure_transitions``.
        subtitle: Company, period, last day.

    Returns:
        A table; None where there are no moves to tell, which the picture says.
    """
    if found is None:
        return None
    shown = found.by_stage
    stuck = shown.loc[shown["median_days"].idxmax()] if shown["median_days"].notna().any() else None
    title = "No stay in a stage has ended yet"
    if stuck is not None:
        days = words.say_value(stuck["median_days"], "days")
        title = f"Half leave {stuck['stage']} after {days}, the longest of all stages"
    counts = dict.fromkeys(("entered", "next", "skipped", "back", "lost", "open"), "count")
    shares = dict.fromkeys(("step_rate", "chain_to_won", "won_share", "low", "high"), "share")
    return show_table(
        shown,
        title=title,
        subtitle=subtitle,
        units={**counts, **shares, "median_days": "days"},
        labels={
            "entered": "Entered",
            "next": "To the next",
            "skipped": "Beyond it",
            "back": "Back",
            "lost": "Lost",
            "open": "Still there",
            "step_rate": "Step rate",
            "chain_to_won": "Chain to won",
            "won_share": "Was won",
            "low": "From",
            "high": "To",
            "median_days": "Median stay",
        },
        max_rows=14,
        note="Was won: of all that ever entered, with its interval. Open stays count as long as they last.",
    )


def _missing() -> Display:
    text = "It takes a history of deal stages, or dates of at least two stages before the win."
    return show_message(
        "empty", "The exports don't tell moves between stages", text, "Export deal stage changes, or each stage's date."
    )


def _widths(found: Transitions) -> tuple[int, int]:
    """Return how wide a cell of the matrix is, and a column beside it."""
    return (CELL, WIDE) if len(found.stages) <= MANY_STAGES + 2 else (NARROW_CELL, NARROW)


def _names(found: Transitions) -> dict[str, tuple[str, str]]:
    """Return per stage how its row and its column are called; columns are numbers, so that twelve fit."""
    k = len(found.stages) - 2
    rows = [(f"{i + 1}  {words.shorten(stage, 24)}", str(i + 1)) for i, stage in enumerate(found.stages[:k])]
    return dict(zip(found.stages, [*rows, ("won", "won"), ("lost", "lost")], strict=True))


def _matrix(found: Transitions, names: dict[str, tuple[str, str]]) -> altair.LayerChart:
    import altair as alt

    moves = found.moves.assign(
        row=[names[stage][0] for stage in found.moves["from"]],
        column=[names[stage][1] for stage in found.moves["to"]],
        colour=[LIGHT[TONES[kind]] for kind in found.moves["kind"]],
        text=[f"{n:,}" for n in found.moves["n"]],
        share_text=[words.say_value(share, "share") for share in found.moves["share"]],
        weight=[400 if kind in (NEXT, LOST_MOVE) else 600 for kind in found.moves["kind"]],
    )
    left = set(found.moves["from"])
    rows = [names[stage][0] for i, stage in enumerate(found.stages) if i < len(found.stages) - 2 or stage in left]
    columns = [names[stage][1] for stage in found.stages]
    x = alt.X(
        "column:N",
        sort=columns,
        scale=alt.Scale(domain=columns, paddingInner=0.06),
        axis=alt.Axis(orient="top", title="to", titleAnchor="start", labelOverlap=False, domain=False, ticks=False),
    )
    y = alt.Y(
        "row:N", sort=rows, scale=alt.Scale(domain=rows, paddingInner=0.08), title=None, axis=alt.Axis(labelLimit=190)
    )
    tips = {"from": "From", "to": "To", "text": "Moves", "share_text": "Of all moves out", "kind": "Kind"}
    base = alt.Chart(moves).encode(x=x, y=y)
    cells = base.mark_rect(cornerRadius=2).encode(
        color=alt.Color("colour:N", scale=None),
        tooltip=[alt.Tooltip(field, title=title) for field, title in tips.items()],
    )
    plain = base.transform_filter("datum.weight == 400").mark_text(fontSize=11)
    bold = base.transform_filter("datum.weight == 600").mark_text(fontSize=11, fontWeight=600)
    diagonal = pd.DataFrame([{"row": row, "column": columns[i]} for i, row in enumerate(rows) if i < len(columns) - 2])
    same = alt.Chart(diagonal).mark_text(text="·", color=LIGHT["mid"], fontSize=14).encode(x=x, y=y)
    layers = [cells, same, plain.encode(text="text:N"), bold.encode(text="text:N")]
    return alt.layer(*layers).properties(width=alt.Step(_widths(found)[0]), height=alt.Step(ROW))


def _beside(found: Transitions, names: dict[str, tuple[str, str]]) -> altair.LayerChart:
    """Write beside each stage what a chain from it promises, what was won, and how long half stayed."""
    import altair as alt

    rows = [
        {"row": names[row["stage"]][0], "column": column, "text": text, "is_off": is_off}
        for row in found.by_stage.to_dict("records")
        for column, text, is_off in (
            (BESIDE["chain"], words.say_value(row["chain_to_won"], "share"), False),
            (BESIDE["won"], words.say_value(row["won_share"], "share"), row["chain_to_won"] < row["low"]),
            (BESIDE["days"], words.say_value(row["median_days"], "days"), False),
        )
    ]
    order = [names[stage][0] for stage in found.by_stage["stage"]]
    left = set(found.moves["from"])
    order += [names[stage][0] for stage in found.stages[-2:] if stage in left]
    columns = list(BESIDE.values())
    x = alt.X(
        "column:N",
        sort=columns,
        scale=alt.Scale(domain=columns),
        title=None,
        axis=alt.Axis(orient="top", labelOverlap=False, domain=False, ticks=False),
    )
    y: Any = alt.Y("row:N", sort=order, scale=alt.Scale(domain=order, paddingInner=0.08), title=None, axis=None)
    base = alt.Chart(pd.DataFrame(rows)).encode(x=x, y=y, text="text:N")
    plain = base.transform_filter("!datum.is_off").mark_text(fontSize=12, color=LIGHT["ink"])
    off = base.transform_filter("datum.is_off").mark_text(fontSize=12, fontWeight=600, color=LIGHT["accent"])
    return alt.layer(plain, off).properties(width=alt.Step(_widths(found)[1]), height=alt.Step(ROW))


def _join(matrix: altair.LayerChart, beside: altair.LayerChart) -> altair.HConcatChart:
    import altair as alt

    return alt.hconcat(matrix, beside, spacing=18).resolve_scale(x="independent", y="independent", color="independent")
