"""The shape of what is decided about exports: which file is which object, which column which field, and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from helpers.ingest.content import ColumnContent
from helpers.ingest.lookups import JoinPlan, LookupPlan
from helpers.ingest.values import snake_case
from helpers.ingest.vendors import header_key


@dataclass(frozen=True)
class FieldPlan:
    """Where one field comes from.

    Attributes:
        field: Canonical field, partition id or service field.
        file: The file.
        column: The column as written.
        how: vendor, name, content, option or derived.
    """

    field: str
    file: str
    column: str
    how: str


@dataclass(frozen=True)
class SourcePlan:
    """One file that holds records of one object.

    Attributes:
        object: The canonical object.
        file: The file.
        vendor: The vendor's label, or empty.
        fields: Field → where it comes from.
        joins: Further files whose rows belong to the same records, by file.
    """

    object: str
    file: str
    vendor: str = ""
    fields: Mapping[str, FieldPlan] = field(default_factory=dict)
    joins: Mapping[str, JoinPlan] = field(default_factory=dict)

    def column(self, name: str) -> str | None:
        """Return this file's own column for a field, or None."""
        plan = self.fields.get(name)
        return plan.column if plan and plan.file == self.file else None


@dataclass(frozen=True)
class Plan:
    """Everything decided about one set of exports.

    Attributes:
        sources: Files that hold records; several may serve one object.
        lookups: Look-up tables.
        twins: File → the file with the same columns that it continues.
        unused: File → why it is not used and what could be done.
        contents: File → column → what it holds.
    """

    sources: tuple[SourcePlan, ...] = ()
    lookups: tuple[LookupPlan, ...] = ()
    twins: Mapping[str, str] = field(default_factory=dict)
    unused: Mapping[str, str] = field(default_factory=dict)
    contents: Mapping[str, Mapping[str, ColumnContent]] = field(default_factory=dict)

    def of(self, object_id: str) -> list[SourcePlan]:
        """Return the files that hold records of an object, the main one first."""
        return [source for source in self.sources if source.object == object_id]

    @property
    def files(self) -> set[str]:
        """Every file that is used."""
        used = {source.file for source in self.sources} | {lookup.file for lookup in self.lookups} | set(self.twins)
        return used | {file for source in self.sources for file in source.joins}


def find_column(columns: Iterable[str], name: str) -> str | None:
    """Find a column by its name as written, in snake case, or without case and punctuation."""
    columns = list(columns)
    if name in columns:
        return name
    for same in (str.casefold, snake_case, header_key):
        hits = [column for column in columns if same(column) == same(name)]
        if len(hits) == 1:
            return hits[0]
    return None
