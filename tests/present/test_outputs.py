"""Files left behind: verbatim text, plain numbers, ISO dates, and never a part of a file."""

import json
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.finding import Finding
from helpers.present.outputs import merge_findings, to_json, write_findings, write_spreadsheet, write_table
from helpers.writing import write_text


def test_a_table_is_plain(tmp_path):
    frame = pd.DataFrame(
        {
            "slice": ["=HYPERLINK(1)", "Über & Söhne, AG", None],
            "day": pd.to_datetime(["2026-09-30", None, "2026-01-01"], format="ISO8601"),
            "moment": pd.to_datetime(["2026-09-30 14:05", None, "2026-01-01"], format="ISO8601"),
            "n": [3.0, None, 4.0],
            "value": [0.1 + 0.2, np.nan, 2.0],
            "mixed": [date(2026, 9, 30), datetime(2026, 9, 30, 8, 0), None],
        }
    )
    write_table(frame, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == (
        "slice,day,moment,n,value,mixed\n"
        "=HYPERLINK(1),2026-09-30,2026-09-30T14:05:00,3,0.3,2026-09-30\n"
        '"Über & Söhne, AG",,,,,2026-09-30T08:00:00\n'
        ",2026-01-01,2026-01-01T00:00:00,4,2,\n"
    )


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_text(path, "old")
    monkeypatch.setattr("helpers.writing.os.fsync", lambda handle: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_text(path, "new")
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_json_has_no_nan_and_keeps_dates(tmp_path):
    text = to_json({"a": float("nan"), "b": np.int64(3), "c": date(2026, 9, 30), "d": [pd.NA, np.float64(0.5)]})
    assert json.loads(text) == {"a": None, "b": 3, "c": "2026-09-30", "d": [None, 0.5]}


def test_findings_of_several_notebooks_are_ranked_together(tmp_path):
    small = Finding("small loss", money=-10.0, severity="bad", notebook="05")
    large = Finding("large loss", money=-1000.0, severity="bad", notebook="00")
    gain = Finding("gain", money=5000.0, severity="good", notebook="00")
    write_findings([small], tmp_path / "05.json")
    write_findings([gain, large], tmp_path / "00.json")
    merged = merge_findings(tmp_path)
    assert [record["headline"] for record in merged] == ["large loss", "small loss", "gain"]
    assert [record["rank"] for record in merged] == [1, 2, 3]


def test_a_table_that_tells_units_itself_keeps_them_in_the_spreadsheet(tmp_path):
    from openpyxl import load_workbook

    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "drivers.csv").write_text("kpi,unit,value\nwin_rate,share,0.25\n", encoding="utf-8")
    write_spreadsheet(tmp_path, name="Acme", currency="EUR", units={"win_rate": "share"})
    sheet = load_workbook(tmp_path / "report.xlsx")["Drivers"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows == [["KPI", "Unit", "Value"], ["win_rate", "share", 0.25]]
