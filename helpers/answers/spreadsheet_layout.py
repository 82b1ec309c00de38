"""What a workbook of answers holds beside what people see: marks on its rows, and the answers as they were exported.

Every row that can be filled in carries a mark in the hidden first column, such as ``q:overview.employees``; it moves
with its row when people insert, sort or rename. A hidden sheet keeps the answers as exported, so that an import can
tell what a person changed from what somebody else has changed since.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from helpers.model.survey import Survey, SurveyField

FORMAT = "revenue-engine-answers 1"
README = "Read me"
EXPORTED = "_exported"
"""The hidden sheet that holds the answers as they were exported."""

CHOICES = "_choices"
"""The hidden sheet that the lists to choose from stand on."""

QUESTION, ANSWER = "Question", "Your answer"
TICK = "x"
LONGEST_TEXT = 32_767
"""Characters of a spreadsheet's cell."""

TOO_LONG = (
    "characters are too long for a cell. This answer stays as it is, unless you write another one here. It begins:]"
)

LIGHT_WORDS = MappingProxyType(
    {"available": "● available", "adoption_needed": "◐ adoption needed", "unavailable": "○ unavailable"}
)
COPY_WORDS = MappingProxyType({"exists": "is there", "wanted": "wanted", "not_wanted": "not wanted"})
EFFORT_WORDS = MappingProxyType({"small": "small", "medium": "medium", "large": "large"})
PLAN_WORDS = MappingProxyType({"yes": "Yes", "no": "No"})
"""What people choose from in the matrix: what is kept → what a cell shows."""

_CHUNK = 30_000
_MARK = re.compile(r"q:(?P<key>[a-z0-9_]+\.[A-Za-z0-9_]+)?(?:#(?P<part>[^#]*))?")
_ROW = re.compile(r"(\d{1,6}):(\d{1,6})")
_SECONDARY = re.compile(r"=IF\(AND\(TRIM\(([A-Z]{1,3}\d{1,7})\)<>\"\",TRIM\(([A-Z]{1,3}\d{1,7})\)<>\"\"\),.*")
_RISKY = re.compile(r"^[\s\ufeff]*[=+\-@\t\r\n|]")
_UNREADABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Mark:
    """What a row is for.

    Attributes:
        key: Table and question, such as ``overview.employees``; empty for the row of headings.
        part: Empty for the question's own row; ``head``, ``note`` and ``end`` of a table; the number of an item; the id
            of a choice; of a table's row what ``RowMark`` says.
    """

    key: str
    part: str = ""

    def write(self) -> str:
        """Return the text of the mark."""
        return f"q:{self.key}#{self.part}" if self.part else f"q:{self.key}"


@dataclass(frozen=True)
class RowMark:
    """Which row of a table it is.

    Attributes:
        place: Its number in the table, from 1.
        index: The number of the row in the answer that was exported, from 1; 0 for a row that held none.
    """

    place: int
    index: int = 0

    def write(self) -> str:
        """Return the part of a mark that stands for it."""
        return f"{self.place}:{self.index}"


def read_row_mark(part: str) -> RowMark | None:
    """Read which row of a table a mark's part stands for; None where it stands for something else.

    >>> read_row_mark("5:2")
    RowMark(place=5, index=2)
    """
    found = _ROW.fullmatch(part)
    return RowMark(int(found[1]), int(found[2])) if found else None


def name_secondary(kpi: str, cut: str) -> str:
    """Return the formula that names a secondary KPI after two cells: its primary KPI and the cut.

    It is the only formula in the workbooks; nothing is ever read from its result.
    """
    return f'=IF(AND(TRIM({kpi})<>"",TRIM({cut})<>""),TRIM({kpi})&" by "&TRIM({cut}),"")'


def read_secondary(formula: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return the two cells, as row and column, after which ``name_secondary`` names; None for any other formula.

    >>> read_secondary(name_secondary("B12", "F12"))
    ((12, 2), (12, 6))
    """
    found = _SECONDARY.fullmatch(formula.replace(" ", ""))
    if not found or name_secondary(*found.groups()).replace(" ", "") != formula.replace(" ", ""):
        return None
    kpi, cut = (_read_cell_name(name) for name in found.groups())
    return kpi, cut


def read_mark(text: Any) -> Mark | None:
    """Read a mark; None where the text is none.

    >>> read_mark("q:overview.top_priorities#2")
    Mark(key='overview.top_priorities', part='2')
    """
    found = _MARK.fullmatch(text.strip()) if isinstance(text, str) else None
    return Mark(found["key"] or "", found["part"] or "") if found and text.strip() != "q:" else None


def mark_cell(*names: str) -> str:
    """Return the mark of a row or column of the matrix's workbook.

    >>> mark_cell("light", "leads", "source", "contact")
    'm:["light", "leads", "source", "contact"]'
    """
    return f"m:{json.dumps(names)}"


def read_cell_mark(text: Any) -> tuple[str, ...]:
    """Read a mark of ``mark_cell``; empty where the text is none."""
    if not isinstance(text, str) or not text.startswith("m:["):
        return ()
    try:
        names = json.loads(text.strip()[2:])
    except (ValueError, RecursionError):
        return ()
    return tuple(map(str, names)) if isinstance(names, list) else ()


def list_questions(survey: Survey) -> Iterator[tuple[str, SurveyField]]:
    """Go through what is asked about the person and then every question, each with its key in the workbook."""
    for field in survey.respondent:
        yield f"respondent.{field.id}", field
    for tab, field in survey.fields():
        yield f"{tab.id}.{field.id}", field


def show_text(value: Any) -> str:
    """Return text as it stands in a cell: readable, and never taken for a formula.

    >>> show_text("=1+1"), show_text("Ann")
    ("'=1+1", 'Ann')
    """
    text = _UNREADABLE.sub("", str(value).replace("\r\n", "\n"))
    text = f"'{text}" if _RISKY.match(str(value)) else text
    if len(text) <= LONGEST_TEXT:
        return text
    return f"[{len(str(value)):,} {TOO_LONG}\n{text[:500]}"


def is_too_long(text: str) -> bool:
    """Tell whether a cell shows only the beginning of what was exported.

    >>> is_too_long(show_text("x" * 100_000)), is_too_long("x")
    (True, False)
    """
    return TOO_LONG in text[:200]


def read_text(text: str) -> str:
    """Return what a person meant by the text of a cell: without blanks around it and without the guard before ``=``.

    >>> read_text("'=1+1 ")
    '=1+1'
    """
    text = text.replace("_x000D_", "").replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith("'") and _RISKY.match(text[1:]):
        text = text[1:]
    return text.strip()


def show_answer(field: SurveyField, value: Any) -> str | float | int | None:
    """Return an answer as it stands in a cell; None where there is none.

    Args:
        field: The question, or a column of a table; not a table, a ranked list or a multiple choice as such.
        value: The answer as kept in the file.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, int | float):
        return value
    return show_text(field.allowed.get(str(value), value))


def fingerprint_survey(survey: Survey) -> str:
    """Return a short text that changes with what the survey asks, and not with how it explains it."""

    def describe(field: SurveyField) -> list[Any]:
        columns = [describe(column) for column in field.columns]
        return [field.id, field.type, field.unit, sorted(field.allowed), columns]

    asked = [[key, describe(field)] for key, field in list_questions(survey)]
    return sha256(json.dumps(asked).encode()).hexdigest()[:12]


def name_company(folder: Path) -> str:
    """Return the name by which a company's workbooks are told from another's: that of company.toml, or the folder's."""
    try:
        name = tomllib.loads((folder / "company.toml").read_text(encoding="utf-8-sig")).get("name")
    except (OSError, ValueError):
        name = None
    return name if isinstance(name, str) and name.strip() else folder.resolve().name


def pack_exported(exported: Mapping[str, Any]) -> list[str]:
    """Turn what was exported into texts of cells, one below the other."""
    text = json.dumps({"format": FORMAT, **exported}, ensure_ascii=True, sort_keys=True).replace("_", "\\u005f")
    return [f"#{text[start : start + _CHUNK]}" for start in range(0, len(text), _CHUNK)]


def unpack_exported(texts: list[str]) -> dict[str, Any] | None:
    """Return what was exported; None where the texts are not what ``pack_exported`` wrote."""
    try:
        exported = json.loads("".join(text.removeprefix("#") for text in texts))
    except (ValueError, RecursionError):
        return None
    is_ours = isinstance(exported, dict) and str(exported.get("format", "")).startswith("revenue-engine-answers")
    return exported if is_ours else None


def name_cell(row: int, column: int) -> str:
    """Return a cell's name as people see it.

    >>> name_cell(7, 3), name_cell(1, 28)
    ('C7', 'AB1')
    """
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


def _read_cell_name(name: str) -> tuple[int, int]:
    letters = name.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return int(name.removeprefix(letters)), column
