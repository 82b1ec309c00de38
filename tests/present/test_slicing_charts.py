"""Pictures of slices say every slice once, mark what is small, young or beyond chance, and take hostile texts."""

import re
from datetime import date
from itertools import pairwise

import pandas as pd
import pytest
from openpyxl import load_workbook

from helpers.analyses.records import list_records
from helpers.analyses.slicing import slice_kpis, tabulate_slices
from helpers.errors import ParameterError
from helpers.periods import period_of
from helpers.present.charts.slice_heat import draw_slice_heat, suits_heat
from helpers.present.charts.slice_rows import ROW, draw_slice_rows, find_tone, nest_rows
from helpers.present.charts.slicing import draw_bases, draw_kpi_slices, draw_slice_table, draw_totals
from helpers.present.display import show_table
from helpers.present.records_view import export_records, fold_constants, place_links, show_records
from tests.companies import make_company
from tests.engine.random_company import make_random_company
from tests.present.samples import HOSTILE

QUARTER = period_of(date(2025, 5, 5), "quarter")


def make_frame(parts, **more):
    """Return slices of several partitions as ``split_frame`` does."""
    n = len(parts)
    frame = pd.DataFrame(
        {
            "slice": [" & ".join(one) for one in parts],
            "value": [0.1 + 0.8 * i / n for i in range(n)],
            "low": [0.05 + 0.8 * i / n for i in range(n)],
            "high": [0.15 + 0.8 * i / n for i in range(n)],
            "n": [100 - i for i in range(n)],
            "previous_value": 0.2,
            "previous_n": 50,
            "company_value": 0.5,
            "is_complete": True,
            "is_small": False,
        }
    )
    columns = {f"part_{level}": [one[level] for one in parts] for level in range(len(parts[0]))}
    return frame.assign(**columns, **more)


def texts(svg):
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def place_of(svg, text):
    [found] = re.findall(rf'<text x="([\d.]+)" y="([\d.]+)"[^>]*>{re.escape(text)}</text>', svg)
    return float(found[0]), float(found[1])


@pytest.mark.parametrize("n", [3, 12, 60])
def test_every_slice_has_a_row_of_its_own(n):
    parts = [(f"g{i // 5}", f"m{i // 2}", f"v{i}") for i in range(n)]
    svg = draw_slice_rows(make_frame(parts), ["A", "B", "C"], title="t").svg
    heights = sorted(place_of(svg, f"v{i}")[1] for i in range(n))
    assert all(below - above == pytest.approx(ROW, abs=0.2) for above, below in pairwise(heights))


def test_groups_stand_together_largest_first_and_the_rest_last():
    frame = make_frame([("small", "a"), ("large", "b"), ("small", "c"), ("large", "d")])
    frame["n"] = [5, 50, 6, 40]
    frame = pd.concat([frame, frame.iloc[[0]].assign(slice="all others", part_0="all others", n=999)])
    nested = nest_rows(frame, 2)
    assert nested["part_1"].tolist()[:4] == ["b", "d", "c", "a"] and nested["slice"].iloc[-1] == "all others"
    assert nested["new_level"].tolist() == [0, 1, 0, 1, 0]


def test_a_table_of_two_partitions_has_a_cell_per_slice():
    parts = [(f"row{i}", f"col{j}") for i in range(4) for j in range(3)]
    svg = draw_slice_heat(make_frame(parts), ["Rows", "Columns"], title="t").svg
    said = texts(svg)
    assert said.count("row0") == said.count("col2") == 1 and sum(text.startswith("n ") for text in said) == 12


def test_young_cohorts_are_hatched_and_never_judged():
    frame = make_frame([("a", "x"), ("a", "y"), ("b", "x")], is_named=False)
    assert 'url(#open-cohort)"' not in draw_slice_heat(frame, ["A", "B"], title="t").svg
    young = frame.assign(is_complete=False)
    shown = draw_slice_heat(young, ["A", "B"], title="t")
    assert shown.svg.count('url(#open-cohort)"') == 3 and "Hatched" in " ".join(texts(shown.svg))
    assert {find_tone(row, "up") for row in young.to_dict("records")} == {"grey"}
    assert 'stroke-dasharray="3 2"' in draw_slice_rows(young, ["A", "B"], title="t").svg


@pytest.mark.parametrize(
    ("low", "high", "direction", "is_small", "tone"),
    [
        (0.6, 0.8, "up", False, "good"),
        (0.6, 0.8, "down", False, "bad"),
        (0.1, 0.3, "up", False, "bad"),
        (0.1, 0.3, "down", False, "good"),
        (0.4, 0.8, "up", False, "grey"),
        (0.6, 0.8, "none", False, "grey"),
        (0.6, 0.8, "up", True, "mid"),
        (None, None, "up", False, "grey"),
    ],
    ids=["above-up", "above-down", "below-up", "below-down", "within", "no-direction", "small", "no-interval"],
)
def test_colour_follows_the_kpis_direction_and_only_beyond_the_interval(low, high, direction, is_small, tone):
    row = {"value": (low or 0) + 0.1, "low": low, "high": high, "company_value": 0.5, "is_small": is_small}
    assert find_tone({**row, "is_complete": True}, direction) == tone


def test_too_many_values_for_a_table_become_nested_rows():
    wide = make_frame([(f"a{i}", f"b{j}") for i in range(9) for j in range(8)])
    assert not suits_heat(wide) and suits_heat(wide[wide["part_1"].isin(["b0", "b1"])])


@pytest.mark.parametrize("by", [["region"], ["region & source"], ["region & source & type"]], ids=["1", "2", "3"])
def test_cuts_of_a_company_are_drawn_with_hostile_names(by):
    """Names that look like markup, one partition up to three."""
    company = make_random_company(3)
    deals = company.tables["deal"].assign(region=company.tables["deal"]["region"].replace({"US": HOSTILE}))
    hostile = make_company({**company.tables, "deal": deals}, latest_event="2026-09-30")
    results = slice_kpis(hostile, ["win_rate", "revenue_won"], by, period=QUARTER, compared=QUARTER.previous(), top_n=4)
    for shown in draw_kpi_slices(results, subtitle="s", currency="USD"):
        assert "<script" not in shown.svg and shown.svg.startswith("<svg") and "nan" not in shown.svg.casefold()
    assert "<script" not in draw_totals(results, subtitle="s").html
    assert (
        "nan" not in str(draw_slice_table(tabulate(results), hostile.catalog, subtitle="s", currency="USD")).casefold()
    )


def tabulate(results):

    return tabulate_slices(results)


def test_a_refused_cut_is_a_message_that_says_what_can_be_asked():
    deal = {
        "id": ["a", "b"], "created_at": ["2025-04-01"] * 2, "closed_at": ["2025-05-01"] * 2,
        "stage": ["Closed Won", "Closed Lost"], "region": ["US", "US"], "lost_reason": [None, "Price"],
    }  # fmt: skip
    company = make_company({"deal": deal}, latest_event="2025-06-30")
    [shown] = draw_kpi_slices(
        slice_kpis(company, ["win_rate"], ["lost_reason"], period=QUARTER), subtitle="s", currency="USD"
    )
    assert "can't be cut by" in shown.title and "region" in shown.text


def test_definitions_stand_in_columns_with_their_own_n():
    results = slice_kpis(make_random_company(3), ["lead_to_won"], ["region"], period=QUARTER)
    [shown] = draw_bases(results, subtitle="s", currency="USD")
    assert "Of those that entered" in shown.text and "Arrived ÷ entered, same period" in shown.text
    [nothing] = draw_bases(slice_kpis(make_random_company(3), ["win_rate"], ["region"], period=QUARTER),
                           subtitle="s", currency="USD")  # fmt: skip
    assert "nothing to set side by side" in nothing.title


@pytest.fixture
def records():
    deal = {
        "id": ["=cmd|1", "b/2"], "created_at": ["2025-04-01"] * 2, "closed_at": ["2025-05-01", "2025-05-02"],
        "stage": ["Closed Won", "Closed Lost"], "amount": [10.5, 20.0], "owner": ["+Ann", HOSTILE],
    }  # fmt: skip
    pattern = {"record_url": {"deal": "https://crm.example/{id}"}}
    company = make_company({"deal": deal}, settings=pattern, latest_event="2025-06-30")
    return list_records(company, "win_rate", QUARTER, side="denominator")


def test_records_are_listed_with_links_that_open_apart(records):
    html = show_records(records).html
    assert 'href="https://crm.example/b%2F2" target="_blank" rel="noopener noreferrer"' in html
    assert "<script" not in html and "2 deals are behind the denominator" in show_records(records).title


def test_exported_records_are_all_there_and_no_formula_lives(records, tmp_path):
    sheet = load_workbook(export_records(records, tmp_path / "records.xlsx"))["Records"]
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) == 3 and "'=cmd|1" in rows[1] + rows[2] and "https://crm.example/b%2F2" in rows[1] + rows[2]
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    table = pd.read_csv(export_records(records, tmp_path / "records.csv"))
    assert sorted(table["record"]) == ["'=cmd|1", "b/2"] and "'+Ann" in set(table["owner"])
    with pytest.raises(ParameterError, match=r"\.csv or \.xlsx"):
        export_records(records, tmp_path / "records.pdf")


def test_what_all_records_share_is_said_once_and_their_ids_lead_into_the_crm():
    frame = pd.DataFrame(
        {
            "record": ["1", "2"],
            "owner": ["Ana", "Ben"],
            "amount": [10.0, 10.0],
            "why": ["won on 1 May 2025", "won on 1 May 2025"],
            "source": ["Web", "Web"],
            "link": ["https://crm.example/1", "https://crm.example/2"],
        }
    )
    folded, said = fold_constants(frame, {}, said="source Web", currency="EUR")
    assert said == "For all 2: amount €10, won on 1 May 2025" and list(folded) == ["record", "owner", "link"]
    linked, marks = place_links(folded)
    html = show_table(linked, title="t", marks=marks).html
    assert re.findall(r'href="([^"]+)"[^>]*>([^<]+)</a>', html) == [
        ("https://crm.example/1", "1"),
        ("https://crm.example/2", "2"),
    ]
    one, nothing = fold_constants(frame.head(1), {})
    assert nothing == "" and len(one.columns) == len(frame.columns)


@pytest.mark.parametrize("by", [["region"], ["region & source"], ["region & source & type"]], ids=["1", "2", "3"])
def test_values_in_snake_case_are_written_with_spaces(by):
    company = make_random_company(3)
    deals = company.tables["deal"].assign(region=company.tables["deal"]["region"].replace({"US": "us_east_coast"}))
    snakes = make_company({**company.tables, "deal": deals}, latest_event="2026-09-30")
    results = slice_kpis(snakes, ["win_rate"], by, period=QUARTER, compared=QUARTER.previous())
    assert any("us_east_coast" in name for name in results[0].frame["slice"])
    [shown] = draw_kpi_slices(results, subtitle="s", currency="USD")
    assert "us east coast" in shown.svg and "us_east_coast" not in shown.title + shown.subtitle + "".join(
        texts(shown.svg)
    )
