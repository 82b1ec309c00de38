"""The KPI discovery as pages show it: the matrix, the secondary KPIs by name, copies, and what to activate next."""

from __future__ import annotations

import pandas as pd

from helpers.analyses.activation import COPY_STATES
from helpers.analyses.discovery_findings import headline_discovery
from helpers.analyses.discovery_review import DiscoveryReview
from helpers.present.charts.discovery_matrix import draw_discovery_matrix
from helpers.present.display import Display, show_message, show_table
from helpers.present.words import count_of, say_value


def show_matrix(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """Draw the object matrix."""
    title = headline_discovery(review.matrix)
    return draw_discovery_matrix(review.matrix, primaries=review.primaries, title=title, subtitle=subtitle)


def show_unavailable(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """List the KPIs that the exports can't tell, why, and what to do."""
    missing = review.matrix[(review.matrix["dimension"] == "") & (review.matrix["suggested_light"] == "unavailable")]
    if missing.empty:
        return show_message("good", "Every KPI can be told from the exports")
    return show_table(
        missing[["label", "reason", "cure"]],
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
    columns = [
        "label",
        "object",
        "light",
        "suggested_light",
        "reason",
        "fill_rate",
        "fill_rate_90d",
        "unknown_share",
        "n",
    ]
    return show_table(
        shown[columns],
        title=f"{count_of(len(shown), 'field')} to be adopted before anybody relies on them",
        subtitle=subtitle,
        units={"fill_rate": "share", "fill_rate_90d": "share", "unknown_share": "share", "n": "count"},
        marks={"light": "light", "suggested_light": "light"},
        labels={
            "label": "Field",
            "object": "On the",
            "light": "Light",
            "suggested_light": "The CRM suggests",
            "reason": "What the CRM shows",
            "fill_rate": "Filled",
            "fill_rate_90d": "In 90 days",
            "unknown_share": "Unknown",
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
    shown = frame.assign(said=pd.Series(said, index=frame.index, dtype="str"))
    return show_table(
        shown[["secondary", "said", "light", "reason"]],
        title=f"{green} of {count_of(len(frame), 'named secondary KPI')} can be tracked today",
        subtitle=subtitle,
        marks={"light": "light"},
        labels={"secondary": "Secondary KPI", "said": "People say", "light": "Light", "reason": "What the CRM shows"},
    )


def show_copies(review: DiscoveryReview, *, subtitle: str = "") -> Display:
    """Show which fields are to be copied between objects, and how many records each copy would fill."""
    frame = review.copies
    fillable = int(frame.loc[frame["state"].isin(["wanted", "followed"]), "n_fillable"].fillna(0).sum())
    way = frame["from_object"].str.capitalize() + " → " + frame["to_object"]
    shown = frame.assign(way=way, state=frame["state"].map(COPY_STATES))
    return show_table(
        shown[["label", "way", "state", "n_missing", "n_fillable", "reason"]],
        title=f"Copying fields between objects would fill {fillable:,} values",
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
    return show_table(
        frame[["rank", "label", "objects", "light", "effort", "n_kpis", "score_after", "lets", "planned"]].replace(
            {"planned": {"": None}}
        ),
        title=f"Activate {frame['label'].iloc[0].lower()} next; the coverage score is {score} today",
        subtitle=subtitle,
        units={"score_after": "share", "n_kpis": "count"},
        marks={"light": "light"},
        labels={
            "rank": "Rank",
            "label": "Field",
            "objects": "On the",
            "light": "Light",
            "effort": "Effort",
            "n_kpis": "Secondary KPIs",
            "score_after": "Score after",
            "lets": "Would let you see",
            "planned": "Planned",
        },
        note="Score: available counts 1, adoption needed a half, over all wanted fields. Ranked by gain per effort.",
    )
