"""Texts, ids, booleans and names of columns."""

import pandas as pd
import pytest

from helpers.ingest.values import normalise_key, normalise_keys, parse_booleans, parse_ids, parse_text, snake_case
from helpers.issues import IssueLog


def column(values):
    return pd.Series(values, dtype="str", index=pd.RangeIndex(2, 2 + len(values), name="source_row"))


def known(series):
    return [None if pd.isna(value) else value for value in series]


def test_text_is_stripped_and_otherwise_left_as_the_crm_shows_it():
    values = [" Acme  Corp\u00a0", "unknown", "Other", "None", "n/a", "(not set)", "\u00a0", "NULL", "#N/A", None]
    log = IssueLog()
    found = parse_text(column(values), file="a.csv", column="source", log=log)
    assert known(found) == ["Acme  Corp", "unknown", "Other", "None", "n/a", "(not set)", None, None, None, None]
    assert str(found.dtype) == "str"
    issues = log.to_frame()
    assert issues[["row", "code", "severity", "value"]].values.tolist() == [
        [9, "blank_spelling", "note", "NULL"],
        [10, "blank_spelling", "note", "#N/A"],
    ]


def test_person_called_null_stays():
    assert known(parse_text(column(["Null"]))) == ["Null"]


def test_ids_stay_text_and_lose_what_spreadsheets_add():
    assert known(parse_ids(column(["123.0", "45.0", None]))) == ["123", "45", None]
    assert known(parse_ids(column(["007", "A1.0"]))) == ["007", "A1.0"]


def test_rounded_ids_are_missing_and_told():
    log = IssueLog()
    assert known(parse_ids(column(["1.24E+09", "77"]), file="a.csv", column="id", log=log)) == [None, "77"]
    assert log.to_frame()[["row", "code", "severity"]].values.tolist() == [[2, "id_in_scientific_notation", "error"]]


@pytest.mark.parametrize("yes", ["TRUE", "true", "Yes", "y", "1", "1.0", "Ja"])
@pytest.mark.parametrize("no", ["FALSE", "False", "No", "n", "0", "0.0", "Nein"])
def test_booleans_in_each_spelling(yes, no):
    log = IssueLog()
    found = parse_booleans(column([yes, no, None]), file="a.csv", column="won", log=log)
    assert str(found.dtype) == "boolean"
    assert known(found) == [True, False, None]
    assert len(log) == 0


def test_what_is_neither_yes_nor_no_is_missing_and_told():
    log = IssueLog()
    assert known(parse_booleans(column(["true", "maybe"]), file="a.csv", column="won", log=log)) == [True, None]
    assert log.to_frame()[["row", "code", "value"]].values.tolist() == [[3, "not_a_boolean", "maybe"]]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('Date entered "Closed Won (Sales)"', "date_entered_closed_won_sales"),
        ("Date entered 'Closed Won (Sales)'", "date_entered_closed_won_sales"),
        ("sales_agent", "sales_agent"),
        ("StageName", "stage_name"),
        ("OpportunityID", "opportunity_id"),
        ("Loss_Reason__c", "loss_reason_c"),
        ("Date + hour (YYYYMMDDHH)", "date_hour_yyyymmddhh"),
        ("Is Deal Closed?", "is_deal_closed"),
        ("ACV", "acv"),
        ("2024 Umsatz", "column_2024_umsatz"),
        ("Größe", "grosse"),
        ("  Country/Region ", "country_region"),
    ],
)
def test_snake_case_of_headers(header, name):
    assert snake_case(header) == name
    assert snake_case(name) == name


def test_snake_case_never_gives_an_empty_name():
    assert snake_case("名前").startswith("column_")
    assert snake_case("名前") != snake_case("会社")


def test_keys_compare_labels_by_letters_and_digits():
    assert normalise_key("GTX Pro") == normalise_key("GTXPro") == normalise_key("gtx-pro")
    assert normalise_key("organic_search") == normalise_key("Organic Search")
    assert normalise_key("São Paulo") == "saopaulo"
    assert known(normalise_keys(column(["GTX Pro", None, "--"]))) == ["gtxpro", None, None]
