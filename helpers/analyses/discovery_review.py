"""The KPI discovery in one piece: the matrix, the secondary KPIs that people named, copies, and what comes next."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from helpers.analyses.activation import count_named, list_copies, list_secondaries, rank_activations, score_coverage
from helpers.analyses.discovery import build_discovery
from helpers.analyses.discovery_findings import find_discovery_findings
from helpers.analyses.finding import Finding
from helpers.model.survey import DiscoveryRules


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
        findings: What was found.
    """

    matrix: pd.DataFrame
    primaries: dict[str, tuple[str, str]]
    secondaries: pd.DataFrame
    copies: pd.DataFrame
    activations: pd.DataFrame
    score: float | None
    findings: list[Finding]


def review_discovery(company: Any, rules: DiscoveryRules, *, as_of: date) -> DiscoveryReview:
    """Judge what can be tracked today and rank what to activate next.

    Args:
        company: The opened company; people's judgements and, once the round is closed, their survey are taken in.
        rules: What the matrix holds, and its thresholds.
        as_of: The last day that counts.
    """
    answers = company.answers
    responses = answers.visible_survey if answers else {}
    decided = answers.discovery if answers else None
    matrix = build_discovery(company, rules, as_of=as_of)
    named = count_named(company, responses, rules)
    activations = rank_activations(
        matrix,
        rules,
        named=named,
        planned=decided.activations if decided else (),
        declined=[(c.dimension, c.to_object) for c in decided.copies if c.state == "not_wanted"] if decided else (),
    )
    secondaries = list_secondaries(company, matrix, responses, rules)
    copies = list_copies(company, rules, decided.copies if decided else ())
    kpis = company.catalog.kpis
    return DiscoveryReview(
        matrix=matrix,
        primaries={p.kpi: (kpis[p.kpi].label, p.object) for p in rules.primaries if p.kpi in kpis},
        secondaries=secondaries,
        copies=copies,
        activations=activations,
        score=score_coverage(matrix),
        findings=find_discovery_findings(matrix, activations, secondaries, copies),
    )
