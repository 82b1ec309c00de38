"""Everybody's files of the board made one: votes and comments by cause, decisions in time, ids that stand twice."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from helpers.model.board import AuthorBoard, Board, BoardCause, BoardFault, Cause, CauseComment, Decision, Vote
from helpers.model.board_action import Action
from helpers.model.source_forecast import rank_moment


def merge_boards(authors: Mapping[str, AuthorBoard] | Iterable[AuthorBoard]) -> Board:
    """Merge what everybody wrote; the order in which files are given makes no difference.

    A second cause under an id that is taken is kept under its author's file name and that id, and told; votes and
    comments on that id stay with the first by name.

    Args:
        authors: What each person wrote.
    """
    given = authors.values() if isinstance(authors, Mapping) else authors
    ordered = {one.id: one for one in sorted(given, key=lambda one: one.id)}
    faults: list[BoardFault] = []
    causes = _collect_causes(ordered, faults)
    actions = _collect_actions(ordered, faults)
    votes, loose = _collect_votes(ordered, causes)
    faults.extend(loose)
    comments = sorted((one for author in ordered.values() for one in author.comments), key=_time_of_comment)
    decisions = sorted((one for author in ordered.values() for one in author.decisions), key=_time_of_decision)
    merged = tuple(
        _merge_cause(
            cause,
            votes.get(id, ()),
            [one for one in comments if one.cause == id],
            [one for one in actions if one.cause == id],
            [one for one in decisions if one.cause == id],
        )
        for id, cause in causes.items()
    )
    for kind, cause_id, author in [
        *(("comment", one.cause, one.author) for one in comments),
        *(("decision", one.cause, one.author) for one in decisions),
    ]:
        if cause_id not in causes:
            faults.append(_tell_loose(kind, cause_id, author))
    return Board(ordered, merged, tuple(faults), tuple(one for one in actions if one.cause not in causes))


def _collect_causes(authors: Mapping[str, AuthorBoard], faults: list[BoardFault]) -> dict[str, Cause]:
    causes: dict[str, Cause] = {}
    for author in authors.values():
        for cause in author.causes:
            id = cause.id
            if id in causes:
                faults.append(_tell_twice(id, "cause", author))
                id = _free(f"{author.id}:{id}", causes)
            causes[id] = replace(cause, id=id)
    return causes


def _collect_actions(authors: Mapping[str, AuthorBoard], faults: list[BoardFault]) -> list[Action]:
    actions: dict[str, Action] = {}
    for author in authors.values():
        for action in author.actions:
            id = action.id
            if id in actions:
                faults.append(_tell_twice(id, "action", author))
                id = _free(f"{author.id}:{id}", actions)
            actions[id] = replace(action, id=id)
    return list(actions.values())


def _collect_votes(
    authors: Mapping[str, AuthorBoard], causes: Mapping[str, Cause]
) -> tuple[dict[str, tuple[Vote, ...]], list[BoardFault]]:
    """Add each person's dots up per cause, so that a cause has one vote of a person, by name."""
    dots: dict[str, dict[str, Vote]] = {}
    faults = []
    for author in authors.values():
        for vote in author.votes:
            if vote.cause not in causes:
                faults.append(_tell_loose("vote", vote.cause, vote.author))
                continue
            mine = dots.setdefault(vote.cause, {})
            before = mine.get(author.id)
            mine[author.id] = replace(vote, dots=vote.dots + (before.dots if before else 0))
    return {id: tuple(one for one in by.values() if one.dots) for id, by in dots.items()}, faults


def _merge_cause(
    cause: Cause,
    votes: tuple[Vote, ...],
    comments: list[CauseComment],
    actions: list[Action],
    decisions: list[Decision],
) -> BoardCause:
    """Lay later decisions over what the author's own record says."""
    state, verdict, decided_by = cause.state, cause.verdict, ""
    for one in decisions:
        if _rank(one.at) > _rank(cause.decided_at):
            state, verdict = one.state or state, one.verdict or verdict
            decided_by = one.author
    return BoardCause(replace(cause, state=state, verdict=verdict), votes, tuple(comments), tuple(actions), decided_by)


def _rank(at: datetime | None) -> float:
    return rank_moment(at)


def _time_of_comment(one: CauseComment) -> tuple[float, str, str]:
    return _rank(one.at), one.author, one.id


def _time_of_decision(one: Decision) -> tuple[float, str]:
    return _rank(one.at), one.author


def _free(id: str, taken: Mapping[str, object]) -> str:
    number, free = 2, id
    while free in taken:
        free, number = f"{id}~{number}", number + 1
    return free


def _tell_twice(id: str, kind: str, author: AuthorBoard) -> BoardFault:
    return BoardFault(
        f"The id '{id}' stands twice; the {kind} of {author.author} is shown under an id of its own.",
        f"answers/board/{author.id}.toml",
        f"Give this {kind} another id, such as one that begins with {author.id}.",
        id,
        "id",
    )


def _tell_loose(kind: str, cause: str, author: str) -> BoardFault:
    return BoardFault(
        f"A {kind} of {author} is about the cause '{cause}', which isn't there.",
        f"the {kind} of {author}",
        "Bring the cause back, correct its id, or remove the record.",
        cause,
        kind,
    )
