"""What a cause on the board can rest on, and what no cause rests on yet."""

from collections.abc import Iterable
from dataclasses import dataclass

from helpers.model.board import Cause

FIVE_M, ROOT_CAUSE = "five_m", "root_cause"
PROVEN = ("cause", "single deal")


@dataclass(frozen=True)
class BoardEvidence:
    """One thing that the data shows, and that a cause on the board can rest on.

    Attributes:
        id: ``five_m:<cause>`` or ``root_cause:<step>:<effect>:<slice>``; the same as long as the same is found.
        m: The bone to which it points.
        says: The statement, in words.
        money: What it cost in the gap's unit, negative; None where it can't be had.
        n: Records behind it.
        slice: Where, such as ``region=US``; ``all`` for the whole company.
        contain: What closes this period's gap, as the rules propose; empty where they propose nothing.
        prevent: What keeps it from coming back.
        is_later: Whether the money is missing from later revenue, and not from the period in question.
        group: The same for everything that tells the same loss; empty where nothing else tells it.
    """

    id: str
    m: str
    says: str
    money: float | None = None
    n: int = 0
    slice: str = "all"
    contain: str = ""
    prevent: str = ""
    is_later: bool = False
    group: str = ""

    @property
    def loss(self) -> str:
        """One id for everything that tells the same loss."""
        return self.group or self.id

    @property
    def cost(self) -> float | None:
        """How much of the gap it explains; None where it can't be had or counts for later revenue."""
        return -self.money if self.money is not None and self.money < 0 and not self.is_later else None


def find_new_evidence(evidence: Iterable[BoardEvidence], causes: Iterable[Cause]) -> list[BoardEvidence]:
    """List what no cause that is still on the board rests on yet, each loss once.

    Args:
        evidence: What the data shows.
        causes: What stands on the board.
    """
    evidence = list(evidence)
    used = {one.id for cause in causes if cause.state != "dropped" for one in cause.list_evidence()}
    told = {one.loss for one in evidence if one.id in used}
    new = []
    for one in evidence:
        if one.loss not in told:
            told.add(one.loss)
            new.append(one)
    return new
