"""The fishbone as data: the gap as its head, the five Ms as its bones, and on each what the data and people say."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from helpers.analyses.board_review import is_of_period
from helpers.analyses.five_m import EVIDENCE, UNTESTED
from helpers.analyses.found_evidence import (
    THIS_PERIOD,
    Found,
    find_evidence,
    find_now,
    index_evidence,
    is_of_data,
    try_slice,
)
from helpers.analyses.gap import Gap
from helpers.analyses.leaf_dimensions import PEOPLE
from helpers.analyses.named_slices import list_places
from helpers.analyses.people_in_text import is_name, make_name_finder
from helpers.model.board import BONE_LABELS, BONES, MILIEU, Board, BoardCause
from helpers.units import spell_out

PROVEN, SUSPECTED, OPINION = "evidence", "not proven", "opinion"
"""What stands behind a cause: data beyond chance, data that may be chance, or somebody's word."""

SOMEBODY = "somebody"
ORGANISATION = ("team", "region", "segment", "channel", "gtm_motion", "product")
"""Partitions under which causes meet, those that have a head first."""

MOST_NAMES = 9
"""Names that one text is searched for."""


@dataclass(frozen=True)
class Leaf:
    """One cause on the fishbone.

    Attributes:
        id: The board's id of the cause, or the data's of the evidence.
        m: Its bone.
        text: The cause in words, naming nobody.
        backing: ``PROVEN``, ``SUSPECTED`` or ``OPINION``.
        is_from_board: Whether somebody wrote it down; the others come from the data alone.
        verdict: Of its prediction: untested, confirmed or rejected; empty where nobody predicted anything.
        state: proposed, kept or dropped; empty where it comes from the data alone.
        money: What it costs, in the gap's unit; None where nobody knows.
        counts_for: ``THIS_PERIOD`` or later revenue.
        is_typed: Whether the money is what somebody typed.
        confidence: 0–1 as typed; None where nobody said.
        sureness: high, medium or low, where the data says so.
        basis: Records and chance behind it.
        dots: Votes.
        places: Where, each as ``region=US``.
        slice_values: Partition → values of the evidence behind it.
        lens: The evidence's; empty where it was not searched.
        step: The evidence's; empty where it was not searched.
        effect: The evidence's: volume, mix, rate, value or timing; empty where it was not searched.
        is_reopened: Whether an action against it was checked and did not work.
        named: Whether its words named a person, who was left out.
        shown: What the data says for it.
    """

    id: str
    m: str
    text: str
    backing: str
    is_from_board: bool = False
    verdict: str = ""
    state: str = ""
    money: float | None = None
    counts_for: str = ""
    is_typed: bool = False
    confidence: float | None = None
    sureness: str = ""
    basis: str = ""
    dots: int = 0
    places: tuple[str, ...] = ()
    slice_values: Mapping[str, list] | None = None
    lens: str = ""
    step: str = ""
    effect: str = ""
    is_reopened: bool = False
    named: bool = False
    shown: str = ""

    @property
    def is_out(self) -> bool:
        """Whether it was dropped, or its prediction turned out wrong."""
        return self.state == "dropped" or self.verdict == "rejected"


@dataclass(frozen=True)
class Bone:
    """One M: its causes, the strongest first, and how many questions were put to the data."""

    m: str
    label: str
    leaves: tuple[Leaf, ...]
    asked: int = 0
    evident: int = 0
    untested: int = 0


@dataclass(frozen=True)
class Roof:
    """A place in which causes of several Ms meet: a question for whoever is responsible for it.

    Attributes:
        place: As ``region=US``; empty where it is a person's, such as a manager's area.
        label: In words, without a name.
        bones: The Ms.
        n_leaves: How many causes meet there.
        is_told: Whether people say so on the board, and not the records.
    """

    place: str
    label: str
    bones: tuple[str, ...]
    n_leaves: int
    is_told: bool = False


@dataclass(frozen=True)
class Fishbone:
    """The gap, its bones, and what lies over several of them.

    Attributes:
        gap: Actual less expected.
        is_money: Whether that is money.
        outcome: What is counted, in words.
        period: The period in question.
        compared: What it is compared with.
        bones: In the order of the Ms.
        roofs: Where several Ms meet, most causes first.
        elsewhere: How many of the board's causes are about other periods.
    """

    gap: float
    is_money: bool
    outcome: str
    period: str
    compared: str
    bones: tuple[Bone, ...]
    roofs: tuple[Roof, ...] = ()
    elsewhere: int = 0

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """All causes, bone by bone."""
        return tuple(leaf for bone in self.bones for leaf in bone.leaves)

    @property
    def is_empty(self) -> bool:
        """Whether neither the data nor anybody names a cause."""
        return not self.leaves


def build_fishbone(
    gap: Gap,
    board: Board,
    *,
    names: Collection[str] = (),
    roofs: pd.DataFrame | None = None,
    with_milieu: bool = False,
) -> Fishbone:
    """Lay what the data shows and what people wrote down on the five bones of a gap.

    Args:
        gap: The result of ``explain_gap``.
        board: Everybody's board.
        names: Names that no leaf may bear; see ``list_people``.
        roofs: The result of ``find_roofs``: where the data's own causes meet.
        with_milieu: Whether market and season are a sixth bone; they are anyway where a question was asked about them
            or somebody wrote a cause there.

    Returns:
        The fishbone. A cause of the board that names evidence takes its place; what nobody took up stands beside it as
        the data says it. Causes about another period are counted and left out.
    """
    index = index_evidence(gap)
    mine = [one for one in board.causes if is_of_period(one.cause, gap.period.label)]
    written = [_read_cause(one, index) for one in mine]
    items = [item for one in mine for item in one.cause.list_evidence()]
    taken = {found.group for item in items if (found := find_now(item.id, index)) is not None}
    leaves = [*written, *_list_untaken(index, taken)]
    hide = make_name_hider(names)
    leaves = [_hide(leaf, hide) for leaf in leaves]
    is_asked = len(gap.five_m) > 0 and (gap.five_m["m"] == MILIEU).any()
    used = [*BONES, *([MILIEU] if with_milieu or is_asked or any(leaf.m == MILIEU for leaf in leaves) else [])]
    bones = tuple(_build_bone(m, leaves, gap.five_m) for m in used)
    return Fishbone(
        gap=gap.gap,
        is_money=gap.is_money,
        outcome="Closed revenue" if gap.is_money else _name_outcome(gap),
        period=gap.period.label,
        compared=gap.compared,
        bones=bones,
        roofs=_find_roofs(leaves, names, roofs),
        elsewhere=len(board.causes) - len(mine),
    )


def _name_outcome(gap: Gap) -> str:
    return gap.closing.labels.get(gap.outcome, gap.outcome) if gap.closing is not None else gap.outcome


def _read_cause(one: BoardCause, index: Mapping[str, Found]) -> Leaf:
    """Read a cause of the board with what the data says for it now."""
    cause = one.cause
    found = find_evidence(cause.list_evidence(), index)
    is_own = any(not is_of_data(item) for item in cause.list_evidence())
    backing = OPINION if cause.is_opinion else SUSPECTED
    if is_own or any(item.is_proven for item in found):
        backing = PROVEN
    first = found[0] if found else None
    money = cause.contribution if cause.contribution is not None else (first.money if first else None)
    places = [place for item in found for place in list_places(item.slice_values)]
    for action in one.actions:
        places += list_places(try_slice(action.slice))
    return Leaf(
        id=cause.id,
        m=cause.m,
        text=cause.text,
        backing=backing,
        is_from_board=True,
        verdict=cause.verdict,
        state=cause.state,
        money=money,
        counts_for=(first.counts_for if first and first.counts_for else THIS_PERIOD) if money is not None else "",
        is_typed=cause.contribution is not None,
        confidence=cause.confidence,
        sureness=first.sureness if first else "",
        basis=first.basis if first else "",
        dots=one.dots,
        is_reopened=one.is_reopened,
        places=tuple(dict.fromkeys(places)),
        slice_values=first.slice_values if first else None,
        lens=first.lens if first else "",
        step=first.step if first else "",
        effect=first.effect if first else "",
        shown=first.statement if first else "",
    )


def _list_untaken(index: Mapping[str, Found], taken: Collection[str]) -> list[Leaf]:
    """List what the data says and no cause of the board has taken up, each loss once, as the five Ms tell it."""
    told: dict[str, Found] = {}
    for one in index.values():
        if one.group not in taken and (one.group not in told or one.retells):
            told[one.group] = one
    return [
        Leaf(
            id=one.id,
            m=one.m,
            text=spell_out(one.statement),
            backing=PROVEN if one.is_proven else SUSPECTED,
            money=one.money,
            counts_for=one.counts_for,
            sureness=one.sureness,
            basis=one.basis,
            places=list_places(one.slice_values),
            slice_values=one.slice_values,
            lens=one.lens,
            step=one.step,
            effect=one.effect,
            shown=one.statement,
        )
        for one in told.values()
    ]


def _build_bone(m: str, leaves: Iterable[Leaf], five_m: pd.DataFrame) -> Bone:
    mine = sorted((leaf for leaf in leaves if leaf.m == m), key=_rank)
    rows = five_m[five_m["m"] == m]["verdict"] if len(five_m) else pd.Series(dtype=str)
    evident, untested = int((rows == EVIDENCE).sum()), int((rows == UNTESTED).sum())
    return Bone(m, BONE_LABELS[m], tuple(mine), len(rows), evident, untested)


def _rank(leaf: Leaf) -> tuple:
    """Order a bone: what is out last, evidence before suspicion before opinion, then money, then votes."""
    order = (PROVEN, SUSPECTED, OPINION)
    return (
        leaf.is_out,
        order.index(leaf.backing),
        leaf.state != "kept",
        -(leaf.money if leaf.money is not None else -1.0),
        -leaf.dots,
        leaf.id,
    )


def _find_roofs(leaves: Sequence[Leaf], names: Collection[str], given: pd.DataFrame | None) -> tuple[Roof, ...]:
    """Find the places where causes of several Ms meet: those that the records tell, then those that people wrote.

    A person is no place, what is not proven makes none, and places over the same causes are told once.
    """
    roofs = [
        Roof(row["slice"], row["label"], tuple(row["ms"].split(", ")), int(row["n_causes"]))
        for row in (given.to_dict("records") if given is not None else ())
    ]
    known = {name.casefold() for name in names}
    met: dict[str, list[Leaf]] = {}
    for leaf in leaves:
        for place in leaf.places if not leaf.is_out and leaf.backing != SUSPECTED else ():
            partition, _, value = place.partition("=")
            if partition not in PEOPLE and value.casefold() not in known:
                met.setdefault(place, []).append(leaf)
    told: set[frozenset[str]] = set()
    for place in sorted(met, key=_rank_place):
        mine = met[place]
        over, ids = {leaf.m for leaf in mine}, frozenset(leaf.id for leaf in mine)
        is_told = ids in told or any(place in roof.place.split(" & ") for roof in roofs)
        if len(over) > 1 and not is_told:
            told.add(ids)
            bones = tuple(m for m in (*BONES, MILIEU) if m in over)
            roofs.append(Roof(place, say_place(place), bones, len(mine), is_told=given is not None))
    return tuple(sorted(roofs, key=lambda roof: (-len(roof.bones), -roof.n_leaves)))


def _rank_place(place: str) -> tuple[int, str]:
    """Order places: those of the organisation first."""
    partition = place.partition("=")[0]
    return (ORGANISATION.index(partition) if partition in ORGANISATION else len(ORGANISATION)), place


def say_place(place: str) -> str:
    """Write a place for a reader.

    >>> say_place("region=Nordics"), say_place("gtm_motion=Sales-led")
    ('region Nordics', 'GTM motion Sales-led')
    """
    name, _, value = place.partition("=")
    words = name.replace("_", " ")
    words = words.upper() if words == "icp" else words.replace("gtm ", "GTM ")
    return f"{words} {value}"


def make_name_hider(names: Collection[str]) -> Callable[[str], str]:
    """Return what takes the names of people out of a text.

    >>> make_name_hider(["Ana Okafor"])("ana okafor was away, and Okafor's deals waited")
    "Somebody was away, and somebody's deals waited"
    """
    people = [name for name in names if is_name(name)]
    find = make_name_finder(people)

    def hide(text: str) -> str:
        hidden = text
        for _ in range(MOST_NAMES):
            name = find(hidden)
            if not name:
                break
            parts = [re.escape(part) for part in re.split(r"[\s._,-]+", name.split("@")[0]) if part]
            whole = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
            alone = re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)")
            hidden = alone.sub(SOMEBODY, whole.sub(SOMEBODY, hidden))
        if hidden == text:
            return text
        return f"{hidden[:1].upper()}{hidden[1:]}"

    return hide


def _hide(leaf: Leaf, hide: Callable[[str], str]) -> Leaf:
    text = hide(leaf.text)
    return replace(leaf, text=text, named=text != leaf.text, shown=hide(leaf.shown))
