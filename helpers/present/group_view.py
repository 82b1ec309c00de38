"""The survey's group view: each part with its designed state for nobody, for an open round, and for no CRM."""

from __future__ import annotations

import pandas as pd

from helpers.analyses.survey_findings import headline_agreement, headline_gut
from helpers.analyses.survey_review import SurveyReview
from helpers.present.charts.agreement import SAME_THING, draw_agreement
from helpers.present.display import Display, show_findings, show_message, show_table
from helpers.present.words import count_of, say_value


def show_round(review: SurveyReview) -> Display:
    """Show how far the round is: nobody, still open, or closed."""
    people = count_of(review.n_respondents, "person", "people")
    if not review.n_respondents:
        return show_message(
            "empty",
            "Nobody has answered the survey yet",
            "The questionnaire stands at the end of this page. What people type lies in answers/survey, one file each.",
            "Ask four people who see the business differently, each alone.",
        )
    if not review.is_closed:
        return show_message(
            "empty",
            f"{people} answered; the round is still open",
            "Nobody sees a colleague's answers, or the CRM's, before the round is closed.",
            "When all have answered, write closed = true into answers/survey/round.toml.",
        )
    return show_message("good", f"{people} answered, and the round is closed")


def show_disagreements(review: SurveyReview, *, subtitle: str = "") -> Display:
    """Show the questions that most people answered, by how little they agree."""
    if review.agreement.empty:
        return _nothing("No answers to compare", "Two people have to answer the same question.")
    common = review.agreement[review.agreement["n"] * 2 > review.n_respondents]
    return show_table(
        common[["label", "sentence", "agreement", "n"]],
        title=headline_agreement(review.agreement),
        subtitle=subtitle,
        units={"agreement": "share"},
        labels={"label": "Question", "sentence": "What people say", "agreement": "Agreement", "n": "People"},
        marks={"agreement": "share_bar"},
        note="Agreement: of numbers 1 − spread ÷ mean, of choices the share of the commonest, of lists their overlap.",
    )


def show_priorities(review: SurveyReview, *, subtitle: str = "") -> Display:
    """Show everybody's top three priorities side by side, and the published figures beside their overlap."""
    found = review.priorities
    if not found["lists"]:
        return _nothing("No priorities to compare", "Two people have to name their top three.")
    places = max(map(len, found["lists"].values()))
    rows = [[name, *texts, *[None] * (places - len(texts))] for name, texts in found["lists"].items()]
    columns = {f"priority_{i + 1}": f"{i + 1}." for i in range(places)}
    frame = pd.DataFrame(rows, columns=["who", *columns]).astype("str")
    published = ", ".join(
        f"{say_value(r['value'], 'share', digits=0)} ({r['label'].lower()})" for r in found["references"]
    )
    shared = say_value(found["overlap"], "share")
    overlap = "" if found["overlap"] is None else f"On average two people share {shared}. "
    note = f"{overlap}Published: {published}. Source: {found['references'][0]['source']}."
    return show_table(
        frame,
        title=found["sentence"].rstrip("."),
        subtitle=subtitle,
        labels={"who": "Who", **columns},
        note=note,
    )


def show_definitions(review: SurveyReview, *, subtitle: str = "") -> Display:
    """Show who means what by MQL, SQL, customer and churn."""
    frame = review.definitions
    if frame.empty:
        return _nothing("No definitions to compare", "The tab on definitions has not been filled in.")
    disputed = frame.loc[frame["agreement"] < 1, "term"].nunique()
    of = frame["term"].nunique()
    title = f"{disputed} of {of} words mean different things to different people" if disputed else "All mean the same"
    return show_table(
        frame[["term", "respondent", "meaning", "words"]].replace({"words": {"": None}}),
        title=title,
        subtitle=subtitle,
        labels={"term": "Word", "respondent": "Who", "meaning": "Means", "words": "In own words"},
        max_rows=16,
    )


def show_gut(review: SurveyReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Draw the gut answers beside the CRM's values."""
    if review.gut.empty:
        return _nothing("No gut answers to compare with the CRM", "They are compared once the round is closed.")
    same = review.gut["is_available"] & review.gut["check"].isin(SAME_THING)
    if not same.any():
        return _nothing("The CRM can't answer these questions yet", str(review.gut["cure"].iloc[0]))
    title = headline_gut(review.gut, currency=currency)
    return draw_agreement(review.answers, review.gut, title=title, subtitle=subtitle, currency=currency)


def show_gut_table(review: SurveyReview, *, subtitle: str = "") -> Display:
    """Show each comparison in words, with the CRM's definition and its n."""
    if review.gut.empty:
        return _nothing("No gut answers to compare with the CRM", "They are compared once the round is closed.")
    told = int(review.gut["is_available"].sum())
    frame = review.gut[["label", "sentence", "crm_definition", "crm_n", "cure"]]
    frame = frame.assign(crm_definition=frame["crm_definition"].where(frame["crm_definition"] != "", frame["cure"]))
    return show_table(
        frame.drop(columns="cure"),
        title=f"The CRM answers {told} of {len(frame)} questions",
        subtitle=subtitle,
        labels={
            "label": "Question",
            "sentence": "People and CRM",
            "crm_definition": "How the CRM's number is made, or what it needs",
            "crm_n": "Records",
        },
        units={"crm_n": "count"},
    )


def show_icp(review: SurveyReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show the stated ideal customer beside the deals that were closed."""
    if review.icp.empty:
        return _nothing("No ideal customer to compare with", "Nobody's description may be seen yet.")
    known = review.icp[review.icp["is_available"].astype(bool)]
    named = review.icp[["attribute", "stated", "recent_fit_share", "n_recent", "win_rate_inside", "win_rate_outside"]]
    frame = named.join(review.icp[["deal_size_inside", "deal_size_outside"]])
    offending = len(review.offending)
    title = f"{offending} of the latest wins lie outside the ideal customer people describe"
    return show_table(
        frame.astype({c: "float64" for c in frame.columns if c not in ("attribute", "stated")}),
        title=title if len(known) else "The CRM doesn't carry what people describe",
        subtitle=subtitle,
        currency=currency,
        units={
            "recent_fit_share": "share",
            "n_recent": "count",
            "win_rate_inside": "share",
            "win_rate_outside": "share",
            "deal_size_inside": "currency",
            "deal_size_outside": "currency",
        },
        labels={
            "attribute": "Attribute",
            "stated": "Good fit, as half of them say",
            "recent_fit_share": "Latest wins inside",
            "n_recent": "Latest wins",
            "win_rate_inside": "Win rate inside",
            "win_rate_outside": "Win rate outside",
            "deal_size_inside": "Deal inside",
            "deal_size_outside": "Deal outside",
        },
        note="Closed new business only. Outside: most of those who described the attribute would say so.",
    )


def show_offending(review: SurveyReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """List the latest wins outside the stated ideal customer."""
    if review.offending.empty:
        return _nothing("No win to list outside the ideal customer", "Either all fit, or nothing may be compared yet.")
    return show_table(
        review.offending.assign(closed_at=review.offending["closed_at"].dt.date),
        title=f"{count_of(len(review.offending), 'deal')} to look at together",
        subtitle=subtitle,
        currency=currency,
        units={"amount": "currency"},
        labels={"deal_id": "Deal", "closed_at": "Won on", "amount": "Amount", "why": "Why it lies outside"},
    )


def show_next_steps(review: SurveyReview, *, currency: str = "USD") -> Display:
    """Show the findings, or what has to happen before there are any."""
    if review.findings:
        return show_findings(review.findings, currency=currency)
    if review.is_closed and review.n_respondents > 1:
        return show_message("good", "People agree with each other and with the CRM", "Ask again next quarter.")
    return show_message("empty", "No findings before several people have answered and the round is closed")


def _nothing(title: str, text: str) -> Display:
    return show_message("empty", title, text)
