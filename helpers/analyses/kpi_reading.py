"""One KPI of one slice over chosen days, as the engine counts it, or why there is none."""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from helpers.analyses.named_slices import parse_slice
from helpers.analyses.step_days import StepDays, find_step_of, list_stages, measure_step_days
from helpers.engine.availability import explain_availability
from helpers.engine.cells import build_cells
from helpers.engine.journeys import build_journeys
from helpers.errors import DiagnosticError
from helpers.model.kpi import Kpi
from helpers.units import format_value, in_sentence


@dataclass(frozen=True)
class Reading:
    """A KPI over some days.

    Attributes:
        value: In the KPI's unit; None where there is none.
        n: Records behind it.
        low: Of the interval; None where a KPI of its kind has none.
        high: Of the interval.
        numerator: Of a rate.
        denominator: Of a rate.
        months: How many whole months it spans.
        factor: What a total was multiplied by to be comparable.
        reason: Why there is no value.
    """

    value: float | None = None
    n: int = 0
    low: float | None = None
    high: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    months: int = 1
    factor: float = 1.0
    reason: str = ""


@dataclass
class Stopwatch:
    """A company as of a day, and how long its steps take; each is measured once.

    Attributes:
        company: The opened company.
        as_of: The last day that counts.
    """

    company: Any
    as_of: date
    _known: dict[tuple[str, str], StepDays | None] = field(default_factory=dict)

    @cached_property
    def journeys(self) -> Any:
        """The company's journeys."""
        return build_journeys(self.company, as_of=self.as_of)

    @cached_property
    def reasons(self) -> dict[str, str]:
        """Why the data can't tell a KPI, with what to do, by the ids of those that it can't tell."""
        try:
            frame = explain_availability(self.company, as_of=self.as_of)
        except DiagnosticError:
            return {}
        missing = frame[~frame["is_available"].astype(bool)]
        return {
            row["kpi"]: ". ".join(part.rstrip(".") for part in (row["reason"], row["cure"]) if part)
            for row in missing.to_dict("records")
        }

    def time(self, kpi: Kpi) -> StepDays | None:
        """Return how long the step takes that a KPI tells of; None where it tells of none that the data dates."""
        try:
            step = find_step_of(kpi, list_stages(self.company, self.journeys))
        except DiagnosticError:
            return None
        return self.time_step(*step) if step else None

    def time_step(self, from_stage: str, to_stage: str) -> StepDays | None:
        """Return how long a step takes."""
        key = (from_stage, to_stage)
        if key not in self._known:
            self._known[key] = measure_step_days(self.journeys, from_stage, to_stage)
        return self._known[key]

    def age(self, kpi: Kpi) -> int | None:
        """Return the age at which cohorts of a KPI are read, so that old and young ones compare; None for others."""
        step = self.time(kpi)
        return step.p90 if step and kpi.basis[0] == "cohort" else None


def read_kpi(watch: Stopwatch, kpi: Kpi, slice_text: str, start: date, end: date, age: int | None = None) -> Reading:
    """Compute one KPI for one slice over some days.

    Args:
        watch: The company as of a day.
        kpi: The KPI.
        slice_text: Where, such as ``region=US``; empty for the whole company.
        start: First day.
        end: Last day.
        age: Days after which a cohort is read; None reads it to date.

    Returns:
        The reading; without a value it says why.
    """
    months = (end.year - start.year) * 12 + end.month - start.month + 1
    try:
        filters = parse_slice(slice_text)
        cells = build_cells(
            watch.company, kpis=[kpi.id], grain="custom", start=start, end=end, as_of=watch.as_of, filters=filters,
            horizon_days=age,
        )  # fmt: skip
    except (DiagnosticError, ValueError) as error:
        return Reading(months=months, reason=str(error).split(" This company's partitions")[0].rstrip("."))
    mine = cells[cells["basis"] == kpi.basis[0]]
    if mine.empty:
        return Reading(months=months, reason=_say_missing(watch, kpi, slice_text if filters else "", start, end))
    row = mine.iloc[0]

    def known(name: str) -> float | None:
        return None if row[name] != row[name] else float(row[name])

    n = 0 if row["n"] is None or str(row["n"]) == "<NA>" else int(row["n"])
    if known("value") is None:
        return Reading(months=months, n=n, reason=_say_missing(watch, kpi, slice_text if filters else "", start, end))
    return Reading(
        known("value"), n, known("low"), known("high"), known("numerator"), known("denominator"), months=months
    )


def _say_missing(watch: Stopwatch, kpi: Kpi, slice_text: str, start: date, end: date) -> str:
    """Say why a KPI has no value: because the data can't tell it at all, or because nothing happened there and then."""
    missing = watch.reasons.get(kpi.id, "")
    if missing:
        return missing
    days = f"{format_value(start, 'date')} to {format_value(end, 'date')}"
    where = f", or its records don't carry {' and '.join(parse_slice(slice_text))}" if slice_text else ""
    return f"there are no records for {in_sentence(kpi.label)} from {days}{where}"
