"""The KPI discovery in one piece: the matrix, the secondary KPIs that people named, copies, and what comes next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from helpers.analyses.activation import CopyCounter, rank_activations, score_coverage
from helpers.analyses.discovery import judge_matrix, measure_matrix
from helpers.analyses.discovery_findings import find_discovery_findings
from helpers.analyses.finding import Finding
from helpers.analyses.judgement_trend import JudgementTrend, build_judgement_trend
from helpers.analyses.rollup_layers import RollupCheck, check_rollup_layers
from helpers.analyses.secondary_kpis import add_named_cells, count_named, light_secondaries, name_secondaries
from helpers.model.survey import DiscoveryRules


@dataclass(frozen=True)
class DiscoveryFacts:
    """What CRM and survey say before anybody decides, kept so that a decision needs no second look at the records.

    Attributes:
        rules: What the matrix holds, and its thresholds.
        matrix: The matrix with suggested lights only.
        primaries: KPI → its label and its object.
        secondaries: The secondary KPIs that people named, without their lights.
        named: Partition → how many people named it.
        copies: Counts what each copy between objects would fill.
        rollups: Which layers roll up to which, and where they break.
        as_of: The last day that counts.
        fiscal_year_start: The month in which the company's quarters begin to be counted.
    """

    rules: DiscoveryRules
    matrix: pd.DataFrame
    primaries: Mapping[str, tuple[str, str]]
    secondaries: pd.DataFrame
    named: Mapping[str, int]
    copies: CopyCounter
    rollups: RollupCheck
    as_of: date
    fiscal_year_start: int


@dataclass(frozen=True)
class DiscoveryReview:
    """What the group sees together.

    Attributes:
        matrix: One row per KPI, and per KPI × partition: the rows of ``discovery.csv``.
        primaries: KPI → its label and its object, the columns of the object matrix.
        secondaries: One row per secondary KPI that people named.
        copies: One row per field to be copied between objects.
        activations: What to activate next, best first.
        score: How far the wanted fields are there, 0–1.
        trend: How people's judgements moved from quarter to quarter, and which plans are overdue.
        rollups: Which layers roll up to which, and where they break.
        findings: What was found.
        facts: What all of it was decided on.
        fault: What of the decisions couldn't be read, where, and what to do; empty where all of them could.
    """

    matrix: pd.DataFrame
    primaries: dict[str, tuple[str, str]]
    secondaries: pd.DataFrame
    copies: pd.DataFrame
    activations: pd.DataFrame
    score: float | None
    trend: JudgementTrend
    rollups: RollupCheck
    findings: list[Finding]
    facts: DiscoveryFacts
    fault: str = ""


def review_discovery(company: Any, rules: DiscoveryRules, *, as_of: date) -> DiscoveryReview:
    """Judge what can be tracked today and rank what to activate next.

    Args:
        company: The opened company; people's judgements and, once the round is closed, their survey are taken in.
        rules: What the matrix holds, and its thresholds.
        as_of: The last day that counts.
    """
    return _decide(gather_facts(company, rules, as_of=as_of), getattr(company.answers, "discovery", None))


def apply_decisions(review: DiscoveryReview, answers: Any) -> DiscoveryReview:
    """Say anew what follows once people have decided something else, without another look at the CRM.

    Args:
        review: The review before; not changed.
        answers: Everything decided by now, as ``DiscoveryAnswers``.

    Returns:
        The review with these decisions: the same as reading the company again would give, as long as its exports and
        its survey are the same.
    """
    return _decide(review.facts, answers)


def gather_facts(company: Any, rules: DiscoveryRules, *, as_of: date) -> DiscoveryFacts:
    """Gather what CRM and survey say, before anybody decides."""
    responses = company.answers.visible_survey if company.answers else {}
    kpis = company.catalog.kpis
    secondaries = name_secondaries(company, responses, rules)
    matrix = measure_matrix(company, rules, as_of=as_of)
    if responses:
        matrix = add_named_cells(company, matrix, secondaries, rules)
    return DiscoveryFacts(
        rules=rules,
        matrix=matrix,
        primaries={p.kpi: (kpis[p.kpi].label, p.object) for p in rules.primaries if p.kpi in kpis},
        secondaries=secondaries,
        named=count_named(company, responses, rules),
        copies=CopyCounter(company, rules),
        rollups=check_rollup_layers(company, responses, as_of=as_of),
        as_of=as_of,
        fiscal_year_start=company.fiscal_year_start,
    )


def _decide(facts: DiscoveryFacts, decided: Any) -> DiscoveryReview:
    copied = decided.copies if decided else ()
    matrix = judge_matrix(facts.matrix, decided)
    trend = build_judgement_trend(matrix, decided, as_of=facts.as_of, fiscal_year_start=facts.fiscal_year_start)
    kpis = matrix[matrix["dimension"] == ""]
    activations = rank_activations(
        matrix,
        facts.rules,
        named=facts.named,
        planned=decided.activations if decided else (),
        declined=[(copy.dimension, copy.to_object) for copy in copied if copy.state == "not_wanted"],
        overdue=trend.overdue["dimension"],
        labels=dict(zip(kpis["kpi"], kpis["label"], strict=True)),
    )
    secondaries = light_secondaries(facts.secondaries, matrix)
    copies = facts.copies.list(copied)
    return DiscoveryReview(
        matrix=matrix,
        primaries=dict(facts.primaries),
        secondaries=secondaries,
        copies=copies,
        activations=activations,
        score=score_coverage(matrix),
        trend=trend,
        rollups=facts.rollups,
        findings=find_discovery_findings(matrix, activations, secondaries, copies, trend, facts.rollups),
        facts=facts,
        fault=getattr(decided, "fault", ""),
    )
