"""From a picture of slices to the records behind the slice that is most worth a look."""

from collections.abc import Mapping, Sequence
from typing import Any

from helpers.analyses.records import DENOMINATOR, RecordList, list_records
from helpers.analyses.slicing import OTHERS, Slices
from helpers.analyses.slicing_filters import split_slice


def list_slice_records(
    results: Sequence[Slices], look_at: Mapping[str, Any] | None = None, *, side: str = DENOMINATOR
) -> RecordList | None:
    """List the records behind one slice.

    Args:
        results: The result of ``slice_kpis``.
        look_at: Partition → value of the slice; empty takes the one that the first headline names, else the largest.
        side: numerator or denominator of the KPI.

    Returns:
        The records; None where there is no slice.
    """
    told = [result for result in results if result.question is not None and len(result.frame)]
    if not told:
        return None
    result = next((one for one in told if set(one.by) == set(look_at or {})), told[0])
    question = result.question
    chosen = dict(look_at or {}) or _most_told(result)
    return list_records(
        question.company,
        result.kpi.id,
        result.period,
        slice=chosen,
        filters=question.filters,
        side=side,
        basis=question.basis,
        as_of=question.as_of,
        horizon_days=question.horizon_days,
    )


def _most_told(result: Slices) -> dict[str, str]:
    names = [str(name) for name in result.frame["slice"] if name != OTHERS]
    said = [name for name in names if name in result.headline]
    name = max(said, key=len, default=names[0])
    return split_slice(result.question.company, name, result.by, as_of=result.question.as_of)
