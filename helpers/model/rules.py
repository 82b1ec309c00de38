"""Thresholds by which numbers are judged, as data."""

from pydantic import Field

from helpers.model.definition import Definition


class Rules(Definition):
    """The thresholds, as written under ``[rules]``; shares are 0–1.

    Attributes:
        confidence: Of every interval.
        minimum_n: A slice with fewer records is shown grey and never ranked.
        maturity_percentile: A cohort is mature once this share of past conversions took no longer than it is old.
        significance: Level after correction for the number of comparisons.
        maximum_values: A column with more distinct values is no partition.
        outcome_fill_other: A field filled for at most this share of the records without an outcome …
        outcome_fill_with: … and for at least this share of those with it is known only with the outcome.
        light_available: Fill rate from which a field counts as available.
        light_adoption: Fill rate from which a field counts as existing but not adopted.
        unknown_share: Share of "other" and "unknown" above which a field is not trusted.
        tolerance: A value this near to what was expected counts as on track.
        off_track: A value this far on the wrong side counts as off track.
        renewal_grace_days: A contract that starts at most so many days after the end of one that left renewed it late.
        fetched_rows: Of a table in a warehouse at most so many rows are fetched; counting goes on where it lies.
    """

    confidence: float = Field(0.95, gt=0, lt=1)
    minimum_n: int = Field(30, ge=1)
    maturity_percentile: float = Field(0.9, gt=0, le=1)
    significance: float = Field(0.05, gt=0, lt=1)
    maximum_values: int = Field(500, ge=2)
    outcome_fill_other: float = Field(0.01, ge=0, le=1)
    outcome_fill_with: float = Field(0.05, ge=0, le=1)
    light_available: float = Field(0.9, ge=0, le=1)
    light_adoption: float = Field(0.3, ge=0, le=1)
    unknown_share: float = Field(0.2, ge=0, le=1)
    tolerance: float = Field(0.05, ge=0, lt=1)
    off_track: float = Field(0.2, gt=0, lt=1)
    renewal_grace_days: int = Field(0, ge=0)
    fetched_rows: int = Field(5_000_000, ge=0)
