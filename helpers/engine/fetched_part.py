"""Journeys of a company in a warehouse of which some tables are too large to fetch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from helpers.engine.timeline import day_number


class RecordsAtHand(dict):
    """Journeys of the objects whose tables may be fetched; asking for another one says why it isn't there."""

    tables: Mapping[str, pd.DataFrame]

    def __missing__(self, object: str) -> Any:
        """Ask for the table, which tells what can still be asked where it is too large."""
        self.tables[object]
        raise KeyError(object)


def build_what_fits(
    company,
    day: int,
    build: Callable[[Any, int, Mapping[str, pd.DataFrame]], Any],
    *,
    objects: Sequence[str],
    lost: str,
    blank: str,
) -> Any:
    """Build journeys, tables that are too large to fetch left out while their stages and partitions are told.

    Args:
        company: The opened company.
        day: Day number of the question.
        build: Builds journeys of a company as of a day from some tables.
        objects: The objects that have journeys.
        lost: The stage of lost deals.
        blank: The text of a missing value.

    Returns:
        The journeys. What has to look at single records of a table that was left out raises a DataError.
    """
    tables, catalog = company.tables, company.catalog
    fits = getattr(tables, "fits", None)
    left_out = [object for object in objects if fits and object in tables and not fits(object)]
    if not left_out:
        return build(company, day, tables)
    journeys = build(company, day, {name: tables[name] for name in tables if fits(name)})
    homes, labels, firsts = dict(journeys.homes), dict(journeys.labels), []
    for id, stage in catalog.stages.items():
        for object, name in ((stage.object, stage.date_field), ("contact", stage.contact_field)):
            span = company.warehouse.span(object, name) if object in left_out and name else None
            if span:
                homes.setdefault(id, object)
                firsts.append(day_number(span[0]))
    for id, partition in company.partitions.items():
        held = [(object, name) for object, name in partition.objects.items() if object in left_out]
        if held and id not in labels:
            values = {text for pair in held for text in company.warehouse.values(*pair)}
            labels[id] = np.array([*sorted(values - {blank}), blank], dtype="O")
    records = RecordsAtHand(journeys.records)
    records.tables = tables
    homes = {id: homes[id] for id in (*catalog.stages, lost) if id in homes}
    first = min([journeys.first_day, *firsts]) if journeys.records else min(firsts, default=journeys.first_day)
    return replace(journeys, records=records, homes=homes, labels=labels, first_day=first)
