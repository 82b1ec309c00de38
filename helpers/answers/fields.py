"""Checking one answer at its field: numbers in range, known choices, lists, grids; every fault with its cure."""

import math
import re
from collections.abc import Mapping
from typing import Any

from helpers.errors import suggest
from helpers.model.survey import SurveyField

Fault = tuple[str, str, str]
"""Place, what is wrong, what to do."""

TEXT_LIMIT = 200_000
"""Characters; nobody types more, and whoever pastes more has pasted the wrong thing."""

LARGEST = 1e15
"""Beyond it a number can no longer be kept to the unit."""

UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Control characters and halves of characters: no page, chart or spreadsheet can hold them."""


def check_answer(field: SurveyField, value: Any) -> tuple[Any, list[Fault]]:
    """Check one answer.

    Args:
        field: The question.
        value: What was typed, as read from the file or given by a form.

    Returns:
        The answer to keep (None: none) and the faults, each as place, what is wrong, and what to do.

    >>> crm = SurveyField(id="crm", label="CRM", type="choice", choices={"hubspot": "HubSpot"})
    >>> check_answer(crm, "hubspt")
    (None, [('crm', "'hubspt' can't be chosen.", "Allowed: HubSpot. Did you mean 'HubSpot'?")])
    """
    if value is None or value == "" or value == []:
        return None, []
    if field.type in ("number", "currency"):
        return _check_number(field, value)
    if field.type in ("choice", "yes_no_unknown"):
        return _check_choice(field, value)
    if field.type in ("multiple_choice", "ranked"):
        return _check_list(field, value)
    if field.type == "grid":
        return _check_grid(field, value)
    return _check_text(field, value)


def read_number(text: str, unit: str = "") -> float | None:
    """Read a number as people type it; a share may be typed as ``60 %`` and is returned as 0.6.

    Returns:
        The number, or None where the text is none.

    >>> read_number("€1,200,000"), read_number("60 %", "share"), read_number("1,5"), read_number("1e400")
    (1200000.0, 0.6, 1.5, None)
    """
    if len(text) > 100:
        return None
    bare = re.sub(r"[\s'\u00a0\u202f€$£%]|days?$|USD|EUR|GBP", "", text.strip())
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", bare):
        bare = bare.replace(",", "")
    elif re.fullmatch(r"-?\d{1,3}(\.\d{3}){2,}(,\d+)?|-?\d{1,3}(\.\d{3})+,\d+", bare):
        bare = bare.replace(".", "").replace(",", ".")
    elif bare.count(",") == 1 and "." not in bare:
        bare = bare.replace(",", ".")
    if not re.fullmatch(r"-?\d+(\.\d*)?([eE][+-]?\d+)?", bare):
        return None
    number = float(bare)
    if not math.isfinite(number):
        return None
    return number / 100 if unit == "share" and ("%" in text or number > 1) else number


def _check_text(field: SurveyField, value: Any) -> tuple[Any, list[Fault]]:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or _is_huge(value):
        return None, [(field.id, f"{_show(value)} is no text.", "Write it in quotation marks.")]
    text = str(value)
    if not text.strip():
        return None, []
    if len(text) > TEXT_LIMIT:
        message = f"the text has {len(text):,} characters; at most {TEXT_LIMIT:,} are kept."
        return None, [(field.id, message, "Shorten it, or paste the part that answers the question.")]
    wrong = UNSHOWABLE.search(text)
    if wrong:
        what = (
            f"the text holds a sign that can't be shown (U+{ord(wrong.group()):04X}) after {wrong.start()} characters."
        )
        return None, [(field.id, what, "Delete it, or type the text again instead of pasting it.")]
    return text, []


def _check_number(field: SurveyField, value: Any) -> tuple[Any, list[Fault]]:
    number = read_number(value, field.unit) if isinstance(value, str) else value
    cure = f"Write a plain number such as {field.example or 10}."
    if isinstance(number, bool) or not isinstance(number, int | float) or number != number:
        return None, [(field.id, f"{_show(value)} is no number.", cure)]
    if abs(number) > LARGEST:
        return None, [(field.id, f"{_show(value)} is a larger number than can be kept.", cure)]
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if field.unit == "year" and not isinstance(number, int):
        return None, [(field.id, f"{_show(value)} is no year.", f"Write four digits such as {field.example or 2014}.")]
    if field.minimum is not None and number < field.minimum:
        return None, [(field.id, f"{_show(value)} is below {_bound(field, field.minimum)}.", "Write a larger number.")]
    if field.maximum is not None and number > field.maximum:
        hint = " A share is kept as 0.6 for 60 %." if field.unit == "share" else ""
        cure = f"Write a smaller number.{hint}"
        return None, [(field.id, f"{_show(value)} is above {_bound(field, field.maximum)}.", cure)]
    return number, []


def _check_choice(field: SurveyField, value: Any) -> tuple[Any, list[Fault]]:
    allowed = field.allowed
    if isinstance(value, bool) and field.type == "yes_no_unknown":
        return ("yes" if value else "no"), []
    by_text = {id.casefold(): id for id in allowed} | {label.casefold(): id for id, label in allowed.items()}
    text = value.strip() if isinstance(value, str) else _show(value)
    chosen = by_text.get(text.casefold())
    if chosen:
        return chosen, []
    hint = suggest(text, [*allowed, *allowed.values()]) if len(text) <= 80 else ""
    return None, [(field.id, f"{_show(value)} can't be chosen.", f"Allowed: {', '.join(allowed.values())}.{hint}")]


def _check_list(field: SurveyField, value: Any) -> tuple[Any, list[Fault]]:
    items = list(value) if isinstance(value, list | tuple) else [value]
    faults: list[Fault] = []
    kept: list[str] = []
    for item in items:
        if field.type == "multiple_choice":
            chosen, wrong = _check_choice(field, item)
            faults.extend(wrong)
        else:
            chosen, wrong = _check_text(field, item)
            chosen = chosen.strip() if chosen else None
            faults.extend(wrong)
        if chosen and chosen not in kept:
            kept.append(chosen)
    if len(kept) > field.maximum_items:
        faults.append((field.id, f"{len(kept)} items are too many.", f"Keep the first {field.maximum_items}."))
    return kept[: field.maximum_items] or None, faults


def _check_grid(field: SurveyField, value: Any) -> tuple[Any, list[Fault]]:
    if not isinstance(value, list | tuple):
        return None, [(field.id, f"{_show(value)} is no list of rows.", "Write one [[table]] per row.")]
    columns = {column.id: column for column in field.columns}
    rows, faults = [], []
    for number, row in enumerate(value, start=1):
        if not isinstance(row, Mapping):
            faults.append((f"{field.id}[{number}]", f"{_show(row)} is no row.", "Write one [[table]] per row."))
            continue
        kept = {}
        for key, cell in row.items():
            place = f"{field.id}[{number}].{key}"
            if key not in columns:
                faults.append((place, "there is no such column.", f"Rename or remove it.{suggest(key, columns)}"))
                continue
            checked, wrong = check_answer(columns[key], cell)
            faults.extend((place, message, cure) for _, message, cure in wrong)
            if checked is not None:
                kept[key] = checked
        if field.key in kept:
            rows.append(kept)
        elif kept:
            where = f"{field.id}[{number}].{field.key}"
            faults.append((where, f"the row has no {field.columns[0].label.lower()}.", "Name the row, or remove it."))
    if len(rows) > field.maximum_rows:
        faults.append((field.id, f"{len(rows)} rows are too many.", f"Keep the first {field.maximum_rows}."))
    return rows[: field.maximum_rows] or None, faults


def _bound(field: SurveyField, bound: float) -> str:
    return f"{bound:.0%}" if field.unit == "share" else f"{bound:,.0f}" if field.unit != "year" else f"{bound:.0f}"


def _show(value: Any) -> str:
    try:
        text = f"'{value}'" if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, lists in lists without end
        return "this value"
    return text if len(text) <= 80 else f"{text[:77]}…'"


def _is_huge(value: Any) -> bool:
    """Tell whether a whole number is so long that it can't be written out."""
    return isinstance(value, int) and abs(value) >= 10**300


def find_text_fault(key: str, value: Any, limit: int) -> Fault | None:
    """Tell what is wrong with a text of a record: none at all, too long, or with a sign that can't be shown.

    Args:
        key: The record's key.
        value: What stands there.
        limit: Characters at most.
    """
    if not isinstance(value, str):
        return key, f"{key} is no text", "Write it in quotation marks."
    if len(value) > limit:
        return key, f"the text has {len(value):,} characters", f"At most {limit:,} are kept; shorten it."
    wrong = UNSHOWABLE.search(value)
    if wrong:
        return key, f"the text holds a sign that can't be shown (U+{ord(wrong.group()):04X})", "Delete it."
    return None
