"""The data dictionary, made from the exports and the definitions each time, so that it can't go stale."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from helpers.analyses.field_uses import CutCounter, Field, find_pages, find_uses, pages_of
from helpers.analyses.too_large import is_too_large
from helpers.model.objects import read_meanings
from helpers.model.survey import DiscoveryRules, Survey, load_discovery_rules, load_survey

Row = Mapping[Any, Any]

DICTIONARY_COLUMNS = [
    "object", "file", "column", "field", "label", "meaning", "type", "known", "how", "also_on",
    "n", "fill_rate", "fill_rate_90d", "n_90d", "n_values", "filled_since",
    "owner", "owner_because", "kpis", "n_kpis", "cuts", "pages", "is_used",
]  # fmt: skip
"""The columns of ``data_dictionary.csv``."""

DATES = {"session": "date", "contact": "created_at", "deal": "created_at", "customer": "live_at", "activity": "at"}
DATES |= {"subscription": "start_at", "cost": "date", "deal_history": "changed_at", "person": "started_at"}
COMPUTED_IN = "company.toml"
NAMES = ("name", "first_name", "last_name", "email")
ACRONYMS = ("id", "mql", "sql", "mrr", "arr", "acv", "url")
NOT_MEASURED = {"n": 0, "fill_rate": None, "fill_rate_90d": None, "n_90d": None, "n_values": None, "filled_since": ""}
"""What is told of a field that no table at hand holds."""

UNDESCRIBED = "No description yet: a further column of the export."
KINDS = {"amount": "money", "boolean": "yes or no", "label": "name", "person": "person", "id": "key"}


def build_data_dictionary(
    company: Any, *, as_of: date, survey: Survey | None = None, rules: DiscoveryRules | None = None
) -> pd.DataFrame:
    """Describe every field of the exports, and every roll-up computed from them.

    Args:
        company: The opened company.
        as_of: The last day that counts; records after it are not seen.
        survey: The survey's definition; the shipped one where None.
        rules: What the discovery matrix holds; the shipped ones where None.

    Returns:
        One row per column of an export and object whose file it is, by object and file, with ``DICTIONARY_COLUMNS``:
        ``field`` what the workbook calls it (several where one column serves several), ``known`` entry, during or
        outcome for what can cut, ``also_on`` the objects that take it over, shares 0–1 of the ``n`` records (of the
        ``n_90d`` of the last days), ``owner`` who decides on it in the matrix (empty: nobody named), ``kpis`` the
        labels of the KPIs counted from it, ``cuts`` how many KPIs it can cut, ``pages`` where it is read, and
        ``is_used`` whether anything does. Roll-ups have ``company.toml`` as their file. Empty without exports.
    """
    survey, rules = survey or load_survey(), rules or load_discovery_rules()
    known = _Known(company, survey, rules)
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in company.mapping.to_dict("records"):
        file, column = str(row["file"] or ""), str(row["column"] or "")
        if row["how"] == "rolled up" and not file:
            file, column = COMPUTED_IN, f"rollups.{row['field']}"
        if file and file != "nan":
            groups.setdefault((file, column), []).append(row)
    rows = [_describe(company, known, file, column, of, as_of, rules) for (file, column), of in groups.items()]
    frame = pd.DataFrame(rows, columns=DICTIONARY_COLUMNS)
    frame = frame.astype({"fill_rate": "float64", "fill_rate_90d": "float64", "is_used": "bool"})
    frame = frame.astype(dict.fromkeys(("n", "n_90d", "n_values", "n_kpis", "cuts"), "Int64"))
    places = {object: place for place, object in enumerate(dict.fromkeys(object for object, _ in read_meanings()))}
    order = pd.DataFrame({"place": frame["object"].map(places), "is_computed": frame["file"] == COMPUTED_IN})
    return frame.loc[order.sort_values(["place", "is_computed"], kind="stable").index].reset_index(drop=True)


def headline_dictionary(dictionary: pd.DataFrame) -> str:
    """Say in one sentence how many fields there are and how many nothing uses.

    >>> headline_dictionary(pd.DataFrame({"is_used": [True, True, False]}))
    '1 of 3 fields feeds no KPI, no cut and no page of this workbook'
    """
    if dictionary.empty:
        return "There are no exports to describe"
    unused = int((~dictionary["is_used"]).sum())
    verb = "feeds" if unused == 1 else "feed"
    if not unused:
        return f"Each of the {len(dictionary)} fields feeds a KPI, a cut or a page of this workbook"
    return f"{unused} of {len(dictionary)} fields {verb} no KPI, no cut and no page of this workbook"


class _Known:
    """What is known of fields beside their values, gathered once."""

    def __init__(self, company: Any, survey: Survey, rules: DiscoveryRules) -> None:
        self.uses = find_uses(company)
        self.cuts = CutCounter(company)
        self.pages = find_pages(company, survey, rules)
        self.carried = {
            (object, column): id
            for id, partition in company.partitions.items()
            for object, column in partition.objects.items()
        }
        self.judged = {primary.object for primary in rules.primaries}
        self.owners = _find_owners(getattr(company.answers, "discovery", None))

    def owner_of(self, dimension: str, object: str) -> tuple[str, str]:
        """Return who decides on a field of an object, and how that is known."""
        return self.owners.get((dimension, object)) or self.owners.get((dimension, "")) or ("", "")


def _describe(
    company: Any, known: _Known, file: str, column: str, mapped: list[Row], as_of: date, rules: DiscoveryRules
) -> dict[str, Any]:
    first = next((row for row in mapped if row["how"] != "lookup"), mapped[0])
    object, field = str(first["object"]), str(first["field"])
    id = known.carried.get((object, field), "")
    partition = company.partitions.get(id)
    fields: list[Field] = [(str(row["object"]), str(row["field"])) for row in mapped]
    fields += [(heir, partition.objects[heir]) for heir in _find_heirs(partition, {one for one, _ in fields})]
    used = {kpi for one in fields for kpi in known.uses.get(one, ())}
    kpis = [kpi for kpi in company.catalog.kpis.values() if kpi.id in used]
    cuts = known.cuts.count(id, {one for one, _ in fields}) if partition else 0
    pages = set().union(*(known.pages.get(one, set()) for one in fields))
    is_judged = partition is not None and any(one in known.judged for one, _ in fields)
    pages |= pages_of(company.catalog.kpis, used, is_judged=is_judged, cuts=cuts)
    kind, meaning = _explain(company, partition, mapped)
    owner, because = known.owner_of(id or field, object)
    return {
        "object": object,
        "file": file,
        "column": column,
        "field": "; ".join(dict.fromkeys(str(row["field"]) for row in mapped)),
        "label": partition.label if partition else _label_of(field),
        "meaning": meaning,
        "type": kind,
        "known": partition.known if partition else "",
        "how": str(first["how"]),
        "also_on": ", ".join(dict.fromkeys(other for other, _ in fields if other != object)),
        **(
            {**NOT_MEASURED, "n": company.tables.count(object)}
            if is_too_large(company, object)
            else _measure(company.tables.get(object), object, field, as_of, rules.recent_days)
        ),
        "owner": owner,
        "owner_because": because,
        "kpis": "; ".join(kpi.label for kpi in kpis),
        "n_kpis": len(kpis),
        "cuts": cuts,
        "pages": ", ".join(sorted(pages)),
        "is_used": bool(kpis or cuts or pages or kind == "key" or field in NAMES),
    }


def _find_heirs(partition: Any, objects: set[str]) -> list[str]:
    """Return the objects that take a partition over from others, directly or through one between."""
    heirs: list[str] = []
    while partition is not None:
        known = objects | set(heirs)
        found = [heir for heir, source in partition.inherited_from.items() if source in known and heir not in known]
        if not found:
            break
        heirs += found
    return heirs


def _measure(table: pd.DataFrame | None, object: str, field: str, as_of: date, recent_days: int) -> dict[str, Any]:
    if table is None or field not in table:
        return dict(NOT_MEASURED)
    dates = DATES.get(object, "")
    inside = pd.Series(True, index=table.index)
    recent = None
    if dates in table:
        inside = ~(table[dates] >= pd.Timestamp(as_of) + pd.Timedelta(days=1))
        recent = inside & (table[dates] >= pd.Timestamp(as_of) - pd.Timedelta(days=recent_days - 1))
    filled = table[field].notna() & inside
    n = int(inside.sum())
    measured = {"n": n, "fill_rate": float(filled.sum() / n) if n else None}
    measured["n_values"] = len(pd.factorize(table.loc[filled, field])[1])
    if recent is not None:
        first = table.loc[filled, dates].min()
        measured |= {
            "n_90d": int(recent.sum()),
            "fill_rate_90d": float((filled & recent).sum() / recent.sum()) if recent.any() else None,
            "filled_since": "" if pd.isna(first) else first.strftime("%Y-%m"),
        }
    return NOT_MEASURED | measured


def _explain(company: Any, partition: Any, mapped: list[Row]) -> tuple[str, str]:
    """Say what a field holds: as the definitions do, or that the export brought it under its own name."""
    told = [read_meanings().get((row["object"], row["field"]), ("", "")) for row in mapped]
    kind, meaning = next((pair for pair in told if pair[1]), ("", ""))
    object, field = str(mapped[0]["object"]), str(mapped[0]["field"])
    said = company.catalog.dimensions.get(partition.id if partition else field)
    kind = kind or _guess_kind(company.list_columns(object).get(field, "text"), partition)
    meaning = meaning or (said.description if said else "")
    how = mapped[0]["how"]
    if not meaning and how == "rolled up" and partition and partition.id in company.settings.rollups:
        meaning = f"Rolled up from {company.settings.rollups[partition.id].of.replace('_', ' ')}."
    meaning = meaning or ("Brought in by a look-up table." if how == "lookup" else "")
    return KINDS.get(kind, kind), meaning or UNDESCRIBED


def _guess_kind(kind: str, partition: Any) -> str:
    if partition is not None:
        return "person" if partition.is_person else "text"
    return "date" if kind == "timestamp" else kind


def _find_owners(decided: Any) -> dict[Field, tuple[str, str]]:
    """Return who decides on a field: who is to activate it, else who judged it last; by dimension and object."""
    owners: dict[Field, tuple[str, str]] = {}
    for judgement in decided.judgements if decided else ():
        if judgement.dimension and judgement.by:
            owners[judgement.dimension, judgement.object] = (judgement.by, "judged it")
    for plan in decided.activations if decided else ():
        if plan.owner:
            stale = [key for key in owners if key[0] == plan.dimension]
            for key in [*stale, (plan.dimension, "")]:
                owners[key] = (plan.owner, "activates it")
    return owners


def _label_of(field: str) -> str:
    words = [word.upper() if word in ACRONYMS else word for word in field.removesuffix("_at").split("_") if word]
    label = " ".join(words) or field
    return f"{label[:1].upper()}{label[1:]}{' date' if field.endswith('_at') else ''}"
