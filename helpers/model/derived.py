"""Partitions that are computed from numbers and dates: bands, months, weekdays, ages."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from helpers.model.definition import DEFINITIONS, Definition, read_record, read_toml
from helpers.model.dimension import Known, Question


class DerivedPartition(Definition):
    """One partition as written in ``derived_partitions.toml``.

    Attributes:
        label: What a reader calls it.
        question: Whether it answers who, what, where or when.
        known: Whether it is known at entry, during, or only with the outcome.
        is_current_value: Whether it is computed from today's value of a field that changes.
        of: ``object.field`` that it may be computed from.
        how: bands, name, month, weekday, age or stage_before_lost.
        bounds: Where a new band begins.
        is_whole: Whether the number is whole, so that bands read 1–10, 11–50.
        unit: What the number counts, said once in the band's name.
    """

    label: str
    question: Question = "what"
    known: Known = "during"
    is_current_value: bool = False
    of: tuple[str, ...]
    how: Literal["bands", "name", "month", "weekday", "age", "stage_before_lost"]
    bounds: tuple[float, ...] = ()
    is_whole: bool = False
    unit: str = ""


@cache
def load_derived(folder: Path = DEFINITIONS) -> Mapping[str, DerivedPartition]:
    """Read the partitions that can be computed: id → definition.

    Raises:
        DefinitionError: The file is incomplete or holds an unknown key.
    """
    file = "derived_partitions.toml"
    tables = read_toml(folder / file)["derived"]
    return {id: read_record(DerivedPartition, table, file=file, key=f"derived.{id}") for id, table in tables.items()}
