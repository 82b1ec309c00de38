"""KPIs as records: what each is called, how it is counted, which way is good, and who says so."""

from typing import Annotated, Literal

from pydantic import Field

from helpers.model.definition import Definition

Basis = Literal["period", "cohort", "outcome", "snapshot"]
Unit = Literal["count", "currency", "share", "days", "ratio", "currency_per_day"]
Family = Literal["volume", "conversion", "money", "time", "recurring", "pipeline"]


class _Measured(Definition):
    """What every measure can be narrowed by.

    Attributes:
        business: ``new`` leaves renewals and other existing business out.
        where: Partition id → the values that count.
    """

    business: Literal["all", "new", "existing"] = "all"
    where: dict[str, list[str]] = Field(default_factory=dict)


class Volume(_Measured):
    """Count the records that entered a stage."""

    kind: Literal["volume"]
    stage: str


class Sum(_Measured):
    """Add up a field over the records that entered a stage."""

    kind: Literal["sum"]
    stage: str
    field: str


class Stock(_Measured):
    """Count what is there on a day, or add up a field of it, times a factor."""

    kind: Literal["stock"]
    object: Literal["deal", "customer", "subscription"]
    field: str | None = None
    factor: float = 1.0


class Conversion(_Measured):
    """Tell which share of the records at one stage reached another."""

    kind: Literal["conversion"]
    from_stage: str
    to_stage: str


class OutcomeShare(_Measured):
    """Tell which share of the closed deals was won, by count or weighted by a field."""

    kind: Literal["outcome_share"]
    weight: str | None = None


class Average(_Measured):
    """Average a field over the records that entered a stage."""

    kind: Literal["average"]
    stage: str
    field: str


class Duration(_Measured):
    """Tell how many calendar days records took from one stage to another."""

    kind: Literal["duration"]
    from_stage: str
    to_stage: str
    statistic: Literal["median", "mean", "p90"] = "median"


class Velocity(_Measured):
    """Tell the revenue that closed deals bring per day of sales cycle."""

    kind: Literal["velocity"]


class Push(_Measured):
    """Tell which share of the deals due in a period was pushed out of it."""

    kind: Literal["push"]


class Coverage(_Measured):
    """Tell how much pipeline there is per unit of target."""

    kind: Literal["coverage"]
    variant: Literal["starting", "to_go"]


class PipelineConversion(_Measured):
    """Tell how much of the pipeline that a period started with was booked."""

    kind: Literal["pipeline_conversion"]


class Retention(_Measured):
    """Tell how much of what could leave stayed, or left."""

    kind: Literal["retention"]
    variant: Literal[
        "grr", "nrr", "logo_churn", "seat_churn", "revenue_churn", "gross_churn", "grr_starting", "nrr_starting"
    ]


class Ratio(_Measured):
    """Divide one additive KPI by another."""

    kind: Literal["ratio"]
    numerator: str
    denominator: str


Measure = Annotated[
    Volume
    | Sum
    | Stock
    | Conversion
    | OutcomeShare
    | Average
    | Duration
    | Velocity
    | Push
    | Coverage
    | PipelineConversion
    | Retention
    | Ratio,
    Field(discriminator="kind"),
]

COUNTS = ("volume", "sum", "stock")
"""Kinds of measure that add up over slices."""

RATES = (
    "conversion",
    "outcome_share",
    "push",
    "retention",
    "coverage",
    "pipeline_conversion",
    "ratio",
    "velocity",
)
"""Kinds of measure with a denominator of records that had not met their outcome yet."""


class Kpi(Definition):
    """One KPI.

    Attributes:
        id: Names the meaning and never changes.
        label: What a reader calls it.
        description: What it tells, in one or two sentences.
        formula: How it is computed, in words.
        unit: count, currency, share (0–1), days, ratio, currency_per_day.
        direction: Which way is good: up, down or none.
        family: volume, conversion, money, time, recurring, pipeline.
        basis: The legitimate definitions that it is shown by, the first being the usual one.
        owner: The role that answers for it.
        source: Where the definition comes from.
        alias: Display alias such as CR4; never used by logic.
        measure: How it is counted.
    """

    id: str
    label: str = Field(min_length=1)
    description: str = Field(min_length=1)
    formula: str = Field(min_length=1)
    unit: Unit
    direction: Literal["up", "down", "none"]
    family: Family
    basis: tuple[Basis, ...] = Field(min_length=1)
    owner: str = Field(min_length=1)
    source: str = Field(min_length=1)
    alias: str = ""
    measure: Measure

    @property
    def is_rate(self) -> bool:
        """Whether it has a denominator, so that only partitions known at entry may cut it."""
        return self.measure.kind in RATES

    @property
    def is_count(self) -> bool:
        """Whether it adds up over slices, so that a partition known later may split it."""
        return self.measure.kind in COUNTS
