"""Up and down the layers of a field: detail to source to channel to motion, country to region."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from helpers.analyses.partitions import objects_of
from helpers.analyses.slicing import Slices, slice_kpis
from helpers.analyses.slicing_filters import list_values
from helpers.analyses.slicing_others import OTHERS
from helpers.errors import QuestionError, suggest
from helpers.model.kpi import Kpi
from helpers.model.layers import LayerRules, load_layers

_KEY = re.compile(r"[0-9a-fA-F]{16,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def list_layers(company: Any, kpi: Kpi, *, rules: LayerRules | None = None) -> pd.DataFrame:
    """List the layers by which a KPI can be cut, coarse to fine.

    Returns:
        One row per layer that the KPI's records carry: family, layer, partition, n_values, opens (the partition one
        level down, empty at the finest).
    """
    rows = []
    for family, ladder in _ladders(company, kpi, rules).items():
        for place, (label, partition) in enumerate(ladder):
            below = ladder[place + 1][1] if place + 1 < len(ladder) else ""
            n_values = company.partitions[partition].n_values
            rows.append([family, label, partition, n_values, below])
    return pd.DataFrame(rows, columns=["family", "layer", "partition", "n_values", "opens"])


def find_below(company: Any, kpi: Kpi, partition: str) -> str:
    """Return the partition one level below another; empty where there is none."""
    layers = list_layers(company, kpi)
    found = layers.loc[layers["partition"] == partition, "opens"]
    return str(found.iloc[0]) if len(found) else ""


def find_above(company: Any, kpi: Kpi, partition: str) -> str:
    """Return the partition one level above another; empty where there is none."""
    layers = list_layers(company, kpi)
    found = layers.loc[layers["opens"] == partition, "partition"]
    return str(found.iloc[0]) if len(found) else ""


def _ladders(company: Any, kpi: Kpi, rules: LayerRules | None) -> dict[str, list[tuple[str, str]]]:
    """Return family → (label, partition), coarse to fine: the known families, then what ``[rollups]`` adds."""
    objects = objects_of(company, kpi)
    carried = {id for id, partition in company.partitions.items() if objects & set(partition.objects)}
    ladders: dict[str, list[tuple[str, str]]] = {}
    for family in (rules or load_layers()).families:
        found = [(layer.label, layer.find(carried)) for layer in reversed(family.layers)]
        there = [(label, partition) for label, partition in found if partition]
        if len(there) > 1:
            ladders[family.label] = there
    placed = {partition for ladder in ladders.values() for _, partition in ladder}
    for coarse, rollup in company.settings.rollups.items():
        if {coarse, rollup.of} <= carried and not {coarse, rollup.of} <= placed:
            label = company.partitions[coarse].label
            ladders[label] = [(label, coarse), (company.partitions[rollup.of].label, rollup.of)]
    return ladders


def open_slices(results: Sequence[Slices], expand: Mapping[str, str] | None = None, *, top_n: int = 12) -> list[Slices]:
    """Open one value of each cut to what lies one level below it.

    Args:
        results: The result of ``slice_kpis``.
        expand: Partition → the value to open; where empty, the largest slice of the first cut with a level below
            whose values say something to people.
        top_n: How many slices are named.

    Returns:
        One result per KPI: the finer partition among the records of that value alone, compared as before.

    Raises:
        QuestionError: The partition has no level below, or no such value.
    """
    opened: list[Slices] = []
    for result in results:
        done = {one.kpi.id for one in opened}
        if result.question is None or len(result.by) != 1 or result.kpi.id in done:
            continue
        below = find_below(result.question.company, result.kpi, result.by[0])
        named = [name for name in result.frame["slice"] if name != OTHERS]
        if expand or not below or not named or not _can_be_read(result, below):
            continue
        opened += _open(result, {result.by[0]: str(named[0])}, below, top_n)
    for result in results if expand else ():
        if result.question is not None and result.kpi.id not in {one.kpi.id for one in opened}:
            (partition, value), *_ = expand.items()
            _check(result, partition, value)
            below = find_below(result.question.company, result.kpi, partition)
            if not below:
                raise QuestionError(
                    f"'{partition}' has no level below it. Roll-ups stand under [rollups] in company.toml."
                )
            opened += _open(result, {partition: value}, below, top_n)
    return opened


def _can_be_read(result: Slices, partition: str) -> bool:
    """Tell whether most values of a partition are words, not keys such as the hash of a landing page."""
    labels = list_values(result.question.company, partition, as_of=result.question.as_of)
    return sum(_KEY.fullmatch(label) is not None for label in labels) <= len(labels) / 2


def _check(result: Slices, partition: str, value: str) -> None:
    labels = list_values(result.question.company, partition, as_of=result.question.as_of)
    if value not in labels:
        raise QuestionError(f"expand {partition}: no record has the value '{value}'.{suggest(value, labels)}")


def _open(result: Slices, value: Mapping[str, str], below: str, top_n: int) -> list[Slices]:
    question = result.question
    return slice_kpis(
        question.company,
        [result.kpi.id],
        [below],
        period=result.period,
        compared=result.compared,
        as_of=question.as_of,
        filters={**(question.filters or {}), **value},
        basis=question.basis,
        top_n=top_n,
        horizon_days=question.horizon_days,
        step_back=False,
    )
