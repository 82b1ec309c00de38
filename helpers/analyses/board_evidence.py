"""What the data offers the board: every test of the five Ms that found something, and every localised cause."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.analyses.five_m import EVIDENCE
from helpers.model.board import BONES, MILIEU, Cause

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
        contain: What closes this period's gap, as the rules propose; empty for a localised cause.
        prevent: What keeps it from coming back.
    """

    id: str
    m: str
    says: str
    money: float | None = None
    n: int = 0
    slice: str = "all"
    contain: str = ""
    prevent: str = ""


def list_board_evidence(gap: Any) -> tuple[BoardEvidence, ...]:
    """List what the data offers the board.

    Args:
        gap: The result of ``explain_gap``.

    Returns:
        The localised causes by rank, then the tests of the five Ms that found something, the costliest first. What
        went better than expected and what is not proven is no evidence for a miss, and is left out; so is a test that
        says the same as a localised cause.
    """
    found = [_of_cause(row) for row in gap.causes.to_dict("records") if row["verdict"] in PROVEN]
    tests = [_of_test(row) for row in gap.five_m.to_dict("records") if row["verdict"] == EVIDENCE]
    tests.sort(key=lambda one: one.money if one.money is not None else 0.0)
    told: set[str] = set()
    kept = []
    for one in [*found, *tests]:
        is_loss = one.money is None or one.money < 0
        if one.m in (*BONES, MILIEU) and is_loss and not {one.id, one.says} & told:
            told |= {one.id, one.says}
            kept.append(one)
    return tuple(kept)


def find_new_evidence(evidence: tuple[BoardEvidence, ...], causes: list[Cause]) -> list[BoardEvidence]:
    """List what no cause that is still on the board rests on yet."""
    used = {one.id for cause in causes if cause.state != "dropped" for one in cause.list_evidence()}
    return [one for one in evidence if one.id not in used]


def _of_cause(row: dict[str, Any]) -> BoardEvidence:
    return BoardEvidence(
        f"{ROOT_CAUSE}:{row['step']}:{row['effect']}:{row['slice']}",
        row["m"] or "material",
        str(row["statement"]),
        _number(row["contribution"]),
        int(_number(row["n_actual"]) or 0),
        str(row["slice"]),
    )


def _of_test(row: dict[str, Any]) -> BoardEvidence:
    return BoardEvidence(
        f"{FIVE_M}:{row['cause']}",
        row["m"],
        str(row["statement"]),
        _number(row["money"]),
        int(_number(row["n"]) or 0),
        str(row["slice"]),
        str(row["contain"]),
        str(row["prevent"]),
    )


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
