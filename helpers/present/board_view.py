"""What is still to mend on the board, for a report that nobody can type into."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from helpers.model.board import Board, BoardFault
from helpers.present import words
from helpers.present.display import Display, show_message, show_table


def show_board_rules(board: Board, faults: Sequence[BoardFault], *, subtitle: str = "") -> Display:
    """Show what breaks the board's rules, where, and what to do.

    Args:
        board: Everybody's, merged.
        faults: What ``check_board`` found.
        subtitle: What is asked about.

    Returns:
        A table; a message where nobody has written anything, or nothing is left to mend.
    """
    if not board.causes and not faults:
        return show_message(
            "empty",
            "Nobody has written down a cause yet",
            "The data says where and of which kind; people say why.",
            "Open this notebook in JupyterLab, or the app's page Board, and write down what you have seen.",
        )
    n = len(board.causes)
    if not faults:
        kept = "Every kept cause has a containment and a prevention with owner and date"
        return show_message(
            "good", "Nothing left to mend on the board", f"{kept}; {words.count_of(n, 'cause')} in all."
        )
    frame = pd.DataFrame([{"what": one.what, "where": one.where, "cure": one.cure} for one in faults])
    mend = "1 thing is" if len(faults) == 1 else f"{len(faults)} things are"
    people = words.count_of(len(board.authors), "person", "people")
    return show_table(
        frame,
        title=f"{mend} to mend before the board is done",
        subtitle=" · ".join(part for part in (subtitle, f"{words.count_of(n, 'cause')} of {people}") if part),
        labels={"what": "What", "where": "Where", "cure": "What to do"},
    )
