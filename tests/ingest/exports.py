"""Small exports for tests, written as the people who bring them would."""

from pathlib import Path

from helpers.company import Company, open_company
from helpers.ingest.intake import start_company


def write_export(folder: Path, name: str, text: str) -> Path:
    """Write one export; indentation and outer blank lines of the text don't count."""
    lines = [line.strip() for line in text.strip().splitlines()]
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def start_and_open(folder: Path, exports: dict[str, str], **options) -> Company:
    """Start a company from exports given as text, and open it."""
    files = [write_export(folder / "inbox", name, text) for name, text in exports.items()]
    start_company(folder / "company", files, **options)
    return open_company(folder / "company")
