"""What the data offers the board: every localised cause, and every question of the five Ms that found something."""

from helpers.analyses.board_evidence import BoardEvidence
from helpers.analyses.found_evidence import LATER, Found, index_evidence
from helpers.analyses.gap import Gap
from helpers.model.board import BONES, MILIEU


def list_board_evidence(gap: Gap) -> tuple[BoardEvidence, ...]:
    """List what the data offers the board.

    Args:
        gap: The result of ``explain_gap``.

    Returns:
        The localised causes by rank, then the questions of the five Ms with evidence, the costliest first. What went
        better than expected and what is not proven is no evidence for a miss, and is left out.
    """
    found = [one for one in index_evidence(gap).values() if one.is_proven and one.m in (*BONES, MILIEU)]
    found.sort(key=lambda one: -(one.money or 0.0) if one.rule else float("-inf"))
    rules = {} if gap.five_m.empty else gap.five_m.set_index("cause")[["contain", "prevent"]].to_dict("index")
    proposed = {one.group: rules.get(one.rule, {}) for one in found if one.rule}
    return tuple(_offer(one, rules.get(one.rule) or proposed.get(one.group, {})) for one in found)


def _offer(one: Found, proposed: dict[str, str]) -> BoardEvidence:
    return BoardEvidence(
        one.id,
        one.m,
        one.statement,
        None if one.money is None else -one.money,
        one.n,
        one.slice,
        proposed.get("contain", ""),
        proposed.get("prevent", ""),
        is_later=one.counts_for == LATER,
        group=one.group,
    )
