"""Two windows have changed the same answers: what each changed alone is taken over, what both changed is told.

Answers are compared in their normal form (``helpers.answers.typed``). A merge has two results: *mine* holds every
change of both and my answer where the two contradict each other, *theirs* the same with their answer. Where nothing
contradicts, the two are equal.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from helpers.answers.typed import Faulty, Normal
from helpers.model.survey import SurveyField

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Held:
    """What the file holds of one field: its answer, and those set aside because another window had answered first."""

    value: Normal = None
    pending: tuple[Normal, ...] = ()


@dataclass(frozen=True)
class Sync:
    """What one window knows of one field.

    Attributes:
        file: The answer in the file as last taken in.
        base: What this window's answer was when it last agreed with what the file holds of it.
        mine: This window's answer.
        entry: This window's answer as it was set aside in the file; None where it wasn't.
        pending: Every answer set aside in the file.
        is_chosen: Whether ``mine`` was chosen after a conflict.
        dropped: The answers between which was chosen; they are no longer set aside.
    """

    file: Normal = None
    base: Normal = None
    mine: Normal = None
    entry: Normal = None
    pending: tuple[Normal, ...] = ()
    is_chosen: bool = False
    dropped: tuple[Normal, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether there is something to be saved."""
        return self.is_chosen or self.mine != self.base

    @property
    def dispute(self) -> tuple[Normal, Normal] | None:
        """My answer and the other one, where a choice is needed."""
        if self.is_chosen:
            return None
        if self.entry is not None and self.mine != self.file:
            return self.mine, self.file
        others = [one for one in self.pending if one not in (self.entry, self.file, self.mine)]
        return (self.mine, others[0]) if others else None


def open_sync(held: Held) -> Sync:
    """Begin with what the file holds; an answer that was set aside is mine until somebody chooses."""
    if not held.pending:
        return Sync(held.value, held.value, held.value)
    first = held.pending[0]
    return Sync(held.value, first, first, first, held.pending)


def adopt(field: SurveyField, sync: Sync, held: Held) -> Sync:
    """Take in what the file holds now, for a field in which this window has nothing to save."""
    if sync.entry is not None and sync.entry in held.pending:
        mine, _ = merge_answers(field, sync.file, sync.mine, held.value)
        return Sync(held.value, mine, mine, sync.entry, held.pending)
    return Sync(held.value, held.value, held.value, None, held.pending)


def rebase(sync: Sync, known: Sequence[Normal]) -> Sync:
    """Let a change be one of an answer as it was earlier, so that what others changed since isn't overwritten.

    Args:
        sync: What this window knows, with the change.
        known: The answers that led to the change, the oldest first. Where the file holds one of them, or the change
            itself, it is this window's own and nobody has changed it since; without any nothing becomes another.
    """
    if not known:
        return sync
    base = sync.file if sync.file in (*known, sync.mine) else known[0]
    return replace(sync, file=base, base=base)


def settle(field: SurveyField, sync: Sync, held: Held) -> tuple[Sync, Held]:
    """Bring a change of this window together with what the file holds now.

    Returns:
        What this window knows afterwards, and what is to be written.
    """
    is_contested = held.value != sync.file and held.value != sync.mine
    if sync.is_chosen:
        was_decided = any(one in sync.pending and one not in held.pending for one in sync.dropped)
        is_contested = is_contested or (was_decided and held.value != sync.mine)
        if not is_contested:
            mine = theirs = sync.mine
        elif sync.mine == sync.file or was_decided:
            mine, theirs = sync.mine, held.value
        else:
            mine, theirs = merge_answers(field, sync.file, sync.mine, held.value)
    else:
        _, theirs = merge_answers(field, sync.base, sync.mine, held.value)
        mine, _ = merge_answers(field, sync.file, sync.mine, held.value)
    gone = (sync.entry, *sync.dropped)
    pending = tuple(one for one in held.pending if one not in gone)
    entry = None
    if mine != theirs:
        entry = mine
        pending = pending if mine in pending else (*pending, mine)
    return Sync(theirs, mine, mine, entry, pending), Held(theirs, pending)


def choose(sync: Sync, chosen: Normal, other: Normal) -> Sync:
    """Choose between two answers; both are then no longer set aside."""
    return replace(sync, mine=chosen, is_chosen=True, dropped=(*sync.dropped, chosen, other))


def merge_answers(field: SurveyField, base: Normal, mine: Normal, theirs: Normal) -> tuple[Normal, Normal]:
    """Merge two changes of one answer.

    Args:
        field: The question.
        base: The answer before either change.
        mine: My answer.
        theirs: Their answer.

    Returns:
        Mine and theirs after the merge; equal where nothing contradicts.
    """
    if mine == theirs or theirs == base:
        return mine, mine
    if mine == base:
        return theirs, theirs
    if field.type == "grid" and not any(isinstance(side, Faulty) for side in (base, mine, theirs)):
        merged = merge_rows(base or [], mine or [], theirs or [], key=field.key)
        return merged[0] or None, merged[1] or None
    return mine, theirs


def merge_rows(
    base: Sequence[Row], mine: Sequence[Row], theirs: Sequence[Row], *, key: str
) -> tuple[list[Row], list[Row]]:
    """Merge two changes of a grid, row by row and cell by cell.

    Rows belong together by the column that names them (the second of a name to the second), a row that was only
    renamed by its other cells, rows without a name by position.

    Returns:
        Mine and theirs after the merge. They differ in the cells that both changed differently, in rows that one
        removed and the other changed, and in the order where both changed it.

    >>> base = [{"name": "Flow", "days": 30}]
    >>> merge_rows(base, [{"name": "Flow", "days": 45}], [{"name": "Flow", "days": 30}, {"name": "Go"}], key="name")[0]
    [{'name': 'Flow', 'days': 45}, {'name': 'Go'}]
    """
    of_mine, of_theirs = match_rows(base, mine, key=key), match_rows(base, theirs, key=key)
    mine_ids = _name_rows(mine, of_mine, "mine")
    theirs_ids = _name_rows(theirs, of_theirs, "theirs")
    same = _match_additions(mine, mine_ids, theirs, theirs_ids, key)
    theirs_ids = [same.get(id, id) for id in theirs_ids]
    by_mine, by_theirs = dict(zip(mine_ids, mine, strict=True)), dict(zip(theirs_ids, theirs, strict=True))
    result_mine: dict[Hashable, Row] = {}
    result_theirs: dict[Hashable, Row] = {}
    for id in dict.fromkeys([*range(len(base)), *mine_ids, *theirs_ids]):
        before = base[id] if isinstance(id, int) else None
        kept_mine, kept_theirs = _merge_row(before, by_mine.get(id), by_theirs.get(id))
        if kept_mine is not None:
            result_mine[id] = kept_mine
        if kept_theirs is not None:
            result_theirs[id] = kept_theirs
    order_mine, order_theirs = _merge_orders(mine_ids, theirs_ids)
    return (
        [result_mine[id] for id in order_mine if id in result_mine],
        [result_theirs[id] for id in order_theirs if id in result_theirs],
    )


def match_rows(before: Sequence[Row], after: Sequence[Row], *, key: str) -> dict[int, int]:
    """Find what became of each row.

    Returns:
        Place before → place after, for the rows that are still there.
    """
    named: dict[Hashable, list[int]] = {}
    for place, row in enumerate(after):
        named.setdefault(row.get(key), []).append(place)
    matched: dict[int, int] = {}
    for place, row in enumerate(before):
        free = named.get(row.get(key))
        if free:
            matched[place] = free.pop(0)
    taken = set(matched.values())
    left = [place for place in range(len(after)) if place not in taken]
    for place, row in enumerate(before):
        if place in matched:
            continue
        rest = {column: cell for column, cell in row.items() if column != key}
        for candidate in left:
            other = {column: cell for column, cell in after[candidate].items() if column != key}
            if rest == other and (rest or candidate == place):
                matched[place] = candidate
                left.remove(candidate)
                break
    return matched


def _name_rows(rows: Sequence[Row], matched: Mapping[int, int], side: str) -> list[Hashable]:
    before = {after: place for place, after in matched.items()}
    return [before.get(place, (side, place)) for place in range(len(rows))]


def _match_additions(
    mine: Sequence[Row], mine_ids: Sequence[Hashable], theirs: Sequence[Row], theirs_ids: Sequence[Hashable], key: str
) -> dict[Hashable, Hashable]:
    """Find the rows that both sides added: those of one name, and those that are equal."""
    free = [(id, row) for id, row in zip(mine_ids, mine, strict=True) if not isinstance(id, int)]
    same: dict[Hashable, Hashable] = {}
    for id, row in zip(theirs_ids, theirs, strict=True):
        if isinstance(id, int):
            continue
        for candidate, other in free:
            if row == other or (row.get(key) is not None and row.get(key) == other.get(key)):
                same[id] = candidate
                free.remove((candidate, other))
                break
    return same


def _merge_row(before: Row | None, mine: Row | None, theirs: Row | None) -> tuple[Row | None, Row | None]:
    if mine is None or theirs is None:
        if before is None:  # one side added it
            return mine or theirs, mine or theirs
        if mine is None and theirs is None:
            return None, None
        return (None, None) if (mine or theirs) == before else (mine, theirs)
    before = before or {}
    kept_mine, kept_theirs = {}, {}
    for column in dict.fromkeys([*theirs, *mine]):
        was, my, their = before.get(column), mine.get(column), theirs.get(column)
        my, their = (my, my) if their == was else (their, their) if my == was else (my, their)
        if my is not None:
            kept_mine[column] = my
        if their is not None:
            kept_theirs[column] = their
    return kept_mine, kept_theirs


def _merge_orders(
    mine: Sequence[Hashable], theirs: Sequence[Hashable]
) -> tuple[Sequence[Hashable], Sequence[Hashable]]:
    """Order the rows: as the side did that changed their order, as each did where both changed it differently."""
    mine_known = [id for id in mine if isinstance(id, int)]
    theirs_known = [id for id in theirs if isinstance(id, int)]
    mine_moved, theirs_moved = mine_known != sorted(mine_known), theirs_known != sorted(theirs_known)
    common_mine = [id for id in mine if id in set(theirs)]
    common_theirs = [id for id in theirs if id in set(mine)]
    if mine_moved and not theirs_moved:
        order = _insert(mine, theirs)
        return order, order
    if mine_moved and theirs_moved and common_mine != common_theirs:
        return _insert(mine, theirs), _insert(theirs, mine)
    order = _insert(theirs, mine)
    return order, order


def _insert(leading: Sequence[Hashable], others: Sequence[Hashable]) -> list[Hashable]:
    """Add to one order what only the other has, each after what it followed there."""
    order = list(leading)
    known = set(order)
    place = 0
    for id in others:
        if id in known:
            place = order.index(id) + 1
        else:
            order.insert(place, id)
            place += 1
    return order
