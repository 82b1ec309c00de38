"""The data dictionary as a page shows it."""

from dataclasses import replace
from datetime import date

import pandas as pd

from helpers.analyses.data_dictionary import build_data_dictionary
from helpers.company import MAPPING_COLUMNS
from helpers.present.dictionary_view import show_data_dictionary, show_unused_fields
from tests.companies import make_company


def dictionary(n=3, name="FIELD"):
    columns = {f"field_{i}": [float(i), None] for i in range(n)}
    company = make_company({"contact": {"id": ["1", "2"], "created_at": ["2026-01-01", "2026-02-01"], **columns}})
    rows = [("contact", field, "all.csv", f"{name} {field}", "name", 1.0, "", "") for field in ("id", *columns)]
    company = replace(company, mapping=pd.DataFrame(rows, columns=MAPPING_COLUMNS))
    return build_data_dictionary(company, as_of=date(2026, 6, 30))


def test_it_says_how_many_fields_nothing_uses_and_folds_after_twelve():
    shown = show_data_dictionary(dictionary(20))
    assert shown.title == "20 of 21 fields feed no KPI, no cut and no page of this workbook"
    assert "Show all 21 rows" in shown.html and "joins records" in shown.html
    assert "0 of 21 fields have somebody" in repr(shown)
    assert "nan" not in repr(shown).lower() and "<NA>" not in repr(shown)


def test_unused_fields_stand_alone():
    shown = show_unused_fields(dictionary(1))
    assert "1 field that nothing in this workbook uses" in shown.title and "FIELD field_0" in shown.html


def test_without_exports_it_says_so():
    empty = dictionary().iloc[:0]
    assert "no exports" in repr(show_data_dictionary(empty)) and "no exports" in repr(show_unused_fields(empty))


def test_headers_of_exports_are_shown_safely():
    html = show_data_dictionary(dictionary(name="<script>alert(1)</script>=1+1")).html
    assert "<script>" not in html
