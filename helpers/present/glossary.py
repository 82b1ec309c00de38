"""The glossary: every KPI with its definition and source, made from the definitions so that it can't go stale."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from helpers.present import theme
from helpers.present.words import BASES
from helpers.writing import write_text

FAMILIES = {
    "volume": "Volumes",
    "conversion": "Conversions",
    "money": "Money",
    "time": "Time",
    "recurring": "Recurring revenue",
    "pipeline": "Pipeline",
}

UNITS = {"share": "%", "currency": "money", "currency_per_day": "money a day", "ratio": "×"}


def write_glossary_page(catalog: Any, path: Path) -> None:
    """Write the glossary as one page that needs no network.

    Args:
        catalog: The definitions, the shipped ones or a company's.
        path: Where the page goes.
    """
    environment = Environment(
        loader=FileSystemLoader(theme.TEMPLATES), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    page = environment.get_template("glossary.html.j2").render(
        css=theme.page_css(), families=group_kpis(catalog), stages=list(catalog.stages.values()), rules=catalog.rules
    )
    write_text(path, page)


def group_kpis(catalog: Any) -> Mapping[str, list[dict[str, Any]]]:
    """Group the KPIs for the page.

    Returns:
        Family in words → one record per KPI, in the catalog's order, with the bases and the unit in words.
    """
    grouped: dict[str, list[dict[str, Any]]] = {}
    for kpi in catalog.kpis.values():
        bases = [f"{basis}: {BASES[basis]}" for basis in kpi.basis]
        record = {**kpi.model_dump(), "bases": bases, "unit_in_words": UNITS.get(kpi.unit, kpi.unit)}
        grouped.setdefault(FAMILIES[kpi.family], []).append(record)
    return grouped
