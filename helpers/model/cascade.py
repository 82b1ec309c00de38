"""A cascade of goals: from the long-term goal down to people's targets, and the rules by which it is checked."""

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from pydantic import Field

from helpers.model.definition import DEFINITIONS, Definition, read_record, read_toml

LEVELS = ("long_term", "company", "department")
"""Levels of goals, from the far one down."""

LEVEL_WORDS = {
    "long_term": "Long-term goal",
    "company": "Company goal",
    "department": "Department goal",
    "tactic": "Tactic",
    "person": "Person",
    "target": "Target",
}
STRENGTHS = ("strong", "some")
STATES = ("planned", "running", "done", "stopped")
COMMENT_KINDS = ("proposal", "question", "answer", "agreed")
WHOLE = "all"


@dataclass(frozen=True)
class CascadeGoal:
    """One goal of the company or of a department.

    Attributes:
        id: What others link to.
        title: As people say it.
        level: One of ``LEVELS``.
        serves: Ids of the goals one level up that it contributes to.
        department: Whose goal it is, at the level of departments.
        owner: Id of the person who answers for it.
        kpi: Id of the KPI that measures it.
        dimension: Partition of the slice; ``all`` for the whole company.
        slice: Value of that partition.
        target: What is to be reached in the period, in the KPI's unit (shares 0–1).
        baseline: What the period would bring without any tactic; None takes history's word.
        grain: month, quarter, half_year or year.
        period_start: First day of the period.
        due: By when, where it isn't the period's last day.
        note: Anything else.
    """

    id: str
    title: str
    level: str = "company"
    serves: tuple[str, ...] = ()
    department: str = ""
    owner: str = ""
    kpi: str = ""
    dimension: str = WHOLE
    slice: str = WHOLE
    target: float | None = None
    baseline: float | None = None
    grain: str = "quarter"
    period_start: date | None = None
    due: date | None = None
    note: str = ""


@dataclass(frozen=True)
class Tactic:
    """One thing that somebody does for a goal.

    Attributes:
        id: What others link to.
        title: As people say it.
        serves: Ids of the goals that it is done for.
        department: Who does it.
        owner: Id of the person who answers for it.
        start: First day.
        due: Last day.
        cost: In the company's currency.
        kpi: The KPI that it moves.
        dimension: Partition of the slice that it moves; ``all`` for the whole company.
        slice: Value of that partition.
        amount: What it adds to that KPI, in the KPI's unit, over the period of the goal that it serves.
        time: Share of its owner's working week, 0–1.
        state: One of ``STATES``.
        note: Anything else.
    """

    id: str
    title: str
    serves: tuple[str, ...] = ()
    department: str = ""
    owner: str = ""
    start: date | None = None
    due: date | None = None
    cost: float | None = None
    kpi: str = ""
    dimension: str = WHOLE
    slice: str = WHOLE
    amount: float | None = None
    time: float | None = None
    state: str = "planned"
    note: str = ""


@dataclass(frozen=True)
class Person:
    """Somebody who owns goals or tactics, or whose pay hangs on targets.

    Attributes:
        id: What others link to.
        name: As people say it.
        department: Where.
        role: As what.
        variable_pay: A year's variable pay at 100 %, in the company's currency.
        capacity: Share of a working week that is free for tactics, 0–1; None takes the rules'.
    """

    id: str
    name: str
    department: str = ""
    role: str = ""
    variable_pay: float | None = None
    capacity: float | None = None


@dataclass(frozen=True)
class PayRule:
    """How attainment becomes pay: nothing below the threshold, then linear to 100 % at the target, linear to the cap.

    Attributes:
        threshold: Share of the target below which nothing is paid.
        pay_at_threshold: Share of the money right at the threshold.
        cap: Share of the target above which pay rises no more.
        pay_at_cap: Share of the money at the cap and above.
    """

    threshold: float = 0.7
    pay_at_threshold: float = 0.0
    cap: float = 1.5
    pay_at_cap: float = 1.5

    def pay(self, attainment: float) -> float:
        """Return the share of the money that an attainment earns.

        >>> rule = PayRule(threshold=0.7, pay_at_threshold=0.4, cap=1.5, pay_at_cap=2.0)
        >>> [round(rule.pay(reached), 2) for reached in (0.69, 0.7, 0.85, 1.0, 1.25, 1.5, 3.0)]
        [0.0, 0.4, 0.7, 1.0, 1.5, 2.0, 2.0]
        """
        if attainment < self.threshold:
            return 0.0
        if attainment < 1:
            way = (attainment - self.threshold) / (1 - self.threshold)
            return self.pay_at_threshold + way * (1 - self.pay_at_threshold)
        if attainment >= self.cap:
            return self.pay_at_cap
        return 1 + (attainment - 1) / (self.cap - 1) * (self.pay_at_cap - 1)


@dataclass(frozen=True)
class PersonTarget:
    """One target of one person, shared with others or their own.

    Attributes:
        id: What comments link to.
        person: Id of the person.
        goal: Id of the goal that is shared, whose KPI, slice, target and period count; empty for a target of their own.
        title: As people say it; empty takes the goal's or the KPI's.
        kpi: The KPI of a target of their own.
        dimension: Partition of its slice, such as ``owner``.
        slice: Value of that partition, as the CRM writes it.
        target: What is to be reached.
        grain: Length of its period.
        period_start: First day of its period.
        weight: How much it counts among the person's targets, 0–1.
        pay_share: Share of the variable pay that hangs on it, 0–1; None takes the weight.
        rule: How attainment becomes pay; None takes the file's.
    """

    id: str
    person: str
    goal: str = ""
    title: str = ""
    kpi: str = ""
    dimension: str = WHOLE
    slice: str = WHOLE
    target: float | None = None
    grain: str = "quarter"
    period_start: date | None = None
    weight: float | None = None
    pay_share: float | None = None
    rule: PayRule | None = None

    @property
    def is_shared(self) -> bool:
        """Whether the target is a goal that others carry too."""
        return bool(self.goal)

    @property
    def share_of_pay(self) -> float | None:
        """The share of the variable pay that hangs on it."""
        return self.weight if self.pay_share is None else self.pay_share


@dataclass(frozen=True)
class Correlation:
    """How far two things of the cascade hang together, as people see it.

    Attributes:
        from_id: Id of a goal, tactic or person, or of a KPI.
        to_id: The other one.
        strength: strong or some.
        note: Why.
    """

    from_id: str
    to_id: str
    strength: str = "some"
    note: str = ""


@dataclass(frozen=True)
class Comment:
    """One word of somebody about one thing of the cascade; it is never changed and never removed.

    Attributes:
        id: The author's id with a running number.
        author: Who says it.
        on: Id of the goal, tactic, person or target.
        kind: One of ``COMMENT_KINDS``.
        text: What is said.
        at: When.
        reply_to: Id of the comment that is answered; empty for a new matter.
    """

    id: str
    author: str
    on: str
    kind: str
    text: str
    at: datetime | None = None
    reply_to: str = ""


@dataclass(frozen=True)
class Cascade:
    """Everything that people typed of a cascade.

    Attributes:
        goals: Id → goal, in the order typed.
        tactics: Id → tactic.
        people: Id → person.
        targets: Id → target.
        correlations: As typed.
        pay: How attainment becomes pay where a target says nothing else.
        n_set_aside: Records that aren't allowed and were left out.
    """

    goals: dict[str, CascadeGoal] = field(default_factory=dict)
    tactics: dict[str, Tactic] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    targets: dict[str, PersonTarget] = field(default_factory=dict)
    correlations: tuple[Correlation, ...] = ()
    pay: PayRule = field(default_factory=PayRule)
    n_set_aside: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nobody has typed any of it yet."""
        return not (self.goals or self.tactics or self.people or self.targets)

    def of_level(self, level: str) -> list[CascadeGoal]:
        """List the goals of one level in the order typed."""
        return [goal for goal in self.goals.values() if goal.level == level]

    def served_by(self, goal_id: str) -> list[CascadeGoal | Tactic]:
        """List the goals and tactics that say that they serve a goal."""
        items: list[CascadeGoal | Tactic] = [*self.goals.values(), *self.tactics.values()]
        return [item for item in items if goal_id in item.serves]

    def name_of(self, id: str) -> str:
        """Return what a reader calls a goal, tactic, person or target; the id itself where there is none."""
        if id in self.targets:
            target = self.targets[id]
            return target.title or (
                self.name_of(target.goal) if target.goal else f"{self.name_of(target.person)}'s target"
            )
        item = self.goals.get(id) or self.tactics.get(id)
        return item.title if item else self.people[id].name if id in self.people else id

    def kind_of(self, id: str) -> str:
        """Return the level of an id: one of ``LEVEL_WORDS``, or an empty text where there is none of it."""
        if id in self.goals:
            return self.goals[id].level
        kinds = (("tactic", self.tactics), ("person", self.people), ("target", self.targets))
        return next((kind for kind, table in kinds if id in table), "")


class LoadRules(Definition):
    """How much one person can carry."""

    tactics: int = Field(ge=1)
    targets: int = Field(ge=1)
    time: float = Field(gt=0)


class ReachRules(Definition):
    """When a goal, and the tactics for it, count as reachable."""

    history_periods: int = Field(ge=1)
    shortfall: float = Field(ge=0, lt=1)
    surplus: float = Field(ge=0)
    probability: float = Field(ge=0, le=1)
    growth: float = Field(ge=0)


class PayRules(Definition):
    """How attainment becomes pay where the answers say nothing else."""

    threshold: float = Field(ge=0, lt=1)
    pay_at_threshold: float = Field(ge=0, le=1)
    cap: float = Field(gt=1)
    pay_at_cap: float = Field(ge=1)


class CascadeRules(Definition):
    """Everything that ``cascade.toml`` among the definitions says.

    Attributes:
        feeds: KPI → KPIs that it moves, beyond the products of the bow-tie.
    """

    load: LoadRules
    reach: ReachRules
    pay: PayRules
    feeds: dict[str, tuple[str, ...]] = Field(default_factory=dict)


def load_cascade_rules(folder: Path = DEFINITIONS) -> CascadeRules:
    """Read ``cascade.toml`` of the definitions.

    Raises:
        DefinitionError: It is missing or holds what isn't allowed.
    """
    return read_record(CascadeRules, read_toml(folder / "cascade.toml"), file="cascade.toml", key="cascade")
