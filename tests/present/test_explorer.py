"""The explorer without a browser: what follows from what was asked for, and what is said where nothing can be shown."""

import json
import re
from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from helpers.analyses.exploration import Exploration
from helpers.analyses.exploration_state import CHARTS, ExplorerState, Filter, read_state, write_python, write_yaml
from helpers.analyses.slicing import slice_kpis, tabulate_slices
from helpers.errors import ParameterError
from helpers.present.explorer.explorer import Explorer, show_explorer
from helpers.workbook import open_workbook

BY = ("source", "region", "segment")
HOSTILE = (
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "x" * 10_000,
    "🚀 Launch",
    "مبيعات",
    "a & b",
    "'; drop table deals --",
    "all others",
    "\u202eevil\u2028line",
)


@pytest.fixture(scope="module")
def book():
    """The sample."""
    return open_workbook()


@pytest.fixture
def explorer(book):
    """The win rate by three partitions."""
    return Explorer(book, ExplorerState("win_rate", BY))


def ask(explorer, kind, **content):
    """Let the browser ask for something; returns what is on screen then."""
    explorer.widget._handle_custom_msg({"kind": kind, "number": 7, **content}, [])
    return explorer.widget.view


def panel_of(view, partition):
    """Return slice → row of one chart."""
    return {row["key"]: row for row in next(p for p in view["panels"] if p["partition"] == partition)["rows"]}


def test_a_click_filters_and_a_second_click_takes_it_off():
    once = ExplorerState("leads").toggle("region", "US")
    assert once.to_filters() == {"region": ["US"]}
    assert once.toggle("region", "US").to_filters() == {}
    assert once.toggle("region", "DACH").to_filters() == {"region": ["DACH"]}
    assert once.toggle("region", "DACH", is_added=True).to_filters() == {"region": ["US", "DACH"]}


def test_a_plain_click_on_one_of_several_leaves_that_one():
    both = ExplorerState("leads").set_filter("region", ["US", "DACH"])
    assert both.toggle("region", "DACH").to_filters() == {"region": ["DACH"]}
    assert both.toggle("region", "DACH", is_added=True).to_filters() == {"region": ["US"]}


def test_filters_keep_the_order_in_which_they_were_set():
    state = ExplorerState("leads").toggle("region", "US").toggle("source", "Outbound").toggle("region", "DACH")
    assert [one.partition for one in state.filters] == ["region", "source"]
    assert [one.partition for one in state.keep_first(1).filters] == ["region"]


@pytest.mark.parametrize(
    ("place", "partition", "expected"),
    [(0, "owner", ("owner", "b")), (1, "", ("a",)), (2, "owner", ("a", "b", "owner")), (0, "b", ("b", "a"))],
)
def test_a_partition_is_put_into_a_place_cleared_or_moved(place, partition, expected):
    assert ExplorerState("leads", ("a", "b")).choose_by(place, partition).by == expected


def test_every_state_comes_back_from_its_parameters():
    state = ExplorerState(
        "lead_to_mql", ("region", "source"), grain="custom", start="2026-07-01", end="2026-08-15", compare_to="custom",
        compare_start="2026-01-01", compare_end="2026-02-15", basis="period", top_n=5,
        filters=(Filter("region", ("US", "(blank)")), Filter("source", ("Outbound",), is_out=True)),
    )  # fmt: skip
    assert read_state(state.to_parameters(company="x", as_of="2026-09-30")) == state


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_parameters_written_as_yaml_and_python_are_read_as_they_were(value):
    parameters = ExplorerState("leads").toggle("region", value).to_parameters(company="x")
    assert yaml.safe_load(write_yaml(parameters)) == parameters
    read = {}
    exec(write_python(parameters), read)  # the text that people paste into a cell
    assert {name: read[name] for name in parameters} == parameters


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"kpis": []}, "kpis names no KPI"),
        ({"kpis": ["leads"], "grain": "fortnight"}, "grain 'fortnight' is unknown"),
        ({"kpis": ["leads"], "by": list("abcde")}, "At most 4"),
        ({"kpis": ["leads"], "filters": {"region": {"notin": []}}}, "not_in"),
        ({"kpis": ["leads"], "end": "yesterday"}, "end 'yesterday' is no day"),
    ],
    ids=["no KPI", "grain", "five partitions", "filter", "day"],
)
def test_parameters_that_are_not_allowed_are_named(parameters, said):
    with pytest.raises(ParameterError, match=re.escape(said)):
        read_state(parameters)


@pytest.mark.parametrize("kpi", ["win_rate", "leads", "revenue_won", "sales_cycle_days", "open_pipeline"])
def test_every_number_on_screen_is_that_of_the_table_of_slices(book, kpi):
    explorer = Explorer(book, ExplorerState(kpi, ("source", "region"), top_n=4).toggle("segment", "SMB"))
    given = read_state(explorer.parameters)
    assert given.end == book.period.end.isoformat()
    results = slice_kpis(
        book.company, [kpi], list(given.by), period=book.period, compared=book.compared, as_of=book.as_of,
        filters=given.to_filters(), top_n=given.top_n, step_back=False,
    )  # fmt: skip
    table = tabulate_slices(results)
    for panel in explorer.answer.panels:
        mine = table[table["dimension"] == panel.partition].set_index("slice")
        shown = panel.frame.set_index("slice")
        assert set(shown.index) == set(mine.index)
        for name in ("value", "n", "low", "high", "previous_value", "numerator", "denominator"):
            expected = mine[name].astype(float).reindex(shown.index)
            pd.testing.assert_series_equal(shown[name].astype(float), expected, check_names=False, rtol=1e-12)


def test_a_change_of_money_is_tested_in_plain_pandas_as_on_screen(book):
    """Amounts dealt out anew, wider by how much the number of won deals usually varies, corrected for all on screen."""
    deals = book.company.tables["deal"]
    won = deals[(deals["outcome"] == "won") & deals["amount"].notna()]
    won = won.assign(quarter=won["closed_at"].dt.to_period("Q"), segment=won["segment"].astype("object"))
    by_slice = won.groupby(["segment", "quarter"])["amount"].agg(["sum", "count", lambda amounts: (amounts**2).sum()])
    whole = won.groupby("quarter")["amount"].agg(["sum", "count", lambda amounts: (amounts**2).sum()])
    now, before = pd.Period("2026Q3"), pd.Period("2026Q2")
    p_values = {}
    for pool in ({"": whole}, {name: by_slice.loc[name] for name in won["segment"].dropna().unique()}):
        quarters = pd.period_range("2023Q4", "2026Q1", freq="Q")
        counts = {
            name: table["count"].reindex(quarters).loc[table.index.min() :].fillna(0) for name, table in pool.items()
        }
        pairs = [(a, b) for series in counts.values() for a, b in pairwise(series) if a + b]
        factor = max(sum((a - b) ** 2 for a, b in pairs) / sum(a + b for a, b in pairs), 1)
        for name, table in pool.items():
            (x, n, xx), (y, m, yy) = table.loc[now], table.loc[before]
            share = 92 / (92 + 91)
            variance = xx + yy + (factor - 1) * (x + y) ** 2 / (n + m)
            z = ((1 - share) * x - share * y) / np.sqrt(share * (1 - share) * variance)
            p_values[name] = 2 * stats.norm.sf(abs(z)) if min(n, m) >= 10 else np.nan
    tested = {name: p for name, p in p_values.items() if p == p}
    expected = dict(zip(tested, stats.false_discovery_control(list(tested.values())), strict=True))
    answer = Explorer(book, ExplorerState("revenue_won", ("segment",))).answer
    found = answer.panels[0].frame.set_index("slice")["q_value"].dropna().to_dict() | {"": answer.total["q_value"]}
    assert len(found) > 2 and found == pytest.approx(expected)


def test_a_chart_ignores_its_own_filter_and_the_others_follow(book, explorer):
    free = panel_of(explorer.widget.view, "region")
    view = ask(explorer, "toggle", partition="region", value="DACH")
    assert {name: row["n"] for name, row in panel_of(view, "region").items()} == {n: r["n"] for n, r in free.items()}
    deals = book.company.tables["deal"]
    closed = deals[deals["closed_at"].between("2026-07-01", "2026-09-30 23:59:59") & (deals["outcome"] != "open")]
    mine = closed[(closed["region"] == "DACH") & closed["is_new_business"]].groupby("source").size()
    assert {name: row["n"] for name, row in panel_of(view, "source").items() if row["n"]} == mine.to_dict()
    assert panel_of(view, "region")["DACH"]["is_chosen"] and panel_of(view, "region")["US"]["is_dim"]


def test_back_and_forward_walk_through_what_was_looked_at(explorer):
    titles = [explorer.widget.view["title"]]
    titles.append(ask(explorer, "toggle", partition="region", value="DACH")["title"])
    titles.append(ask(explorer, "change", name="kpi", value="leads")["title"])
    assert [ask(explorer, "back")["title"] for _ in range(2)] == titles[1::-1]
    assert not explorer.widget.view["can_back"] and ask(explorer, "back")["title"] == titles[0]
    assert [ask(explorer, "forward")["title"] for _ in range(2)] == titles[1:]
    assert not explorer.widget.view["can_forward"]


def test_a_partition_known_too_late_is_listed_with_the_reason_and_taken_off_with_a_word(explorer):
    groups = explorer.widget.offer["partitions"]
    reasons = {option[0]: option[2] for group in groups for option in group["options"] if option[0]}
    assert reasons["lost_reason"] == "known only with the outcome" and not reasons["region"]
    view = ask(explorer, "by", place=3, value="lost_reason")
    assert "Lost reason can't cut Win rate" in view["notice"] and view["state"]["by"] == list(BY)


def test_a_filter_that_may_not_cut_the_rate_is_refused_with_a_way_out(explorer):
    ask(explorer, "change", name="kpi", value="revenue_won")
    ask(explorer, "filter", partition="owner", value="Hanna Lindqvist", is_out=False)
    explorer.go(replace(explorer.state, filters=(Filter("lost_reason", ("Price",)),)))
    view = ask(explorer, "change", name="kpi", value="win_rate")
    assert view["status"] == "refused" and "known only with the outcome" in view["message"]["text"]
    assert ask(explorer, "clear")["status"] == "ready"


def test_nothing_left_is_said_with_a_cure(explorer):
    ask(explorer, "toggle", partition="source", value="Outbound")
    ask(explorer, "toggle", partition="segment", value="Enterprise")
    view = ask(explorer, "filter", partition="region", value="Benelux", is_out=False)
    assert view["status"] == "empty" and "Remove a filter" in view["message"]["cure"]


def test_a_value_nobody_has_is_refused_in_place(explorer):
    view = ask(explorer, "filter", partition="region", value="Mars", is_out=False)
    assert view["status"] == "ready" and "No record has the value 'Mars'" in view["notice"]


NONSENSE = {
    "kind": {"kind": "nonsense"},
    "chart": {"kind": "change", "name": "chart", "value": "pie"},
    "name": {"kind": "change", "name": "x", "value": 1},
    "back": {"kind": "back"},
    "format": {"kind": "download", "format": "exe"},
    "level": {"kind": "level", "partition": "source", "other": "mars"},
    "day": {"kind": "change", "name": "end", "value": "not a day"},
}


@pytest.mark.parametrize("content", NONSENSE.values(), ids=NONSENSE)
def test_what_makes_no_sense_leaves_the_explorer_usable(explorer, content):
    ask(explorer, **content)
    explorer.go(ExplorerState("win_rate", BY))
    assert explorer.widget.view["status"] == "ready"


@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_is_described_as_json(explorer, chart):
    view = ask(explorer, "change", name="chart", value=chart)
    assert json.loads(json.dumps(view, allow_nan=False))["status"] == "ready"


def test_the_chosen_period_stays_and_a_young_cohort_steps_back(explorer):
    view = ask(explorer, "change", name="end", value="2026-03-31")
    assert view["state"]["end"] == "2026-03-31"
    assert ask(explorer, "change", name="kpi", value="leads")["state"]["end"] == "2026-03-31"
    fresh = Explorer(explorer._book, ExplorerState("mql_to_won", BY))
    assert fresh.widget.view["state"]["end"] < "2026-09-30"


def make_hostile(number):
    """A company whose regions are hostile, or very many."""
    from tests.companies import make_company

    regions = HOSTILE if number == 0 else [f"Region {place:02}" for place in range(number)]
    rows = [
        {"id": f"{place}-{one}", "created_at": pd.Timestamp("2026-07-05"), "closed_at": pd.Timestamp("2026-08-05"),
         "stage": "Won" if one % 2 else "Lost", "stage_id": "won" if one % 2 else "lost",
         "outcome": "won" if one % 2 else "lost", "is_new_business": True, "amount": 100.0, "region": region}
        for place, region in enumerate(regions) for one in range(2)
    ]  # fmt: skip
    return make_company({"deal": pd.DataFrame(rows)}), regions


class Opened:
    """What the explorer needs of a workbook."""

    def __init__(self, company):
        from helpers.periods import period_of

        self.company, self.as_of, self.currency = company, date(2026, 9, 30), "USD"
        self.period = period_of(self.as_of, "quarter")
        self.compared, self.compare_to = self.period.previous(), "previous"


def test_hostile_labels_are_names_like_any_other():
    company, regions = make_hostile(0)
    explorer = Explorer(Opened(company), ExplorerState("win_rate", ("region",), top_n=20))
    rows = panel_of(explorer.widget.view, "region")
    assert set(rows) == set(regions)
    assert all(len(row["name"]) <= 160 and "\u202e" not in row["name"] for row in rows.values())
    assert not any(row["is_rest"] for row in rows.values())
    for region in regions:
        view = ask(explorer, "toggle", partition="region", value=region)
        assert view["total"]["n"] == "n 2" and len(view["chips"]) == 1


def test_hostile_labels_are_escaped_where_the_page_is_static(monkeypatch):
    company, _ = make_hostile(0)
    shown = show_explorer(Opened(company), ["win_rate"], ["region"], top_n=20)
    assert "<script>" not in shown.html and "<img" not in shown.html and "&lt;script&gt;" in shown.html


@pytest.mark.parametrize(("number", "top_n", "named"), [(1, 12, 1), (60, 60, 60), (60, 12, 12)])
def test_one_slice_and_sixty_are_shown_with_the_rest_counted_as_one(number, top_n, named):
    company, _ = make_hostile(number)
    explorer = Explorer(Opened(company), ExplorerState("win_rate", ("region",), top_n=top_n))
    rows = list(panel_of(explorer.widget.view, "region").values())
    assert len(rows) == named + (named < number)
    assert sum(row["n"] for row in rows) == 2 * number
    assert rows[-1]["is_rest"] == (named < number)


def test_unattended_it_is_static_and_complete(book, monkeypatch):
    for name in ("REVENUE_ENGINE_APP", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    shown = show_explorer(book, ["win_rate"], list(BY))
    assert "click" not in shown.html.lower().split("</style>")[1] and "click" not in repr(shown).lower()
    assert "<button" not in shown.html and "application/vnd.jupyter.widget-view+json" not in shown._repr_mimebundle_()
    for part in ("Source", "Region", "Segment", "Over time", "Q3 2026", "n 56"):
        assert part in shown.html
    assert "Organic Search" in shown.text and "0.1964" in shown.text


def test_attended_it_is_a_control(book, monkeypatch):
    monkeypatch.setenv("REVENUE_ENGINE_APP", "1")
    assert show_explorer(book, ["win_rate"], list(BY)).view["status"] == "ready"


def test_a_cut_that_can_be_computed_can_be_chosen(book):
    exploration = Exploration(book.company, as_of=book.as_of, period=book.period)
    computed = Explorer(book, ExplorerState("leads", ()))
    options = next(g["options"] for g in computed.widget.offer["partitions"] if g["label"] == "Computed")
    id = next(id for id, _, reason in options if not reason)
    assert exploration.resolve(id) == id
    assert id in exploration.company.partitions and id not in book.company.partitions
