"""Keeping what people typed: TOML files that are written whole or not at all, with every earlier version kept.

A *topic* is a file under ``answers/`` without its ending: ``survey/ana-okafor``, ``discovery``, ``goals``,
``board/ana-okafor``. Reading returns the file's *revision*; writing names the revision it is based on, so that two
windows never overwrite each other silently. Earlier versions lie in ``answers/.versions/<topic>/<n>.toml``.
"""

import errno
import os
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from helpers.errors import AnswersError
from helpers.writing import write_bytes, write_text

ABSENT = ""
"""The revision of a file that does not exist yet."""

VERSIONS_KEPT = 500
"""So many earlier versions of a file are kept; a workshop saves a few hundred."""

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
    """

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    revision: str = ABSENT
    text: str = ""


def name_file(name: str) -> str:
    """Make a file name of a person's name; never a path, never empty, the same every time.

    Letters lose their accents, anything else becomes a hyphen; where that could make two names one, a short
    fingerprint of the name as typed is added.

    >>> name_file("Ana Okafor"), name_file("../../etc/passwd")
    ('ana-okafor', 'etc-passwd-3754d6')
    """
    typed = unicodedata.normalize("NFC", name).strip()
    plain = unicodedata.normalize("NFKD", typed).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:48].strip("-")
    if (
        re.fullmatch(r"[A-Za-z0-9]+(?:[ '.-]{1,2}[A-Za-z0-9]+)*\.?", typed)
        and slug not in RESERVED
        and len(typed) <= 48
    ):
        return slug
    fingerprint = sha256(typed.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{slug}-{fingerprint}" if slug else f"person-{fingerprint}"


def list_topics(folder: Path, group: str = "") -> list[str]:
    """List the topics there are, sorted; with a group, those of it (``survey`` gives ``survey/…``)."""
    root = folder / "answers" / group if group else folder / "answers"
    if not root.is_dir():
        return []
    prefix = f"{group}/" if group else ""
    return sorted(prefix + path.stem for path in root.glob("*.toml") if path.is_file())


def read_topic(folder: Path, topic: str) -> Topic:
    """Read one file of answers.

    Args:
        folder: The company's folder.
        topic: Such as ``survey/ana-okafor``.

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
            f"[answers/{topic}.toml] the file can't be read: {error.strerror}. Check who may read it."
        ) from None
    return _parse(topic, raw)


def write_topic(folder: Path, topic: str, values: Mapping[str, Any], *, based_on: str) -> str:
    """Write one file of answers whole or not at all, keeping the version before.

    Comments and order of a hand-edited file survive. Writing what is there already changes nothing.

    Args:
        folder: The company's folder.
        topic: Such as ``survey/ana-okafor``.
        values: The file's tables: all of them; None is left out, since TOML has no such value.
        based_on: The revision that was read; ``ABSENT`` for a new file.

    Returns:
        The new revision.

    Raises:
        ConflictError: The file has changed since; nothing was written.
        AnswersError: The file on disk is damaged, can't be written, or a value can't be kept; nothing was written.
    """
    wanted = _clean(values, topic)
    path = _path(folder, topic)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _lock(folder, topic):
            current = read_topic(folder, topic)
            if current.revision != based_on:
                raise ConflictError(
                    f"[answers/{topic}.toml] somebody has saved this in the meantime, so nothing was written. "
                    "Look at both versions and choose.",
                    theirs=current.values,
                    mine=wanted,
                    revision=current.revision,
                )
            if current.revision != ABSENT and current.values == wanted:
                return current.revision
            raw = _render(current.text, wanted, topic).encode("utf-8")
            if current.revision != ABSENT:
                _keep_version(folder, topic, current.text)
            write_bytes(path, raw)
    except OSError as error:
        raise AnswersError(
            f"[answers/{topic}.toml] the file can't be written: {error.strerror}. {_cure_of(error)} "
            "What was saved before is untouched."
        ) from None
    return _revision(raw)


def list_versions(folder: Path, topic: str) -> list[int]:
    """List the numbers of the earlier versions kept of a topic, oldest first."""
    return sorted(int(path.stem) for path in _versions(folder, topic).glob("*.toml") if path.stem.isdigit())


def read_version(folder: Path, topic: str, number: int) -> Topic:
    """Read an earlier version.

    Raises:
        AnswersError: There is none of that number, or it is damaged.
    """
    path = _versions(folder, topic) / f"{number:06d}.toml"
    if not path.is_file():
        kept = ", ".join(map(str, list_versions(folder, topic)[-5:])) or "none"
        raise AnswersError(f"[answers/{topic}.toml] version {number} is not kept. The latest kept: {kept}.")
    return _parse(topic, path.read_bytes())


def restore_version(folder: Path, topic: str, number: int, *, based_on: str) -> str:
    """Bring an earlier version back as the current one; what was current becomes a version itself.

    Raises:
        ConflictError: The file has changed since it was read.
        AnswersError: The version isn't kept.
    """
    return write_topic(folder, topic, read_version(folder, topic, number).values, based_on=based_on)


def find_line(text: str, table: str, key: str = "", index: int | None = None) -> int | None:
    """Find the line in which a value stands in a TOML text.

    Args:
        text: The file's text.
        table: The table's name, such as ``overview`` or ``product.products``.
        key: The key in it; empty finds the table's own line.
        index: For an array of tables, which of them, from 0.

    Returns:
        The line as a person counts it; None where it can't be found.

    >>> find_line("[overview]\\nemployees = 3\\n", "overview", "employees")
    2
    """
    header = re.compile(r"^\s*(\[\[|\[)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
    inside, seen = False, -1
    for number, line in enumerate(text.splitlines(), start=1):
        match = header.match(line)
        if match and "=" not in line.split("]")[-1]:
            name = match.group(2).replace('"', "").replace(" ", "")
            seen += name == table
            inside = name == table and (index is None or seen == index)
            if inside and not key:
                return number
        elif inside and re.match(rf'^\s*"?{re.escape(key)}"?\s*=', line):
            return number
    return None


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


def _parse(topic: str, raw: bytes) -> Topic:
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
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+)", str(error))
        line = int(place.group(1)) if place else text.count("\n") + 1
        reason = re.sub(r" \(at .*\)$", "", str(error))
        raise AnswersError(f"[{file}, row {line}] this is no TOML: {reason}. {cure}") from None
    except RecursionError:
        raise AnswersError(f"[{file}] the tables are nested too deeply to be read. {cure}") from None
    return Topic(topic, values, _revision(raw), text)


def _clean(values: Any, place: str) -> Any:
    if isinstance(values, Mapping):
        return {str(key): _clean(value, f"{place}, {key}") for key, value in values.items() if value is not None}
    if isinstance(values, list | tuple):
        return [_clean(value, place) for value in values if value is not None]
    if isinstance(values, float) and (values != values or values in (float("inf"), float("-inf"))):
        raise AnswersError(f"[{place}] {values} is no number that can be kept. Type a plain number.")
    if isinstance(values, str):
        try:
            values.encode("utf-8")
        except UnicodeEncodeError:
            raise AnswersError(f"[{place}] the text holds half a character. Type it again.") from None
    return values


def _render(text: str, values: Mapping[str, Any], topic: str) -> str:
    """Lay values over a file's text, keeping its comments, and check that they can be read back."""
    import tomlkit

    document = tomlkit.parse(text)
    for key in [key for key in document if key not in values]:
        del document[key]
    for key, value in values.items():
        known = document.get(key)
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            for gone in [name for name in known if name not in value]:
                del known[gone]
            for name, item in value.items():
                if name not in known or _plain(known[name]) != item:
                    known[name] = _item(item)
        elif known is None or _plain(known) != value:
            document[key] = _item(value)
    rendered = tomlkit.dumps(document)
    if _reads_as(rendered, values):
        return rendered
    fresh = tomlkit.dumps({key: _item(value) for key, value in values.items()})
    if _reads_as(fresh, values):
        return fresh
    raise AnswersError(f"[answers/{topic}.toml] these answers can't be written so that they read back the same.")


def _reads_as(text: str, values: Mapping[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == values
    except tomllib.TOMLDecodeError:
        return False


def _plain(value: Any) -> Any:
    return value.unwrap() if hasattr(value, "unwrap") else value


def _item(value: Any) -> Any:
    import tomlkit

    if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
        rows = tomlkit.aot()
        for row in value:
            rows.append(tomlkit.item(dict(row)))
        return rows
    return value


def _keep_version(folder: Path, topic: str, text: str) -> None:
    folder_of_versions = _versions(folder, topic)
    folder_of_versions.mkdir(parents=True, exist_ok=True)
    kept = list_versions(folder, topic)
    write_text(folder_of_versions / f"{(kept[-1] if kept else 0) + 1:06d}.toml", text)
    for number in kept[: max(len(kept) + 1 - VERSIONS_KEPT, 0)]:
        (folder_of_versions / f"{number:06d}.toml").unlink(missing_ok=True)


@contextmanager
def _lock(folder: Path, topic: str) -> Iterator[None]:
    """Let one process at a time check and replace a file; the lock ends with the process that holds it."""
    place = _versions(folder, topic)
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


def _cure_of(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return "Make room on the disk and save again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Make the company's folder writable and save again."
    return "Check the folder and save again."
