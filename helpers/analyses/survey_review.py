"""The survey's group view in one piece: everything that may be seen of it, and nothing before the round is closed."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from helpers.analyses.agreement import compare_definitions, compare_priorities, list_answers, measure_agreement
from helpers.analyses.finding import Finding
from helpers.analyses.gut_check import build_survey_table, check_gut
from helpers.analyses.icp_fit import check_icp_fit, list_offending_deals
from helpers.analyses.icp_value import IcpValue, measure_icp_value
from helpers.analyses.stage_evidence import StageEvidence, review_stage_evidence
from helpers.analyses.survey_findings import find_survey_findings
from helpers.model.survey import Survey


@dataclass(frozen=True)
class SurveyReview:
    """What the group sees together.

    Attributes:
        n_respondents: How many people have answered, also while the round is open.
        is_closed: Whether the round is closed; all that follows is empty before.
        answers: One row per answer.
        agreement: One row per question, strongest disagreement first.
        priorities: The top three compared.
        definitions: One row per term and person.
        gut: One row per question that the CRM can answer.
        icp: One row per attribute of the ideal customer.
        offending: The latest wins that lie outside it.
        icp_value: What good fit, bad fit and each value are worth.
        stage_evidence: Open deals without what must have been heard at their stage.
        table: The rows of ``survey.csv``.
        findings: What was found.
        survey: The survey's definition.
    """

    n_respondents: int
    is_closed: bool
    answers: pd.DataFrame
    agreement: pd.DataFrame
    priorities: dict[str, Any]
    definitions: pd.DataFrame
    gut: pd.DataFrame
    icp: pd.DataFrame
    offending: pd.DataFrame
    icp_value: IcpValue
    stage_evidence: StageEvidence
    table: pd.DataFrame
    findings: list[Finding]
    survey: Survey


def review_survey(company: Any, survey: Survey, *, as_of: date) -> SurveyReview:
    """Compare everybody's answers with each other and with the CRM.

    Args:
        company: The opened company.
        survey: The survey's definition.
        as_of: The last day that counts.

    Returns:
        The review; while the round is open it tells how many people have answered, and nothing else.
    """
    everybody = company.answers.survey if company.answers else {}
    is_closed = bool(company.answers and company.answers.round.is_closed)
    responses = company.answers.visible_survey if company.answers else {}
    answers = list_answers(survey, responses)
    agreement = measure_agreement(answers, survey, currency=company.currency)
    definitions = compare_definitions(responses, survey)
    priorities = compare_priorities(responses, survey)
    gut = check_gut(company, answers, survey, as_of=as_of)
    deals, icp = check_icp_fit(company, responses, survey, as_of=as_of)
    icp_value = measure_icp_value(company, responses, survey, as_of=as_of)
    stage_evidence = review_stage_evidence(company, responses, as_of=as_of)
    findings = find_survey_findings(
        agreement=agreement,
        definitions=definitions,
        priorities=priorities,
        gut=gut,
        icp=icp,
        icp_value=icp_value,
        stage_evidence=stage_evidence,
        currency=company.currency,
    )
    return SurveyReview(
        n_respondents=sum(bool(one.values) for one in everybody.values()),
        is_closed=is_closed,
        answers=answers,
        agreement=agreement,
        priorities=priorities,
        definitions=definitions,
        gut=gut,
        icp=icp,
        offending=list_offending_deals(deals),
        icp_value=icp_value,
        stage_evidence=stage_evidence,
        table=build_survey_table(answers, agreement, gut),
        findings=findings,
        survey=survey,
    )
