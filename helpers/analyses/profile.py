"""The company on one page: what people say of it together, what the CRM says beside it, and what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from helpers.analyses.consensus import Statement, rank_texts
from helpers.analyses.discovery_review import review_discovery
from helpers.analyses.profile_sections import (
    ProductLine,
    build_crm,
    build_definitions,
    build_evidence,
    build_facts,
    build_focus,
    build_goal,
    build_icp,
    build_kpis,
    build_motion,
    build_positioning,
    build_products,
    index_known,
)
from helpers.analyses.survey_review import SurveyReview
from helpers.model.survey import Survey, load_discovery_rules

EXPORTS = {
    "deal": "deals, for revenue, deal size, cycle and win rate",
    "contact": "contacts, for leads and MQLs",
    "company": "companies, for the ideal customer",
    "customer": "customers, for who is active and who left",
}
"""What a whole profile reads, by object."""


@dataclass(frozen=True)
class Profile:
    """The company on one page.

    Attributes:
        name: The company.
        as_of: The last day that counts.
        is_closed: Whether the round is closed; before that all parts are empty and ``missing`` says what to do.
        n_respondents: How many people have answered.
        headline: The finding, in a sentence.
        facts: Employees, founded, CRM and since when, active customers.
        products: What is sold.
        positioning: The one sentence, and how many wordings there are.
        icp: Good and bad fit of companies and of people.
        motion: How it is sold.
        goal: This year's goal, where it comes from, and whether it is on track.
        priorities: The top priorities, the most shared first.
        focus: The focus areas picked.
        kpis: North star and primary KPIs with their cuts.
        definitions: What MQL, SQL, customer and churn mean.
        evidence: What must have been heard before a deal leaves a stage.
        crm: Since when there are records, how sound they are, and how far the wanted fields are there.
        missing: What is missing and what to do, in sentences.
    """

    name: str
    as_of: date
    is_closed: bool
    n_respondents: int
    headline: str
    facts: tuple[Statement, ...] = ()
    products: tuple[ProductLine, ...] = ()
    positioning: Statement | None = None
    icp: tuple[Statement, ...] = ()
    motion: tuple[Statement, ...] = ()
    goal: tuple[Statement, ...] = ()
    priorities: tuple[Statement, ...] = ()
    focus: tuple[Statement, ...] = ()
    kpis: tuple[Statement, ...] = ()
    definitions: tuple[Statement, ...] = ()
    evidence: tuple[Statement, ...] = ()
    crm: tuple[Statement, ...] = ()
    missing: tuple[str, ...] = ()


def build_profile(
    company: Any, survey: Survey, review: SurveyReview, as_of: date, *, discovery: Any | None = None
) -> Profile:
    """Put what is known of a company onto one page.

    Args:
        company: The opened company.
        survey: The survey's definition.
        review: What ``review_survey`` returned for the same company and day.
        as_of: The last day that counts.
        discovery: What ``review_discovery`` returned for them; it is made here where None.

    Returns:
        The profile. While the round is open it holds the company's name, how many people have answered and what is
        missing; nothing of the answers, and no number of the CRM.
    """
    asked = review.n_respondents
    if not review.is_closed:
        return Profile(
            company.name, as_of, False, asked, _headline_open(asked), missing=_missing_before(company, asked)
        )
    responses = company.answers.visible_survey if company.answers else {}
    if discovery is None:
        discovery = review_discovery(company, load_discovery_rules(), as_of=as_of)
    known = index_known(review, company.currency)
    parts: dict[str, Any] = {
        "facts": build_facts(known),
        "products": build_products(known, responses),
        "positioning": build_positioning(responses),
        "icp": build_icp(survey, review, responses),
        "motion": build_motion(known),
        "goal": build_goal(known),
        "priorities": rank_texts(review.priorities["lists"], asked=asked) if review.priorities["lists"] else (),
        "focus": build_focus(responses),
        "kpis": build_kpis(known, responses),
        "definitions": build_definitions(review),
        "evidence": build_evidence(responses),
        "crm": build_crm(company, discovery),
    }
    missing = _missing_after(company, survey, parts, review)
    return Profile(company.name, as_of, True, asked, _headline(review, asked), **parts, missing=missing)


def _headline(review: SurveyReview, asked: int) -> str:
    told = review.gut[review.gut["is_available"] & (review.gut["verdict"] != "")]
    wrong = int(told["is_off"].sum())
    if not asked:
        return "Nobody answered before the round was closed"
    if told.empty:
        return "What people say of the company; the CRM can't tell yet"
    if not wrong:
        return f"People and CRM agree on all {len(told)} points that both can tell"
    return f"People and CRM contradict each other on {wrong} of {len(told)} points"


def _headline_open(asked: int) -> str:
    if not asked:
        return "Nobody has answered the survey yet"
    return f"{asked} {'person has' if asked == 1 else 'people have'} answered; the round is still open"


def _missing_before(company: Any, asked: int) -> tuple[str, ...]:
    steps = ["Ask four people who see the business differently to fill in the survey, each alone."] if asked < 2 else []
    steps.append("Close the round when all have answered; what people say and what the CRM says is shown only then.")
    return (*steps, *_missing_exports(company))


def _missing_exports(company: Any) -> tuple[str, ...]:
    return tuple(f"Bring an export of {what}." for name, what in EXPORTS.items() if name not in company.tables)


def _missing_after(company: Any, survey: Survey, parts: Mapping[str, Any], review: SurveyReview) -> tuple[str, ...]:
    asked = {
        "products": "what is sold", "icp": "who fits", "positioning": "the positioning sentence",
        "goal": "this year's goal", "priorities": "the top three priorities", "focus": "the focus areas",
        "kpis": "the north star and the KPIs", "definitions": "what the words mean",
        "evidence": "what must have been heard at each stage",
    }  # fmt: skip
    empty = [what for part, what in asked.items() if not parts[part]]
    told = [f"Nobody has answered: {', '.join(empty)}."] if empty else []
    if review.n_respondents == 1:
        told.append("Only one person answered, so nothing can be compared between people.")
    return (*told, *_missing_exports(company))
