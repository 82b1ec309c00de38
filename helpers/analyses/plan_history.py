"""The plan of record beside the goals as re-planned and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from helpers.analyses.finding import Finding
from helpers.analyses.goal_grid import put_in_funnel_order
from helpers.analyses.goal_relations import KEYS, TOTAL
from helpers.model.catalog import Catalog
from helpers.periods import MONTHS_IN, Period, period_of
from helpers.units import format_value

if TYPE_CHECKING:
    from helpers.analyses.goal_review import GoalReview
    from helpers.answers.plan_of_record import PlanOfRecord
    from helpers.company import Company

REVENUE = "revenue_won"
NOTEBOOK = "04_goal_matrix"
ADOPTED, BEFORE = "plan of record", "plan before carry-over"
"""What the goals are measured by: the plan that was adopted, or where none was the goals before a miss is carried."""

RECORD_COLUMNS = [
    *KEYS, "goal_of_record", "set_in_record", "goal", "actual", "change", "gap_to_record", "gap_to_goal",
]  # fmt: skip
SAME = 1e-6


@dataclass(frozen=True)
class PlanReview:
    """What became of the plan.

    Attributes:
        table: One row per cell that the plan or the company has, with ``RECORD_COLUMNS``.
        company: The company's own rows of it, in the order of the funnel, with ``label``, ``unit`` and ``period``.
        earlier: One row per plan that was adopted, the latest first: adopted_on, author, note, goals.
        basis: ``ADOPTED`` or ``BEFORE``.
        told: In words which plan that is.
        ended: The period that ended last; None where none has.
        coming: The period that ends next; None where there is none.
        findings: The answers in words.
        title: The most important one.
    """

    table: pd.DataFrame
    company: pd.DataFrame
    earlier: pd.DataFrame
    basis: str
    told: str
    ended: Period | None
    coming: Period | None
    findings: tuple[Finding, ...]
    title: str


def compare_with_record(
    record: PlanOfRecord | None, matrix: pd.DataFrame, *, before: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Set the plan of record beside the goals as they stand now and what came of them.

    Args:
        record: The plan; None where none was adopted.
        matrix: The matrix as re-planned.
        before: The matrix before a miss is carried over; it stands in for a plan that nobody adopted.

    Returns:
        One row per cell that the plan holds or that is the company's own, with ``RECORD_COLUMNS``: ``goal_of_record``
        (blank where the plan doesn't have the cell), ``set_in_record`` (whether people had set it), ``goal`` now and
        ``actual`` (both blank where the matrix doesn't reach), ``change`` (goal now − goal of record), and the gaps
        (actual − goal). ``attrs["basis"]`` tells which plan it is.
    """
    basis = BEFORE
    if record is not None and len(record.goals):
        plan, basis = record.goals[[*KEYS, "goal", "state"]], ADOPTED
    else:
        plan = (matrix if before is None else before)[[*KEYS, "goal"]].assign(state="solved")
        plan = plan[plan["dimension"] == TOTAL]
    plan = plan.rename(columns={"goal": "goal_of_record"}).assign(period_start=pd.to_datetime(plan["period_start"]))
    now = matrix[[*KEYS, "goal", "actual"]].assign(period_start=pd.to_datetime(matrix["period_start"]))
    both = now.merge(plan, on=KEYS, how="outer", sort=False)
    both = both[both["goal_of_record"].notna() | (both["dimension"] == TOTAL)]
    both["set_in_record"] = both["state"].isin(["goal", "locked"])
    both["change"] = both["goal"] - both["goal_of_record"]
    both["gap_to_record"] = both["actual"] - both["goal_of_record"]
    both["gap_to_goal"] = both["actual"] - both["goal"]
    both = both.sort_values(["period_start", "kpi", "dimension", "slice"], kind="stable")
    both = both[RECORD_COLUMNS].reset_index(drop=True)
    both.attrs = {"basis": basis}
    return both


def review_plan(
    record: PlanOfRecord | None,
    matrix: pd.DataFrame,
    *,
    as_of: date,
    catalog: Catalog,
    before: pd.DataFrame | None = None,
    plans: Sequence[PlanOfRecord] = (),
    currency: str = "USD",
    fiscal_year_start: int = 1,
) -> PlanReview:
    """Say what became of the plan of record.

    Args:
        record: The plan; None where none was adopted.
        matrix: The matrix as re-planned.
        as_of: The last day that counts.
        catalog: The company's definitions.
        before: The matrix before a miss is carried over.
        plans: Every plan that was ever adopted.
        currency: The company's, for the words.
        fiscal_year_start: The month (1–12) in which the fiscal year begins.

    Returns:
        The review; without cells where the matrix has none.
    """
    table = compare_with_record(record, matrix, before=before)
    company = _describe_company(table, catalog, fiscal_year_start)
    fine = _list_periods(company, fiscal_year_start)
    ended = [period for period in fine if period.end <= as_of]
    coming = [period for period in fine if period.end > as_of]
    told = _tell(record, table.attrs["basis"])
    findings = _say(company, as_of, table.attrs["basis"], told, currency, fiscal_year_start) if len(company) else []
    return PlanReview(
        table=table,
        company=company,
        earlier=_list_plans(plans),
        basis=table.attrs["basis"],
        told=told,
        ended=ended[-1] if ended else None,
        coming=coming[0] if coming else None,
        findings=tuple(findings),
        title=findings[0].headline if findings else "There is no plan to compare with yet",
    )


def review_plan_of_record(
    company: Company, review: GoalReview, *, as_of: date, plans: Sequence[PlanOfRecord] = ()
) -> PlanReview:
    """Say what became of a company's plan of record; the same as ``review_plan`` with all that the company knows.

    Args:
        company: The opened company.
        review: Its goals, re-planned.
        as_of: The last day that counts.
        plans: Every plan that was ever adopted, as ``list_plans`` returns them.
    """
    return review_plan(
        company.answers.plan,
        review.matrix,
        as_of=as_of,
        catalog=company.catalog,
        before=review.plan,
        plans=plans,
        currency=company.currency,
        fiscal_year_start=company.fiscal_year_start,
    )


def _describe_company(table: pd.DataFrame, catalog: Catalog, fiscal_year_start: int) -> pd.DataFrame:
    company = table[table["dimension"] == TOTAL]
    place = {kpi: at for at, kpi in enumerate(put_in_funnel_order(list(dict.fromkeys(company["kpi"])), catalog))}
    known = catalog.kpis
    labels = [
        period_of(start.date(), grain, fiscal_year_start).label
        for start, grain in zip(company["period_start"], company["grain"], strict=True)
    ]
    company = company.assign(
        label=[known[kpi].label if kpi in known else kpi for kpi in company["kpi"]],
        unit=[known[kpi].unit if kpi in known else "count" for kpi in company["kpi"]],
        period=labels,
        place=company["kpi"].map(place),
    )
    return company.sort_values(["place", "period_start"], kind="stable").drop(columns="place").reset_index(drop=True)


def _list_periods(company: pd.DataFrame, fiscal_year_start: int) -> list[Period]:
    if company.empty:
        return []
    finest = min(company["grain"], key=lambda grain: MONTHS_IN[grain])
    starts = sorted(company.loc[company["grain"] == finest, "period_start"].unique())
    return [period_of(pd.Timestamp(start).date(), finest, fiscal_year_start) for start in starts]


def _tell(record: PlanOfRecord | None, basis: str) -> str:
    if basis == BEFORE or record is None:
        return "No plan has been adopted, so the goals before a miss is carried over stand in for one."
    day = f" adopted on {format_value(record.adopted_on, 'count')}" if record.adopted_on else ""
    by = f" by {record.author}" if record.author else ""
    return f"Plan of record{day}{by}."


def _say(
    company: pd.DataFrame, as_of: date, basis: str, told: str, currency: str, fiscal_year_start: int
) -> list[Finding]:
    year = period_of(as_of + timedelta(days=1), "year", fiscal_year_start)
    revenue = company[(company["kpi"] == REVENUE) & (company["grain"] != "year")]
    inside = revenue["period_start"].between(pd.Timestamp(year.start), pd.Timestamp(year.end))
    done = revenue[inside & revenue["gap_to_record"].notna()]
    found = []
    plan = "the plan of record" if basis == ADOPTED else "its plan"
    if len(done):
        gap = float(done["gap_to_record"].sum())
        share = abs(gap) / float(done["goal_of_record"].sum())
        way = "ahead of" if gap >= 0 else "behind"
        grain = done["grain"].iloc[0]
        after = f"{len(done)} {grain}s" if len(done) != 1 else f"one {grain}"
        money = format_value(abs(gap), "currency", currency=currency)
        headline = f"{year.label} is {money} ({format_value(share, 'share')}) {way} {plan} after {after}"
        evidence = {"period": year.label, "n": len(done), "definition": f"closed revenue minus its goals. {told}"}
        step = "Decide what happens to the miss; the plan of record stays as it is." if gap < 0 else ""
        kind = "bad" if gap < 0 else "good"
        found.append(Finding(headline, REVENUE, TOTAL, gap, evidence, step, NOTEBOOK, kind))
    ahead = revenue[revenue["actual"].isna() & (revenue["change"].abs() > SAME * revenue["goal_of_record"].abs())]
    if len(ahead):
        row = ahead.iloc[0]
        now, then = (format_value(row[key], "currency", currency=currency) for key in ("goal", "goal_of_record"))
        more = "more" if row["change"] > 0 else "less"
        by = format_value(abs(row["change"]), "currency", currency=currency)
        headline = f"As re-planned {row['period']} has to bring {now}, {by} {more} than the {then} of {plan}"
        evidence = {"period": row["period"], "periods re-planned": len(ahead), "definition": told}
        step = "Adopt the re-planned goals if they hold from now on; the plan before is kept."
        found.append(Finding(headline, REVENUE, TOTAL, None, evidence, step, NOTEBOOK))
    if basis == BEFORE:
        found.append(
            Finding(
                headline="Nobody has adopted a plan of record, so that re-planning leaves nothing to measure by",
                evidence={"definition": told},
                next_step="Adopt the goals as the plan of record once they are agreed.",
                notebook=NOTEBOOK,
            )
        )
    return found


def _list_plans(plans: Sequence[PlanOfRecord]) -> pd.DataFrame:
    rows = [(plan.adopted_on, plan.author, plan.note, len(plan.goals)) for plan in plans]
    frame = pd.DataFrame(rows, columns=["adopted_on", "author", "note", "goals"])
    return frame.assign(adopted_on=pd.to_datetime(frame["adopted_on"]))
