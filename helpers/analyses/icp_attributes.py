"""The attributes by which people describe their ideal customer: what each says fits, and where the CRM keeps it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.too_large import is_too_large
from helpers.model.survey import Survey, SurveyField

if TYPE_CHECKING:
    from helpers.answers.survey import Response

SEPARATOR = r"\s*(?:;|,(?!\d{3}(?!\d)))\s*"
"""Between two values; the comma of 2,000 is none."""

SEVERAL = r"\s*[;,|]\s*"
"""Between several values that one record bears, such as its technologies."""

OTHER_NAMES = {
    "technology": ("technologies", "tech_stack", "tech", "web_technologies"),
    "seniority": ("seniority_level", "job_level", "management_level"),
    "department": ("job_function", "function"),
    "title": ("job_title", "jobtitle"),
}
"""Attribute → columns that hold it under another name."""

PARENTS = {
    "contact": (("company", "company_id"),),
    "deal": (("company", "company_id"), ("contact", "contact_id")),
    "customer": (("company", "company_id"), ("deal", "deal_id")),
    "subscription": (("customer", "customer_id"),),
}
"""Object → where it can look an attribute up, and by which key."""

TITLE = "title"


@dataclass(frozen=True)
class Statement:
    """What one person calls a good and a bad fit by one attribute."""

    person: str
    good: str = ""
    bad: str = ""


@dataclass(frozen=True)
class Attribute:
    """One attribute that somebody described.

    Attributes:
        id: What logic and the survey call it.
        label: What readers call it.
        of_buyer: Whether it is the buyer's and not the company's.
        statements: What each person said, in the order told.
    """

    id: str
    label: str
    of_buyer: bool
    statements: tuple[Statement, ...]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Good and bad fit as each person said."""
        return [(statement.good, statement.bad) for statement in self.statements]

    def say(self) -> str:
        """Say the values that at least half of the people name as a good fit."""
        named = Counter(value for good, _ in self.pairs for value in dict.fromkeys(split_values(good)))
        common = [value for value, count in named.items() if count >= len(self.statements) / 2]
        return ", ".join(common) or "no value that half of them name"


def read_attributes(responses: Mapping[str, "Response"], survey: Survey) -> list[Attribute]:
    """Read what people call a good and a bad fit, of companies and of buyers.

    Args:
        responses: Respondent's id → answers; only of a closed round.
        survey: The survey's definition; its grids with a good and a bad fit are read.
    """
    said: dict[str, list[Statement]] = {}
    labels, buyers = {}, set()
    for field in _fit_grids(survey):
        key = field.columns[0]
        labels |= dict(key.choices)
        if field.crm is None or field.crm.check != "icp_fit" or TITLE in key.choices:
            buyers |= set(key.choices)
        for response in responses.values():
            for row in response.values.get(field.id, ()):
                statement = Statement(response.name, str(row.get("good_fit") or ""), str(row.get("bad_fit") or ""))
                if statement.good or statement.bad:
                    said.setdefault(str(row[key.id]), []).append(statement)
    return [Attribute(id, labels.get(id, id), id in buyers, tuple(told)) for id, told in said.items()]


def _fit_grids(survey: Survey) -> list[SurveyField]:
    wanted = {"good_fit", "bad_fit"}
    return [field for _, field in survey.fields() if wanted <= {column.id for column in field.columns}]


def find_values(company: Any, table: pd.DataFrame, object: str, attribute: Attribute) -> pd.Series | None:
    """Return an attribute of each record, looked up along its links where the record lacks it.

    Args:
        company: The opened company.
        table: Records of the object, such as the closed deals.
        object: Which object they are.
        attribute: What is asked for. A buyer's is that of the deal's primary contact; seniority and department are told
            from the job title where the CRM has no field of their own.

    Returns:
        Values along the table's index; None where neither the object nor any that it is linked to carries them, those
        left aside whose records are too many to fetch.
    """
    for is_number in (True, False):
        for name in (attribute.id, *OTHER_NAMES.get(attribute.id, ())):
            path = _find_path(company, table, object, name, is_number=is_number)
            if path is not None:
                return _follow(company, table, *path)
    if attribute.of_buyer and attribute.id != TITLE:
        return find_values(company, table, object, Attribute(TITLE, TITLE, True, ()))
    return None


def _find_path(
    company: Any, table: pd.DataFrame, object: str, name: str, *, is_number: bool, above: tuple[str, ...] = ()
) -> tuple[list[tuple[str, str]], str] | None:
    """Find where a column is kept: on the records, else on those they are linked to; a number before its bands.

    Returns:
        The hops to go, each a key and the object that it leads to, and the column at their end.
    """
    partition = company.partitions.get(name)
    for column in (name,) if is_number else ((partition.objects.get(object) if partition else None), name):
        if column and column in table and (not is_number or pd.api.types.is_numeric_dtype(table[column])):
            return [], column
    for parent, key in PARENTS.get(object, ()):
        linked = None if is_too_large(company, parent) else company.tables.get(parent)
        if linked is None or key not in table or "id" not in linked or parent in above:
            continue
        found = _find_path(company, linked, parent, name, is_number=is_number, above=(*above, object))
        if found is not None:
            return [(key, parent), *found[0]], found[1]
    return None


def _follow(company: Any, table: pd.DataFrame, hops: list[tuple[str, str]], column: str) -> pd.Series:
    """Return a column along the hops that lead to it."""
    if not hops:
        return table[column]
    (key, parent), *rest = hops
    linked = company.tables[parent]
    values = _follow(company, linked, rest, column)
    known = pd.Series(values.to_numpy(), index=pd.Index(linked["id"]))
    return table[key].map(known[known.index.notna() & ~known.index.duplicated()])


def matches(actual: Any, stated: str) -> bool:
    """Tell whether a value is among those stated, sizes by range and words by name.

    >>> matches(30, "100+"), matches(120, "50-200, 500+"), matches("Retail", "Logistics, retail")
    (False, True, True)
    """
    size = read_size(actual)
    for part in split_values(stated):
        bounds = read_range(part)
        if bounds and size is not None:
            if bounds[0] <= size <= bounds[1]:
                return True
        elif part.casefold() == str(actual).strip().casefold():
            return True
    return False


def matches_attribute(attribute: Attribute, actual: Any, stated: str) -> bool:
    """Tell whether a record's value is among those stated, as fits the attribute.

    A title, or what is told from one, fits where it holds the words stated; of several technologies one is enough.

    >>> title = Attribute("title", "Job title", True, ())
    >>> matches_attribute(title, "VP of Operations (EMEA)", "Director, VP"), matches_attribute(title, "MVP lead", "VP")
    (True, False)
    """
    if matches(actual, stated):
        return True
    if attribute.of_buyer:
        words = f" {fold(actual)} "
        return any(f" {fold(part)} " in words for part in split_values(stated) if fold(part))
    if attribute.id == "technology":
        return any(matches(one, stated) for one in re.split(SEVERAL, str(actual)) if one.strip())
    return False


def split_values(text: str) -> list[str]:
    """Split what a person typed into values.

    >>> split_values("Retail; 1,000+, <50")
    ['Retail', '1,000+', '<50']
    """
    return [part.strip() for part in re.split(SEPARATOR, str(text)) if part.strip()]


def find_cuts(attribute: Attribute) -> list[float]:
    """Return the sizes at which people's ranges begin and end, ascending, so that bands can be cut by them."""
    cuts: set[float] = set()
    for part in [part for pair in attribute.pairs for text in pair for part in split_values(text)]:
        bounds = read_range(part)
        if bounds:
            cuts |= {bounds[0], bounds[1] + 1}
    return sorted(cut for cut in cuts if 0 < cut < float("inf"))


def cut_sizes(values: pd.Series, cuts: Sequence[float]) -> pd.Series:
    """Cut numbers into bands between the sizes given.

    >>> cut_sizes(pd.Series([30.0, 100.0, None]), [50, 100]).tolist()
    ['<50', '100+', nan]
    """
    bands = pd.Series(pd.NA, index=values.index, dtype="str")
    edges = [0.0, *cuts, float("inf")]
    for low, high in pairwise(edges):
        inside = values.notna() & (values >= low) & (values < high)
        bands = bands.mask(inside, _say_band(low, high))
    return bands


def _say_band(low: float, high: float) -> str:
    if high == float("inf"):
        return f"{low:,.0f}+"
    return f"<{high:,.0f}" if low == 0 else f"{low:,.0f}–{high - 1:,.0f}"


def read_range(text: str) -> tuple[float, float] | None:
    """Read a size as people write it; None where the text is none.

    >>> read_range("100+"), read_range("50–200 employees"), read_range("<50"), read_range("Retail")
    ((100.0, inf), (50.0, 200.0), (0.0, 49.0), None)
    """
    bare = re.sub(r"[\s'.]|(?<=\d),(?=\d{3})|employees|people", "", text.casefold())
    if match := re.fullmatch(r"(\d+)\+|(?:>=?|over|from|atleast)(\d+)", bare):
        return float(match.group(1) or match.group(2)), float("inf")
    if match := re.fullmatch(r"(?:<=?|under|below|upto)(\d+)", bare):
        return 0.0, float(match.group(1)) - (0 if "=" in bare or "upto" in bare else 1)
    if match := re.fullmatch(r"(\d+)(?:-|–|to)(\d+)", bare):
        return float(match.group(1)), float(match.group(2))
    return None


def read_size(actual: Any) -> float | None:
    """Return a record's size: its number, or the lower end of its band."""
    if isinstance(actual, int | float):
        return float(actual)
    band = read_range(str(actual))
    if band:
        return band[0]
    bare = re.sub(r"[\s,']", "", str(actual))
    return float(bare) if re.fullmatch(r"\d+(\.\d+)?", bare) else None


def fold(text: Any) -> str:
    """Return a text as compared: small letters and words only."""
    return re.sub(r"[^\w]+", " ", str(text).casefold().replace("_", " ")).strip()
