"""The explorer's parameters in a batch run: slices.csv holds the numbers that were on screen."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import papermill
import pytest
import yaml

from helpers.analyses.exploration_state import ExplorerState, write_yaml
from helpers.present.explorer.explorer import Explorer
from helpers.workbook import open_workbook

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "03_kpi_slicing.ipynb"
NUMBERS = ("value", "n", "low", "high", "numerator", "denominator", "previous_value")


@pytest.fixture(scope="module")
def explorer():
    """An explorer with filters of both kinds, a period of its own and another comparison."""
    state = ExplorerState("lead_to_mql", ("region", "source"), grain="month", end="2026-05-31", compare_to="year_ago")
    state = replace(state.set_filter("segment", ["SMB", "Mid-market"]), top_n=3)
    return Explorer(open_workbook(), state.set_filter("industry", ["(blank)"], is_out=True))


@pytest.fixture(scope="module")
def written(explorer, tmp_path_factory):
    """The table that papermill leaves behind with the parameters as they are copied."""
    folder = tmp_path_factory.mktemp("batch")
    parameters = yaml.safe_load(write_yaml(explorer.parameters))
    papermill.execute_notebook(
        NOTEBOOK, folder / "out.ipynb", {**parameters, "output_dir": str(folder)}, cwd=NOTEBOOK.parent,
        progress_bar=False, request_save_on_cell_execute=False,
    )  # fmt: skip
    return pd.read_csv(folder / "tables" / "slices.csv", keep_default_na=True)


@pytest.mark.filterwarnings("ignore")
def test_papermill_gives_what_was_on_screen(explorer, written):
    assert set(written["kpi"]) == {"lead_to_mql"} and set(written["period_end"]) == {"2026-05-31"}
    for panel in explorer.answer.panels:
        mine = written[written["dimension"] == panel.partition].set_index("slice")
        shown = panel.frame.set_index("slice")
        assert set(mine.index) == set(shown.index) and len(mine) > 2
        for name in NUMBERS:
            expected = mine[name].astype(float).reindex(shown.index)
            pd.testing.assert_series_equal(shown[name].astype(float), expected, check_names=False, rtol=1e-6)
