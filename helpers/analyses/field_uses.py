"""What uses a field: which KPIs are counted from it, which it cuts, and on which pages it is read.

Everything is derived from the definitions, so that no list has to be kept by hand.
"""

from collections.abc import Collection, Mapping
from typing import Any

from helpers.engine.cells import allows
from helpers.model.cause import load_causes
from helpers.model.kpi import Kpi
from helpers.model.survey import DiscoveryRules, Survey

Field = tuple[str, str]
"""An object and a field of it."""

PAGES = {
    "survey": "01_gtm_survey",
    "discovery": "02_kpi_discovery",
    "slicing": "03_kpi_slicing",
    "goals": "04_goal_matrix",
    "causes": "05_root_cause_5m",
}
PLANNED = ("volume", "conversion", "money")
"""Families of KPIs that the goal matrix plans."""

HISTORY = frozenset({("deal_history", field) for field in ("deal_id", "changed_at", "field", "old", "new")})
CLOSING = frozenset({("deal", "closed_at"), ("deal", "stage")})
OPEN = CLOSING | {("deal", "created_at"), ("deal", "amount")}
SUBSCRIBED = frozenset({("subscription", "start_at"), ("subscription", "end_at")})
LIVING = frozenset({("customer", "live_at"), ("customer", "ended_at")})
TERMS = SUBSCRIBED | {("subscription", "renewal_at"), ("subscription", "customer_id")}


def find_kpi_fields(company: Any, kpi: Kpi) -> frozenset[Field]:
    """Return the fields that a KPI is counted from, as the definitions have it; keys that join objects are left out."""
    measure = kpi.measure
    found: set[Field] = set()
    for name in ("stage", "from_stage", "to_stage"):
        found |= _fields_of_stage(company, getattr(measure, name, ""))
    field = getattr(measure, "field", None) or getattr(measure, "weight", None)
    if measure.kind in ("sum", "average", "outcome_share") and field:
        found |= {("deal", field)}
    found |= _fields_of_kind(company, measure, field)
    if getattr(measure, "business", "all") != "all" and any(object == "deal" for object, _ in found):
        found |= {("deal", "type")}
    return frozenset(found)


def _fields_of_kind(company: Any, measure: Any, field: str | None) -> frozenset[Field]:
    kind = measure.kind
    if kind == "ratio":
        parts = [company.catalog.kpis[id] for id in (measure.numerator, measure.denominator)]
        return frozenset().union(*(find_kpi_fields(company, part) for part in parts))
    if kind == "stock":
        stock = {"deal": CLOSING | {("deal", "created_at")}, "customer": LIVING, "subscription": SUBSCRIBED}
        history = HISTORY if measure.object == "deal" else frozenset()
        return frozenset(stock[measure.object] | ({(measure.object, field)} if field else set()) | history)
    if kind == "retention":
        own = {"seat_churn": "seats"}.get(measure.variant, "mrr")
        if measure.variant == "logo_churn":
            return frozenset(TERMS | LIVING)
        if measure.variant == "gross_churn":
            return frozenset(TERMS | {("subscription", own), ("subscription", "product")})
        return frozenset(TERMS | {("subscription", own)})
    return frozenset(
        {
            "outcome_share": CLOSING,
            "velocity": OPEN,
            "push": CLOSING | {("deal", "created_at")} | HISTORY,
            "coverage": OPEN | HISTORY,
            "pipeline_conversion": OPEN | HISTORY,
        }.get(kind, frozenset())
    )


def _fields_of_stage(company: Any, id: str) -> set[Field]:
    stage = company.catalog.stages.get(id)
    if stage is None:
        return set()
    found = {(stage.object, stage.date_field)} if stage.date_field else set(HISTORY)
    if stage.object == "session":
        found |= {("session", "sessions")}
    if stage.contact_field:
        found |= {("contact", stage.contact_field)}
    return found | ({("deal", "stage")} if stage.closes or not stage.date_field else set())


def find_uses(company: Any) -> dict[Field, tuple[str, ...]]:
    """Return per field the KPIs that are counted from it, in the catalog's order."""
    uses: dict[Field, tuple[str, ...]] = {}
    for kpi in company.catalog.kpis.values():
        for field in find_kpi_fields(company, kpi):
            uses[field] = (*uses.get(field, ()), kpi.id)
    return uses


class CutCounter:
    """Count the KPIs that a partition may cut on given objects."""

    def __init__(self, company: Any) -> None:
        self.company = company
        self.homes = {
            kpi.id: frozenset(object for object, _ in find_kpi_fields(company, kpi))
            for kpi in company.catalog.kpis.values()
        }

    def count(self, partition: str, objects: Collection[str]) -> int:
        """Return how many KPIs counted from records of these objects the partition may cut."""
        return sum(
            not self.homes[kpi.id].isdisjoint(objects) and allows(self.company, kpi, [partition], strict=False)
            for kpi in self.company.catalog.kpis.values()
        )


def find_pages(company: Any, survey: Survey, rules: DiscoveryRules) -> dict[Field, set[str]]:
    """Return per field the pages that read it beyond KPIs and cuts: the ideal customer, copies and the five Ms."""
    pages: dict[Field, set[str]] = {}

    def read_on(page: str, object: str, field: str) -> None:
        pages.setdefault((object, field), set()).add(PAGES[page])

    for rule in load_causes(getattr(company.settings, "causes", None)).values():
        for need in rule.needs:
            read_on("causes", *need.split(".", 1))
    for _, field in survey.fields():
        if field.crm and field.crm.check == "icp_fit":
            for attribute in field.columns[0].choices:
                for object in ("company", "contact", "deal"):
                    read_on("survey", object, attribute)
    for copy in rules.copies:
        for object in (copy.from_object, copy.to_object):
            read_on("discovery", object, copy.dimension)
    for wanted in rules.wanted:
        for object in wanted.objects:
            read_on("discovery", object, wanted.id)
    return pages


def pages_of(kpis: Mapping[str, Kpi], used_by: Collection[str], *, is_judged: bool, cuts: int) -> set[str]:
    """Return the pages on which a field shows: through the KPIs counted from it, as a cut, as a row of the matrix."""
    pages = {PAGES["slicing"]} if used_by or cuts else set()
    if any(kpis[kpi].family in PLANNED for kpi in used_by):
        pages.add(PAGES["goals"])
    if cuts:
        pages.add(PAGES["causes"])
    return pages | ({PAGES["discovery"]} if is_judged else set())
