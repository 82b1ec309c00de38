"""Keeping what people typed: TOML files that are written whole or not at all, with every earlier version kept.

A *topic* is a file under ``answers/`` without its ending: ``survey/ana-okafor``, ``discovery``, ``goals``,
``board/ana-okafor``. Reading returns the file's *revision*; writing names the revision it is based on, so that two
windows never overwrite each other silently. Earlier versions lie in ``answers/.versions/<topic>/<n>.toml``.
"""

import errno
import os
import re
import time
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from helpers.answers.toml_text import clean_values, render_values
from helpers.answers.versions import Version, find_version, keep_version, list_numbers, read_times, to_seconds
from helpers.errors import AnswersError
from helpers.writing import write_bytes

ABSENT = ""
"""The revision of a file that does not exist yet."""

RESERVED = frozenset({"round", "con", "prn", "aux", "nul", *(f"{d}{i}" for d in ("com", "lpt") for i in range(1, 10))})

SIZE_LIMIT = 8_000_000
"""Bytes; a file of answers beyond that is a mistake."""


class ConflictError(AnswersError):
    """Report that somebody saved in between; ``theirs`` is what the file holds, ``mine`` what was to be written."""

    def __init__(self, message: str, *, theirs: Mapping[str, Any], mine: Mapping[str, Any], revision: str) -> None:
        super().__init__(message)
        self.theirs, self.mine, self.revision = theirs, mine, revision


@dataclass(frozen=True)
class Topic:
    """One file of answers as read.

    Attributes:
        name: The topic, such as ``survey/ana-okafor``.
        values: The file's tables; empty where the file does not exist.
        revision: What a later write names as its base; ``ABSENT`` where the file does not exist.
        text: The file's text, for telling lines.
        layout: The file's comments as read, where it holds any and was written since.
    """

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    revision: str = ABSENT
    text: str = ""
    layout: Any = field(default=None, compare=False, repr=False)


def name_file(name: str) -> str:
    """Make a file name of a person's name; never a path, never empty, the same every time.

    Letters lose their accents and capitals, anything else becomes a hyphen; where that could make two names one, a
    short fingerprint of the name as typed is added.

    >>> name_file("Ana Okafor"), name_file("../../etc/passwd")
    ('ana-okafor', 'etc-passwd-3754d6')
    """
    typed = " ".join(unicodedata.normalize("NFC", name).split())
    plain = unicodedata.normalize("NFKD", typed).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:48].strip("-")
    if (
        re.fullmatch(r"[A-Za-z0-9]+(?:[ '.-]{1,2}[A-Za-z0-9]+)*\.?", typed)
        and slug not in RESERVED
        and len(typed) <= 48
    ):
        return slug
    fingerprint = sha256(typed.casefold().encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{slug}-{fingerprint}" if slug else f"person-{fingerprint}"


def list_topics(folder: Path, group: str = "") -> list[str]:
    """List the topics there are, sorted; with a group, those of it (``survey`` gives ``survey/…``)."""
    root = folder / "answers" / group if group else folder / "answers"
    if not root.is_dir():
        return []
    prefix = f"{group}/" if group else ""
    files = (path for path in root.glob("*.toml") if path.is_file() and not path.name.startswith("."))
    return sorted(prefix + path.stem for path in files)


def read_topic(folder: Path, topic: str, *, known: Topic | None = None) -> Topic:
    """Read one file of answers.

    Args:
        folder: The company's folder.
        topic: Such as ``survey/ana-okafor``.
        known: The file as read or written last; it is returned where the file still is the same.

    Returns:
        What the file holds; without values where it does not exist.

    Raises:
        AnswersError: The file can't be read or is no TOML; the text names file, line and cure.
    """
    path = _path(folder, topic)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Topic(topic)
    except OSError as error:
        raise AnswersError(
            f"[answers/{topic}.toml] the file can't be read: {error.strerror}. "
            f"{cure_of(error) if error.errno == errno.ENOTDIR else 'Check who may read it.'}"
        ) from None
    if known is not None and known.revision == _revision(raw):
        return known
    return parse_topic(topic, raw)


def write_topic(
    folder: Path,
    topic: str,
    values: Mapping[str, Any],
    *,
    based_on: str,
    now: datetime | None = None,
    is_pinned: bool = False,
) -> str:
    """Write one file of answers whole or not at all, keeping the version before.

    Comments of a hand-edited file survive. Writing what is there already changes nothing.

    Args:
        folder: The company's folder.
        topic: Such as ``survey/ana-okafor``.
        values: The file's tables: all of them; None is left out, since TOML has no such value.
        based_on: The revision that was read; ``ABSENT`` for a new file.
        now: When it is saved, as the file's time; the machine's clock where None.
        is_pinned: Whether the version before stays for good.

    Returns:
        The new revision.

    Raises:
        ConflictError: The file has changed since; nothing was written.
        AnswersError: The file on disk is damaged, can't be written, or a value can't be kept; nothing was written.
    """
    wanted = clean_values(values, topic)

    def compose(current: Topic) -> Mapping[str, Any]:
        if current.revision != based_on:
            raise ConflictError(
                f"[answers/{topic}.toml] somebody has saved this in the meantime, so nothing was written. "
                "Look at both versions and choose.",
                theirs=current.values,
                mine=wanted,
                revision=current.revision,
            )
        return wanted

    return update_topic(folder, topic, compose, now=now, is_pinned=is_pinned).revision


def update_topic(
    folder: Path,
    topic: str,
    compose: Callable[[Topic], Mapping[str, Any] | None],
    *,
    known: Topic | None = None,
    now: datetime | None = None,
    is_pinned: bool = False,
    replaces_damaged: bool = False,
) -> Topic:
    """Change one file of answers on the base of what it holds at this moment; nobody else can write in between.

    Args:
        folder: The company's folder.
        topic: Such as ``survey/ana-okafor``.
        compose: Makes the file's tables, all of them, of what the file holds; None leaves it as it is. It may be
            called with a topic without values where the file doesn't exist, and must not change what it is given.
        known: The file as read or written last; saves reading it again where it is still the same.
        now: When it is saved, as the file's time; the machine's clock where None.
        is_pinned: Whether the version before stays for good.
        replaces_damaged: Whether a damaged file counts as one without values; only for somebody who asked for that.

    Returns:
        The file as it is afterwards.

    Raises:
        AnswersError: The file on disk is damaged or can't be written; nothing was written.
    """
    path = _path(folder, topic)
    place = _versions(folder, topic)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with lock_folder(place):
            try:
                current = read_topic(folder, topic, known=known)
            except AnswersError:
                if not (replaces_damaged and path.is_file()):
                    raise
                current = Topic(topic, revision=_revision(path.read_bytes()))
            wanted = compose(current)
            if wanted is None or (current.revision != ABSENT and current.values == wanted):
                return current
            file = f"answers/{topic}.toml"
            text, layout = render_values(current.text, current.values, wanted, file, current.layout)
            raw = _encode(text, topic)
            for left in path.parent.glob(f".{path.name}-*.tmp"):  # of a process that was killed while writing
                left.unlink(missing_ok=True)
            kept = None
            if current.revision != ABSENT:
                moment = to_seconds(now) if now else time.time()
                kept = keep_version(place, path, now=moment, is_pinned=is_pinned)
            try:
                write_bytes(path, raw)
            except OSError:
                if kept:  # or every attempt on a full disk would leave one
                    kept.unlink(missing_ok=True)
                raise
            with suppress(OSError):  # the answers are on disk, whatever becomes of their time
                if now:
                    os.utime(path, (to_seconds(now), to_seconds(now)))
    except OSError as error:
        raise AnswersError(
            f"[answers/{topic}.toml] the file can't be written: {error.strerror or error}. {cure_of(error)} "
            "What was saved before is untouched."
        ) from None
    return Topic(topic, wanted, _revision(raw), text, layout)


def list_versions(folder: Path, topic: str) -> list[int]:
    """List the numbers of the earlier versions kept of a topic, oldest first."""
    return list_numbers(_versions(folder, topic))


def list_version_times(folder: Path, topic: str) -> list[Version]:
    """List the earlier versions kept of a topic with the times at which they were saved, oldest first."""
    return read_times(_versions(folder, topic))


def read_version(folder: Path, topic: str, number: int) -> Topic:
    """Read an earlier version.

    Raises:
        AnswersError: There is none of that number, or it is damaged.
    """
    path = find_version(_versions(folder, topic), number)
    if path is None:
        kept = ", ".join(map(str, list_versions(folder, topic)[-5:])) or "none"
        raise AnswersError(f"[answers/{topic}.toml] version {number} is not kept. The latest kept: {kept}.")
    return parse_topic(topic, path.read_bytes())


def restore_version(
    folder: Path, topic: str, number: int, *, based_on: str | None = None, now: datetime | None = None
) -> str:
    """Bring an earlier version back as the current one; what was current becomes a version that stays for good.

    Args:
        folder: The company's folder.
        topic: Such as ``survey/ana-okafor``.
        number: The version's number.
        based_on: The revision that was read; None replaces whatever is there, a damaged file too.
        now: When it is saved; the machine's clock where None.

    Returns:
        The new revision.

    Raises:
        ConflictError: The file has changed since it was read.
        AnswersError: The version isn't kept, or is damaged itself.
    """
    old = read_version(folder, topic, number).values
    if based_on is not None:
        return write_topic(folder, topic, old, based_on=based_on, now=now, is_pinned=True)
    return update_topic(folder, topic, lambda _: old, now=now, is_pinned=True, replaces_damaged=True).revision


def stat_topic(folder: Path, topic: str) -> tuple[int, ...]:
    """Return a mark that changes whenever the file is written; empty where it does not exist or can't be seen."""
    try:
        said = _path(folder, topic).stat()
    except OSError:
        return ()
    return said.st_mtime_ns, said.st_ctime_ns, said.st_size, said.st_ino


@contextmanager
def lock_folder(place: Path) -> Iterator[None]:
    """Let one process and thread at a time check and replace a file; the lock ends with the process that holds it.

    Args:
        place: The folder in which the lock's file lies; it is made where it doesn't exist.
    """
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("a+b") as file:
        if os.name == "posix":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        else:
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        yield


def _path(folder: Path, topic: str) -> Path:
    parts = topic.split("/")
    if not all(re.fullmatch(r"[a-z0-9][a-z0-9_-]*", part) for part in parts) or len(parts) > 2:
        raise AnswersError(f"'{topic}' is no topic of answers. Make it with name_file, such as survey/ana-okafor.")
    return folder.joinpath("answers", *parts[:-1], f"{parts[-1]}.toml")


def _versions(folder: Path, topic: str) -> Path:
    _path(folder, topic)
    return folder / "answers" / ".versions" / topic


def _revision(raw: bytes) -> str:
    return sha256(raw).hexdigest()


def parse_topic(topic: str, raw: bytes) -> Topic:
    """Turn a file's bytes into its tables.

    Raises:
        AnswersError: They are no TOML; the text names file, line and cure.
    """
    file = f"answers/{topic}.toml"
    cure = "Mend that line, or bring back an earlier version. Nothing is written over the file until then."
    if len(raw) > SIZE_LIMIT:
        raise AnswersError(f"[{file}] the file has {len(raw):,} bytes; at most {SIZE_LIMIT:,} are allowed. {cure}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise AnswersError(f"[{file}, row {line}] this is no UTF-8 text. Save the file as UTF-8. {cure}") from None
    try:
        values = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError is one; so is what a number of 5,000 digits raises
        place = re.search(r"line (\d+)", str(error))
        line = int(place.group(1)) if place else text.count("\n") + 1
        reason = re.sub(r" \(at .*\)$", "", str(error))
        raise AnswersError(f"[{file}, row {line}] this is no TOML: {reason}. {cure}") from None
    except RecursionError:
        raise AnswersError(f"[{file}] the tables are nested too deeply to be read. {cure}") from None
    return Topic(topic, values, _revision(raw), text)


def _encode(text: str, topic: str) -> bytes:
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError:
        raise AnswersError(f"[answers/{topic}.toml] a text holds half a character. Type it again.") from None
    if len(raw) > SIZE_LIMIT:
        raise AnswersError(
            f"[answers/{topic}.toml] these answers have {len(raw):,} bytes; at most {SIZE_LIMIT:,} can be kept. "
            "Shorten the longest text and save again. What was saved before is untouched."
        )
    return raw


def cure_of(error: OSError) -> str:
    """Say what a person can do about a file that can't be read or written."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return "Make room on the disk and save again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Make the company's folder writable and save again."
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return "Move the file away that stands where the folder should be, and save again."
    return "Check the folder and save again."
