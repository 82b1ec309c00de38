"""Where the public data sets for tests lie, if they are on this machine at all."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]


def require_real_data(name: str) -> Path:
    """Return the folder of one public data set, or skip the test and say why."""
    root = Path(os.environ.get("REVENUE_ENGINE_DATA", PROJECT.parent / "shared" / "data"))
    folder = root / name
    if not folder.is_dir():
        pytest.skip(f"public data set {name} is not on this machine (set REVENUE_ENGINE_DATA to its parent folder)")
    return folder
