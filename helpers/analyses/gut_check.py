"""Gut against CRM: what people believe beside what the records say, each with its definition, n and interval."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from helpers.analyses.agreement import ANSWER_COLUMNS
from helpers.analyses.crm_answers import CHECKS, CrmView, year_before
from helpers.engine.availability import explain_availability
from helpers.engine.cells import CELL_COLUMNS, build_cells
from helpers.model.survey import Survey, SurveyField

GUT_COLUMNS = [
    "question_id", "item", "check", "tab", "question", "label", "unit",
    "n_people", "gut_low", "gut_median", "gut_high", "gut_answers",
    "crm_kpi", "crm_value", "crm_low", "crm_high", "crm_n", "is_small", "crm_definition", "crm_also",
    "gap", "gap_share",
    "sentence", "is_available", "cure",
]  # fmt: skip

SURVEY_COLUMNS = [
    *ANSWER_COLUMNS[:-1], "crm_kpi", "crm_value", "crm_low", "crm_high", "crm_n", "crm_definition", "gap", "agreement",
]  # fmt: skip


def check_gut(company: Any, answers: pd.DataFrame, survey: Survey, *, as_of: date) -> pd.DataFrame:
    """Set every question that the CRM can answer beside its answer.

    Args:
        company: The opened company.
        answers: What ``list_answers`` returns; only of a closed round.
        survey: The survey's definition.
        as_of: The last day that counts.

    Returns:
        One row per question and item that somebody answered and the survey links to the CRM, in the survey's order,
        with ``GUT_COLUMNS``: ``gut_*`` over people in the question's unit, ``crm_*`` the CRM's value with its
        interval, n and definition (NaN where it can't tell: ``is_available`` is False and ``cure`` says what to do;
        ``is_small`` where too few records are behind a mean or a share),
        ``crm_also`` further values in words, ``gap`` median gut − CRM in the unit, ``gap_share`` gap ÷ CRM, and
        ``sentence`` the comparison in words. Empty where nobody has answered, so that nothing leaks before.
    """
    links = {id: field for id, field in _linked_fields(survey).items() if field.crm.check != "icp_fit"}
    asked = answers[answers["question_id"].isin(links)]
    if asked.empty:
        return _frame([])
    view = _open_view(company, answers, survey, links, as_of)
    rows = []
    for (question_id, item), group in asked.groupby(["question_id", "item"], sort=False):
        field = links[str(question_id)]
        first = group.iloc[0]
        numbers = group["number"].dropna()
        row = {
            **{column: first[column] for column in ("question_id", "item", "tab", "question", "label", "unit")},
            "check": field.crm.check,
            "n_people": len(group),
            "gut_low": numbers.min(),
            "gut_median": numbers.median(),
            "gut_high": numbers.max(),
            "gut_answers": "; ".join(f"{a}" for a in group["answer"]),
            "is_available": True,
        }
        told = CHECKS[field.crm.check](view, field, group, str(item))
        is_small = row["unit"] != "count" and told.get("crm_n", 0) < company.catalog.rules.minimum_n
        rows.append(row | told | {"is_small": is_small})
    return _frame(rows)


def build_survey_table(answers: pd.DataFrame, agreement: pd.DataFrame, gut: pd.DataFrame) -> pd.DataFrame:
    """Join answers, agreement and the CRM's values into ``survey.csv``.

    Returns:
        One row per question, item and respondent, with ``SURVEY_COLUMNS``: ``answer`` as typed (a share as 0–1, a
        choice by its label), ``crm_value`` and its interval in ``unit``, ``gap`` this person's number − the CRM's,
        ``agreement`` of the question 0–1. Empty before the round is closed.
    """
    key = ["question_id", "item"]
    crm = ["crm_kpi", "crm_value", "crm_low", "crm_high", "crm_n", "crm_definition"]
    joined = answers.merge(gut[[*key, *crm]], on=key, how="left").merge(
        agreement[[*key, "agreement"]], on=key, how="left"
    )
    joined["gap"] = joined["number"] - joined["crm_value"]
    return joined[SURVEY_COLUMNS]


def _open_view(
    company: Any, answers: pd.DataFrame, survey: Survey, links: Mapping[str, SurveyField], as_of: date
) -> CrmView:
    crm = [field.crm for field in links.values()]
    kpis = {link.kpi for link in crm if link.kpi} | {kpi for link in crm for kpi in link.also}
    partitions = {link.by for link in crm if link.by} & set(company.partitions)
    availability = explain_availability(company, as_of=as_of)
    available = set(availability.loc[availability["is_available"].astype(bool), "kpi"])
    wanted = [kpi for kpi in company.catalog.kpis if kpi in kpis & available]
    by = [(), *((name,) for name in sorted(partitions))]
    ever = _ask(company, wanted, by, None, as_of)
    cells = {"year": _ask(company, wanted, by, year_before(as_of), as_of), "all": ever, "latest": ever}
    return CrmView(company, as_of, survey, answers, cells, availability)


def _ask(company: Any, kpis: list[str], by: list[tuple[str, ...]], start: date | None, as_of: date) -> pd.DataFrame:
    """Return one cell per KPI and slice over the days asked for; stocks are taken on the last day, company only."""
    stocks = [kpi for kpi in kpis if company.catalog.kpi(kpi).measure.kind == "stock"]
    flows = [kpi for kpi in kpis if kpi not in stocks]
    parts = []
    if flows:
        parts.append(build_cells(company, kpis=flows, by=by, grain="all", start=start, end=as_of, as_of=as_of))
    if stocks:
        parts.append(build_cells(company, kpis=stocks, grain="all", end=as_of, as_of=as_of))
    filled = [part for part in parts if len(part)]
    return (
        pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=CELL_COLUMNS).astype({"slice": "str"})
    )


def _linked_fields(survey: Survey) -> dict[str, SurveyField]:
    fields = {}
    for _, field in survey.fields():
        if field.crm:
            fields[field.id] = field
        fields |= {f"{field.id}.{column.id}": column for column in field.columns if column.crm}
    return fields


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=GUT_COLUMNS)
    numbers = ["gut_low", "gut_median", "gut_high", "crm_value", "crm_low", "crm_high", "crm_n", "gap", "gap_share"]
    frame = frame.astype({column: "float64" for column in numbers})
    texts = [c for c in GUT_COLUMNS if c not in (*numbers, "n_people", "is_available", "is_small")]
    frame[texts] = frame[texts].astype("object").where(frame[texts].notna(), "").astype("str")
    return frame.astype({"n_people": "int64", "is_available": "bool", "is_small": "bool"})
