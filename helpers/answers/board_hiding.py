"""Hide who wrote on the board: authors and owners become pseudonyms, in ids and within texts too."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from helpers.answers.files import name_file
from helpers.model.board import AuthorBoard, Board, Cause, ProblemStatement, Why
from helpers.model.board_merging import merge_boards

OF_A_PERSON = r"\b(?:owner|manager)=([^&|:]+)"
"""Where a slice names a person."""

Rewrite = Callable[[str], str]


def hide_board(board: Board, hide: Callable[[str], str]) -> Board:
    """Return the same board under pseudonyms.

    Args:
        board: With names.
        hide: Returns a name's pseudonym.
    """
    authors = list(board.authors.values())
    stems: dict[str, str] = {}
    for one in authors:
        stem = name_file(hide(one.author))
        stems[one.id] = stem if stem not in stems.values() else f"{stem}-{len(stems)}"
    ids = _rename_ids(authors, stems)
    rewrite = make_cleaner(board, hide)
    return merge_boards(_hide_author(one, stems[one.id], hide, ids, rewrite) for one in authors)


def make_cleaner(board: Board, hide: Callable[[str], str]) -> Rewrite:
    """Return what takes the names of authors, owners and people by whom slices were cut out of a text.

    Args:
        board: With names.
        hide: Returns a name's pseudonym.
    """
    return _rewriter({name: hide(name) for name in _list_names(board.authors.values()) if name.strip()})


def _list_names(authors: Iterable[AuthorBoard]) -> set[str]:
    """List authors, owners of actions, and people by whom slices were cut."""
    names, slices = set(), []
    for one in authors:
        names |= {one.author, *(action.owner for action in one.actions)}
        slices += [action.slice for action in one.actions]
        slices += [said for cause in one.causes for found in cause.list_evidence() for said in (found.id, found.says)]
    return names | {match.strip() for text in slices for match in re.findall(OF_A_PERSON, text)}


def _rename_ids(authors: Iterable[AuthorBoard], stems: Mapping[str, str]) -> Rewrite:
    """Return what an id becomes: the author's pseudonym in place of the file's name."""
    known: dict[str, str] = {}
    for one in authors:
        rows = [*((row, "") for row in one.causes), *((row, "action-") for row in one.actions)]
        rows += [(row, "comment-") for row in one.comments]
        for number, (row, prefix) in enumerate(rows, start=1):
            known.setdefault(row.id, f"{stems[one.id]}-{prefix}{number}")

    def rename(id: str) -> str:
        return known.get(id, "a cause that isn't there" if id else "")

    return rename


def _rewriter(pseudonyms: dict[str, str]) -> Rewrite:
    if not pseudonyms:
        return str
    by_name = {name.casefold(): said for name, said in pseudonyms.items()}
    longest_first = sorted(pseudonyms, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
    return lambda text: pattern.sub(lambda found: by_name.get(found.group().casefold(), "somebody"), text)


def _hide_author(
    one: AuthorBoard, stem: str, hide: Callable[[str], str], rename: Rewrite, rewrite: Rewrite
) -> AuthorBoard:
    name = hide(one.author)
    actions = tuple(
        replace(
            row, id=rename(row.id), cause=rename(row.cause), text=rewrite(row.text), owner=hide(row.owner),
            slice=rewrite(row.slice), pauses=rewrite(row.pauses), author=name,
            checks=tuple(replace(check, note=rewrite(check.note)) for check in row.checks),
        )
        for row in one.actions
    )  # fmt: skip
    return AuthorBoard(
        stem,
        name,
        tuple(_hide_cause(row, name, rename, rewrite) for row in one.causes),
        actions,
        tuple(replace(row, cause=rename(row.cause), author=name) for row in one.votes),
        tuple(replace(row, cause=rename(row.cause), author=name) for row in one.decisions),
        tuple(
            replace(row, id=rename(row.id), cause=rename(row.cause), text=rewrite(row.text), author=name)
            for row in one.comments
        ),
        _hide_problem(one.problem, name, rewrite),
    )


def _hide_cause(cause: Cause, name: str, rename: Rewrite, rewrite: Rewrite) -> Cause:
    def hide_evidence(items):
        return tuple(replace(one, id=rewrite(one.id), says=rewrite(one.says)) for one in items)

    return replace(
        cause,
        id=rename(cause.id),
        text=rewrite(cause.text),
        whys=tuple(Why(rewrite(one.text), hide_evidence(one.evidence)) for one in cause.whys),
        prediction=rewrite(cause.prediction),
        evidence=hide_evidence(cause.evidence),
        author=name,
    )


def _hide_problem(problem: ProblemStatement | None, name: str, rewrite: Rewrite) -> ProblemStatement | None:
    if problem is None:
        return None
    rows = {
        question: replace(row, shows=rewrite(row.shows), spares=rewrite(row.spares), difference=rewrite(row.difference))
        for question, row in problem.rows.items()
    }
    return replace(problem, rows=rows, author=name)
