"""A report on last quarter made from today's exports equals the one that last quarter's exports gave."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from helpers.company import open_company
from helpers.engine.cells import build_cells

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"
LAST_QUARTER = "2026-06-30"
KEYS = ["kpi", "basis", "period_start", "dimension", "slice"]


@pytest.fixture(scope="module")
def companies(tmp_path_factory):
    """Return the company as exported on 1 July and as exported on 1 October, the same world seen twice."""
    earlier = tmp_path_factory.mktemp("earlier") / "brightwater"
    shutil.copytree(SAMPLES / "brightwater", earlier, ignore=shutil.ignore_patterns("crm", ".cache"))
    target = earlier / "crm"
    command = [
        sys.executable,
        str(SAMPLES / "generate_brightwater.py"),
        "--exported-on",
        "2026-07-01",
        "--out",
        str(target),
    ]
    subprocess.run(command, check=True, capture_output=True)
    today = tmp_path_factory.mktemp("today") / "brightwater"
    shutil.copytree(SAMPLES / "brightwater", today, ignore=shutil.ignore_patterns(".cache"))
    return open_company(earlier), open_company(today)


def cells_of(company, by):
    cells = build_cells(company, by=by, grain="quarter", as_of=LAST_QUARTER)
    return cells.sort_values(KEYS, ignore_index=True)


def test_the_company_is_the_same(companies):
    first, second = (cells_of(company, [()]) for company in companies)
    pd.testing.assert_frame_equal(first, second)


def test_every_partition_that_does_not_change_is_the_same(companies):
    earlier, today = companies
    steady = [(id,) for id, partition in earlier.partitions.items() if not partition.is_current_value]
    assert len(steady) >= 6 and {id for (id,) in steady} <= set(today.partitions)
    first, second = (cells_of(company, steady) for company in companies)
    pd.testing.assert_frame_equal(first, second)


def test_a_partition_with_only_todays_value_says_so(companies):
    _, today = companies
    assert today.partitions["stage"].is_current_value
