"""How judgements moved from quarter to quarter, as pages show it: the score, what turned, and what is late."""

from __future__ import annotations

import pandas as pd

from helpers.analyses.discovery_review import DiscoveryReview
from helpers.present.decision_fault import note_fault, show_fault
from helpers.present.display import Display, show_chart, show_message, show_table
from helpers.present.theme import LIGHT
from helpers.present.words import count_of, say_n, say_value

STEP, HEIGHT, LEAST, MOST = 190, 240, 420, 780
DIRECTIONS = {"better": "▲\N{NO-BREAK SPACE}better", "worse": "▼\N{NO-BREAK SPACE}worse"}
SCORE = "Score: available counts 1, adoption needed a half, over the fields judged."


def show_judgement_trend(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """Draw how the score of the fields that people judged moved, each pair of quarters over the same cells."""
    trend = review.trend
    undated = ""
    if trend.n_undated:
        verb = "bears" if trend.n_undated == 1 else "bear"
        undated = f" {count_of(trend.n_undated, 'judgement')} {verb} no quarter and count in none."
    if trend.quarters.empty and review.fault:
        return show_fault(review)
    if trend.quarters.empty:
        text = f"Confirm or override the suggested lights, and the trend begins.{undated}"
        return show_message("empty", trend.sentence, text)
    steps = trend.quarters[trend.quarters["n_same"] > 0]
    if steps.empty:
        n = count_of(int(trend.quarters["n_in_force"].iloc[-1]), "cell")
        text = (
            f"{n} of the matrix bear a judgement. A second quarter shows what got better and what got worse.{undated}"
        )
        text += note_fault(review)
        return show_message("empty", trend.sentence, text, "Go through the same fields again next quarter.")
    ends = _ends(trend.quarters)
    width = min(MOST, max(LEAST, STEP * len(trend.quarters)))
    chart = _draw(ends, trend.quarters["quarter"].tolist(), width)
    note = (
        f"Each line joins the same cells, judged by the end of both quarters; a judgement stands until changed. {SCORE}"
    )
    numbers = trend.quarters[["quarter", "n_judged", "n_in_force", "score", "n_same", "score_before", "score_same"]]
    return show_chart(
        chart,
        title=trend.sentence,
        subtitle=subtitle,
        numbers=numbers,
        units={"score": "share", "score_before": "share", "score_same": "share"},
        labels={
            "quarter": "Quarter",
            "n_judged": "Judged in it",
            "n_in_force": "Judged by its end",
            "score": "Their score",
            "n_same": "Judged by the end of both",
            "score_before": "Score before",
            "score_same": "Score now",
        },
        note=f"{note}{undated}{note_fault(review)}",
        width=max(width, LEAST),
    )


def show_judgement_changes(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """List the fields whose light turned since the quarter before, the worse ones first."""
    frame = review.trend.changes
    if frame.empty and review.fault:
        return show_fault(review)
    if frame.empty and not (review.trend.quarters["n_same"] > 0).any():
        return show_message("empty", "No light can have turned yet", "That takes two quarters of judgements.")
    if frame.empty:
        return show_message("good", "No light has turned since the quarter before")
    shown = frame.assign(
        field=frame["label"] + " (" + frame["object"] + ")",
        direction=frame["direction"].map(DIRECTIONS),
        note=frame["note"].replace("", None),
        decided_by=frame["decided_by"].replace("", None),
    )
    worse = int((frame["direction"] == "worse").sum())
    verb = "has" if worse == 1 else "have"
    title = f"{worse} of {count_of(len(frame), 'field')} that turned {verb} got worse" if worse else ""
    return show_table(
        shown[["field", "direction", "before", "after", "n_kpis", "note", "decided_by"]],
        title=title or f"{count_of(len(frame), 'field')} got better, none got worse",
        subtitle=subtitle,
        units={"n_kpis": "count"},
        marks={"before": "light", "after": "light"},
        labels={
            "field": "Field",
            "direction": "Turned",
            "before": "Was",
            "after": "Is",
            "n_kpis": "KPIs",
            "note": "Why",
            "decided_by": "Says",
        },
    )


def show_overdue(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """List what was to be available by a quarter that is over, and isn't."""
    frame = review.trend.overdue
    if frame.empty and review.fault:
        return show_fault(review)
    if frame.empty:
        return show_message("good", "No plan is overdue")
    kpis = review.matrix[review.matrix["dimension"] == ""]
    labels = dict(zip(kpis["kpi"], kpis["label"], strict=True))
    fields = [
        f"{labels.get(kpi, kpi)} by {label[:1].lower()}{label[1:]}"
        for kpi, label in zip(frame["kpi"], frame["label"], strict=True)
    ]
    shown = frame.assign(
        field=fields, owner=frame["owner"].replace("", "nobody named"), note=frame["note"].replace("", None)
    )
    verb = "is" if len(frame) == 1 else "are"
    return show_table(
        shown[["field", "planned", "owner", "light", "note"]],
        title=f"{count_of(len(frame), 'plan')} {verb} overdue",
        subtitle=subtitle,
        marks={"light": "light"},
        labels={
            "field": "Secondary KPI",
            "planned": "Planned for",
            "owner": "Owner",
            "light": "Light today",
            "note": "What was agreed",
        },
    )


def _ends(quarters: pd.DataFrame) -> pd.DataFrame:
    """Return two rows per comparison of two quarters: where its line begins and where it ends."""
    rows = []
    for before, now in zip(quarters.to_dict("records"), quarters.to_dict("records")[1:], strict=False):
        if not now["n_same"]:
            continue
        line = f"{before['quarter']} to {now['quarter']}"
        for end, quarter in (("score_before", before["quarter"]), ("score_same", now["quarter"])):
            rows.append({"line": line, "quarter": quarter, "score": now[end], "n": int(now["n_same"]), "end": end})
    frame = pd.DataFrame(rows)
    last = frame["line"] == frame["line"].iloc[-1]
    said = [say_value(score, "share") for score in frame["score"]]
    joined = [f"{text} ({say_n(n)})" for text, n in zip(said, frame["n"], strict=True)]
    is_end = frame["end"] == "score_same"
    is_joint = ~is_end & (frame["score"] == frame["score"].shift()) & (frame["quarter"] == frame["quarter"].shift())
    frame["is_said"] = ~is_joint
    return frame.assign(is_last=last, said=pd.Series(joined).where(is_end, pd.Series(said)))


def _draw(ends: pd.DataFrame, order: list[str], width: int):
    import altair as alt

    x = alt.X("quarter:O", sort=order, title=None, scale=alt.Scale(domain=order, padding=0.45))
    axis = alt.Axis(format="%", labelExpr="replace(datum.label, '%', ' %')", tickCount=5)
    y = alt.Y("score:Q", title=None, axis=axis, scale=alt.Scale(domain=[0, 1.08], nice=False))
    colour = alt.condition(alt.datum.is_last, alt.value(LIGHT["accent"]), alt.value(LIGHT["mid"]))
    base = alt.Chart(ends).encode(x=x, y=y, color=colour)
    lines = base.mark_line(strokeWidth=2.5).encode(detail="line:N")
    dots = base.mark_point(filled=True, size=80, opacity=1)
    begins = base.transform_filter("datum.end === 'score_before' && datum.is_said")
    begins = begins.mark_text(dy=-14, fontSize=12, align="right", dx=4)
    arrives = base.transform_filter("datum.end === 'score_same'")
    arrives = arrives.mark_text(dy=-14, fontSize=12, fontWeight=600, align="left", dx=-8)
    return alt.layer(lines, dots, begins.encode(text="said:N"), arrives.encode(text="said:N")).properties(
        width=width - 80, height=HEIGHT
    )
