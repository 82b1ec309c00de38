"""Gut against CRM: what people believe beside what the records say, each with its definition, n and interval."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from helpers.analyses.agreement import ANSWER_COLUMNS
from helpers.analyses.crm_answers import CHECKS, CrmView, year_before
from helpers.engine.availability import explain_availability
from helpers.engine.cells import CELL_COLUMNS, build_cells
from helpers.model.survey import Survey, SurveyField
from helpers.units import format_value

GUT_COLUMNS = [
    "question_id", "item", "check", "tab", "question", "label", "unit",
    "n_people", "gut_low", "gut_median", "gut_high", "gut_answers",
    "crm_kpi", "crm_value", "crm_low", "crm_high", "crm_n", "is_small", "crm_definition", "crm_also", "crm_marks",
    "gap", "gap_share", "miss", "is_off", "verdict",
    "sentence", "is_available", "cure",
]  # fmt: skip

COUNTED_FOR_A_YEAR = "What people say per month or quarter is counted for a year."

RIGHT = 0.005
"""A gap below this share of the CRM's value is none."""

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
        ``crm_also`` further values in words and ``crm_marks`` as pairs of name and number, ``gap`` median gut − CRM in
        the unit, ``gap_share`` gap ÷ CRM, ``is_off`` whether people are wrong beyond the CRM's interval, ``miss`` how
        far (0–1; of choices the share of people who are wrong), ``verdict`` the gap in a few words and ``sentence`` the
        comparison in one. Empty where nobody has answered, so that nothing leaks before.
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
        row |= told | {"is_small": is_small, "crm_marks": _find_marks(view, field, str(item))}
        if field.factor_from and (pd.to_numeric(group["answer"], errors="coerce") != group["number"]).any():
            row["crm_definition"] = f"{row['crm_definition']} {COUNTED_FOR_A_YEAR}"
        rows.append(row | judge_gut(row, group["answer"].tolist(), tolerance=company.catalog.rules.tolerance))
    return _frame(rows)


def judge_gut(row: Mapping[str, Any], answers: Sequence[str], *, tolerance: float) -> dict[str, Any]:
    """Judge in a few words how far people are from the CRM.

    Args:
        row: One comparison, with the columns of ``GUT_COLUMNS`` that its check gives.
        answers: What people answered, in words.
        tolerance: How near to a value without interval people have to be to count as right.

    Returns:
        ``verdict``, ``miss``, and ``is_off``: whether people are wrong by more than the CRM's own interval; never where
        too few records are behind its value.

    >>> row = {"check": "value", "is_available": True, "gut_median": 40, "crm_value": 50, "gap_share": -0.2}
    >>> judge_gut(row, [], tolerance=0.05)
    {'verdict': '20 % too low', 'miss': 0.2, 'is_off': True}
    """
    share = row.get("gap_share")
    if not row["is_available"]:
        return _judged("the CRM can't tell")
    if row["check"] in ("on_track", "leading_value"):
        right = sum(does_match(answer, row) for answer in answers)
        wrong = 1 - right / len(answers)
        told = f"{right or 'none'} of {len(answers)} {'agrees' if right < 2 else 'agree'} with the CRM"
        return _judged(told if wrong else "all agree with the CRM", wrong if wrong >= 0.5 else 0.0)
    if row["check"] == "partition" or share is None or pd.isna(share):
        return _judged("")
    if row["check"] == "goal_history":
        return _judged(f"{_percent(share)} {'more' if share >= 0 else 'less'} than the year before")
    if row.get("is_small"):
        return _judged(f"only {format_value(row['crm_n'], 'count')} records")
    low, high = row.get("crm_low"), row.get("crm_high")
    has_interval = low is not None and not pd.isna(low) and low < high
    if has_interval and low <= row["gut_median"] <= high:
        return _judged("may be right")
    if abs(share) < RIGHT:
        return _judged("right")
    side = "high" if share > 0 else "low"
    if not has_interval and abs(share) <= tolerance:
        return _judged(f"about right, {_percent(share)} {side}")
    if row.get("unit") != "share":
        return _judged(f"{_percent(share)} too {side}", abs(share))
    points = format_value(abs(row["gap"]) * 100, "count", digits=0)
    return _judged(f"{points} {'point' if points == '1' else 'points'} too {side}", abs(row["gap"]))


def _judged(verdict: str, miss: float = 0.0) -> dict[str, Any]:
    return {"verdict": verdict, "miss": miss, "is_off": miss > 0}


def _percent(share: float) -> str:
    return format_value(abs(share), "share", digits=0)


def does_match(answer: str, row: Mapping[str, Any]) -> bool:
    """Tell whether a person's choice is what the CRM says.

    >>> does_match("Sales-led: we reach out", {"check": "leading_value", "crm_also": "Sales-led"})
    True
    >>> does_match("Yes", {"check": "on_track", "crm_also": "behind"})
    False
    """
    if row["check"] == "on_track":
        return answer == ("No" if row["crm_also"] == "behind" else "Yes")
    return bool(row["crm_also"]) and _fold(answer).startswith(_fold(str(row["crm_also"])))


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


def _find_marks(view: CrmView, field: SurveyField, item: str) -> list[tuple[str, float]]:
    """Find what else the CRM says beside its value, such as median and nine in ten within: name and number."""
    link, marks = field.crm, []
    place = view.locate(link, item)
    if place is None:
        return []
    by = {"dimension": place[0], "slice": place[1]}
    for kpi in link.also:
        cell = view.find(kpi, link.take, **by)
        if cell is not None:
            definition = view.company.catalog.kpi(kpi)
            statistic = getattr(definition.measure, "statistic", "")
            name = {"median": "median", "p90": "nine in ten within", "mean": "mean"}.get(statistic, definition.label)
            marks.append((name, float(cell["value"])))
    return marks


def _fold(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


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
    numbers = [
        "gut_low",
        "gut_median",
        "gut_high",
        "crm_value",
        "crm_low",
        "crm_high",
        "crm_n",
        "gap",
        "gap_share",
        "miss",
    ]
    frame = frame.astype({column: "float64" for column in numbers})
    others = ("n_people", "is_available", "is_small", "is_off", "crm_marks")
    texts = [c for c in GUT_COLUMNS if c not in (*numbers, *others)]
    frame[texts] = frame[texts].astype("object").where(frame[texts].notna(), "").astype("str")
    return frame.astype({"n_people": "int64", "is_available": "bool", "is_small": "bool", "is_off": "bool"})
