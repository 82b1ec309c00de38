"""Hide who decided: people named in discovery decisions become stable pseudonyms."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from helpers.answers.discovery import DiscoveryAnswers
from helpers.answers.survey import Response, number_people, read_responses, read_round
from helpers.model.survey import load_survey


def choose_pseudonyms(responses: Mapping[str, Response], *, salt: str) -> Callable[[str], str]:
    """Return what a name is replaced by: a respondent keeps the survey's pseudonym, anybody else is a ``Person``.

    Args:
        responses: The answers as read, with names.
        salt: Something of the company's own, so that one person has different pseudonyms in two companies.
    """
    known: dict[str, str] = {}
    numbers = number_people(responses)
    for response in responses.values():
        pseudonym = f"Respondent {numbers[response.id]}"
        known[response.name.casefold()] = known[response.id.casefold()] = pseudonym

    def hide(name: str) -> str:
        if not name.strip():
            return name
        digest = sha256("\n".join((salt, name)).encode()).hexdigest()
        other = f"Person {digest[:6]}"
        return known.get(name.casefold(), other)

    return hide


def find_hiding(folder: Path, *, always: bool = False) -> Callable[[str], str]:
    """Return what replaces a name while people decide together: nothing, unless names are hidden now.

    Args:
        folder: The company's folder.
        always: Whether names are hidden whatever the round says.
    """
    if not always and not read_round(folder)[0].hides_names:
        return str
    return choose_pseudonyms(read_responses(folder, load_survey())[0], salt=Path(folder).name)


def hide_deciders(discovery: DiscoveryAnswers, hide: Callable[[str], str]) -> DiscoveryAnswers:
    """Return the same decisions without the names of those who took them or carry them out."""
    return replace(
        discovery,
        judgements=tuple(replace(one, by=hide(one.by)) for one in discovery.judgements),
        withdrawn=tuple(replace(one, by=hide(one.by)) for one in discovery.withdrawn),
        activations=tuple(replace(one, owner=hide(one.owner)) for one in discovery.activations),
    )
