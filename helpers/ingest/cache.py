"""Keep canonical tables between runs in ``.cache/``, keyed by everything that they depend on."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.ingest.build import Built
from helpers.ingest.settings import FILE_NAME
from helpers.model.definition import DEFINITIONS
from helpers.model.dimension import Partition

FOLDER = ".cache"
KEPT = 2
"""So many earlier states are kept beside the newest."""

FRAMES = ("issues", "inputs", "mapping", "reconciliation")


def hash_company(folder: Path) -> str:
    """Hash what the tables depend on: exports, ``company.toml``, definitions, and the code that reads them."""
    digest = hashlib.sha256(pd.__version__.encode())
    code = Path(__file__).parent
    groups = [
        (folder, sorted(path for path in (folder / "crm").rglob("*") if path.is_file())),
        (folder, [folder / FILE_NAME] if (folder / FILE_NAME).is_file() else []),
        (DEFINITIONS, sorted(DEFINITIONS.rglob("*.toml"))),
        (code, [*sorted(code.glob("*.py")), *sorted((code.parent / "model").glob("*.py"))]),
    ]
    for root, paths in groups:
        for path in paths:
            digest.update(os.path.relpath(path, root).encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:24]


def read_cache(folder: Path, key: str) -> Built | None:
    """Read a cached state; anything wrong with it means that there is none."""
    where = folder / FOLDER / key
    if not (where / "state.json").is_file():
        return None
    try:
        state = json.loads((where / "state.json").read_text(encoding="utf-8"))
        tables = {name: pd.read_parquet(where / f"table-{name}.parquet") for name in state["tables"]}
        frames = {name: pd.read_parquet(where / f"{name}.parquet") for name in FRAMES}
        return Built(
            tables=tables,
            partitions={item["id"]: _read_partition(item) for item in state["partitions"]},
            latest_event=date.fromisoformat(state["latest_event"]) if state["latest_event"] else None,
            snapshots=tuple(date.fromisoformat(day) for day in state["snapshots"]),
            **frames,
        )
    except Exception:
        shutil.rmtree(where, ignore_errors=True)
        return None


def write_cache(folder: Path, key: str, built: Built) -> None:
    """Write a state whole or not at all; where the folder can't be written, do without."""
    root = folder / FOLDER
    try:
        root.mkdir(exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=root))
    except OSError:
        return
    try:
        for name, table in built.tables.items():
            table.to_parquet(partial / f"table-{name}.parquet")
        for name in FRAMES:
            getattr(built, name).to_parquet(partial / f"{name}.parquet")
        (partial / "state.json").write_text(json.dumps(_describe(built)), encoding="utf-8")
        partial.replace(root / key)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        return
    _forget_old(root, key)


def _describe(built: Built) -> Mapping[str, Any]:
    return {
        "tables": list(built.tables),
        "partitions": [asdict(partition) for partition in built.partitions.values()],
        "latest_event": built.latest_event.isoformat() if built.latest_event else "",
        "snapshots": [day.isoformat() for day in built.snapshots],
    }


def _read_partition(item: Mapping[str, Any]) -> Partition:
    return Partition(**{**item, "aliases": tuple(item["aliases"]), "unknown": tuple(item["unknown"])})


def _forget_old(root: Path, key: str) -> None:
    states = [path for path in root.iterdir() if path.is_dir() and path.name != key and not path.name.startswith(".")]
    states.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in states[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
