"""What is looked at: KPI, cuts, period, comparison and filters as one value that can be changed, undone and copied."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from helpers.analyses.slicing_filters import JOINT, MOST_PARTITIONS, NOT_IN
from helpers.engine.journeys import BLANK
from helpers.errors import ParameterError, suggest
from helpers.periods import CUSTOM, GRAINS, SLICING_GRAINS, parse_day

CHARTS = ("bars", "trend", "heat", "funnel", "table")
COMPARISONS = ("previous", "year_ago", "plan", CUSTOM)
MOST_NAMED = 60
BROKEN_BY_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")
"""Signs that YAML would read as a new line, or refuse, if they stood there as they are."""

NOTEBOOK = "notebooks/03_kpi_slicing.ipynb"


@dataclass(frozen=True)
class Filter:
    """The values of one partition that count, or those that don't."""

    partition: str
    values: tuple[str, ...]
    is_out: bool = False

    @property
    def wanted(self) -> Any:
        """The filter as a parameter of the notebook."""
        return {NOT_IN: list(self.values)} if self.is_out else list(self.values)


@dataclass(frozen=True)
class ExplorerState:
    """Everything that decides what is on screen.

    Attributes:
        kpi: The KPI's id.
        by: Up to four partitions, the one that the title is about first.
        grain: One of ``SLICING_GRAINS``.
        end: Last day of the period (ISO); empty takes the latest one that can be judged.
        start: First day of the period where the grain is custom, else empty.
        compare_to: previous, year_ago, plan or custom.
        compare_start, compare_end: The days compared with where that is custom.
        basis: cohort, period, outcome or snapshot; empty takes the KPI's usual one.
        filters: In the order in which they were set.
        top_n: How many slices are named.
        chart: One of ``CHARTS``.
    """

    kpi: str
    by: tuple[str, ...] = ()
    grain: str = "quarter"
    end: str = ""
    start: str = ""
    compare_to: str = "previous"
    compare_start: str = ""
    compare_end: str = ""
    basis: str = ""
    filters: tuple[Filter, ...] = ()
    top_n: int = 12
    chart: str = "bars"

    def find_filter(self, partition: str) -> Filter | None:
        """Return the filter of a partition; None where it has none."""
        return next((one for one in self.filters if one.partition == partition), None)

    def to_filters(self, *, without: str = "") -> dict[str, Any]:
        """Return the filters as the notebook takes them, those of one partition left out."""
        return {one.partition: one.wanted for one in self.filters if one.partition != without}

    def set_filter(self, partition: str, values: Sequence[str], *, is_out: bool = False) -> "ExplorerState":
        """Replace the filter of a partition; without values it goes away. It keeps its place where it has one."""
        new = Filter(partition, tuple(dict.fromkeys(values)), is_out)
        if self.find_filter(partition) is None:
            return replace(self, filters=(*self.filters, new)) if new.values else self
        kept = tuple(new if one.partition == partition else one for one in self.filters)
        return replace(self, filters=tuple(one for one in kept if one.values))

    def toggle(self, partition: str, value: str, *, is_added: bool = False) -> "ExplorerState":
        """Filter by a slice that was clicked; a second click takes it off again.

        Args:
            partition: The partition of the slice.
            value: Its name.
            is_added: Whether it counts beside those that count already, in place of instead of them.

        >>> one = ExplorerState("leads").toggle("region", "US")
        >>> one.to_filters(), one.toggle("region", "DACH").to_filters(), one.toggle("region", "US").to_filters()
        ({'region': ['US']}, {'region': ['DACH']}, {})
        """
        old = self.find_filter(partition)
        there = old.values if old and not old.is_out else ()
        if value in there:
            alone = len(there) == 1 or is_added
            return self.set_filter(partition, [one for one in there if one != value] if alone else [value])
        return self.set_filter(partition, [*there, value] if is_added else [value])

    def remove_value(self, partition: str, value: str) -> "ExplorerState":
        """Take one value off a filter."""
        old = self.find_filter(partition)
        if old is None:
            return self
        return self.set_filter(partition, [one for one in old.values if one != value], is_out=old.is_out)

    def keep_first(self, number: int) -> "ExplorerState":
        """Keep the first filters only, as a breadcrumb does."""
        return replace(self, filters=self.filters[:number])

    def choose_by(self, place: int, partition: str) -> "ExplorerState":
        """Put a partition into one of the four places; empty clears the place, a repeated one moves."""
        chosen = [one for one in self.by if one != partition]
        if not partition:
            return replace(self, by=tuple(one for at, one in enumerate(self.by) if at != place))
        if place < len(self.by) and len(chosen) == len(self.by):
            chosen[place] = partition
        else:
            chosen.insert(place, partition)
        return replace(self, by=tuple(chosen[:MOST_PARTITIONS]))

    def open_level(self, partition: str, other: str) -> "ExplorerState":
        """Cut by the level below or above in place of a partition; what was filtered by stays."""
        others = tuple(other if one == partition else one for one in self.by if one != other)
        return replace(self, by=others if other in others else (other, *others)[:MOST_PARTITIONS])

    def to_parameters(self, **of_book: Any) -> dict[str, Any]:
        """Return the parameters of the notebook that give what is on screen.

        Args:
            of_book: company, as_of, people and horizon_days of the opened workbook.
        """
        given = {
            "period": self.grain if self.grain in GRAINS else "quarter",
            "compare_to": self.compare_to,
            "kpis": [self.kpi],
            "by": list(self.by),
            "filters": self.to_filters(),
            "grain": self.grain,
            "start": self.start,
            "end": self.end,
            "compare_start": self.compare_start if self.compare_to == CUSTOM else "",
            "compare_end": self.compare_end if self.compare_to == CUSTOM else "",
            "top_n": self.top_n,
            "basis": self.basis,
        }
        return {**of_book, **given}


def read_state(parameters: Mapping[str, Any]) -> ExplorerState:
    """Make the state that parameters of the notebook describe.

    Args:
        parameters: As ``ExplorerState.to_parameters`` gives them; what is missing has the notebook's default.

    Returns:
        The state. Of several KPIs the first; of a cut such as ``region & product`` both partitions.

    Raises:
        ParameterError: A parameter isn't allowed; the text names it and what is.
    """
    kpis, by = _texts(parameters, "kpis"), _texts(parameters, "by")
    if not kpis:
        raise ParameterError("kpis names no KPI. Name one, such as win_rate.")
    parts = dict.fromkeys(part.strip() for name in by for part in name.split(JOINT.strip()) if part.strip())
    grain = str(parameters.get("grain") or parameters.get("period") or "quarter")
    compare_to = str(parameters.get("compare_to") or "previous")
    _require("grain", grain, SLICING_GRAINS)
    _require("compare_to", compare_to, COMPARISONS)
    if len(parts) > MOST_PARTITIONS:
        raise ParameterError(f"by names {len(parts)} partitions. At most {MOST_PARTITIONS} go together.")
    days = {name: _read_day(parameters, name) for name in ("start", "end", "compare_start", "compare_end")}
    return ExplorerState(
        kpi=kpis[0],
        by=tuple(parts),
        grain=grain,
        compare_to=compare_to,
        basis=str(parameters.get("basis") or ""),
        filters=read_filters(parameters.get("filters") or {}),
        top_n=min(max(int(parameters.get("top_n") or 12), 1), MOST_NAMED),
        **(days | ({} if grain == CUSTOM else {"start": ""})),
    )


def read_filters(filters: Mapping[str, Any]) -> tuple[Filter, ...]:
    """Read the filters of the notebook.

    >>> read_filters({"region": "US", "source": {"not_in": [None]}})
    (Filter(partition='region', values=('US',), is_out=False), Filter(partition='source', values=('(blank)',), is_out=True))
    """  # noqa: E501
    read = []
    for partition, wanted in filters.items():
        is_out = isinstance(wanted, Mapping)
        if is_out and list(wanted) != [NOT_IN]:
            raise ParameterError(f"filter {partition} has to be values, or {{'{NOT_IN}': [values]}}.")
        values = wanted[NOT_IN] if is_out else wanted
        values = [values] if values is None or isinstance(values, str) or not hasattr(values, "__iter__") else values
        texts = tuple(dict.fromkeys(BLANK if one is None or one != one else str(one) for one in values))
        if texts:
            read.append(Filter(str(partition), texts, is_out))
    return tuple(read)


def write_python(parameters: Mapping[str, Any]) -> str:
    """Write parameters as a cell of Python."""
    return "\n".join(f"{name} = {value!r}" for name, value in parameters.items())


def write_yaml(parameters: Mapping[str, Any]) -> str:
    """Write parameters as YAML, one a line; JSON's quoting keeps every text what it is."""
    text = "\n".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in parameters.items())
    return BROKEN_BY_YAML.sub(lambda sign: f"\\u{ord(sign.group()):04x}", text)


def write_command(parameters: Mapping[str, Any], *, notebook: str = NOTEBOOK) -> str:
    """Write the command that runs the notebook with parameters."""
    return f"papermill {notebook} explored.ipynb -y {shlex.quote(write_yaml(parameters))}"


def _require(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ParameterError(f"{name} '{value}' is unknown. Allowed: {', '.join(allowed)}.{suggest(value, allowed)}")


def _texts(parameters: Mapping[str, Any], name: str) -> list[str]:
    given = parameters.get(name) or []
    return [given] if isinstance(given, str) else [str(one) for one in given]


def _read_day(parameters: Mapping[str, Any], name: str) -> str:
    text = str(parameters.get(name) or "")
    return parse_day(text, name=name).isoformat() if text else ""
