"""The KPI discovery as pages show it: the matrix, the secondary KPIs by name, copies, and what to activate next."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from helpers.analyses.activation import COPY_STATES
from helpers.analyses.discovery_findings import headline_discovery
from helpers.analyses.discovery_review import DiscoveryReview
from helpers.present.charts.discovery_matrix import draw_discovery_matrix
from helpers.present.display import Display, show_message, show_table
from helpers.present.words import count_of, say_value
from helpers.units import in_sentence

TOLD_IN_PARTS = "shown in parts"
"""How the availability of a KPI says that it only skips a stage; nothing is missing, since its steps are told."""


def show_matrix(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """Draw the object matrix."""
    title = headline_discovery(review.matrix)
    return draw_discovery_matrix(review.matrix, primaries=review.primaries, title=title, subtitle=subtitle)


def show_unavailable(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """List the KPIs that the exports can't tell, why, and what to do."""
    missing = review.matrix[(review.matrix["dimension"] == "") & (review.matrix["suggested_light"] == "unavailable")]
    missing = missing[~missing["reason"].str.contains(TOLD_IN_PARTS, regex=False)]
    if missing.empty:
        return show_message("good", "Every KPI can be told from the exports")
    return show_table(
        missing.assign(cure=[_say_labels(text, review) for text in missing["cure"]])[["label", "reason", "cure"]],
        title=f"{count_of(len(missing), 'KPI')} can't be told from the exports",
        subtitle=subtitle,
        labels={"label": "KPI", "reason": "Why", "cure": "What to do"},
    )


def show_evidence(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """List the fields that need adoption, with the CRM's evidence, most records first."""
    cells = review.matrix[(review.matrix["dimension"] != "") & (review.matrix["light"] == "adoption_needed")]
    shown = cells.sort_values("n", ascending=False, kind="stable").drop_duplicates(["dimension", "object"])
    if shown.empty:
        return show_message("good", "No field is half adopted", "Every field is either trusted, or not there at all.")
    fields = shown["label"] + " (" + shown["object"] + ")"
    said = pd.Series([_say_reason(row) for row in shown.to_dict("records")], index=shown.index, dtype="str")
    columns = ["field", "said", "fill_rate", "fill_rate_90d", "n"]
    return show_table(
        shown.assign(field=fields, said=said)[columns],
        title=f"{count_of(len(shown), 'field')} to be adopted before anybody relies on them",
        subtitle=subtitle,
        units={"fill_rate": "share", "fill_rate_90d": "share", "n": "count"},
        labels={
            "field": "Field",
            "said": "Why",
            "fill_rate": "Filled",
            "fill_rate_90d": "In 90 days",
            "n": "Records",
        },
    )


def show_secondaries(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """Show the secondary KPIs by name: what people say can be tracked, and what the CRM says."""
    frame = review.secondaries
    if frame.empty:
        return show_message("empty", "No secondary KPIs are named yet", "They follow from the survey's KPI tab.")
    said = [
        " · ".join(f"{n} {word}" for n, word in ((y, "yes"), (no, "no"), (u, "don't know")) if n) or None
        for y, no, u in zip(frame["n_yes"], frame["n_no"], frame["n_unknown"], strict=True)
    ]
    green = int((frame["light"] == "available").sum())
    kind = "named" if any(said) else "usual"
    shown = frame.assign(said=pd.Series(said, index=frame.index, dtype="str"))
    return show_table(
        shown[["secondary", "said", "light", "reason"]],
        title=f"{green} of {count_of(len(frame), f'{kind} secondary KPI')} can be tracked today",
        subtitle=subtitle,
        marks={"light": "light"},
        labels={"secondary": "Secondary KPI", "said": "People say", "light": "Light", "reason": "What the CRM shows"},
    )


def _say_labels(text: str, review: DiscoveryReview) -> str:
    """Write KPIs as readers call them instead of by their ids."""
    kpis = review.matrix[review.matrix["dimension"] == ""]
    labels = dict(zip(kpis["kpi"], kpis["label"], strict=True))
    return re.sub(r"\b[a-z]+(?:_[a-z0-9]+)+\b", lambda match: labels.get(match.group(), match.group()), text)


def _say_reason(row: Mapping[Hashable, Any]) -> str:
    """Say what a person decided, and what the CRM shows beside it."""
    if not row["decided_by"]:
        return str(row["reason"])
    note = f"{row['note']} ({row['decided_by']})." if row["note"] else f"Decided by {row['decided_by']}."
    return f"{note} The CRM: {row['reason'][:1].lower()}{row['reason'][1:]}"


def show_copies(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """Show which fields are to be copied between objects, and how many records each copy would fill."""
    frame = review.copies
    fillable = int(frame.loc[frame["state"].isin(["wanted", "followed"]), "n_fillable"].fillna(0).sum())
    way = frame["from_object"].str.capitalize() + " → " + frame["to_object"]
    reason = frame["reason"].str[:1].str.upper() + frame["reason"].str[1:]
    shown = frame.assign(way=way, reason=reason, state=frame["state"].map(COPY_STATES))
    return show_table(
        shown[["label", "way", "state", "n_missing", "n_fillable", "reason"]],
        title=f"Copying fields between objects would fill {fillable:,} values"
        if fillable
        else "No copy between objects can be judged from these exports",
        subtitle=subtitle,
        units={"n_missing": "count", "n_fillable": "count"},
        labels={
            "label": "Field",
            "way": "From → to",
            "state": "State",
            "n_missing": "Without it",
            "n_fillable": "Would be filled",
            "reason": "Why",
        },
    )


def show_activations(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """Show what to activate next, best first."""
    frame = review.activations
    if frame.empty:
        return show_message("good", "Every wanted field is available", "Look again next quarter.")
    score = say_value(review.score, "share")
    columns = ["field", "light", "effort", "score_after", "lets", "planned"]
    fields = frame["label"] + " (" + frame["objects"] + ")"
    return show_table(
        frame.assign(field=fields).replace({"planned": {"": None}})[columns],
        title=f"Activate {in_sentence(frame['label'].iloc[0])} next; the coverage score is {score} today",
        subtitle=subtitle,
        units={"score_after": "share"},
        marks={"light": "light"},
        labels={
            "field": "Field",
            "light": "Light",
            "effort": "Effort",
            "score_after": "Score after",
            "lets": "Would let you see",
            "planned": "Planned",
        },
        note="Score: available counts 1, adoption needed a half, over all wanted fields. Ranked by gain per effort.",
    )
