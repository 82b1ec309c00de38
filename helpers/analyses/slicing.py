"""KPIs by up to four partitions: who, what, where and when, with the doubt that each number deserves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.change import score_changes
from helpers.analyses.change_money import add_squares
from helpers.analyses.derived_partitions import find_order
from helpers.analyses.partitions import suggest_partitions
from helpers.analyses.slicing_filters import JOINT, name_cuts, plan_cuts
from helpers.analyses.slicing_goals import find_goals
from helpers.analyses.slicing_others import OTHERS, count_others
from helpers.analyses.slicing_question import SliceQuestion, ask_slices, find_kpi, find_refusal, name_cut
from helpers.analyses.slicing_totals import Reconciliation, add_contributions, reconcile
from helpers.analyses.slicing_words import headline_slices
from helpers.model.kpi import Kpi
from helpers.periods import Period

USUAL_QUESTIONS = (
    "win_rate opportunity_to_won mql_to_won lead_to_mql opportunities revenue_won mqls leads sessions mrr "
    "customers_live"
).split()
"""Which KPIs are sliced when nobody names one: the first two that the company has."""

SLICE_COLUMNS = (
    "slice numerator denominator value n low high is_complete previous_value previous_n change q_value contribution "
    "goal share_of_n company_value difference is_small"
).split()


@dataclass(frozen=True)
class Slices:
    """One KPI cut one way: the result of ``slice_kpi`` with the question and the answer in words.

    Attributes:
        kpi: The KPI.
        by: The partitions.
        period: The period shown.
        compared: The period it is compared with, or None.
        frame: One row per slice.
        headline: What it shows, in a sentence.
        refusal: Why the KPI may not be cut so; empty where it may.
        question: What was asked, to go on asking from; None where it was refused.
    """

    kpi: Kpi
    by: tuple[str, ...]
    period: Period
    compared: Period | None
    frame: pd.DataFrame
    headline: str
    refusal: str = ""
    question: SliceQuestion | None = None

    @property
    def reconciliation(self) -> Reconciliation | None:
        """Whether the slices add up to the company."""
        return self.frame.attrs.get("reconciliation")


def choose_kpis(available: pd.DataFrame, asked: Sequence[str]) -> list[str]:
    """Return the KPIs asked for, or the first two usual ones that the company has.

    Args:
        available: Cells, or the rows of ``explain_availability``: what matters is the column ``kpi``.
        asked: Ids of KPIs.
    """
    told = available[available["is_available"].astype(bool)] if "is_available" in available else available
    there = set(told["kpi"])
    return list(asked) or [kpi for kpi in USUAL_QUESTIONS if kpi in there][:2]


def slice_kpis(
    company: Any,
    kpis: Sequence[str],
    by: Sequence[str],
    *,
    period: Period,
    compared: Period | None = None,
    as_of: Any = None,
    filters: Mapping[str, Any] | None = None,
    basis: str = "",
    top_n: int = 12,
    horizon_days: int | None = None,
    targets: pd.DataFrame | None = None,
    step_back: bool = True,
) -> list[Slices]:
    """Cut each KPI by each partition alone and by all of them together, or exactly as ``a & b`` says.

    Args:
        company: The company.
        kpis: Ids of KPIs.
        by: Ids of partitions, or combinations such as ``region & product``; empty takes the first two that suit each
            KPI.
        period: The period shown; a KPI of cohorts is shown in the latest period whose cohorts are mature.
        compared: The period to compare with, or None.
        as_of: The last day that counts.
        filters: Partition → values that count, or ``{"not_in": values}``.
        basis: cohort, period, outcome or snapshot; empty takes each KPI's usual one.
        top_n: How many slices are named; the rest becomes one.
        horizon_days: Days that a cohort is given; None is to date.
        targets: Goals to compare with in place of a period.
        step_back: False shows the very period asked for, mature or not.

    Returns:
        One result per KPI and way of cutting it. A partition that is known too late to cut a KPI gives a result whose
        ``refusal`` says so.

    Raises:
        QuestionError: A KPI, partition, basis or value is unknown.
    """
    results = []
    for kpi in kpis:
        definition = find_kpi(company, kpi)
        cuts = plan_cuts(list(by) or suggest_partitions(company, kpi, limit=2))
        shown, before = period, compared
        if step_back and (basis or definition.basis[0]) == "cohort":
            shown, before = _old_enough(company, definition, period, compared, as_of, horizon_days)
        for cut in cuts:
            refusal = find_refusal(company, definition, [*cut, *(filters or {})], as_of=as_of)
            if refusal:
                results.append(_refuse(definition, cut, shown, before, refusal))
                continue
            frame = slice_kpi(
                company, kpi, cut, period=shown, compared=before, as_of=as_of, basis=basis or None, filters=filters,
                maximum=top_n, horizon_days=horizon_days, targets=targets,
            )  # fmt: skip
            headline = headline_slices(frame, definition, cut, shown, company.currency)
            question = ask_slices(
                company, kpi, cut, basis=basis or None, as_of=as_of, filters=filters, horizon_days=horizon_days
            )
            results.append(Slices(definition, cut, shown, before, frame, headline, question=question))
    return results


def _refuse(kpi: Kpi, cut: tuple[str, ...], period: Period, compared: Period | None, refusal: str) -> Slices:
    headline = f"{kpi.label} can't be cut by {name_cuts(cut)}"
    return Slices(kpi, cut, period, compared, pd.DataFrame(columns=SLICE_COLUMNS), headline, refusal=refusal)


def _old_enough(
    company: Any, kpi: Kpi, period: Period, compared: Period | None, as_of: Any, horizon_days: int | None
) -> tuple[Period, Period | None]:
    """Step back to the latest cohort that is mature, since a younger one still has records that will convert."""
    question = ask_slices(company, kpi.id, (), basis="cohort", as_of=as_of, horizon_days=horizon_days)
    shown = period
    for back in range(40):
        shown = period.previous(back)
        cell = question.count(shown, [()])
        if cell.empty:
            continue
        if bool(cell["is_complete"].iloc[0]):
            return shown, compared.previous(back) if compared else None
    return period, compared


def tabulate_slices(results: Sequence[Slices]) -> pd.DataFrame:
    """Put all slices into one table.

    Returns:
        One row per KPI, way of cutting it and slice: kpi, basis, period_start, dimension, then the columns of
        ``slice_kpi``.
    """
    frames = [
        result.frame.assign(
            kpi=result.kpi.id,
            basis=result.frame.attrs.get("basis", ""),
            period_start=result.period.start.isoformat(),
            period_end=result.period.end.isoformat(),
            dimension=name_cut(result.by),
        )
        for result in results
        if len(result.frame)
    ]
    first = ["kpi", "basis", "period_start", "period_end", "dimension"]
    if not frames:
        return pd.DataFrame(columns=[*first, *SLICE_COLUMNS])
    for frame in frames:
        frame.attrs = {}
    return pd.concat(frames, ignore_index=True)[[*first, *SLICE_COLUMNS]]


def slice_kpi(
    company: Any,
    kpi: str,
    by: Sequence[str],
    *,
    period: Period,
    compared: Period | None = None,
    as_of: Any = None,
    basis: str | None = None,
    filters: Mapping[str, Any] | None = None,
    maximum: int = 12,
    horizon_days: int | None = None,
    targets: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Cut one KPI by up to four partitions, and set each slice beside the company and the period before or the plan.

    Args:
        company: The company.
        kpi: The KPI's id.
        by: One to four ids of partitions.
        period: The period shown.
        compared: The period to compare with, of any grain; None compares with nothing, or with the goals.
        as_of: The last day that counts.
        basis: cohort, period, outcome or snapshot; by default the KPI's usual one.
        filters: Partition → values that count, or ``{"not_in": values}``.
        maximum: How many slices are named; the rest is counted anew as "all others".
        horizon_days: Days that a cohort is given; None is to date.
        targets: Goals with the columns of ``goal_matrix.csv``; where given, ``previous_value`` is the slice's goal.

    Returns:
        One row per slice, the largest first (a count by its value, everything else by n; bands, months and weekdays in
        their own order): slice, numerator,
        denominator, value, n, low, high, is_complete, previous_value, previous_n, change, q_value, contribution (to the
        company's change, adding up to it), goal, share_of_n, company_value, difference (from the company's) and
        is_small (fewer records than the company's minimum). A slice of the compared period that has no record any more
        stands there with n 0. ``attrs`` hold the company's own row as ``company`` and ``company_before``, how many
        slices are in "all others" as ``left_out``, the ``reconciliation``, and the basis.

    Raises:
        QuestionError: The KPI or a partition is unknown, or the partition isn't known early enough to cut a rate.
    """
    question = ask_slices(company, kpi, by, basis=basis, as_of=as_of, filters=filters, horizon_days=horizon_days)
    cut = tuple(by)
    now = question.count(period, [(), cut])
    before = question.count(compared, [(), cut]) if compared else now.iloc[:0]
    whole, sliced = now[now["dimension"] == "all"], now[now["dimension"] != "all"]
    whole_before, sliced_before = before[before["dimension"] == "all"], before[before["dimension"] != "all"]
    scored = _score(question, sliced, sliced_before, period, compared)
    moved = add_contributions(sliced, sliced_before, is_additive=question.is_additive) if compared else {}
    scored["contribution"] = scored["slice"].map(moved).astype(float)
    scored["share_of_n"] = scored["n"].astype(float) / (float(scored["n"].sum()) or np.nan)
    largest = "value" if question.is_additive else "n"
    scored = scored.sort_values([largest, "slice"], ascending=[False, True], ignore_index=True)
    order = find_order(scored["slice"].tolist()) if len(scored) <= maximum else None
    if order:
        scored = scored.set_index("slice").loc[order].reset_index()
    folded = _fold(question, scored, (sliced, sliced_before), (period, compared), maximum)
    result = _set_beside(question, folded, whole, targets, period)
    result.attrs = {
        "company": whole.iloc[0].to_dict() if len(whole) else {},
        "company_before": whole_before.iloc[0].to_dict() if len(whole_before) else {},
        "left_out": max(len(scored) - maximum, 0),
        "basis": question.basis,
        "kpi": question.kpi.id,
        "reconciliation": reconcile(question, sliced, whole),
    }
    return result


def _score(
    question: SliceQuestion, now: pd.DataFrame, before: pd.DataFrame, period: Period, compared: Period | None
) -> pd.DataFrame:
    """Test the change of every slice, those that vanished among them, against what is usual."""
    days = (period.days, compared.days) if compared else None
    usual = question.count_history(period, compared) if compared else None
    now, before = (_add_squares(question, cells) for cells in (now, before))
    return score_changes(_with_vanished(now, before), before, on=["slice"], days=days, history=usual)


def _add_squares(question: SliceQuestion, cells: pd.DataFrame) -> pd.DataFrame:
    """Add to sums of money what a test of their change needs."""
    if question.kpi.measure.kind != "sum" or cells.empty:
        return cells
    asked = {"by": question.by, "as_of": question.as_of, "filters": question.filters}
    return add_squares(question.company, cells, question.kpi.id, **asked)


def _with_vanished(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Add the slices that only the compared period has: no record is an answer too."""
    gone = before[~before["slice"].isin(set(now["slice"]))]
    if gone.empty:
        return now
    nothing = dict.fromkeys(("numerator", "denominator", "value", "low", "high"), np.nan)
    rows = gone.assign(**nothing, n=pd.array([0] * len(gone), dtype="Int64"))
    return pd.concat([now, rows], ignore_index=True) if len(now) else rows.reset_index(drop=True)


def _fold(
    question: SliceQuestion,
    scored: pd.DataFrame,
    sliced: tuple[pd.DataFrame, pd.DataFrame],
    periods: tuple[Period, Period | None],
    maximum: int,
) -> pd.DataFrame:
    """Name the largest slices and count the rest anew as one."""
    if len(scored) <= maximum:
        return scored
    named, rest = scored.iloc[:maximum], scored.iloc[maximum:]
    names = rest["slice"].tolist()
    now, before = (
        count_others(question, cells, names, period) if period is not None else cells.iloc[:0]
        for cells, period in zip(sliced, periods, strict=True)
    )
    now = _with_vanished(now, before)
    if now.empty:
        return named
    others = score_changes(now, before, on=["slice"]).assign(
        q_value=np.nan,
        contribution=rest["contribution"].sum(min_count=1),
        share_of_n=rest["share_of_n"].sum(),
    )
    return pd.concat([named, others], ignore_index=True)


def _set_beside(
    question: SliceQuestion, scored: pd.DataFrame, whole: pd.DataFrame, targets: pd.DataFrame | None, period: Period
) -> pd.DataFrame:
    """Set every slice beside the company and beside its goal."""
    goals = find_goals(targets, question.kpi, question.by, period)
    result = scored.assign(
        company_value=whole["value"].iloc[0] if len(whole) else np.nan,
        goal=scored["slice"].map(goals).astype(float),
        is_small=scored["n"].astype(float) < question.company.catalog.rules.minimum_n,
    )
    result["difference"] = result["value"] - result["company_value"]
    if targets is not None:
        result = result.assign(previous_value=result["goal"], change=result["value"] - result["goal"])
    return result[SLICE_COLUMNS].copy()


def compare_bases(result: Slices) -> pd.DataFrame:
    """Show the same slices by every legitimate definition of the KPI, side by side.

    Returns:
        One row per slice and basis: slice, basis, value, n, low, high, is_complete; empty where the KPI has only one.
    """
    if result.question is None or len(result.kpi.basis) < 2:
        return pd.DataFrame(columns=["slice", "basis", "value", "n", "low", "high", "is_complete"])
    named = [name for name in result.frame["slice"] if name != OTHERS]
    parts = []
    for basis in result.kpi.basis:
        question = replace(result.question, basis=basis)
        cells = question.count(result.period, [(), result.by])
        parts.append(cells[(cells["dimension"] == "all") | cells["slice"].isin(named)])
    table = pd.concat(parts, ignore_index=True)
    order = {name: place for place, name in enumerate(["all", *named])}
    table = table.sort_values("slice", key=lambda names: names.map(order), kind="stable", ignore_index=True)
    return table[["slice", "basis", "value", "n", "low", "high", "is_complete"]]


__all__ = [
    "JOINT", "OTHERS", "Slices", "choose_kpis", "compare_bases", "headline_slices", "slice_kpi", "slice_kpis",
    "tabulate_slices",
]  # fmt: skip
