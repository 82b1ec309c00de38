"""Published figures that a goal can be set beside, as data: every row knows its source, years, n, currency and band."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from helpers.errors import DefinitionError, suggest
from helpers.model.definition import DEFINITIONS, Definition, read_record, read_toml

FILE = "benchmarks.toml"


class Measure(Definition):
    """What a source measures, and which KPI that is held against.

    Attributes:
        label: What the source measures, in words.
        kpi: Id of the KPI with that meaning.
        mapping: What to mind where both are compared.
        is_annual: It is told for a year, so that no shorter period can be held against it.
    """

    label: str
    kpi: str
    mapping: str
    is_annual: bool = False


class BenchmarkRow(Definition):
    """One published figure: a value, or a range, and the band of annual contract value that it holds for."""

    measure: str
    above: float | None = Field(default=None, ge=0)
    up_to: float | None = Field(default=None, gt=0)
    is_below: bool = False
    value: float | None = Field(default=None, gt=0)
    low: float | None = Field(default=None, gt=0, alias="from")
    high: float | None = Field(default=None, gt=0, alias="to")
    statistic: str = "typical"

    @model_validator(mode="after")
    def _check(self) -> "BenchmarkRow":
        is_range = self.low is not None and self.high is not None
        if (self.value is None) == (not is_range):
            raise ValueError("a row holds either value, or from and to")
        if self.above is not None and self.up_to is not None and self.above >= self.up_to:
            raise ValueError("above lies at or beyond up_to")
        return self

    @property
    def has_band(self) -> bool:
        """Whether the figure holds for a band of annual contract value only."""
        return self.above is not None or self.up_to is not None

    def holds_for(self, acv: float) -> bool:
        """Tell whether an annual contract value lies in the row's band; rows without one hold for any.

        >>> BenchmarkRow(measure="x", above=1000, up_to=5000, value=0.1).holds_for(5000)
        True
        """
        over = self.above is None or acv > self.above
        top = math.inf if self.up_to is None else self.up_to
        return over and (acv < top if self.is_below else acv <= top)


class BenchmarkSet(Definition):
    """Figures of one source that belong together; sets are never merged.

    Attributes:
        id: Its name in the file.
        source: Who published it, or whose account it was read in.
        years: What it covers.
        n: Companies behind it, None where the source does not say.
        currency: ISO code of its bands, empty where it has none.
        evidence: ``read`` in the source itself or ``second-hand``.
        caveat: What to mind.
        rows: The figures.
    """

    id: str
    source: str
    years: str
    n: int | None = Field(default=None, ge=1)
    currency: str = ""
    evidence: Literal["read", "second-hand"]
    caveat: str
    rows: list[BenchmarkRow] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> "BenchmarkSet":
        if any(row.has_band for row in self.rows) and not self.currency:
            raise ValueError("bands of annual contract value need a currency")
        return self


class Benchmarks(Definition):
    """Everything that ``benchmarks.toml`` says."""

    measures: Mapping[str, Measure]
    sets: list[BenchmarkSet]


def load_benchmarks(folder: Path = DEFINITIONS) -> Benchmarks:
    """Read ``benchmarks.toml``.

    Raises:
        DefinitionError: It is missing, holds what isn't allowed, or a row names a measure that isn't there.
    """
    found = read_record(Benchmarks, read_toml(folder / FILE), file=FILE, key="")
    for each in found.sets:
        for row in each.rows:
            if row.measure not in found.measures:
                allowed = list(found.measures)
                raise DefinitionError(
                    f"[{FILE}, {each.id}] measure '{row.measure}' is unknown. Allowed: {', '.join(allowed)}."
                    f"{suggest(row.measure, allowed)}"
                )
    return found
