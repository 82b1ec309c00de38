"""The 5M board: causes that people wrote down, what backs them, what is done about them, what others say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from helpers.model.board_action import Action
from helpers.model.cause import M_LABELS

BONES = tuple(M_LABELS)
"""The five Ms. *Management* is none of them: it is what several of them have in common."""

MILIEU = "milieu"
"""Market and season: a sixth bone, for companies that switch it on."""

BONE_LABELS = {**M_LABELS, MILIEU: "Milieu"}

STATES = {"proposed": "proposed", "kept": "kept", "dropped": "dropped"}
"""What the group does with a cause: id → as people read it."""

VERDICTS = {"untested": "not tested yet", "confirmed": "confirmed", "rejected": "rejected"}
"""What a test of a cause's prediction showed."""

QUESTIONS = {"what": "What", "where": "Where", "when": "When", "how_much": "How much"}
"""The rows of is / is not."""

MOST_WHYS = 5
MOST_DOTS = 3
"""Dots that one person may put on the board, all on one cause or spread; dropped causes give theirs back."""


@dataclass(frozen=True)
class Evidence:
    """What data says for a cause, as it was found on a day.

    Attributes:
        id: ``five_m:<cause>``, ``root_cause:<step>:<effect>:<slice>`` or what a person wrote.
        says: The statement as found then; empty where only the id was written down.
        found: As of which day.
    """

    id: str
    says: str = ""
    found: date | None = None


@dataclass(frozen=True)
class Why:
    """One answer to "why?", each to the one before it."""

    text: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Cause:
    """One cause as its author wrote it.

    Attributes:
        id: The author's file name with a running number; never given twice.
        text: The cause in a sentence that could turn out to be wrong, about the system and not a person.
        m: One of ``BONES``, or ``MILIEU``.
        whys: Why, and why again; up to ``MOST_WHYS``, the deepest last.
        prediction: What one would see if it were true.
        evidence: What speaks for it; empty marks it as an opinion.
        verdict: One of ``VERDICTS``.
        state: One of ``STATES``.
        confidence: 0–1; None where nobody said.
        contribution: How much of the gap it explains, in the gap's unit, never negative; None where nobody said.
        controllable: Whether the company can change it; None where nobody said.
        period: The period whose gap it explains, such as Q3 2026; empty where nobody said.
        author: Whose file it stands in.
        at: When it was written down.
        decided_at: When its author last kept, dropped or judged it.
        votes: People who voted by hand, in files from before votes had names.
    """

    id: str
    text: str
    m: str = "method"
    whys: tuple[Why, ...] = ()
    prediction: str = ""
    evidence: tuple[Evidence, ...] = ()
    verdict: str = "untested"
    state: str = "proposed"
    confidence: float | None = None
    contribution: float | None = None
    controllable: bool | None = None
    period: str = ""
    author: str = ""
    at: datetime | None = None
    decided_at: datetime | None = None
    votes: int = 0

    @property
    def is_opinion(self) -> bool:
        """Whether nothing but somebody's word stands behind it."""
        return not self.list_evidence()

    @property
    def is_out(self) -> bool:
        """Whether it was dropped, or its prediction turned out wrong."""
        return self.state == "dropped" or self.verdict == "rejected"

    @property
    def root(self) -> str:
        """The deepest answer to "why?"; the cause itself where nobody asked."""
        return self.whys[-1].text if self.whys else self.text

    def list_evidence(self) -> tuple[Evidence, ...]:
        """List what speaks for the cause and for the answers under it, each once."""
        every = [*self.evidence, *(one for why in self.whys for one in why.evidence)]
        return tuple({one.id: one for one in reversed(every)}.values())[::-1]


@dataclass(frozen=True)
class Vote:
    """The dots of one person on one cause."""

    cause: str
    dots: int = 1
    author: str = ""


@dataclass(frozen=True)
class Decision:
    """What somebody noted that the group decided about a cause, which may be another author's; the last one holds.

    Attributes:
        cause: Id of the cause.
        state: One of ``STATES``; empty leaves it.
        verdict: One of ``VERDICTS``; empty leaves it.
        author: Who noted it.
        at: When.
    """

    cause: str
    state: str = ""
    verdict: str = ""
    author: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class CauseComment:
    """A word of somebody about a cause."""

    id: str
    cause: str
    text: str
    author: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class IsIsNot:
    """One row of is / is not: where the miss shows, where it could show and doesn't, and what sets the two apart."""

    shows: str = ""
    spares: str = ""
    difference: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nobody has written anything."""
        return not (self.shows or self.spares or self.difference)


@dataclass(frozen=True)
class ProblemStatement:
    """The problem as one person states it.

    Attributes:
        kpi: Id of the KPI that missed.
        period: Such as Q3 2026.
        rows: ``QUESTIONS`` → is, is not, difference; questions nobody answered are missing.
        author: Whose file it stands in.
    """

    kpi: str = ""
    period: str = ""
    rows: Mapping[str, IsIsNot] = field(default_factory=dict)
    author: str = ""


@dataclass(frozen=True)
class AuthorBoard:
    """Everything that one person wrote on the board, in the order written.

    Attributes:
        id: The file's name without ending.
        author: The person's name.
    """

    id: str
    author: str
    causes: tuple[Cause, ...] = ()
    actions: tuple[Action, ...] = ()
    votes: tuple[Vote, ...] = ()
    decisions: tuple[Decision, ...] = ()
    comments: tuple[CauseComment, ...] = ()
    problem: ProblemStatement | None = None


@dataclass(frozen=True)
class BoardFault:
    """Something on the board that breaks a rule: what, where (a cause or an action in words), and what to do.

    Attributes:
        about: Id of the cause or action; empty where it is about the board as a whole.
        rule: Which rule.
    """

    what: str
    where: str
    cure: str
    about: str = ""
    rule: str = ""


@dataclass(frozen=True)
class BoardCause:
    """A cause with everything that everybody said to it.

    Attributes:
        cause: As its author wrote it, with the state and the verdict that hold now.
        votes: One per person, by name; their dots.
        comments: In the order of time.
        actions: Everybody's, as written.
        decided_by: Who noted the decision that holds; empty where the author's own record does.
    """

    cause: Cause
    votes: tuple[Vote, ...] = ()
    comments: tuple[CauseComment, ...] = ()
    actions: tuple[Action, ...] = ()
    decided_by: str = ""

    @property
    def id(self) -> str:
        """The cause's id."""
        return self.cause.id

    @property
    def dots(self) -> int:
        """All dots on it, and votes counted by hand in older files."""
        return sum(vote.dots for vote in self.votes) + self.cause.votes

    @property
    def n_voters(self) -> int:
        """How many people put dots on it."""
        return len(self.votes) + self.cause.votes

    @property
    def is_reopened(self) -> bool:
        """Whether an action against it was checked and did not work."""
        return any(action.is_reopened for action in self.actions)

    def list_actions(self, kind: str) -> list[Action]:
        """List the actions of one kind that weren't dropped."""
        return [action for action in self.actions if action.kind == kind and action.state != "dropped"]


@dataclass(frozen=True)
class Board:
    """Everybody's board, merged.

    Attributes:
        authors: File name → what that person wrote.
        causes: All of them, in the order of the authors' names and as written.
        faults: Ids that stand twice, and dots, comments, actions and decisions about causes that aren't there.
        loose_actions: Actions whose cause isn't there.
    """

    authors: Mapping[str, AuthorBoard] = field(default_factory=dict)
    causes: tuple[BoardCause, ...] = ()
    faults: tuple[BoardFault, ...] = ()
    loose_actions: tuple[Action, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nobody has written anything."""
        return not (self.causes or self.loose_actions or self.problems or any(self._list_rest()))

    @property
    def actions(self) -> tuple[Action, ...]:
        """All actions of all causes, and those without one."""
        return (*(action for one in self.causes for action in one.actions), *self.loose_actions)

    @property
    def problems(self) -> tuple[ProblemStatement, ...]:
        """The problem as each author states it."""
        return tuple(one.problem for one in self.authors.values() if one.problem)

    def find(self, id: str) -> BoardCause | None:
        """Return a cause by its id; None where there is none."""
        return next((one for one in self.causes if one.id == id), None)

    def of_bone(self, m: str) -> list[BoardCause]:
        """List the causes of one M: kept ones first, those with most dots first, those that are out last."""
        mine = [one for one in self.causes if one.cause.m == m]
        return sorted(mine, key=lambda one: (one.cause.is_out, one.cause.state != "kept", -one.dots))

    def count_dots(self, author: str) -> int:
        """Count the dots that a person has on causes that are still there and not dropped."""
        return sum(
            vote.dots
            for one in self.causes
            if one.cause.state != "dropped"
            for vote in one.votes
            if vote.author.casefold() == author.casefold()
        )

    def _list_rest(self) -> Iterator[object]:
        for one in self.authors.values():
            yield from (*one.votes, *one.comments, *one.decisions)
