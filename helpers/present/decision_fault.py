"""Decisions that couldn't be read: said instead of "nobody has decided", with the line and what to do."""

from __future__ import annotations

import re

from helpers.analyses.discovery_review import DiscoveryReview
from helpers.present.display import Display, show_message


def show_fault(review: DiscoveryReview) -> Display:
    """Say that decisions can't be read, in which line of which file, and what to do."""
    wrong, _, cure = say_fault(review).partition(". ")
    return show_message("error", "What people decided can't be read", f"{wrong.rstrip('.')}.", cure)


def say_fault(review: DiscoveryReview) -> str:
    """Say which line of which file can't be read, and why; empty where everything can."""
    place, _, rest = review.fault.removeprefix("[").partition("] ")
    if not rest:
        return review.fault
    return f"{re.sub(', row ', ', line ', place)}: {rest}"


def note_fault(review: DiscoveryReview) -> str:
    """Say below a picture or a table that decisions are missing in it; empty where none is."""
    return f" Some decisions are left out: {say_fault(review)}" if review.fault else ""
