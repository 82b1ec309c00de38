"""A finding: the answer to one question, in one sentence, with its money, its evidence and the next step."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

SEVERITIES = ("bad", "good", "note")


@dataclass(frozen=True)
class Finding:
    """Hold one answer as every page, table and slide shows it.

    Attributes:
        headline: The answer as a sentence, with the number and its direction.
        kpi: The id of the KPI it is about, or empty.
        slice: Where, as ``region=US & channel=Inbound``, or ``all``.
        money: What it is worth in the company's currency, negative where it was lost; None where unknown.
        evidence: What it rests on: n, period, definition, low, high and whatever else the reader should see.
        next_step: What to do about it.
        notebook: The notebook that found it, such as ``05_root_cause_5m``.
        severity: bad, good or note.
    """

    headline: str
    kpi: str = ""
    slice: str = "all"
    money: float | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    next_step: str = ""
    notebook: str = ""
    severity: str = "note"


def rank_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Put findings in the order in which a leader wants them: losses by money first, then gains, then notes.

    Ties keep their order, so the same findings always come out alike.
    """
    order = {severity: position for position, severity in enumerate(SEVERITIES)}
    return sorted(findings, key=lambda f: (order.get(f.severity, len(order)), -abs(f.money or 0.0)))


def to_records(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Turn findings into the records of ``findings.json``, ranked from 1."""
    return [{"rank": rank, **asdict(finding)} for rank, finding in enumerate(rank_findings(findings), start=1)]
