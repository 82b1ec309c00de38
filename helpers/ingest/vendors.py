"""What CRMs call things: vendor headers read from ``data/definitions/vendors``, and files recognised by them."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from helpers.model.definition import DEFINITIONS, read_toml

VENDORS = ("hubspot", "salesforce", "ga4")
"""The vendors whose headers are known, in the order in which they are tried."""

_STAGE_DATE = re.compile(r"""^(?:property_)?date entered\s+(['"“”‘’])(?P<stage>.+?)['"“”‘’]\s*$""", re.IGNORECASE)
_STAGE_DATE_API = re.compile(
    r"^(?:property_|properties[._])?hs_(?P<version>v2_)?date_entered_(?P<stage>.+)$", re.IGNORECASE
)
_PIPELINE = re.compile(r"^(?P<stage>.+?)\s*\((?P<pipeline>[^()]*)\)\s*$")


@dataclass(frozen=True)
class VendorObject:
    """How one vendor's export of one object looks.

    Attributes:
        vendor: The vendor's id.
        vendor_label: What people call the vendor.
        role: The table's name in the vendor's file; two roles may feed one object.
        object: The canonical object.
        recognised_by: Lists of header keys; a file that has all of one list is this object.
        never_with: Header keys that speak against it.
        at_most: Most columns such a file has; 0 for any number.
        fields: Field → header keys, the best one first.
    """

    vendor: str
    vendor_label: str
    role: str
    object: str
    recognised_by: tuple[frozenset[str], ...]
    never_with: frozenset[str]
    at_most: int
    fields: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class StageDateColumn:
    """A column that holds when a deal entered a stage.

    Attributes:
        column: The header as written.
        stage: The stage's label (or internal name).
        pipeline: The pipeline's label; empty where the header names none.
        rank: Which of several columns for one stage is preferred, the lowest first.
    """

    column: str
    stage: str
    pipeline: str
    rank: int


def header_key(header: str) -> str:
    """Return what headers are compared by: no case, blanks, punctuation.

    >>> header_key("Deal Name") == header_key("dealname") == header_key("deal_name")
    True
    """
    folded = unicodedata.normalize("NFKC", header).casefold()
    return "".join(sign for sign in folded if sign.isalnum())


@cache
def read_vendor_objects() -> tuple[VendorObject, ...]:
    """Return every vendor's objects, as written in the vendors' TOML files."""
    found = []
    for vendor in VENDORS:
        tables = read_toml(DEFINITIONS / "vendors" / f"{vendor}.toml")
        for role, table in tables["objects"].items():
            found.append(
                VendorObject(
                    vendor=vendor,
                    vendor_label=tables["label"],
                    role=role,
                    object=table.get("object", role),
                    recognised_by=tuple(frozenset(map(header_key, names)) for names in table["recognised_by"]),
                    never_with=frozenset(map(header_key, table.get("never_with", ()))),
                    at_most=table.get("at_most", 0),
                    fields={
                        name: tuple(dict.fromkeys(map(header_key, keys))) for name, keys in table["fields"].items()
                    },
                )
            )
    return tuple(found)


@cache
def _read_affixes() -> tuple[tuple[str, ...], tuple[str, ...]]:
    tables = [read_toml(DEFINITIONS / "vendors" / f"{vendor}.toml") for vendor in VENDORS]
    prefixes = tuple(prefix for table in tables for prefix in table.get("strip_prefixes", ()))
    suffixes = tuple(suffix for table in tables for suffix in table.get("strip_suffixes", ()))
    return prefixes, suffixes


def index_headers(columns: Iterable[str]) -> dict[str, str]:
    """Return header key → column, also without the vendors' prefixes and suffixes; the earlier column wins."""
    prefixes, suffixes = _read_affixes()
    columns = list(columns)
    index: dict[str, str] = {}
    for column in columns:
        index.setdefault(header_key(column), column)
    for column in columns:
        bare = column
        for prefix in prefixes:
            if bare.casefold().startswith(prefix):
                bare = bare[len(prefix) :]
        for suffix in suffixes:
            if bare.casefold().endswith(suffix):
                bare = bare[: -len(suffix)]
        index.setdefault(header_key(bare), column)
    return index


def recognise_vendor(columns: Sequence[str]) -> VendorObject | None:
    """Tell whose export of what object a file is, by its headers alone.

    Args:
        columns: The file's headers.

    Returns:
        The vendor's object whose headers are found best, or None where no vendor's are.
    """
    index = index_headers(columns)
    best, best_score = None, (0, 0)
    for candidate in read_vendor_objects():
        if candidate.never_with & index.keys() or (candidate.at_most and len(columns) > candidate.at_most):
            continue
        hits = [names for names in candidate.recognised_by if names <= index.keys()]
        if not hits:
            continue
        n_fields = sum(any(key in index for key in keys) for keys in candidate.fields.values())
        score = (max(len(names) for names in hits) + len(hits), n_fields)
        if score > best_score:
            best, best_score = candidate, score
    return best


def map_vendor_columns(
    columns: Sequence[str], vendor_object: VendorObject, *, empty: Iterable[str] = ()
) -> dict[str, str]:
    """Map a vendor's columns to fields.

    Args:
        columns: The file's headers.
        vendor_object: What it was recognised as.
        empty: Columns that hold nothing; they are taken only where no other will do.

    Returns:
        Field → column as written. A column serves one field, except for an id that is a name too.
    """
    index, empty, mapped = index_headers(columns), set(empty), {}
    for field, keys in vendor_object.fields.items():
        there = [index[key] for key in keys if key in index and index[key] not in mapped.values()]
        filled = [column for column in there if column not in empty]
        if filled or there:
            mapped[field] = (filled or there)[0]
    return mapped


def find_stage_dates(columns: Iterable[str]) -> list[StageDateColumn]:
    """Find the columns that say when a deal entered each stage.

    HubSpot writes them as ``Date entered 'Stage (Pipeline)'``, older ones in double quotes, and both may stand in one
    export; through the API they are ``hs_v2_date_entered_<stage>`` and ``hs_date_entered_<stage>``.

    >>> [(c.stage, c.pipeline) for c in find_stage_dates(["Date entered 'Contract sent (Sales Pipeline)'"])]
    [('Contract sent', 'Sales Pipeline')]
    """
    found = []
    for column in columns:
        if match := _STAGE_DATE.match(column.strip()):
            rank = 0 if match.group(1) in "'‘’" else 1
            stage, pipeline = match.group("stage").strip(), ""
            if parts := _PIPELINE.match(stage):
                stage, pipeline = parts.group("stage"), parts.group("pipeline").strip()
            found.append(StageDateColumn(column, stage, pipeline, rank))
        elif match := _STAGE_DATE_API.match(column.strip()):
            found.append(StageDateColumn(column, match.group("stage"), "", 2 if match.group("version") else 3))
    return found
