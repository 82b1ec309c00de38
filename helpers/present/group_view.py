"""The survey's group view: each part with its designed state for nobody, for an open round, and for no CRM."""

from __future__ import annotations

from functools import cache

import pandas as pd

from helpers.analyses.discussion import FEW_PEOPLE, headline_discussion, select_discussion
from helpers.analyses.survey_findings import headline_agreement, headline_gut
from helpers.analyses.survey_review import SurveyReview
from helpers.present.charts.agreement import BY_CHOICE, ON_AXIS, draw_agreement
from helpers.present.charts.discussion import draw_discussion
from helpers.present.charts.icp_wins import draw_icp_wins
from helpers.present.display import Display, show_findings, show_message, show_table
from helpers.present.meanings import figures_html, list_shared, meanings_html, priorities_html, say_company
from helpers.present.side_by_side import answers_table, side_by_side_html, team_labels
from helpers.present.tables import plain_table
from helpers.present.theme import TEMPLATES
from helpers.present.words import count_of, prose_html, say_value
from helpers.units import in_sentence

FEW_DEALS = 30
"""Below it a difference of win rates says nothing by itself."""

LEFT_OUT = (
    "Lists such as priorities, and what words mean, have pictures of their own; years are looked up, not discussed."
)

OPEN_ROUND = "The round is still open: nobody sees a colleague's answers, or the CRM's, before it is closed."


def show_round(review: SurveyReview) -> Display:
    """Show how far the round is: nobody, still open, or closed."""
    people = count_of(review.n_respondents, "person", "people")
    if not review.n_respondents:
        return show_message(
            "empty",
            "Nobody has answered the survey yet",
            "What people type lies in answers/survey, one file each.",
            "Ask four people who see the business differently, each alone.",
        )
    if not review.is_closed:
        return show_message(
            "empty",
            f"{people} answered; the round is still open",
            "Nobody sees a colleague's answers, or the CRM's, before the round is closed.",
            "When all have answered, whoever leads the workshop closes it, in the app or in notebook 01_gtm_survey.",
        )
    return show_message("good", f"{people} answered, and the round is closed")


def show_discussion(review: SurveyReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Draw the questions to discuss, the strongest disagreement first, each respondent a labelled dot."""
    if review.agreement.empty:
        return _nothing(review, "No answers to compare", "Two people have to answer the same question.")
    discussion = select_discussion(review.agreement, review.answers, review.survey, currency=currency)
    if discussion.empty:
        return show_message(
            "good",
            headline_discussion(discussion),
            "No number and no choice differs between the people who answered it.",
            "Read their priorities and definitions next; agreement there is rarer.",
        )
    asked = int(review.answers["respondent"].nunique())
    few = "Only two people answered: that is a difference, not yet a spread. " if asked < FEW_PEOPLE else ""
    people = count_of(asked, "person", "people")
    return draw_discussion(
        discussion,
        review.answers,
        title=headline_discussion(discussion),
        subtitle=" · ".join(part for part in (f"{people} answered, each alone", subtitle) if part),
        currency=currency,
        note=f"{few}{LEFT_OUT}",
    )


def show_answers(review: SurveyReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show everybody's answers side by side, question by question."""
    if review.answers.empty:
        return _nothing(review, "No answers to show side by side", "Nobody has answered yet.")
    asked = int(review.answers["respondent"].nunique())
    lines = len(review.answers.drop_duplicates(["question_id", "item"]))
    title = f"What {count_of(asked, 'person', 'people')} answered, {count_of(lines, 'line')} side by side"
    html = side_by_side_html(review.answers, review.agreement, review.survey, currency=currency)
    text = plain_table(answers_table(review.answers, currency=currency), labels={"question": "Question"})
    return _designed(title, subtitle, html, text)


def show_disagreements(review: SurveyReview, *, subtitle: str = "") -> Display:
    """Show the questions that most people answered, by how little they agree."""
    if review.agreement.empty:
        return _nothing(review, "No answers to compare", "Two people have to answer the same question.")
    common = review.agreement[review.agreement["n"] * 2 > review.n_respondents]
    return show_table(
        common[["label", "sentence", "measure", "agreement", "n"]],
        title=headline_agreement(review.agreement),
        subtitle=subtitle,
        units={"agreement": "share"},
        labels={
            "label": "Question",
            "sentence": "What people say",
            "measure": "How far they agree",
            "agreement": "Agreement",
            "n": "People",
        },
        marks={"agreement": "share_bar"},
        note="Agreement: of numbers 1 − spread ÷ mean, of choices the share of the commonest, of lists their overlap.",
    )


def show_priorities(review: SurveyReview, *, subtitle: str = "") -> Display:
    """Show who shares whose top three priorities, and the published figures beside their overlap."""
    found = review.priorities
    lists = found["lists"]
    if not lists:
        return _nothing(review, "No priorities to compare", "Two people have to name their top three.")
    own = []
    if found["overlap"] is not None:
        people = count_of(found["n"], "person", "people")
        own = [
            (say_value(found["overlap"], "share", digits=0), "of what two people name is shared, on average", True),
            (f"{found['in_all']} of {found['distinct']}", f"priorities are named by all {people}", True),
        ]
    published = [(say_value(r["value"], "share", digits=0), f"Published: {in_sentence(r['label'])}", False)
                 for r in found["references"]]  # fmt: skip
    sources = dict.fromkeys(str(reference["source"]) for reference in found["references"])
    note = (
        "A number is the place at which somebody put it; blue rows are shared. Texts that share half of their words "
        f"count as one: read them before the number. Source of the published figures: {'; '.join(sources)}."
    )
    html = f"{figures_html([*own, *published])}{priorities_html(lists)}<p class='note'>{prose_html(note)}</p>"
    rows = [
        {"priority": record["texts"][0], "people": len(record["ranks"]), **record["ranks"]}
        for record in list_shared(lists)
    ]
    table = plain_table(pd.DataFrame(rows, columns=["priority", "people", *lists]))
    text = "\n".join([*(f"{number} {told}" for number, told, _ in [*own, *published]), "", table, note])
    return _designed(str(found["sentence"]).rstrip("."), subtitle, html, text)


def show_definitions(review: SurveyReview, *, subtitle: str = "") -> Display:
    """Show which team means what by MQL, SQL, customer and churn, and who is alone with it."""
    frame = review.definitions
    if frame.empty:
        return _nothing(review, "No definitions to compare", "The tab on definitions has not been filled in.")
    disputed = frame.loc[frame["agreement"] < 1, "term"].nunique()
    of = frame["term"].nunique()
    title = f"{disputed} of {of} words mean different things to different people" if disputed else "All mean the same"
    teams = team_labels(review.survey)
    company = [
        say_company(frame[frame["term"] == row["term"]], row["meaning"], row["team"], teams)
        for row in frame.to_dict("records")
    ]
    listed = frame[["term", "team", "respondent", "meaning", "words"]].replace({"words": {"": None}})
    listed = listed.assign(team=listed["team"].map(lambda id: teams.get(id, id)), shared=company)
    labels = {"term": "Word", "respondent": "Who", "meaning": "Means", "words": "In own words", "shared": "Shared"}
    note = "Blue: a team that is alone with its meaning. A number built on such a word is a different one in each team."
    html = f'{meanings_html(frame, teams)}<p class="note">{prose_html(note)}</p>'
    return _designed(title, subtitle, html, f"{plain_table(listed, labels=labels)}\n{note}")


def show_gut(review: SurveyReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Draw the gut answers beside the CRM's values."""
    if review.gut.empty:
        return _nothing(review, "No gut answers to compare with the CRM", "Nobody has answered yet.")
    told = review.gut["is_available"] & review.gut["check"].isin([*ON_AXIS, *BY_CHOICE])
    if not told.any():
        return _nothing(review, "The CRM can't answer these questions yet", str(review.gut["cure"].iloc[0]))
    title = headline_gut(review.gut, currency=currency)
    return draw_agreement(review.answers, review.gut, title=title, subtitle=subtitle, currency=currency)


def show_gut_table(review: SurveyReview, *, subtitle: str = "") -> Display:
    """Show each comparison in words, with the CRM's definition and its n."""
    if review.gut.empty:
        return _nothing(review, "No gut answers to compare with the CRM", "Nobody has answered yet.")
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


def show_icp_wins(review: SurveyReview, *, subtitle: str = "") -> Display:
    """Draw which of the latest wins lie outside the ideal customer people describe, attribute by attribute."""
    if review.icp.empty:
        return _nothing(review, "No ideal customer to compare with", "Nobody has described one yet.")
    known = review.icp[review.icp["is_available"].astype(bool) & (review.icp["n_won"] > 0)]
    if known.empty:
        return _nothing(review, "The CRM doesn't carry what people describe", str(review.icp["cure"].iloc[0]))
    outside, n = len(review.offending), int(known["n_recent"].max())
    title = f"{outside} of the last {n} wins lie outside the ideal customer people describe"
    return draw_icp_wins(review.icp, title=title, subtitle=subtitle)


def show_icp(review: SurveyReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show the stated ideal customer beside the deals that were closed."""
    if review.icp.empty:
        return _nothing(review, "No ideal customer to compare with", "Nobody has described one yet.")
    known = review.icp[review.icp["is_available"].astype(bool)]
    title = _headline_icp(known.iloc[-1]) if len(known) else ""
    rows = []
    for row in review.icp.to_dict("records"):
        told = {"attribute": row["attribute"], "stated": row["stated"], "latest": "–"}
        if row["n_recent"]:
            told["latest"] = f"{round(row['recent_fit_share'] * row['n_recent'])} of {int(row['n_recent'])}"
        for side in ("inside", "outside"):
            n = int(row[f"n_{side}"])
            told[f"won_{side}"] = f"{say_value(row[f'win_rate_{side}'], 'share')}, n {n:,}" if n else "–"
        rows.append({**told, "deal_inside": row["deal_size_inside"], "deal_outside": row["deal_size_outside"]})
    return show_table(
        pd.DataFrame(rows).astype({"deal_inside": "float64", "deal_outside": "float64"}),
        title=title if len(known) else "The CRM doesn't carry what people describe",
        subtitle=subtitle,
        currency=currency,
        units={"deal_inside": "currency", "deal_outside": "currency"},
        labels={
            "attribute": "Attribute",
            "stated": "Good fit, as half of them say",
            "latest": "Latest wins inside",
            "won_inside": "Win rate inside",
            "won_outside": "Win rate outside",
            "deal_inside": "Deal inside",
            "deal_outside": "Deal outside",
        },
        note="Closed new business only; n won or lost. Outside: most of those who described it would say so.",
    )


def _headline_icp(row: pd.Series) -> str:
    """Say whether deals inside the ideal customer are won more often; the last row is of all attributes together."""
    inside, outside = (say_value(row[f"win_rate_{side}"], "share") for side in ("inside", "outside"))
    if not (row["n_inside"] and row["n_outside"]):
        side = "inside" if row["n_inside"] else "outside"
        return f"All closed deals lie {side} the ideal customer people describe"
    if inside == outside:
        return f"Deals inside and outside the ideal customer are won alike, at {inside}"
    doubt = ", which may be chance" if "no clear difference" in row["sentence"] else ""
    if min(row["n_inside"], row["n_outside"]) < FEW_DEALS:
        doubt = f", of only {int(row['n_inside'])} and {int(row['n_outside'])} deals"
    return f"Deals inside the ideal customer are won at {inside}, those outside at {outside}{doubt}"


def show_offending(review: SurveyReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """List the latest wins outside the stated ideal customer."""
    if review.offending.empty:
        return _nothing(
            review, "No win to list outside the ideal customer", "All fit, or nobody has described an ideal customer."
        )
    hidden = "deal_id" if review.offending["name"].notna().all() else "name"
    return show_table(
        review.offending.assign(closed_at=review.offending["closed_at"].dt.date).drop(columns=hidden),
        title=f"{count_of(len(review.offending), 'win')} outside the ideal customer to look at together",
        subtitle=subtitle,
        currency=currency,
        units={"amount": "currency"},
        labels={
            "deal_id": "Deal",
            "name": "Deal",
            "closed_at": "Won on",
            "amount": "Amount",
            "why": "Why it lies outside",
        },
    )


def show_next_steps(review: SurveyReview, *, currency: str = "USD") -> Display:
    """Show the findings, or what has to happen before there are any."""
    if review.findings:
        return show_findings(review.findings, currency=currency)
    if review.is_closed and review.n_respondents > 1:
        return show_message("good", "People agree with each other and with the CRM", "Ask again next quarter.")
    return show_message("empty", "No findings before several people have answered and the round is closed")


@cache
def _style() -> str:
    return (TEMPLATES / "group.css").read_text(encoding="utf-8")


def _designed(title: str, subtitle: str, html: str, text: str) -> Display:
    """Show what is neither a plain table nor a picture, under its heading and with its own style."""
    heading = f'<p class="title">{prose_html(title)}</p>'
    heading += f'<p class="subtitle">{prose_html(subtitle)}</p>' if subtitle else ""
    return Display(title=title, subtitle=subtitle, text=text, html=f"<style>{_style()}</style>{heading}{html}")


def _nothing(review: SurveyReview, title: str, text: str) -> Display:
    is_open = review.n_respondents > 0 and not review.is_closed
    return show_message("empty", title, OPEN_ROUND if is_open else text)
