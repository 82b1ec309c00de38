"""What the owners of pipeline sources expect to bring, and who covers a shortfall with which agreed remedy."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

STATUSES = {
    "proposed": "proposed",
    "agreed": "agreed",
    "under_way": "under way",
    "done": "done",
    "dropped": "dropped",
}
"""Where a remedy stands: id → as people read it."""


@dataclass(frozen=True)
class SourceForecast:
    """What an owner expected at one moment that a source would bring in a period; a blank one was taken back.

    Attributes:
        source: The source as the CRM names it.
        grain: The length of the period.
        period_start: Its first day.
        pipeline: New-business pipeline generated in the period, in the company's currency.
        opportunities: How many opportunities.
        note: What it rests on.
        author: Who said so.
        at: When; None where a hand-written file doesn't say.
    """

    source: str
    grain: str
    period_start: date
    pipeline: float | None = None
    opportunities: int | None = None
    note: str = ""
    author: str = ""
    at: datetime | None = None

    @property
    def is_blank(self) -> bool:
        """Whether it says no number."""
        return self.pipeline is None and self.opportunities is None


@dataclass(frozen=True)
class ShortfallRemedy:
    """What was agreed at one moment about a period that starts short of pipeline.

    Attributes:
        grain: The length of the period.
        period_start: Its first day.
        covered_by: Who or which source covers the shortfall.
        remedy: What was agreed.
        amount: How much pipeline it is to bring, in the company's currency.
        due: By when.
        status: One of ``STATUSES``.
        author: Who wrote it down.
        at: When.
    """

    grain: str
    period_start: date
    covered_by: str = ""
    remedy: str = ""
    due: date | None = None
    status: str = "proposed"
    author: str = ""
    at: datetime | None = None
    amount: float | None = None

    @property
    def is_blank(self) -> bool:
        """Whether nothing is agreed any more."""
        return not (self.covered_by or self.remedy or self.amount)


@dataclass(frozen=True)
class SourceForecasts:
    """All forecasts and remedies with their history, oldest first."""

    forecasts: tuple[SourceForecast, ...] = ()
    remedies: tuple[ShortfallRemedy, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nobody has entered anything."""
        return not (self.forecasts or self.remedies)

    def list_current(self, *, grain: str, until: datetime | None = None) -> list[SourceForecast]:
        """List what holds: of each owner, source and period the latest forecast, unless it was taken back.

        Args:
            grain: The length of a period.
            until: What was said later is left out, and so is what bears no moment.
        """
        latest = {}
        for one in self.forecasts:
            if one.grain == grain and (
                until is None or (one.at is not None and rank_moment(one.at) <= rank_moment(until))
            ):
                latest[one.author.casefold(), one.source, one.period_start] = one
        return [one for one in latest.values() if not one.is_blank]

    def find_remedy(self, grain: str, period_start: date) -> ShortfallRemedy | None:
        """Return what holds of a period's shortfall; None where nothing is agreed."""
        history = self.list_remedies(grain, period_start)
        return history[-1] if history and not history[-1].is_blank else None

    def list_remedies(self, grain: str, period_start: date) -> list[ShortfallRemedy]:
        """List everything that was ever agreed of a period's shortfall, oldest first."""
        return [one for one in self.remedies if (one.grain, one.period_start) == (grain, period_start)]


def rank_moment(at: datetime | None) -> float:
    """Return what moments are put in order by; one without a time zone counts as UTC, a missing one comes first."""
    if at is None:
        return float("-inf")
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def order_forecasts(forecasts: Iterable[SourceForecast], remedies: Iterable[ShortfallRemedy]) -> SourceForecasts:
    """Put everything in the order in which it was said."""
    return SourceForecasts(
        tuple(sorted(forecasts, key=lambda one: (rank_moment(one.at), one.author))),
        tuple(sorted(remedies, key=lambda one: (rank_moment(one.at), one.author))),
    )
