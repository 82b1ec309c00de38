"""What is done about a cause on the board: an action, when it is due, when it was done, what its checks found."""

from dataclasses import dataclass
from datetime import date

KINDS = {"contain": "Containment", "prevent": "Prevention"}
"""Closes this period's gap, or keeps it from coming back."""

ACTION_STATES = {"planned": "planned", "doing": "under way", "done": "done", "dropped": "dropped"}

CHECK_VERDICTS = {"held": "it worked", "failed": "it did not work", "too_early": "too early to tell"}
"""What an effectiveness check found."""


@dataclass(frozen=True)
class EffectCheck:
    """What the KPI showed when an action's effect was checked.

    Attributes:
        day: As of which day.
        value: The KPI in the slice then; None where it couldn't be computed.
        n: Records behind it.
        verdict: One of ``CHECK_VERDICTS``.
        reopened: Whether the cause was opened again because of it.
        note: Anything else.
    """

    day: date
    value: float | None = None
    n: int = 0
    verdict: str = "too_early"
    reopened: bool = False
    note: str = ""


@dataclass(frozen=True)
class Action:
    """One thing that is done about a cause.

    Attributes:
        id: What others call it.
        cause: Id of the cause, which may be another author's.
        kind: One of ``KINDS``.
        text: What is done.
        owner: Who answers for it: one person.
        start: First day.
        due: By when.
        done_on: The day on which it was done; None where it isn't, or nobody said which.
        effort: Person-days.
        kpi: Id of the KPI that will show it.
        slice: Where it will show, such as ``region=US & channel=Inbound``; empty for the whole company.
        expected_from: The KPI now, in its own unit (shares 0–1).
        expected_to: What it is to become.
        guard: Id of the KPI that must not get worse.
        pauses: What is put on hold for it.
        state: One of ``ACTION_STATES``.
        checks: What was found later, oldest first.
        author: Whose file it stands in.
    """

    id: str
    cause: str
    kind: str = "contain"
    text: str = ""
    owner: str = ""
    start: date | None = None
    due: date | None = None
    done_on: date | None = None
    effort: float | None = None
    kpi: str = ""
    slice: str = ""
    expected_from: float | None = None
    expected_to: float | None = None
    guard: str = ""
    pauses: str = ""
    state: str = "planned"
    checks: tuple[EffectCheck, ...] = ()
    author: str = ""

    @property
    def is_done(self) -> bool:
        """Whether somebody said that it is done, or on which day."""
        return self.state == "done" or (self.done_on is not None and self.state != "dropped")

    @property
    def is_open(self) -> bool:
        """Whether it is still to be done."""
        return self.state != "dropped" and not self.is_done

    @property
    def takes_hold(self) -> date | None:
        """The day from which it works: when it was done, else when it is due; None where neither is known."""
        return self.done_on or self.due

    def is_overdue(self, as_of: date) -> bool:
        """Whether its day has passed and it isn't done."""
        return self.is_open and self.due is not None and self.due < as_of

    @property
    def is_reopened(self) -> bool:
        """Whether the last check of its effect failed and opened the cause again."""
        return bool(self.checks) and self.checks[-1].reopened
