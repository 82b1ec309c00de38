"""What can go wrong, sorted by whose fault it is, and the one place that guesses what a person meant to type."""

from collections.abc import Iterable
from difflib import get_close_matches


class DiagnosticError(Exception):
    """Stand for anything this project refuses to do; its text says what is wrong, where, and how to mend it."""


class DefinitionError(DiagnosticError):
    """Report a definition (a file under ``data/definitions`` or ``company.toml``) that can't be used as written."""


class DataError(DiagnosticError):
    """Report exports that can't be used at all; single bad rows are issues instead (see ``helpers.issues``)."""


class QuestionError(DiagnosticError):
    """Report a question about things that don't exist: an unknown KPI, partition, period or slice."""


class ParameterError(DiagnosticError):
    """Report a parameter of a notebook or of the command line that can't be used."""


class AnswersError(DiagnosticError):
    """Report a file of people's answers that is damaged or contradicts itself; such a file is never overwritten."""


def suggest(name: str, allowed: Iterable[str]) -> str:
    """Say what a person probably meant.

    Args:
        name: What was typed.
        allowed: Everything that could have been typed.

    Returns:
        A sentence that starts with a blank, or an empty text where nothing is near.

    >>> suggest("win_rat", ["win_rate", "leads"])
    " Did you mean 'win_rate'?"
    >>> suggest("zzz", ["win_rate", "leads"])
    ''
    """
    by_folded = {candidate.casefold(): candidate for candidate in allowed}
    near = get_close_matches(str(name).casefold(), list(by_folded), n=1, cutoff=0.6)
    return f" Did you mean '{by_folded[near[0]]}'?" if near else ""
