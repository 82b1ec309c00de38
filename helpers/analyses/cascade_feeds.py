"""Which KPI moves which: the products of the bow-tie, what follows from the stages, and what the definitions add."""

from collections import deque
from collections.abc import Mapping
from itertools import pairwise

from helpers.analyses.goal_relations import list_products
from helpers.model.cascade import CascadeRules
from helpers.model.catalog import Catalog

Feeds = Mapping[str, frozenset[str]]
"""KPI → the KPIs that it moves directly."""


def build_feeds(catalog: Catalog, rules: CascadeRules) -> dict[str, frozenset[str]]:
    """Lay out which KPI moves which.

    Args:
        catalog: The company's definitions.
        rules: What the definitions of the cascade add.

    Returns:
        KPI → KPIs: a volume and its conversion move the next volume; days from one stage to another move the volume of
        the latter; the halves of a ratio move the ratio.
    """
    found: dict[str, set[str]] = {kpi: set() for kpi in catalog.kpis}

    def add(source: str, result: str) -> None:
        if source in catalog.kpis and result in catalog.kpis and source != result:
            found.setdefault(source, set()).add(result)

    for product in list_products(catalog):
        add(product.volume, product.result)
        add(product.rate, product.result)
    volumes = [stage.volume for stage in catalog.stages.values() if stage.volume]
    for first, second in pairwise(volumes):
        add(first, second)
    for kpi in catalog.kpis.values():
        measure = kpi.measure
        if measure.kind in ("duration", "conversion") and measure.to_stage in catalog.stages:
            add(kpi.id, catalog.stages[measure.to_stage].volume)
        elif measure.kind == "ratio":
            add(measure.numerator, kpi.id)
            add(measure.denominator, kpi.id)
    for source, results in rules.feeds.items():
        for result in results:
            add(source, result)
    return {kpi: frozenset(results) for kpi, results in found.items()}


def find_path(feeds: Feeds, source: str, result: str) -> list[str]:
    """Find the shortest way from one KPI to another.

    Returns:
        The KPIs on the way, both ends included; one where they are the same, none where the one doesn't move the other.

    >>> find_path({"a": frozenset({"b"}), "b": frozenset({"c"})}, "a", "c"), find_path({"a": frozenset()}, "a", "b")
    (['a', 'b', 'c'], [])
    """
    before: dict[str, str] = {source: ""}
    waiting = deque([source])
    while waiting:
        here = waiting.popleft()
        if here == result:
            path = [here]
            while before[path[-1]]:
                path.append(before[path[-1]])
            return path[::-1]
        for following in sorted(feeds.get(here, ())):
            if following not in before:
                before[following] = here
                waiting.append(following)
    return []


def find_counted(catalog: Catalog, rate: str) -> str:
    """Return the KPI that counts what a rate's numerator holds: that of the stage reached, or of the amounts.

    Returns:
        Id of a volume or sum; empty where there is none, as for rates of what is there on a day.
    """
    kpi = catalog.kpis.get(rate)
    if kpi is None:
        return ""
    measure, won = kpi.measure, catalog.stages.get("won")
    sums = {
        (one.measure.stage, one.measure.field): one.id for one in catalog.kpis.values() if one.measure.kind == "sum"
    }
    if measure.kind == "conversion":
        return catalog.stages[measure.to_stage].volume if measure.to_stage in catalog.stages else ""
    if measure.kind == "average":
        return sums.get((measure.stage, measure.field), "")
    if measure.kind == "outcome_share":
        return sums.get(("won", measure.weight), "") if measure.weight else (won.volume if won else "")
    if measure.kind == "pipeline_conversion":
        return sums.get(("won", "amount"), "")
    return ""


def are_apart(first: tuple[str, str], second: tuple[str, str]) -> bool:
    """Tell whether two slices (partition, value) can hold no record in common, as far as their names tell.

    >>> are_apart(("region", "US"), ("region", "DACH")), are_apart(("region", "US"), ("source", "Web"))
    (True, False)
    """
    return first[0] == second[0] and first[1] != second[1]
