"""A canonical table as SQL: layers of columns over one another, written out only as far as they are asked for."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from helpers.ingest.warehouse_columns import null_of, quote


@dataclass(frozen=True)
class Defined:
    """One column of a layer.

    Attributes:
        sql: Its value, over ``t`` (the layer below) and the aliases of the layer's joins.
        kind: text, date, number or boolean.
        needs: Columns of the layer below that ``sql`` reads.
        uses: (alias, column) pairs that it reads from joins.
    """

    sql: str
    kind: str
    needs: frozenset[str] = frozenset()
    uses: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Joined:
    """One relation joined from the left, at most one row of it per record.

    Attributes:
        relation: Given the columns wanted, the relation in brackets.
        key: Its key column.
        on: The column of the layer below that the key is compared with.
    """

    relation: Callable[[Collection[str]], str]
    key: str
    on: str


@dataclass(frozen=True)
class Layer:
    """Columns computed from those below; every other column passes through."""

    columns: Mapping[str, Defined] = field(default_factory=dict)
    joins: Mapping[str, Joined] = field(default_factory=dict)
    where: str = ""
    where_needs: frozenset[str] = frozenset()


class TableQuery:
    """One canonical table: a base that can be selected from, and the layers over it."""

    def __init__(self, object_id: str, base: Callable[[Sequence[str]], str], kinds: Mapping[str, str]):
        """Start with a base.

        Args:
            object_id: The canonical object.
            base: Given column names, a SELECT of exactly these.
            kinds: Every column of the base → text, date, number or boolean.
        """
        self.object, self._base, self.kinds = object_id, base, dict(kinds)
        self._layers: list[Layer] = []

    def add(self, layer: Layer) -> None:
        """Lay a layer over all that is there."""
        self._layers.append(layer)
        self.kinds.update({name: one.kind for name, one in layer.columns.items()})

    def copy(self) -> "TableQuery":
        """Return the query as it stands, unmoved by later layers."""
        other = TableQuery(self.object, self._base, self.kinds)
        other._layers = list(self._layers)
        return other

    def wrap(self, write: Callable[[Callable[[Sequence[str]], str], Sequence[str]], str]) -> None:
        """Put something around all that is there; ``write`` gets a way to select from it, and the columns wanted."""
        below = self.copy()
        self._base, self._layers = (lambda wanted: write(below.select, wanted)), []

    def select(self, columns: Iterable[str] | None = None) -> str:
        """Write the SELECT of some columns, all unless said."""
        wanted = list(dict.fromkeys(self.kinds if columns is None else columns))
        return self._render(len(self._layers), wanted or list(self.kinds)[:1])

    def _render(self, height: int, wanted: Sequence[str]) -> str:
        if height == 0:
            return self._base(wanted)
        layer = self._layers[height - 1]
        if not layer.where and not any(name in layer.columns for name in wanted):
            return self._render(height - 1, wanted)
        below: dict[str, None] = {}
        used: dict[str, dict[str, None]] = {}
        shown = []
        for name in wanted:
            one = layer.columns.get(name)
            if one is None:
                shown.append(f"t.{quote(name)}")
                below[name] = None
                continue
            shown.append(f"{one.sql} as {quote(name)}")
            below.update(dict.fromkeys(sorted(one.needs)))
            for alias, column in one.uses:
                used.setdefault(alias, {})[column] = None
        below.update(dict.fromkeys(sorted(layer.where_needs)))
        joins = []
        for alias, joined in layer.joins.items():
            if alias in used:
                below[joined.on] = None
                relation = joined.relation([*dict.fromkeys([joined.key, *used[alias]])])
                joins.append(f" left join {relation} as {alias} on {alias}.{quote(joined.key)} = t.{quote(joined.on)}")
        where = f" where {layer.where}" if layer.where else ""
        under = self._render(height - 1, list(below) or wanted[:1])
        return f"select {', '.join(shown)} from ({under}) as t{''.join(joins)}{where}"


def join_table(query: TableQuery) -> Callable[[Collection[str]], str]:
    """Return a relation for ``Joined`` that selects from another table as it stands now."""
    frozen = query.copy()
    return lambda columns: f"({frozen.select(columns)})"


def stack(parts: Sequence[tuple[Mapping[str, str], Callable[[Sequence[str]], str]]], kinds: Mapping[str, str]):
    """Return a base that lays several bases over one another; what one lacks is missing there.

    Args:
        parts: Per base its columns' kinds and how to select from it.
        kinds: All columns' kinds.
    """

    def base(wanted: Sequence[str]) -> str:
        texts = []
        for own, select in parts:
            there = [name for name in wanted if name in own]
            shown = [f"t.{quote(n)}" if n in own else f"{null_of(kinds[n])} as {quote(n)}" for n in wanted]
            texts.append(f"select {', '.join(shown)} from ({select(there or [next(iter(own))])}) as t")
        return texts[0] if len(texts) == 1 else " union all ".join(texts)

    return base
