"""The rules of the board: no action without a cause, no proof without evidence, no more than the gap, nobody blamed."""

from collections.abc import Collection
from dataclasses import dataclass

from helpers.analyses.people_in_text import make_name_finder
from helpers.model.board import MOST_DOTS, AuthorBoard, Board, BoardCause, BoardFault, Cause
from helpers.model.board_action import KINDS, Action
from helpers.units import format_value

TOLERANCE = 0.005
"""Share of the gap by which the contributions may exceed it, since people round."""


@dataclass(frozen=True)
class BoardSummary:
    """The board in numbers.

    Attributes:
        n_causes: Causes that are neither dropped nor rejected.
        n_opinions: Those of them without evidence.
        n_kept: Those of them that are kept.
        n_people: People who wrote, voted or commented.
        explained: What the kept causes explain together, in the gap's unit; None where none says so.
        gap: The gap's size; None where it isn't known.
        title: The finding, in a sentence.
    """

    n_causes: int
    n_opinions: int
    n_kept: int
    n_people: int
    explained: float | None
    gap: float | None
    title: str


def check_board(
    board: Board,
    *,
    gap: float | None = None,
    unit: str = "currency",
    currency: str = "USD",
    period: str = "",
    people: Collection[str] = (),
) -> list[BoardFault]:
    """Hold the board against its rules.

    Args:
        board: Everybody's, merged.
        gap: The gap in its unit, of either sign; None where it isn't known.
        unit: The gap's unit, for the words.
        currency: The company's currency.
        period: The period in question; only its causes, and those without a period, count against the gap.
        people: Names of the company's people, none of which a cause may end at.

    Returns:
        What is wrong, where, and what to do: first what breaks a rule, then what is still missing. Empty where nothing
        is.
    """
    return [
        *board.faults,
        *_check_actions(board),
        *_check_proof(board),
        *_check_contributions(board, gap, unit, currency, period),
        *_check_names(board, people),
        *_check_dots(board),
        *_check_kept(board),
    ]


def summarise_board(
    board: Board, *, gap: float | None = None, unit: str = "currency", currency: str = "USD", period: str = ""
) -> BoardSummary:
    """Sum the board up in a sentence, with what the kept causes explain of the gap.

    Args:
        board: Everybody's, merged.
        gap: The gap in its unit; None where it isn't known.
        unit: The gap's unit.
        currency: The company's currency.
        period: The period in question; causes of other periods don't count.
    """
    causes = [one.cause for one in board.causes if not one.cause.is_out and is_of_period(one.cause, period)]
    kept = [cause for cause in causes if cause.state == "kept"]
    told = [cause.contribution for cause in kept if cause.contribution is not None]
    explained = sum(told) if told else None
    n_opinions = sum(cause.is_opinion for cause in causes)
    people = {author.author.casefold() for author in board.authors.values() if _has_spoken(author)}
    size = abs(gap) if gap is not None else None
    title = _write_title(len(causes), n_opinions, len(kept), explained, size, unit, currency)
    return BoardSummary(len(causes), n_opinions, len(kept), len(people), explained, size, title)


def is_of_period(cause: Cause, period: str) -> bool:
    """Tell whether a cause explains a period's gap; one that names no period explains any."""
    return not period or not cause.period or cause.period == period


def _write_title(
    n: int, n_opinions: int, n_kept: int, explained: float | None, gap: float | None, unit: str, currency: str
) -> str:
    if not n:
        return "Nobody has written down a cause yet"
    causes = "1 cause" if n == 1 else f"{n} causes"
    if not n_kept:
        backed = n - n_opinions
        proof = f"{backed} backed by evidence" if backed else "none backed by evidence"
        return f"{causes} on the board, {proof}, none kept yet"
    said = f"{n_kept} of {causes} kept"
    if explained is None:
        return f"{said}; nobody has said yet how much of the gap {'it explains' if n_kept == 1 else 'they explain'}"
    amount = format_value(explained, unit, currency=currency)
    if not gap:
        return f"{said}; so far they explain {amount}"
    verb = "it explains" if n_kept == 1 else "they explain"
    return f"{said}; so far {verb} {amount} of the gap of {format_value(gap, unit, currency=currency)}"


def _check_actions(board: Board) -> list[BoardFault]:
    faults = [
        BoardFault(
            "The action has no cause." if not action.cause else f"Its cause '{action.cause}' isn't on the board.",
            _name_action(action),
            "Link it to the cause that it removes, or drop it.",
            action.id,
            "action",
        )
        for action in board.loose_actions
        if action.state != "dropped"
    ]
    for one in board.causes:
        if one.cause.is_out:
            why = "dropped" if one.cause.state == "dropped" else "rejected"
            faults += [
                BoardFault(
                    f"The action goes on although its cause was {why}.",
                    _name_action(action),
                    "Drop the action, or take the cause up again.",
                    one.id,
                    "action",
                )
                for action in one.actions
                if action.is_open
            ]
    return faults


def _check_proof(board: Board) -> list[BoardFault]:
    return [
        BoardFault(
            "The cause is called confirmed without any evidence.",
            _quote(one.cause.text),
            "Link what the data shows for it, or set it back to not tested yet.",
            one.id,
            "evidence",
        )
        for one in board.causes
        if one.cause.verdict == "confirmed" and one.cause.is_opinion and one.cause.state != "dropped"
    ]


def _check_contributions(board: Board, gap: float | None, unit: str, currency: str, period: str) -> list[BoardFault]:
    if gap is None:
        return []
    told = [
        one
        for one in board.causes
        if one.cause.contribution is not None and not one.cause.is_out and is_of_period(one.cause, period)
    ]
    total, size = sum(one.cause.contribution or 0.0 for one in told), abs(gap)
    if total <= size * (1 + TOLERANCE):
        return []
    largest = max(told, key=lambda one: one.cause.contribution or 0.0)
    return [
        BoardFault(
            f"The causes explain {format_value(total, unit, currency=currency)} together, more than the gap of "
            f"{format_value(size, unit, currency=currency)}.",
            f"{len(told)} causes with a contribution" if len(told) > 1 else _quote(largest.cause.text),
            "Two causes may count the same money: lower or drop one of them, or reject what the data doesn't show.",
            largest.id,
            "contribution",
        )
    ]


def _check_names(board: Board, people: Collection[str]) -> list[BoardFault]:
    if not people:
        return []
    find = make_name_finder(people)
    faults = []
    for one in board.causes:
        if one.cause.is_out:
            continue
        texts = [("the cause", one.cause.text)]
        texts += [(f"why {number}", why.text) for number, why in enumerate(one.cause.whys, start=1)]
        for place, text in texts:
            name = find(text)
            if name:
                faults.append(
                    BoardFault(
                        f"{place[:1].upper()}{place[1:]} names {name}.",
                        _quote(text),
                        "Ask why once more and say what in the system let it happen: load, routing, a rule, a missing "
                        "step.",
                        one.id,
                        "person",
                    )
                )
    return faults


def _check_dots(board: Board) -> list[BoardFault]:
    return [
        BoardFault(
            f"{author.author} has put {board.count_dots(author.author)} dots; everybody has {MOST_DOTS}.",
            f"the votes of {author.author}",
            "Take some back.",
            "",
            "dots",
        )
        for author in board.authors.values()
        if board.count_dots(author.author) > MOST_DOTS
    ]


def _check_kept(board: Board) -> list[BoardFault]:
    faults: list[BoardFault] = []
    for one in board.causes:
        if one.cause.state != "kept" or one.cause.verdict == "rejected":
            continue
        for kind, label in KINDS.items():
            actions = one.list_actions(kind)
            if not actions:
                cure = (
                    "Say what closes this period's gap" if kind == "contain" else "Say what keeps it from coming back"
                )
                faults.append(
                    _miss(one, f"The cause is kept and has no {label.lower()}.", f"{cure}, who does it and by when.")
                )
            faults += [fault for action in actions if (fault := _check_whole(one, action, label))]
        if one.is_reopened:
            faults.append(
                _miss(
                    one,
                    "An action against it was checked and did not work.",
                    "Ask why again, or choose another action.",
                )
            )
    return faults


def _check_whole(one: BoardCause, action: Action, label: str) -> BoardFault | None:
    missing = [
        what
        for what, value in (
            ("what is done", action.text.strip()),
            ("an owner", action.owner.strip()),
            ("a date", action.due),
            ("the KPI that will show it", action.kpi),
        )
        if not value
    ]
    if not missing or action.is_done:
        return None
    listed = missing[0] if len(missing) == 1 else f"{', '.join(missing[:-1])} and {missing[-1]}"
    return _miss(one, f"The {label.lower()} lacks {listed}.", "Fill it in with the cause.")


def _miss(one: BoardCause, what: str, cure: str) -> BoardFault:
    return BoardFault(what, _quote(one.cause.text), cure, one.id, "kept")


def _name_action(action: Action) -> str:
    return _quote(action.text) if action.text.strip() else f"an action of {action.author or 'somebody'}"


def _quote(text: str) -> str:
    plain = " ".join(text.split())
    return f"“{plain}”" if len(plain) <= 90 else f"“{plain[:88].rstrip()}…”"


def _has_spoken(author: AuthorBoard) -> bool:
    return any((author.causes, author.votes, author.comments, author.actions, author.decisions))
