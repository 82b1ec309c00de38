"""Five whys and predictions: how far each answer is backed, what was foretold and what was seen."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import pandas as pd

from helpers.analyses.board_review import is_of_period
from helpers.analyses.fishbone import make_name_hider
from helpers.analyses.found_evidence import Found, index_evidence, say_evidence
from helpers.analyses.gap import Gap
from helpers.model.board import BONE_LABELS, VERDICTS, Board, BoardCause, Evidence

PREDICTION_COLUMNS = ["cause", "m", "predicted", "seen", "verdict", "is_backed", "decided_by"]


@dataclass(frozen=True)
class Link:
    """One answer to "why?".

    Attributes:
        text: The answer, naming nobody.
        evidence: What speaks for it, each in words; empty marks it as an opinion.
        is_backed: Whether any of that holds in the data of the period, or was noted by a person.
    """

    text: str
    evidence: tuple[str, ...] = ()
    is_backed: bool = False


@dataclass(frozen=True)
class WhyChain:
    """A cause and the answers under it, the deepest last.

    Attributes:
        id: The cause's.
        m: Its bone.
        text: The cause, naming nobody.
        verdict: Of its prediction.
        state: proposed, kept or dropped.
        links: The cause itself first, then each answer to why the one before it is so.
    """

    id: str
    m: str
    text: str
    verdict: str
    state: str
    links: tuple[Link, ...]

    @property
    def is_open(self) -> bool:
        """Whether it stops at an answer that nothing backs."""
        return not self.links[-1].is_backed


def build_why_chains(gap: Gap, board: Board, *, names: Collection[str] = ()) -> list[WhyChain]:
    """Follow every cause of a period that somebody asked why about.

    Args:
        gap: The result of ``explain_gap``.
        board: Everybody's board.
        names: Names that no answer may bear.

    Returns:
        The chains, kept causes first, then those with most dots; causes that are out are left out.
    """
    index, hide = index_evidence(gap), make_name_hider(names)
    chains = []
    for one in sorted(_list_live(gap, board), key=_rank):
        if one.cause.whys:
            links = [_link(one.cause.text, one.cause.evidence, index, hide)]
            links += [_link(why.text, why.evidence, index, hide) for why in one.cause.whys]
            cause = one.cause
            chains.append(WhyChain(one.id, cause.m, hide(cause.text), cause.verdict, cause.state, tuple(links)))
    return chains


def describe_why_chains(chains: list[WhyChain]) -> str:
    """Say how many chains end at something that can be checked."""
    if not chains:
        return "Nobody has asked why yet"
    count = "One cause was" if len(chains) == 1 else f"{len(chains)} causes were"
    opinions = sum(chain.is_open for chain in chains)
    if not opinions:
        return f"{count} followed down, each to an answer that evidence backs"
    ends = "its last answer is" if len(chains) == 1 else f"{opinions} of their last answers are"
    ends = "one of their last answers is" if opinions == 1 and len(chains) > 1 else ends
    return f"{count} followed down; {ends} still an opinion to check"


def list_predictions(gap: Gap, board: Board, *, names: Collection[str] = ()) -> pd.DataFrame:
    """List what every cause foretold, what was seen, and what people concluded.

    Args:
        gap: The result of ``explain_gap``.
        board: Everybody's board.
        names: Names that no text may bear.

    Returns:
        One row per cause of the period with a prediction or a verdict, confirmed first, then rejected, then not
        tested: cause, m, predicted, seen (the evidence in words), verdict (in words), is_backed (whether evidence
        holds), decided_by (who noted the verdict, or the author).
    """
    index, hide = index_evidence(gap), make_name_hider(names)
    order = {"confirmed": 0, "rejected": 1, "untested": 2}
    mine = [one for one in board.causes if is_of_period(one.cause, gap.period.label)]
    rows = []
    for one in sorted(mine, key=lambda one: (order.get(one.cause.verdict, 3), _rank(one))):
        cause = one.cause
        if not cause.prediction.strip() and cause.verdict == "untested":
            continue
        seen, is_backed = _say_seen(cause.list_evidence(), index, hide)
        who = one.decided_by or (cause.author if cause.verdict != "untested" else "")
        predicted = hide(cause.prediction.strip()) or "Nobody wrote down what one would see"
        rows.append(
            (hide(cause.text), BONE_LABELS.get(cause.m, cause.m), predicted, seen, VERDICTS[cause.verdict], is_backed,
             who)
        )  # fmt: skip
    return pd.DataFrame(rows, columns=PREDICTION_COLUMNS)


def describe_predictions(predictions: pd.DataFrame) -> str:
    """Say how many predictions were tested."""
    if predictions.empty:
        return "No cause says yet what one would see if it were true"
    said = predictions["verdict"].value_counts()
    parts = [f"{said[word]} {word}" for word in VERDICTS.values() if word in said.index]
    total = "1 prediction" if len(predictions) == 1 else f"{len(predictions)} predictions"
    return f"{total}: {', '.join(sorted(parts, key=lambda part: 'not tested' in part))}"


def _list_live(gap: Gap, board: Board) -> list[BoardCause]:
    return [one for one in board.causes if is_of_period(one.cause, gap.period.label) and not one.cause.is_out]


def _rank(one: BoardCause) -> tuple:
    return one.cause.state != "kept", -one.dots, one.id


def _link(text: str, evidence: tuple[Evidence, ...], index: Mapping[str, Found], hide: Callable[[str], str]) -> Link:
    said = [say_evidence(one, index) for one in evidence]
    return Link(hide(text), tuple(hide(words) for words, _ in said), any(holds for _, holds in said))


def _say_seen(
    evidence: tuple[Evidence, ...], index: Mapping[str, Found], hide: Callable[[str], str]
) -> tuple[str, bool]:
    """Put what was seen into one text: the two that hold best, and how many more."""
    said = sorted(dict.fromkeys(say_evidence(one, index) for one in evidence), key=lambda pair: not pair[1])
    if not said:
        return "Nothing yet", False
    more = f"; and {len(said) - 2} more" if len(said) > 2 else ""
    return f"{'; '.join(hide(words) for words, _ in said[:2])}{more}", any(holds for _, holds in said)
