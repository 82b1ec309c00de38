"""The funnel plot inside the explorer: like roles against the spread that chance makes."""

from __future__ import annotations

from typing import Any

from helpers.analyses.exploration import Exploration
from helpers.analyses.exploration_answer import Answer
from helpers.analyses.funnel_plot import compare_units
from helpers.present import words
from helpers.present.explorer.view import list_steps, make_ticks
from helpers.present.explorer.writing import Writer, cut_name
from helpers.present.theme import judge_change


def describe_funnel(exploration: Exploration, answer: Answer, writer: Writer) -> dict[str, Any]:
    """Compare the slices of the first partition, the largest group of like roles first."""
    period, by = answer.period, answer.state.by[0]
    filters = answer.state.to_filters(without=by)
    values = {name: exploration.list_wanted(name, wanted) for name, wanted in filters.items()}
    plots = compare_units(
        exploration.company, answer.kpi.id, by=by, start=period.start, end=period.end, as_of=exploration.as_of,
        filters=values or None,
    )  # fmt: skip
    plots = sorted(plots, key=lambda plot: -len(plot.frame))
    if not plots or plots[0].frame.empty:
        return {"title": "No records to compare here", "note": "Choose another period or remove a filter."}
    plot = plots[0]
    frame = plot.frame
    tones = {"above": 1.0, "below": -1.0}
    wide = plot.limits.loc[plot.limits["n"] >= frame["n"].max() / 3, "alarm_high"]
    top = min(max(float(frame["rate"].max()) * 1.1, plot.rate * 1.5, float(wide.max()) if len(wide) else 0.0), 1.0)
    more = f" Other roles: {words.join_words(one.role for one in plots[1:])}." if len(plots) > 1 else ""
    return {
        "title": words.clean_text(plot.headline),
        "note": f"Dashed: 95 % by chance; solid: 99.8 %. Hollow: too few records to judge. {plot.note}{more}".strip(),
        "rate": plot.rate,
        "most": int(frame["n"].max()),
        "counts": [{"value": one, "text": f"{one:,.0f}"} for one in list_steps(int(frame["n"].max()))],
        "top": top,
        "ticks": [tick for tick in make_ticks(top, writer) if tick["value"] <= top],
        "words": f"{plot.headline} {len(frame)} compared.",
        "limits": plot.limits.to_dict("records"),
        "units": [
            {
                "name": cut_name(row["who"]),
                "n": int(row["n"]),
                "rate": float(row["rate"]),
                "is_small": bool(row["is_small"]),
                "is_named": bool(row["is_named"]),
                "tone": judge_change(tones.get(str(row["verdict"]).split(" ")[0], 0.0), answer.kpi.direction),
                "words": f"{cut_name(row['who'])}: {writer.value(row['rate'])}, n {row['n']:,}, {row['verdict']}",
            }
            for row in frame.to_dict("records")
            if not words.is_missing(row["rate"])
        ],
    }
