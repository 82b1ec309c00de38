"""Writing a file whole or not at all; the one way in which this project replaces a file."""

import os
import tempfile
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write a text file as UTF-8, whole: readers see the old one or the new one, never a part.

    Args:
        path: The file; its folder is made where it doesn't exist.
        text: What is to stand in it; line ends are kept as they are.

    Raises:
        OSError: The folder can't be written to; the old file is then untouched.
    """
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, raw: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole, and return only when the disk has it.

    Args:
        path: The file; its folder is made where it doesn't exist.
        raw: What is to stand in it.
        mode: Who may read and write it; nobody else can at any moment.

    Raises:
        OSError: The folder can't be written to; the old file is then untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the new name too has to survive a power cut
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
