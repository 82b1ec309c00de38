"""Publishing: a finished folder takes the old one's place in a moment, and a failed run leaves it alone."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BEING_WRITTEN = ".being-written-"
BEING_REPLACED = ".being-replaced-"


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Offer a temporary folder beside the target; it is gone afterwards unless it was published.

    Args:
        target: The folder that is to be replaced.

    Yields:
        An empty folder on the same disk.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    recover(target)
    folder = Path(tempfile.mkdtemp(prefix=f"{BEING_WRITTEN}{target.name}-", dir=target.parent))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(folder: Path, target: Path) -> None:
    """Put a whole folder in the target's place.

    Raises:
        OSError: The disk refused; the old target is then back in its place.
    """
    old = target.with_name(f"{BEING_REPLACED}{target.name}")
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    try:
        folder.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def recover(target: Path) -> None:
    """Bring back a report that a killed run had moved aside, and clear away what a killed run had half written."""
    old = target.with_name(f"{BEING_REPLACED}{target.name}")
    if old.exists() and not target.exists():
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    for left in target.parent.glob(f"{BEING_WRITTEN}{target.name}-*"):
        shutil.rmtree(left, ignore_errors=True)
