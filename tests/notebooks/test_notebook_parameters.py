"""Every parameter of a notebook changes what comes out of it."""

import json

from helpers.batch.jobs import run_notebook
from helpers.company import open_company
from tests.notebooks.notebook_run import PROJECT, SAMPLE, read, run


def test_as_of_hides_later_events(tmp_path):
    early = read(run("00_start_here", tmp_path, as_of="2026-06-30"), "kpis")
    assert early["period_end"].max() <= "2026-06-30"


def test_slicing_follows_its_own_parameters(tmp_path, plain):
    asked = run("03_kpi_slicing", tmp_path, kpis=["deals_won"], by=["region"], filters={"segment": "SMB"}, grain="year")
    first, second = read(plain("03_kpi_slicing"), "slices"), read(asked, "slices")
    assert set(second["kpi"]) == {"deals_won"} and set(second["dimension"]) == {"region"}
    assert set(first["kpi"]) != {"deals_won"}
    deals = open_company(SAMPLE).tables["deal"]
    won = deals[(deals["outcome"] == "won") & (deals["segment"] == "SMB") & (deals["closed_at"].dt.year == 2025)]
    assert second.set_index("slice")["value"].to_dict() == won["region"].value_counts().to_dict()


def test_an_unknown_partition_is_told_with_its_neighbour__error(tmp_path):
    values = {"company": str(SAMPLE), "by": ["regoin"], "kpis": ["win_rate"]}
    result = run_notebook(PROJECT / "notebooks" / "03_kpi_slicing.ipynb", tmp_path / "out.ipynb", values)
    assert result.status == "failed" and "Did you mean 'region'" in result.error


def test_history_starts_and_ends_where_asked(tmp_path):
    out = run("03_kpi_slicing", tmp_path, start="2025-07-01", end="2026-03-31", kpis=["win_rate"])
    notebook = json.loads((out / "03_kpi_slicing.ipynb").read_text(encoding="utf-8"))
    outputs = {cell["id"]: json.dumps(cell.get("outputs", [])) for cell in notebook["cells"]}
    for told in (outputs["trend"], outputs["push"]):
        assert "Q1 2026" in told and "Q3 2025" in told
        assert "Q2 2026" not in told and "Q1 2025 " not in told
    assert not [id for id, told in outputs.items() if "Q2 2026" in told and not id.startswith("what-if")]


def test_the_period_compared_with_changes_what_is_called_a_gap(tmp_path, plain):
    gaps = {}
    for compare_to in ("previous", "year_ago", "plan"):
        is_usual = compare_to == "previous"
        out = plain("05_root_cause_5m") if is_usual else run("05_root_cause_5m", tmp_path, compare_to=compare_to)
        decomposition = read(out, "decomposition")
        gaps[compare_to] = round(decomposition.loc[decomposition["dimension"] == "all", "contribution"].sum())
    assert len(set(gaps.values())) == 3
