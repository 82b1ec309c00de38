"""What people and schedulers call: exit codes, and messages that name the file, row, column, value and cure."""

import pandas as pd
import pytest

from helpers.__main__ import main
from helpers.company import open_company
from helpers.engine.cells import build_cells
from tests.ingest.exports import write_export

DEALS = """
    Deal ID,Deal Stage,Create Date,Close Date,Amount,Region
    D1,Closed Won,2025-12-15,2026-01-31,100.25,US
    D2,Closed Lost,2026-01-31,2026-02-01,200,
    D3,Closed Won,2026-02-01,2026-04-30,300,US
    D4,Negotiation,2026-04-30,2026-05-31,400,EMEA
"""


def start(tmp_path, text, *options, name="deals.csv"):
    folder = tmp_path / "company"
    code = main(["new", str(folder), str(write_export(tmp_path, name, text)), *options])
    return code, folder


def values(folder, **question):
    cells = build_cells(open_company(folder), **question)
    cells = cells[cells["basis"] != "cohort"]
    return cells.set_index(["kpi", cells["period_start"].dt.strftime("%Y-%m-%d")])["value"].to_dict()


@pytest.mark.parametrize("column", ["is_won", "flag"])
def test_a_boolean_stage_column_is_placed_by_its_two_words(tmp_path, column):
    text = f"""
        deal_id,{column},created_at,closed_at,amount
        D1,True,2026-01-02,2026-03-04,1000
        D2,False,2026-02-03,2026-05-06,200
        D3,true,2026-03-04,2026-06-30,3000
        D4,,2026-03-05,2026-07-30,500
    """
    stages = ("--stage", "True=won", "--stage", "False=lost", "--map", f"deal.stage={column}")
    code, folder = start(tmp_path, text, *stages)
    assert code == 0
    found = build_cells(open_company(folder), grain="all").set_index(["kpi", "basis"])["value"]
    assert found["win_rate", "outcome"] == pytest.approx(2 / 3)
    assert found["revenue_won", "period"] == 4000
    assert found["open_deals", "snapshot"] == 1


def test_a_fiscal_year_from_february_has_its_own_quarters_and_years(tmp_path):
    _, folder = start(tmp_path, DEALS, "--fiscal-year-start", "2")
    quarters, years = values(folder, grain="quarter"), values(folder, grain="year")
    assert quarters["revenue_won", "2025-11-01"] == 100.25
    assert quarters["revenue_won", "2026-02-01"] == 300
    assert quarters["open_deals", "2025-11-01"] == 1
    assert years["revenue_won", "2025-02-01"] == 100.25
    assert years["opportunities", "2026-02-01"] == 2


def test_workbook_and_parquet_files_tell_what_text_tells(tmp_path):
    _, folder = start(tmp_path / "csv", DEALS)
    expected = build_cells(open_company(folder), by=[(), ("region",)], grain="month")
    text = write_export(tmp_path, "deals.csv", DEALS)
    frame = pd.read_csv(text, parse_dates=["Create Date", "Close Date"])
    frame.to_excel(tmp_path / "deals.xlsx", index=False)
    frame.to_parquet(tmp_path / "deals.parquet")
    for ending in ("xlsx", "parquet"):
        folder = tmp_path / ending
        assert main(["new", str(folder), str(tmp_path / f"deals.{ending}")]) == 0
        pd.testing.assert_frame_equal(build_cells(open_company(folder), by=[(), ("region",)], grain="month"), expected)


def test_a_workbook_s_cover_is_passed_over(tmp_path):
    deals = pd.read_csv(write_export(tmp_path, "deals.csv", DEALS))
    with pd.ExcelWriter(tmp_path / "deals.xlsx") as book:
        pd.DataFrame({"Report of deals": ["made by sales"]}).to_excel(book, sheet_name="Cover", index=False)
        deals.to_excel(book, sheet_name="Deals", index=False, startrow=2)
    assert main(["new", str(tmp_path / "company"), str(tmp_path / "deals.xlsx")]) == 0
    company = open_company(tmp_path / "company")
    assert company.tables["deal"]["source_row"].tolist() == [4, 5, 6, 7]
    assert company.issues["code"].tolist() == ["other_sheets"]
    assert "Only the sheet 'Deals' was read" in company.issues["message"].iloc[0]


def test_a_new_stage_stands_between_the_opportunity_and_the_win(tmp_path):
    """Demos: D1 on 2026-02-01, D2 on 2026-03-01, D3 on 2026-04-04; of these only D1 was won, after 31 days."""
    text = """
        Deal ID,Deal Stage,Create Date,Close Date,Amount,Date entered 'Demo held (Sales)'
        D1,Closed Won,2026-01-02,2026-03-04,1000,2026-02-01
        D2,Closed Lost,2026-02-03,2026-05-06,200,2026-03-01
        D3,Demo held,2026-03-04,2026-07-30,3000,2026-04-04
        D4,Qualification,2026-03-05,2026-07-30,500,
        D5,Closed Won,2026-04-05,2026-06-30,700,
    """
    code, folder = start(tmp_path, text, "--stage", "Demo held=demo")
    assert code == 0
    cells = build_cells(open_company(folder), grain="all").set_index(["kpi", "basis"])
    assert cells.loc[("demo", "period"), "value"] == 3
    assert cells.loc[("opportunity_to_demo", "cohort"), "value"] == 3 / 5
    assert cells.loc[("demo_to_won", "cohort"), ["numerator", "denominator"]].tolist() == [1, 3]
    assert cells.loc[("opportunity_to_won", "cohort"), "value"] == 2 / 5
    assert cells.loc[("demo_won_days", "cohort"), "value"] == 31


def test_contacts_alone_are_a_funnel_and_a_win_before_its_step_is_an_issue(tmp_path, capsys):
    text = """
        lead_id,mql_date,won_date,won_value,origin
        L1,2026-01-02,2026-02-10,100,organic
        L2,2026-01-05,,,paid
        L3,2026-02-05,2026-02-01,50,paid
        L4,2026-04-05,2026-06-30,200,
        L5,2026-04-06,,,organic
    """
    _, folder = start(tmp_path, text, "--map", "contact.won_amount=won_value")
    cells = build_cells(open_company(folder), by=[(), ("origin",)], grain="all")
    cohort = cells[(cells["kpi"] == "mql_to_won") & (cells["basis"] == "cohort")].set_index("slice")
    assert cohort["numerator"].to_dict() == {"all": 2, "organic": 1, "paid": 0, "(blank)": 1}
    assert cohort["denominator"].to_dict() == {"all": 5, "organic": 2, "paid": 2, "(blank)": 1}
    assert cells.set_index(["kpi", "slice"]).loc[("revenue_won", "all"), "value"] == 350
    assert main(["check", str(folder)]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "2026-02-01" in line)
    assert line.split()[:4] == ["warning", "deals.csv", "4", "won_date"]


def test_an_amount_in_another_currency_is_never_added_up(tmp_path, capsys):
    text = """
        Deal ID,Deal Stage,Create Date,Close Date,Amount
        D1,Closed Won,2026-01-02,2026-03-04,$1000
        D2,Closed Won,2026-02-03,2026-03-06,€200
        D3,Closed Won,2026-03-04,2026-03-30,"$3,000.00"
    """
    _, folder = start(tmp_path, text)
    assert values(folder, grain="quarter")["revenue_won", "2026-01-01"] == 4000
    assert main(["check", str(folder)]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "€200" in line)
    assert line.split()[:5] == ["error", "deals.csv", "3", "Amount", "€200"]
    assert line.endswith("[exchange_rates] EUR = …")
    rates = folder / "company.toml"
    rates.write_text(rates.read_text() + "\n[exchange_rates]\nEUR = 1.1\n")
    assert values(folder, grain="quarter")["revenue_won", "2026-01-01"] == pytest.approx(4220)


def test_an_order_of_day_and_month_that_nothing_decides_is_asked_for(tmp_path, capsys):
    text = """
        Deal ID,Stage,Created,Closed,Amount
        D1,Won,01/02/2026,03/04/2026,100
        D2,Lost,02/03/2026,05/06/2026,200
    """
    code, folder = start(tmp_path, text)
    said = capsys.readouterr().err
    assert code == 2
    assert not folder.exists()
    assert "[deals.csv, row 2, Created] '01/02/2026'" in said
    assert 'date_order = "day-first"' in said
    assert start(tmp_path, text, "--exported-on", "2026-07-01")[0] == 0
    assert main(["check", str(folder)]) == 1
    answer = folder / "company.toml"
    answer.write_text(answer.read_text() + '\n[files."deals.csv"]\ndate_order = "day-first"\n')
    assert main(["check", str(folder)]) == 0
    assert values(folder, grain="month")["revenue_won", "2026-04-01"] == 100


def test_a_kpi_and_a_stage_s_name_are_changed_without_python(tmp_path):
    _, folder = start(tmp_path, DEALS)
    own = """
[stages.won]
label = "Signed"

[kpis.revenue_per_opportunity]
label = "Revenue per opportunity"
description = "Closed revenue per opportunity created in the period."
formula = "closed revenue ÷ opportunities"
unit = "currency"
direction = "up"
family = "money"
basis = ["period"]
owner = "Sales"
source = "Own"
measure = { kind = "ratio", numerator = "revenue_won", denominator = "opportunities" }
"""
    (folder / "company.toml").write_text((folder / "company.toml").read_text() + own)
    company = open_company(folder)
    assert company.catalog.stages["won"].label == "Signed"
    assert values(folder, grain="quarter")["revenue_per_opportunity", "2026-01-01"] == 100.25 / 2


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "[empty.csv] is empty"),
        ("junk.xlsx", b"PK\x03\x04 not a workbook", "[junk.xlsx]"),
        ("words.csv", b"just words\n", "[words.csv]"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_leaves_no_folder(tmp_path, capsys, name, content, said):
    (tmp_path / name).write_bytes(content)
    assert main(["new", str(tmp_path / "company"), str(tmp_path / name)]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "company").exists()


def test_wrong_usage_is_told_before_anything_starts(tmp_path, capsys):
    _, folder = start(tmp_path, DEALS)
    twin = tmp_path / "elsewhere" / "company"
    out = ("--out", str(tmp_path / "out"))
    assert main(["report", str(folder), str(twin), *out]) == 2
    assert "two folders are called 'company'" in capsys.readouterr().err
    for option, value in [("--period", "week"), ("--as-of", "31.12.2025"), ("--people", "no"), ("--notebooks", "99")]:
        assert main(["report", str(folder), option, value, *out]) == 2
        assert value in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main(["check", str(tmp_path / "nowhere")]) == 2
    assert main(["new", str(folder), str(tmp_path / "deals.csv")]) == 2
    assert "is a company already" in capsys.readouterr().err
