"""Roll-up layers as pages show them: which layer each object has, what can't be reported, and what to paste."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from html import escape
from typing import Any

import pandas as pd

from helpers.analyses.discovery_review import DiscoveryReview
from helpers.present import tables
from helpers.present.display import Display, show_message, show_table
from helpers.present.theme import find_light
from helpers.present.words import clean_text, count_of, prose_html, say_value

LIGHTS = {"own": "available", "computed": "adoption_needed", "inherited": "adoption_needed", "missing": "unavailable"}
SAID = {"computed": "rolled up here", "missing": "not there"}
FAMILIES = {"attribution": "Attribution, fine to coarse", "geography": "Geography, fine to coarse"}
MOST_LAYERS = 4
"""Layers over which a table fills the page; with fewer it is narrower, so that its columns stay together."""

WIDTH_OF_LAYER = 190
NOTE = "● kept on the object · ◐ taken over, or rolled up by company.toml · ○ not there"


def show_rollup_layers(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """Show which layers each object carries, from the form that brought a lead to the motion."""
    check = review.rollups
    if check.ladder.empty:
        text = "Map a source or a country of the contact or the deal in company.toml."
        return show_message("empty", check.sentence, "There is nothing to roll up.", text)
    parts, lines = [], []
    for family, rungs in check.ladder.groupby("family", sort=False):
        heading = FAMILIES.get(str(family), str(family).capitalize())
        labels, rows = _spread(rungs)
        parts.append(_ladder_html(heading, labels, rows))
        written = [[object.capitalize(), *(" ".join(_say_rung(rung)) for rung in cells)] for object, cells in rows]
        frame = pd.DataFrame(written, columns=["Object", *labels], dtype="str")
        lines.append(f"{heading}\n{tables.plain_table(frame)}")
    head = f'<p class="title">{prose_html(check.sentence)}</p>'
    head += f'<p class="subtitle">{prose_html(subtitle)}</p>' if subtitle else ""
    note = re.sub("([●◐○])", r'<span class="shape" aria-hidden="true">\1</span>', prose_html(NOTE))
    html = f'{head}{"".join(parts)}<p class="note">{note}</p>'
    text = "\n\n".join([*lines, NOTE])
    return Display(title=check.sentence, subtitle=subtitle, text=text, html=html)


def show_rollup_gaps(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """List what can't be reported above or below, and what to do about each."""
    gaps = review.rollups.gaps
    if gaps.empty:
        return show_message("good", "Nothing is lost between the layers")
    return show_table(
        gaps[["sentence", "n", "share", "cure"]],
        title=f"{count_of(len(gaps), 'gap')} in the layers that reports are made of",
        subtitle=subtitle,
        units={"n": "count", "share": "share"},
        labels={"sentence": "What is lost", "n": "Records", "share": "Share", "cure": "What to do"},
    )


def show_rollup_values(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """List the values that stand under two parents or under none, most records first."""
    values = review.rollups.values
    if review.rollups.steps.empty:
        return show_message("empty", "No two layers of one object to compare", "A value needs a field above it.")
    if values.empty:
        crossing = review.rollups.gaps["kind"].eq("crossing").any()
        title = "Every value has exactly one parent"
        return (
            show_message("empty", f"{title} where fields roll up at all") if crossing else show_message("good", title)
        )
    two = int((values["problem"] == "two parents").sum())
    counted = ((two, "under two parents"), (len(values) - two, "under none"))
    title = " and ".join(f"{count_of(n, 'value')} {where}" for n, where in counted if n)
    shown = values.assign(
        layer=values["fine_label"] + " (" + values["object"] + ")",
        parents=values["parents"].replace("", None),
        suggestion=values["suggestion"].replace("", None),
    )
    return show_table(
        shown[["value", "layer", "problem", "parents", "n", "suggestion"]],
        title=title,
        subtitle=subtitle,
        units={"n": "count"},
        labels={
            "value": "Value",
            "layer": "Of",
            "problem": "Problem",
            "parents": "Stands under",
            "n": "Records outside",
            "suggestion": "Probably",
        },
        note="Records outside: those under another parent than the value's usual one, or under none.",
    )


def show_stated_values(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """Show what people say the cuts are made of beside the CRM's own values."""
    stated = review.rollups.stated
    if stated.empty:
        return show_message(
            "empty", "Nobody has said what the cuts are made of", "It is asked in the survey's KPI tab."
        )
    shown = stated.assign(
        rolls_up_to=[_say_parent(row) for row in stated.to_dict("records")],
        verdict=[_say_verdict(row) for row in stated.to_dict("records")],
    )
    off = int((shown["verdict"] != "as in the CRM").sum())
    verb = "differs" if off == 1 else "differ"
    title = f"{off} of {count_of(len(stated), 'cut')} {verb} from the CRM's values" if off else ""
    return show_table(
        shown[["label", "people", "n_said", "rolls_up_to", "verdict"]],
        title=title or "People and CRM name the same values",
        subtitle=subtitle,
        labels={
            "label": "Cut",
            "people": "Who said so",
            "n_said": "Values named",
            "rolls_up_to": "Rolls up to",
            "verdict": "Beside the CRM",
        },
    )


def show_rollup_suggestion(review: DiscoveryReview) -> Display:
    """Show the roll-ups to paste into company.toml."""
    toml = review.rollups.toml
    if not toml:
        return show_message("good", "No roll-up is missing from company.toml")
    title = "Roll-ups to paste into company.toml"
    subtitle = "They replace the tables of the same name. Read every guess before you keep it."
    text = "\n".join(clean_text(line) for line in toml.split("\n"))
    html = (
        f'<p class="title">{escape(title)}</p><p class="subtitle">{escape(subtitle)}</p>'
        "<style>@media print{pre.paste{max-height:none!important}}</style>"
        '<pre class="paste" style="overflow:auto;max-height:24em;padding:12px;background:var(--raised);'
        'color:var(--ink)">'
        f"{escape(text)}</pre>"
    )
    return Display(title=title, subtitle=subtitle, text=text, html=html)


Rung = Mapping[Hashable, Any]


def _spread(rungs: pd.DataFrame) -> tuple[list[str], list[tuple[str, list[Rung]]]]:
    """Return what the layers are called, fine to coarse, and per object its rungs in that order."""
    layers = list(dict.fromkeys(rungs["layer"]))
    labels = [_label_of(rungs[rungs["layer"] == layer]) for layer in layers]
    rows: dict[str, dict[str, Rung]] = {}
    for rung in rungs.to_dict("records"):
        rows.setdefault(rung["object"], {})[rung["layer"]] = rung
    return labels, [(object, [cells[layer] for layer in layers]) for object, cells in rows.items()]


def _ladder_html(heading: str, labels: list[str], rows: list[tuple[str, list[Rung]]]) -> str:
    head = "".join(f'<th scope="col">{escape(clean_text(label))}</th>' for label in ["Object", *labels])
    body = []
    for object, cells in rows:
        row = [f'<th scope="row">{escape(object.capitalize())}</th>']
        for rung in cells:
            light = find_light(LIGHTS[str(rung["state"])])
            _, said, more = _say_rung(rung)
            shape = f'<span class="shape" aria-hidden="true">{light.shape}</span>'
            told = f'<span class="light is-{light.colour}">{shape}{escape(said)}</span>'
            row.append(f'<td>{told}<br><span class="n">{prose_html(more)}</span></td>' if more else f"<td>{told}</td>")
        body.append(f"<tr>{''.join(row)}</tr>")
    share = 100 / (len(labels) + 0.6)
    widths = f'<col style="width:{0.6 * share:.1f}%">' + f'<col style="width:{share:.1f}%">' * len(labels)
    width = 100 * min(1, (len(labels) + 0.6) / (MOST_LAYERS + 0.6))
    return (
        f'<p class="subtitle" style="margin-top:16px">{escape(heading)}</p><div class="frame">'
        f'<table style="width:{width:.1f}%;min-width:min(100%,{WIDTH_OF_LAYER * len(labels)}px)">'
        f"<colgroup>{widths}</colgroup><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _label_of(rungs: pd.DataFrame) -> str:
    named = rungs[rungs["state"] != "missing"]
    return str((named if len(named) else rungs)["label"].iloc[0])


def _say_rung(rung: Rung) -> tuple[str, str, str]:
    """Say a layer of an object: its shape, how many values, and how far it is filled and from where."""
    state = str(rung["state"])
    shape = find_light(LIGHTS[state]).shape
    if state == "missing":
        return shape, SAID[state], ""
    fill = rung["fill_rate"]
    share = "over 99 %" if 0.995 <= fill < 1 else say_value(fill, "share")
    parts = [f"{share} of {rung['n']:,} filled"]
    parts.append(f"from {rung['taken_from']}" if state == "inherited" else SAID.get(state, ""))
    return shape, count_of(int(rung["n_values"]), "value"), ", ".join(part for part in parts if part)


def _say_parent(row: Mapping[Hashable, Any]) -> str | None:
    if not row["rolls_up_to"]:
        return None
    missing = row["has_parent"] is False
    return f"{row['rolls_up_to']} (not on the {row['object']})" if missing else str(row["rolls_up_to"])


def _say_verdict(row: Mapping[Hashable, Any]) -> str:
    if not row["object"]:
        return "no field of the exports bears that name"
    parts = []
    if row["said_only"]:
        parts.append(f"not in the CRM: {row['said_only']}")
    if row["crm_only"]:
        share = say_value(row["crm_only_share"], "share")
        records = count_of(2, str(row["object"])).partition(" ")[2]
        parts.append(f"{share} of the {records} bear values nobody named: {row['crm_only']}")
    if row["is_disputed"]:
        parts.append("people differ")
    return "; ".join(parts) or "as in the CRM"
