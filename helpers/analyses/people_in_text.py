"""Whether a text names a person of the company: a miss is a matter of the system, so no cause may end at somebody."""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from helpers.analyses.too_large import is_too_large

PERSONAL = {
    "deal": ("owner",), "contact": ("owner",), "company": ("owner",), "customer": ("owner",), "activity": ("owner",),
    "person": ("name", "id"),
}  # fmt: skip
"""Object → columns that hold names of people."""

NO_PERSON = frozenset(
    "unassigned nobody none unknown blank queue house team system admin integration api marketing sales support "
    "partner partners inbound outbound customer success round robin account pool open default user bot crm owner "
    "north south east west emea apac us uk smb enterprise".split()
)
"""Words that no person is called; an owner with one of them is a queue or a team."""

ALSO_WORDS = frozenset(
    "will may mark grant rose art bill young case price field best long summer april june august bell cook page park "
    "hope grace joy faith rich frank pat rob sue chase reed banks day white black brown green gray grey king star "
    "penny rusty sandy hunter miles max drew ray guy".split()
)
"""First or last names that are words too; alone they name nobody."""

LEAST = 3
"""Letters that a single name needs to be looked for."""


def list_people(company: Any, others: Iterable[str] = ()) -> tuple[str, ...]:
    """List the names of the company's people: owners of records, people in the exports, and those given.

    Args:
        company: The opened company.
        others: Further names, such as authors of the board.
    """
    names = set(others)
    for object, columns in PERSONAL.items():
        if object not in company.tables or is_too_large(company, object):
            continue
        table = company.tables[object]
        for column in columns:
            if column in table.columns:
                names |= {str(value) for value in table[column].dropna().unique()}
    return tuple(sorted({name.strip() for name in names if is_name(name)}))


def is_name(text: str) -> bool:
    """Tell whether an owner's name can be a person's.

    >>> is_name("Ana Okafor"), is_name("Unassigned"), is_name("Inbound queue"), is_name("4711")
    (True, False, False, False)
    """
    words = _split(text)
    return bool(words) and not any(word.casefold() in NO_PERSON for word in words) and len(text.strip()) >= LEAST


def make_name_finder(people: Collection[str]) -> Callable[[str], str]:
    """Return what finds the first person named in a text; it returns an empty text where none is.

    A whole name counts in any case, but for one that is made of words; a first or last name alone counts with its
    capital letter, unless it is a word too.

    Args:
        people: Names.

    >>> find = make_name_finder(["Ana Okafor", "Will Grant"])
    >>> find("because ana okafor was away"), find("since Okafor left"), find("Grant money will end")
    ('Ana Okafor', 'Ana Okafor', '')
    """
    whole: dict[str, str] = {}
    single: dict[str, str] = {}
    for name in sorted(people):
        parts = _split(name)
        whole[" ".join(name.casefold().split())] = name
        if len(parts) > 1:
            for part in (parts[0], parts[-1]):
                if len(part) >= LEAST and part.casefold() not in ALSO_WORDS:
                    single.setdefault(part[:1].upper() + part[1:], name)
    longest = sorted(whole, key=len, reverse=True)
    full = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE) if longest else None

    def find(text: str) -> str:
        plain = " ".join(text.split())
        for hit in full.finditer(plain) if full else ():
            name = whole[" ".join(hit.group(1).casefold().split())]
            if hit.group(1) == name or not all(part.casefold() in ALSO_WORDS for part in _split(name)):
                return name
        for found in re.finditer(r"[^\W\d_]+(?:'s\b)?", text):
            word = re.sub(r"'s$", "", found.group())
            if word in single:
                return single[word]
        return ""

    return find


def _split(name: str) -> list[str]:
    local = name.strip().split("@")[0]
    return [part for part in re.split(r"[\s._,-]+", local) if re.search(r"[^\W\d_]", part)]
