"""Earlier versions of a file of answers: which are kept, and for how long.

They lie in ``answers/.versions/<topic>/<n>.toml``, each with the time at which it was saved as its file time. A version
that was replaced by an older one is called ``<n>-pinned.toml`` and stays for good.
"""

import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

MINUTE = 60
RECENT = 10 * MINUTE
"""Seconds within which every version is kept."""

DAY = 24 * 60 * MINUTE
RECENT_KEPT = 300
"""So many of the recent ones at most: ten minutes of somebody who types without a pause."""

THINNED_EVERY = 16


class Version(NamedTuple):
    """One earlier version: its number, when it was saved (seconds since 1970), whether it stays for good."""

    number: int
    saved_at: float
    is_pinned: bool = False


def list_numbers(folder: Path) -> list[int]:
    """List the numbers of the versions in a folder, oldest first."""
    return sorted(_read_names(folder))


def find_version(folder: Path, number: int) -> Path | None:
    """Return the file of a version, or None where it isn't kept."""
    name = _read_names(folder).get(number)
    return folder / name if name else None


def read_times(folder: Path) -> list[Version]:
    """List the versions in a folder with the times at which they were saved, oldest first."""
    found = []
    for number, name in sorted(_read_names(folder).items()):
        with suppress(FileNotFoundError):  # thinned away just now
            found.append(Version(number, (folder / name).stat().st_mtime, name.endswith("-pinned.toml")))
    return found


def keep_version(folder: Path, path: Path, *, now: float, is_pinned: bool = False) -> Path:
    """Keep what a file holds now as a version, and thin out the older ones from time to time.

    Args:
        folder: Where the topic's versions lie.
        path: The file; it is about to be replaced whole, so that a second name for it is enough.
        now: Seconds since 1970.
        is_pinned: Whether it stays for good.

    Returns:
        The version's file.

    Raises:
        OSError: The folder can't be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    number = max(_read_names(folder), default=0) + 1
    target = folder / (f"{number:06d}-pinned.toml" if is_pinned else f"{number:06d}.toml")
    try:
        os.link(path, target)
    except OSError:
        shutil.copy2(path, target)
    if number % THINNED_EVERY == 0:
        for gone in choose_thinned(read_times(folder), now=now):
            place = find_version(folder, gone)
            if place:
                place.unlink(missing_ok=True)
    return target


def choose_thinned(versions: Iterable[Version], *, now: float) -> list[int]:
    """Choose which versions go.

    Every one of the last ten minutes stays (at most ``RECENT_KEPT``), then the last of every ten minutes for a day,
    then the last of every day. The newest and the pinned ones always stay.

    Args:
        versions: The versions kept.
        now: Seconds since 1970; a version that seems to be saved later counts as recent.

    Returns:
        Numbers, ascending.

    >>> choose_thinned([Version(1, 0), Version(2, 30), Version(3, 900), Version(4, 1000)], now=1000)
    [1]
    """
    ordered = sorted(versions)
    recent = [version.number for version in ordered if now - version.saved_at <= RECENT]
    stays = set(recent[-RECENT_KEPT:]) | {version.number for version in ordered if version.is_pinned}
    last: dict[tuple[str, int], int] = {}
    for version in ordered:
        is_of_a_day = now - version.saved_at <= DAY
        bucket = ("tens", int(version.saved_at // RECENT)) if is_of_a_day else ("days", int(version.saved_at // DAY))
        last[bucket] = version.number
    stays |= set(last.values()) | {version.number for version in ordered[-1:]}
    return [version.number for version in ordered if version.number not in stays]


def to_seconds(moment: datetime) -> float:
    """Return a moment as seconds since 1970; one without a time zone is the machine's own."""
    return moment.timestamp()


def _read_names(folder: Path) -> dict[int, str]:
    try:
        names = os.listdir(folder)  # noqa: PTH208  # the names alone, of hundreds of files, at every save
    except FileNotFoundError:
        return {}
    matches = (re.fullmatch(r"(\d+)(?:-pinned)?\.toml", name) for name in names)
    return {int(match.group(1)): match.group(0) for match in matches if match}
