"""What the owners of pipeline sources expect of the periods ahead, and what is agreed where that is too little."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

AGREEMENT_STATUSES = ("open", "done", "dropped")


@dataclass(frozen=True)
class SourceForecast:
    """What one person expected of one source in one period, on one day.

    Attributes:
        author: Who says it.
        source: The source as the exports name it, such as ``Webinar``.
        grain: month, quarter or year.
        period_start: The period's first day.
        pipeline: Pipeline (currency) expected to be open, and due in the period, on its first morning.
        generated: Pipeline (currency) that the source is expected to create within the period.
        opportunities: How many opportunities it is expected to create within the period.
        note: What it rests on.
        at: When it was said; None where the file doesn't tell.
    """

    author: str
    source: str
    grain: str
    period_start: date
    pipeline: float | None = None
    generated: float | None = None
    opportunities: float | None = None
    note: str = ""
    at: datetime | None = None

    @property
    def is_blank(self) -> bool:
        """Whether nothing is said: an earlier forecast was taken back."""
        return self.pipeline is None and self.generated is None and self.opportunities is None and not self.note


@dataclass(frozen=True)
class CoverAgreement:
    """What is agreed where a period starts with too little pipeline, as it stood on one day.

    Attributes:
        author: Who wrote it down.
        grain: month, quarter or year.
        period_start: The period's first day.
        covered_by: The source or the person that makes up for it.
        remedy: What is done.
        amount: How much pipeline (currency) it brings; None where nobody said.
        due: By when it is done.
        status: One of ``AGREEMENT_STATUSES``.
        at: When it was written down; None where the file doesn't tell.
    """

    author: str
    grain: str
    period_start: date
    covered_by: str = ""
    remedy: str = ""
    amount: float | None = None
    due: date | None = None
    status: str = "open"
    at: datetime | None = None

    @property
    def is_blank(self) -> bool:
        """Whether nothing is agreed: an earlier agreement was taken back."""
        return not self.covered_by and not self.remedy and self.amount is None and self.due is None


@dataclass(frozen=True)
class SourceForecasts:
    """Everything that was ever said, in the order in which it was said."""

    forecasts: tuple[SourceForecast, ...] = ()
    agreements: tuple[CoverAgreement, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.forecasts or self.agreements)

    @property
    def latest_forecasts(self) -> tuple[SourceForecast, ...]:
        """The last word of each author on each source and period, without those taken back."""
        last = {(one.author, one.source.casefold(), one.grain, one.period_start): one for one in self.forecasts}
        return tuple(one for one in last.values() if not one.is_blank)

    @property
    def latest_agreements(self) -> tuple[CoverAgreement, ...]:
        """The last word of each author on each period, without those taken back."""
        last = {(one.author, one.grain, one.period_start): one for one in self.agreements}
        return tuple(one for one in last.values() if not one.is_blank)


Said = TypeVar("Said", SourceForecast, CoverAgreement)


def order_said(said: Iterable[Said]) -> tuple[Said, ...]:
    """Put what was said in the order of its moments; what has none comes first, equal ones keep their order."""
    return tuple(sorted(said, key=lambda one: one.at.replace(tzinfo=None) if one.at else datetime.min))
