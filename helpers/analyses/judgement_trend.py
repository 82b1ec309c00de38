"""How people's judgements of the fields moved from quarter to quarter, and which plans are overdue."""

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from helpers.analyses.discovery import SCORES
from helpers.periods import Period, period_of
from helpers.units import format_value

QUARTER_COLUMNS = ["quarter", "start", "n_judged", "n_in_force", "score", "n_same", "score_before", "score_same"]
CHANGE_COLUMNS = [
    "dimension", "object", "label", "before", "after", "since", "direction", "n_kpis", "note", "decided_by",
]  # fmt: skip
OVERDUE_COLUMNS = ["kpi", "dimension", "label", "planned", "owner", "effort", "objects", "light", "note"]

QUARTER = re.compile(r"(?i)\s*Q\s*([1-4])[\s/-]*(FY)?\s*(\d{4})\s*|\s*(FY)?\s*(\d{4})[\s/-]*Q\s*([1-4])\s*")


@dataclass(frozen=True)
class JudgementTrend:
    """What people said of the fields over time.

    A judgement stands until somebody changes it. Quarters are compared over the cells that were judged by the end of
    both, so that a cell judged for the first time moves no score.

    Attributes:
        quarters: One row per quarter in which somebody judged, oldest first, with ``QUARTER_COLUMNS``: ``n_judged``
            cells judged in it, ``n_in_force`` wanted cells judged by its end and their ``score``; ``n_same`` of them
            were judged by the end of the quarter before too, ``score_before`` and ``score_same`` are the scores of
            those at both ends (missing in the first quarter).
        changes: One row per field and object whose light changed in the latest quarter, worse ones first.
        overdue: One row per plan for a quarter that is over while its field is still not available.
        n_undated: Judgements without a quarter that can be read; they count in no quarter.
        sentence: The finding.
    """

    quarters: pd.DataFrame
    changes: pd.DataFrame
    overdue: pd.DataFrame
    n_undated: int
    sentence: str


def build_judgement_trend(
    matrix: pd.DataFrame, decided: Any, *, as_of: date, fiscal_year_start: int = 1
) -> JudgementTrend:
    """Tell how the judgements moved, and which plans are overdue.

    Args:
        matrix: The rows of ``discovery.csv``.
        decided: ``DiscoveryAnswers``, or None where nobody has decided anything.
        as_of: The last day that counts; a plan for a quarter that ends by then should have been carried out.
        fiscal_year_start: The month in which the company's quarters begin to be counted.
    """
    dated = _date(decided.judgements if decided else (), fiscal_year_start)
    taken_back = _date(decided.withdrawn if decided else (), fiscal_year_start)
    quarters = sorted({quarter for quarter, _ in [*dated, *taken_back] if quarter})
    wanted = matrix[matrix["is_wanted"] & (matrix["dimension"] != "")]
    cells = wanted[["kpi", "dimension", "object", "label"]].drop_duplicates(["kpi", "dimension", "object"])
    states = [_judge_by_end(cells, decided, dated, taken_back, quarter) for quarter in quarters]
    rows, before = [], None
    for quarter, state in zip(quarters, states, strict=True):
        fresh = [judgement for of, judgement in dated if of == quarter]
        rows.append(_tell_quarter(quarter, state, before, _count_judged(cells, decided, fresh)))
        before = state
    frame = pd.DataFrame(rows, columns=QUARTER_COLUMNS)
    frame = frame.astype({column: "float64" for column in ("score", "score_before", "score_same")})
    changes = _list_changes(cells, states, quarters)
    return JudgementTrend(
        quarters=frame,
        changes=changes,
        overdue=_list_overdue(matrix, decided, as_of, fiscal_year_start),
        n_undated=sum(quarter is None for quarter, _ in dated),
        sentence=_say_trend(frame, changes),
    )


def read_quarter(text: str, fiscal_year_start: int = 1) -> Period | None:
    """Read a quarter as people write it; None where the text is none, or names a calendar quarter of a fiscal company.

    >>> read_quarter("Q3 2026").label, read_quarter("2026-Q4").label, read_quarter("soon")
    ('Q3 2026', 'Q4 2026', None)
    >>> read_quarter("Q1 FY2027", fiscal_year_start=2).start
    datetime.date(2026, 2, 1)
    """
    found = QUARTER.fullmatch(text or "")
    if not found:
        return _read_day(text, fiscal_year_start)
    number, year = int(found[1] or found[6]), int(found[3] or found[5])
    if not 1000 < year < 9990:
        return None
    begins = year if fiscal_year_start == 1 else year - 1
    index = fiscal_year_start - 1 + 3 * (number - 1)
    return period_of(date(begins + index // 12, index % 12 + 1, 1), "quarter", fiscal_year_start)


def _read_day(text: str, fiscal_year_start: int) -> Period | None:
    try:
        return period_of(date.fromisoformat(text.strip()), "quarter", fiscal_year_start)
    except ValueError:
        return None


Dated = Sequence[tuple[Period | None, Any]]
"""Judgements, each with the quarter in which it was made; None where that can't be read."""


def _date(judgements: Sequence[Any], fiscal_year_start: int) -> Dated:
    return [(read_quarter(judgement.quarter, fiscal_year_start), judgement) for judgement in judgements]


def _judge_by_end(cells: pd.DataFrame, decided: Any, dated: Dated, taken_back: Dated, quarter: Period) -> list[Any]:
    """Return the judgement in force on each cell at a quarter's end, None where there is none or it was taken back."""

    def until(judgements: Dated) -> tuple[Any, ...]:
        made = [(of, judgement) for of, judgement in judgements if of and of <= quarter]
        return tuple(judgement for _, judgement in sorted(made, key=lambda pair: pair[0]))

    return _find_all(cells, replace(decided, judgements=until(dated), withdrawn=until(taken_back)))


def _find_all(cells: pd.DataFrame, decided: Any) -> list[Any]:
    keys = zip(cells["kpi"], cells["dimension"], cells["object"], strict=True)
    return [decided.find(kpi=kpi, dimension=dimension, object=object) for kpi, dimension, object in keys]


def _count_judged(cells: pd.DataFrame, decided: Any, fresh: Sequence[Any]) -> int:
    return sum(found is not None for found in _find_all(cells, replace(decided, judgements=tuple(fresh), withdrawn=())))


def _tell_quarter(quarter: Period, state: list[Any], before: list[Any] | None, n_judged: int) -> dict[str, Any]:
    judged = [SCORES[judgement.light] for judgement in state if judgement]
    same = [(old, new) for old, new in zip(before or [], state, strict=False) if old and new]
    return {
        "quarter": quarter.label,
        "start": pd.Timestamp(quarter.start),
        "n_judged": n_judged,
        "n_in_force": len(judged),
        "score": _mean(judged),
        "n_same": len(same),
        "score_before": _mean([SCORES[old.light] for old, _ in same]),
        "score_same": _mean([SCORES[new.light] for _, new in same]),
    }


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _list_changes(cells: pd.DataFrame, states: list[list[Any]], quarters: Sequence[Period]) -> pd.DataFrame:
    """List per field and object what changed between the last two quarters in which somebody judged."""
    if len(states) < 2:
        return pd.DataFrame(columns=CHANGE_COLUMNS)
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for cell, old, new in zip(cells.to_dict("records"), states[-2], states[-1], strict=True):
        if old is None or new is None or old.light == new.light:
            continue
        is_better = SCORES[new.light] > SCORES[old.light]
        row = {
            "dimension": cell["dimension"],
            "object": cell["object"],
            "label": cell["label"],
            "before": old.light,
            "after": new.light,
            "since": quarters[-1].label,
            "direction": "better" if is_better else "worse",
            "n_kpis": 0,
            "note": new.note,
            "decided_by": new.by,
        }
        key = (str(cell["dimension"]), str(cell["object"]), old.light, new.light)
        found.setdefault(key, row)["n_kpis"] += 1
    rows = sorted(found.values(), key=lambda row: (row["direction"] == "better", -row["n_kpis"]))
    return pd.DataFrame(rows, columns=CHANGE_COLUMNS)


def _list_overdue(matrix: pd.DataFrame, decided: Any, as_of: date, fiscal_year_start: int) -> pd.DataFrame:
    rows = []
    fields = matrix[matrix["dimension"] != ""]
    for plan in decided.activations if decided else ():
        quarter = read_quarter(plan.planned, fiscal_year_start)
        if quarter is None or quarter.end > as_of:
            continue
        cells = fields[(fields["dimension"] == plan.dimension) & (fields["kpi"] == plan.kpi)]
        waiting: list[dict[Hashable, Any]] = cells[cells["light"] != "available"].to_dict("records")
        if len(cells) and not waiting:
            continue
        first = waiting[0] if waiting else {}
        rows.append(
            {
                "kpi": plan.kpi,
                "dimension": plan.dimension,
                "label": first.get("label") or plan.dimension.replace("_", " ").capitalize(),
                "planned": quarter.label,
                "owner": plan.owner,
                "effort": plan.effort,
                "objects": ", ".join(dict.fromkeys(str(cell["object"]) for cell in waiting)),
                "light": first.get("light", "unavailable"),
                "note": plan.note,
            }
        )
    return pd.DataFrame(rows, columns=OVERDUE_COLUMNS)


def _say_trend(quarters: pd.DataFrame, changes: pd.DataFrame) -> str:
    if quarters.empty:
        return "Nobody has judged a field yet"
    last = quarters.iloc[-1]
    if len(quarters) == 1:
        score = format_value(last["score"], "share")
        return f"{last['quarter']} is the first quarter that people judged: the fields they judged score {score}"
    if not last["n_same"]:
        return f"No field was judged by the end of both {quarters.iloc[-2]['quarter']} and {last['quarter']}"
    old, new = (format_value(last[column], "share") for column in ("score_before", "score_same"))
    better, worse = (int((changes["direction"] == word).sum()) for word in ("better", "worse"))
    turned = " and ".join(f"{n} for the {word}" for n, word in ((better, "better"), (worse, "worse")) if n)
    noun = "field" if better + worse == 1 else "fields"
    fields = f"; {noun} that turned: {turned}" if turned else ""
    if old == new:
        return f"The fields judged before stand where they stood in {quarters.iloc[-2]['quarter']}, at {new}{fields}"
    verb = "rose" if last["score_same"] > last["score_before"] else "fell"
    return f"What can be tracked {verb} from {old} to {new} since {quarters.iloc[-2]['quarter']}{fields}"
