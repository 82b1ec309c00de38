"""How goals are expected, solved and simulated, as data."""

from pathlib import Path

from pydantic import Field

from helpers.model.definition import DEFINITIONS, Definition, read_record, read_toml


class Expectation(Definition):
    """How history is carried forward.

    Attributes:
        window_years: Years that make the level.
        season_weight: How far a period's own season is believed, 0–1.
        growth_weight: How far the last year's growth is carried on, 0–1.
        growth_limit: The most growth or shrinkage a year that is carried on.
    """

    window_years: int = Field(ge=1)
    season_weight: float = Field(ge=0, le=1)
    growth_weight: float = Field(ge=0, le=1)
    growth_limit: float = Field(ge=0)


class Variability(Definition):
    """Standard deviations of logarithms by family, used where history is short."""

    volume: float = Field(gt=0)
    money: float = Field(gt=0)
    conversion: float = Field(gt=0)
    minimum: float = Field(gt=0)
    history_periods: int = Field(ge=2)

    def of_family(self, family: str) -> float:
        """Return the standard deviation of a family; families without one of their own vary like volumes."""
        return {"money": self.money, "conversion": self.conversion}.get(family, self.volume)


class Footing(Definition):
    """When a cohort rate explains the volumes on both its sides."""

    tolerance: float = Field(ge=0)


class SliceRules(Definition):
    """How many values of a partition get goals of their own."""

    maximum: int = Field(ge=1)


class Timing(Definition):
    """When a record comes too late, and how much more than ever is believed."""

    share_useful: float = Field(gt=0, le=1)
    best_ever_factor: float = Field(gt=0)


class Simulation(Definition):
    """How many futures are drawn, and from which deals their sizes come.

    Attributes:
        size_years: Latest years whose won deals tell deal sizes.
        size_deals: With fewer of them, all deals ever won do.
    """

    draws: int = Field(ge=100)
    seed: int
    interval: float = Field(gt=0, lt=1)
    size_years: int = Field(default=2, ge=1)
    size_deals: int = Field(default=20, ge=1)


class CoverageRules(Definition):
    """When coverage is read and what counts as a change."""

    week_chosen: int = Field(ge=1, le=13)
    over_ask_tolerance: float = Field(ge=0)
    conversion_periods: int = Field(ge=1)
    steady_tolerance: float = Field(ge=0)


class GoalRules(Definition):
    """Everything that ``goals.toml`` says.

    Attributes:
        pairs: Volume KPI → the long-term KPI that must not get worse while it rises.
    """

    expectation: Expectation
    variability: Variability
    footing: Footing
    slices: SliceRules
    timing: Timing
    simulation: Simulation
    coverage: CoverageRules
    pairs: dict[str, str] = Field(default_factory=dict)


def load_goal_rules(folder: Path = DEFINITIONS) -> GoalRules:
    """Read ``goals.toml``.

    Raises:
        DefinitionError: It is missing or holds what isn't allowed.
    """
    return read_record(GoalRules, read_toml(folder / "goals.toml"), file="goals.toml", key="goals")
