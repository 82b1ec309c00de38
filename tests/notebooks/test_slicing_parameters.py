"""Every parameter of the slicing notebook changes what comes out; its cells run here in one process, in their order."""

import ast
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from helpers.errors import ParameterError, QuestionError

pytestmark = pytest.mark.acceptance  # the parameters of every notebook are tried in test_notebook_parameters.py

PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOK = PROJECT / "notebooks" / "03_kpi_slicing.ipynb"
SAMPLE = str(PROJECT / "data" / "samples" / "brightwater")
SKIPPED = {"health", "partitions", "scan", "totals", "bases", "explore", "stages"}
"""Cells that a question doesn't need; the ones that record it are run."""


def ask(**parameters):
    """Run the notebook's cells with other parameters, and return all that they made."""
    found = {"company": SAMPLE, "kpis": ["win_rate"], "by": ["region"], **parameters}
    names = {"display": lambda *shown: None}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type != "code" or cell.id in SKIPPED:
            continue
        exec(compile(cell.source, cell.id, "exec"), names)
        if "parameters" in cell.metadata.get("tags", []):
            unknown = set(found) - set(names)
            assert not unknown, f"{unknown} is no parameter"
            names |= found
    return names


@pytest.fixture(scope="module")
def plain():
    return ask()


def period_of(names):
    return names["book"].period.label, names["book"].compared.label if names["book"].compared else ""


def test_every_parameter_is_tested_here():
    [cell] = [one for one in nbformat.read(NOTEBOOK, as_version=4).cells if one.get("id") == "parameters"]
    named = {target.target.id for target in ast.parse(cell.source).body}
    text = Path(__file__).read_text(encoding="utf-8")
    assert not [name for name in named if f"{name}=" not in text and f'"{name}"' not in text]


def test_kpis_and_by(plain):
    asked = ask(kpis=["deals_won", "revenue_won"], by=["region & product & segment & source"])
    assert set(plain["table"]["kpi"]) == {"win_rate"} and set(plain["table"]["dimension"]) == {"region"}
    assert set(asked["table"]["kpi"]) == {"deals_won", "revenue_won"}
    assert set(asked["table"]["dimension"]) == {"region & product & segment & source"}


def test_filters_take_in_and_leave_out(plain):
    n = {name: ask(filters=filters)["table"]["n"].sum() for name, filters in
         (("only", {"segment": "SMB"}), ("without", {"segment": {"not_in": ["SMB"]}}))}  # fmt: skip
    assert 0 < n["only"] < plain["table"]["n"].sum() and n["only"] + n["without"] == plain["table"]["n"].sum()


@pytest.mark.parametrize(
    ("grain", "period", "compared"),
    [
        ("week", "week 39 2026", "week 38 2026"),
        ("month", "Sep 2026", "Aug 2026"),
        ("half_year", "H1 2026", "H2 2025"),
        ("year", "2025", "2024"),
        ("calendar_quarter", "Q3 2026", "Q2 2026"),
        ("rolling_90", "90 days to 30 Sep 2026", "90 days to 2 Jul 2026"),
    ],
)
def test_grain(grain, period, compared):
    """The sample's exports end on 30 September 2026, a Wednesday."""
    asked = ask(grain=grain, as_of="2026-09-30")
    assert period_of(asked) == (period, compared) and asked["table"]["n"].sum() > 0


def test_period_and_as_of():
    assert period_of(ask(period="year", as_of="2025-12-31")) == ("2025", "2024")


def test_start_and_end_name_the_period_and_compare_start_and_compare_end_the_other():
    days = {"start": "2026-07-01", "end": "2026-08-15", "compare_start": "2026-04-01", "compare_end": "2026-05-10"}
    asked = ask(grain="custom", compare_to="custom", **days)
    assert period_of(asked) == ("1 Jul – 15 Aug 2026", "1 Apr – 10 May 2026")
    deals = asked["book"].company.tables["deal"]
    new = deals[deals["is_new_business"] & deals["outcome"].isin(["won", "lost"])]
    inside = new["closed_at"].between("2026-07-01", "2026-08-15 23:59:59")
    assert asked["table"]["n"].sum() == inside.sum()


def test_end_picks_the_latest_whole_period_up_to_it_and_start_the_history():
    asked = ask(end="2026-04-15", start="2025-07-01")
    assert asked["book"].period.label == "Q1 2026" and asked["book"].as_of.isoformat() == "2026-09-30"
    assert asked["trends"][0].frame["period"].iloc[0] == "Q3 2025"


def test_compare_to_a_year_ago_and_to_the_plan(plain):
    year_ago, plan = ask(compare_to="year_ago"), ask(compare_to="plan", kpis=["revenue_won"])
    assert period_of(year_ago) == ("Q3 2026", "Q3 2025") and period_of(plan) == ("Q3 2026", "")
    assert year_ago["table"]["previous_value"].tolist() != plain["table"]["previous_value"].tolist()
    assert plan["table"]["goal"].notna().any() and plain["table"]["goal"].isna().all()


def test_top_n(plain):
    asked = ask(top_n=2)
    assert asked["table"]["slice"].tolist()[2:] == ["all others"] and "all others" not in set(plain["table"]["slice"])
    assert asked["table"]["n"].sum() == plain["table"]["n"].sum()


def test_basis_and_horizon_days():
    question = {"kpis": ["opportunity_to_won"], "end": "2026-03-31"}
    usual, period, within = ask(**question), ask(**question, basis="period"), ask(**question, horizon_days=20)
    assert set(usual["table"]["basis"]) == {"cohort"} and set(period["table"]["basis"]) == {"period"}
    assert within["table"]["numerator"].sum() < usual["table"]["numerator"].sum()


def test_expand_opens_the_value_named(plain):
    asked = ask(expand={"region": "DACH"})
    assert [one.by for one in plain["opened"]] == [("country",)] == [one.by for one in asked["opened"]]
    assert set(asked["opened"][0].frame["slice"]) <= {"Germany", "Austria", "Switzerland"}
    assert plain["opened"][0].question.filters != asked["opened"][0].question.filters


def test_what_if_moves_the_slice_named(plain):
    """Twice the referrals: all that is added comes of them, and nothing else moves."""
    moved = ask(what_if={"by": "source", "slice": "Referrals", "volume": "x2"})["answer"]
    assert moved.headline != plain["answer"].headline and "Referrals" in moved.headline


def test_look_at_and_side_choose_the_records():
    both, won = (ask(look_at={"region": "DACH"}, side=side)["records"] for side in ("denominator", "numerator"))
    assert set(both.frame["region"]) == {"DACH"} and len(won.frame) < len(both.frame)
    assert won.frame["why"].str.startswith("won").all()


def test_output_dir_and_people(tmp_path):
    ask(output_dir=str(tmp_path / "shown"), by=["owner"])
    ask(output_dir=str(tmp_path / "hidden"), by=["owner"], people="hidden")
    shown, hidden = (pd.read_csv(tmp_path / name / "tables" / "slices.csv") for name in ("shown", "hidden"))
    assert shown["n"].sum() == hidden["n"].sum() and not set(shown["slice"]) & set(hidden["slice"])
    records = pd.read_csv(tmp_path / "hidden" / "tables" / "slice_records.csv")
    assert len(records) and not set(records["owner"]) & set(shown["slice"])


def test_company(tmp_path):
    with pytest.raises(ParameterError, match="nowhere"):
        ask(company=str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("parameters", "error", "said"),
    [
        ({"grain": "weekly"}, ParameterError, "Did you mean 'week'"),
        ({"grain": "custom"}, ParameterError, "needs start and end"),
        ({"compare_to": "custom"}, ParameterError, "compare_start and compare_end"),
        ({"basis": "cohort"}, QuestionError, "It has: outcome"),
        ({"by": ["regoin"]}, QuestionError, "Did you mean 'region'"),
        ({"by": ["region & product & segment & source & owner"]}, QuestionError, "At most 4"),
        ({"filters": {"region": "DACHH"}}, QuestionError, "Did you mean 'DACH'"),
        ({"side": "top"}, QuestionError, "numerator, denominator"),
        ({"expand": {"region": "DACHH"}}, QuestionError, "Did you mean 'DACH'"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_can_not_be_asked_is_told_with_what_can__error(parameters, error, said):
    with pytest.raises(error, match=said):
        ask(**parameters)


def test_a_cut_known_too_late_is_a_message_in_the_notebook():
    asked = ask(by=["lost_reason", "region"])
    assert [bool(result.refusal) for result in asked["results"]] == [True, False, True]
    assert set(asked["table"]["dimension"]) == {"region"}


def test_cuts_that_are_computed_can_be_asked_for():
    asked = ask(by=["employees", "month_of_creation"], kpis=["opportunities"])
    assert {"employees", "month_of_creation", "employees & month_of_creation"} == set(asked["table"]["dimension"])
