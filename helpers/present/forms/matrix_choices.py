"""What the matrix editor offers to choose from: fields, objects, the next cell to decide, the next quarter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from helpers.analyses.discovery import ENTRY_DATE
from helpers.analyses.discovery_review import DiscoveryReview
from helpers.analyses.judgement_trend import read_quarter
from helpers.present import words
from helpers.present.forms.light_matrix import find_cell


def label_kpi(review: DiscoveryReview, kpi: str) -> str:
    """Return what readers call a KPI."""
    if kpi in review.primaries:
        return review.primaries[kpi][0]
    cell = find_cell(review.matrix, kpi, "")
    return words.clean_text(cell["label"]) if cell else words.label_of(kpi)


def find_siblings(review: DiscoveryReview, cell: Mapping[Any, Any]) -> list[str]:
    """Return the other KPIs whose cell rests on the same field of the same object."""
    if not cell["dimension"]:
        return []
    rows = review.matrix
    same = (rows["dimension"] == cell["dimension"]) & (rows["object"] == cell["object"]) & (rows["kpi"] != cell["kpi"])
    return [str(kpi) for kpi in rows.loc[same, "kpi"]]


def find_undecided(
    review: DiscoveryReview, rows: Sequence[str], columns: Sequence[str], *, after: tuple[str, str]
) -> tuple[str, str] | None:
    """Return the next wanted cell that nobody has decided, row by row from a place on; None where all are decided.

    Args:
        review: The matrix as it stands.
        rows: Partitions in the order of the rows.
        columns: KPIs in the order of the columns.
        after: KPI and partition of the cell to start from.
    """
    cells = [(kpi, dimension) for dimension in rows if dimension for kpi in columns]
    open_rows = review.matrix[review.matrix["is_wanted"] & (review.matrix["decided_by"] == "")]
    waiting = set(zip(open_rows["kpi"], open_rows["dimension"], strict=True))
    at = cells.index(after) + 1 if after in cells else 0
    return next((cell for cell in [*cells[at:], *cells[:at]] if cell in waiting), None)


def first_open_kpi(review: DiscoveryReview, dimension: str) -> str:
    """Return the first KPI for which a wanted field is not available; the first with that field where all are."""
    rows = review.matrix[review.matrix["dimension"] == dimension]
    waiting = rows[rows["is_wanted"] & (rows["light"] != "available")]
    found = waiting if len(waiting) else rows
    return str(found["kpi"].iloc[0]) if len(found) else ""


def list_fields(review: DiscoveryReview) -> dict[str, str]:
    """Return the fields that can be copied: partition → label, by label."""
    fields = review.matrix[~review.matrix["dimension"].isin(["", ENTRY_DATE])].drop_duplicates("dimension")
    pairs = zip(fields["dimension"], fields["label"], strict=True)
    labels = {str(dimension): words.clean_text(label) for dimension, label in pairs}
    return dict(sorted(labels.items(), key=lambda pair: pair[1].casefold()))


def list_objects(review: DiscoveryReview) -> list[str]:
    """Return the objects that a field can be copied between, in the order of the funnel."""
    columns = [object for _, object in review.primaries.values()]
    ends = [object for column in ("from_object", "to_object") for object in review.copies[column]]
    others = [object for object in dict.fromkeys(ends) if object not in columns]
    return list(dict.fromkeys([*others, *columns]))


def find_next_quarter(quarter: str, fiscal_year_start: int = 1) -> str:
    """Return the quarter after one, as people write it; "next quarter" where the text is none.

    >>> find_next_quarter("Q4 2026"), find_next_quarter("soon")
    ('Q1 2027', 'next quarter')
    """
    period = read_quarter(quarter, fiscal_year_start)
    return period.previous(-1).label if period else "next quarter"


def is_judged_alike(before: Mapping[Any, Any], now: Mapping[Any, Any]) -> bool:
    """Tell whether a cell's judgement is still the same."""
    return all(before[name] == now[name] for name in ("light", "decided_by", "note"))


def save_each(saves: Iterable[Any]) -> Any:
    """Save one after the other up to the first that doesn't go through; return the last that was tried."""
    saved = None
    for saved in saves:
        if saved.status in ("conflict", "failed"):
            break
    return saved
