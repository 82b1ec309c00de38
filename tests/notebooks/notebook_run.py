"""Runs one notebook as the batch does, and reads what it wrote."""

import json
from pathlib import Path

import pandas as pd

from helpers.batch.jobs import run_notebook

PROJECT = Path(__file__).resolve().parents[2]
SAMPLE = PROJECT / "data" / "samples" / "brightwater"


def run(name, tmp_path, **parameters):
    """Run one notebook and return the folder that it wrote."""
    out = tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}"
    values = {"company": str(SAMPLE), "output_dir": str(out), **parameters}
    result = run_notebook(PROJECT / "notebooks" / f"{name}.ipynb", out / f"{name}.ipynb", values)
    assert result.status == "whole", result.error
    return out


def read(out, table):
    """Read a table that a run has written."""
    return pd.read_csv(out / "tables" / f"{table}.csv")


def headlines(out, name):
    """Read the headlines of a run's findings."""
    return [
        record["headline"] for record in json.loads((out / "findings" / f"{name}.json").read_text(encoding="utf-8"))
    ]
