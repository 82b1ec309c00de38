"""The committed notebooks hold numbers that are compared: a changed definition is caught."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
OTHER_WIN_RATE = """
[kpis.win_rate]
measure = { kind = "outcome_share", business = "existing" }
"""


def test_a_changed_kpi_definition_makes_the_comparison_fail(tmp_path):
    """The sample with a win rate of existing business: the notebook runs, and its stored numbers don't match."""
    company = tmp_path / "brightwater"
    shutil.copytree(PROJECT / "data" / "samples" / "brightwater", company, ignore=shutil.ignore_patterns(".cache"))
    with (company / "company.toml").open("a", encoding="utf-8") as settings:
        settings.write(OTHER_WIN_RATE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "notebooks/00_start_here.ipynb"]
    result = subprocess.run(
        command,
        cwd=PROJECT,
        env={**os.environ, "REVENUE_ENGINE_COMPANY": str(company)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1, result.stdout[-2000:]
    assert "outputs differ" in result.stdout, result.stdout[-2000:]
