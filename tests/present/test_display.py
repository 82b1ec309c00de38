"""What every show_* returns: words and numbers that are the same every time, nothing hostile or missing shown raw."""

import re
import subprocess
import sys

import pandas as pd
import pytest

from helpers.analyses.finding import Finding
from helpers.present.display import VEGA_LITE, show_chart, show_findings, show_message, show_table
from tests.present.samples import FINDINGS, FORMULA, HOSTILE, make_table

UNITS = {"win_rate": "share", "amount": "currency"}


def show_sample_table(**options):
    return show_table(make_table(), title="A title", subtitle=HOSTILE, units=UNITS, currency="EUR", **options)


def draw_sample_chart():
    import altair as alt

    frame = make_table()
    chart = alt.Chart(frame).mark_bar().encode(x="deals:Q", y="owner:N", tooltip=["closed_at:T"])
    return show_chart(chart.add_params(alt.selection_point()), title=f"T {HOSTILE}", numbers=frame, units=UNITS)


def test_a_change_stands_with_its_sign_and_is_neither_good_nor_bad():
    frame = pd.DataFrame({"slice": ["Inbound", "Outbound"], "gap": [16_643.0, -183_470.0]})
    html = show_table(frame, title="t", units={"gap": "currency"}, marks={"gap": "change"}, currency="EUR").html
    assert "+€16.6 k" in html and "−€183 k" in html and "is-bad" not in html and "▼" not in html


def test_text_pins_shares_to_four_decimals_money_to_cents_and_dates_to_iso():
    lines = show_sample_table()._repr_mimebundle_()["text/plain"].splitlines()
    assert lines[0] == "A title"
    assert lines[4].split() == ["Ann", "12", "0.3127", "1240000.50", "2026-09-30", "good"]


def test_text_is_the_same_each_time_and_has_no_trailing_spaces():
    first, second = repr(show_sample_table()), repr(show_sample_table())
    assert first == second
    assert not re.search(r"[ \t]+$", first, flags=re.MULTILINE)


def test_missing_values_are_never_written_as_nan_or_none():
    bundle = show_sample_table(marks={"light": "light"})._repr_mimebundle_()
    chart = draw_sample_chart()._repr_mimebundle_()
    for text in (bundle["text/plain"], bundle["text/html"], chart["text/plain"], chart["image/svg+xml"]):
        assert not re.search(r"\b(nan|NaN|None|NaT|<NA>|null|undefined)\b", text)


@pytest.mark.parametrize(
    "shown",
    [
        show_sample_table(),
        show_findings(FINDINGS),
        show_message("error", HOSTILE, HOSTILE, HOSTILE),
    ],
)
def test_hostile_text_is_escaped_in_html(shown):
    html = shown._repr_mimebundle_()["text/html"]
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_hostile_text_is_escaped_in_pictures():
    svg = draw_sample_chart().svg
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg


def test_control_characters_and_reversed_text_do_not_reach_the_reader():
    frame = pd.DataFrame({"name": ["a\x1b[31mb\u202ec\r\nd"]})
    bundle = show_table(frame, title="t")._repr_mimebundle_()
    for text in (bundle["text/plain"], bundle["text/html"]):
        assert not re.search("[\x1b\u202e\r]", text)


def test_chart_brings_picture_specification_and_alternative():
    bundle = draw_sample_chart()._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/svg+xml", VEGA_LITE}
    root = bundle["image/svg+xml"].split(">", 1)[0]
    assert 'role="img"' in root
    assert re.search(r'aria-label="T &lt;script.*0\.3127', root)


def test_chart_is_the_same_whatever_was_drawn_before():
    first = draw_sample_chart()._repr_mimebundle_()
    draw_sample_chart()
    assert draw_sample_chart()._repr_mimebundle_() == first


def test_dates_in_charts_carry_a_local_time_so_that_no_reader_sees_the_day_before():
    [rows] = draw_sample_chart().spec["datasets"].values()
    assert rows[0]["closed_at"] == "2026-09-30T00:00:00"


def test_table_folds_rows_beyond_the_twelfth():
    frame = pd.DataFrame({"name": [f"n{i}" for i in range(40)]})
    html = show_table(frame, title="t")._repr_mimebundle_()["text/html"]
    before, after = html.split("<details")
    assert before.count('scope="row"') == 12
    assert after.count('scope="row"') == 28
    assert "Show all 40 rows" in after


def test_table_does_not_change_its_frame():
    frame = make_table()
    show_table(frame, title="t", marks={"deals": "bar", "light": "light"})
    pd.testing.assert_frame_equal(frame, make_table())


def test_empty_table_says_that_there_is_nothing():
    bundle = show_table(make_table().head(0), title="t")._repr_mimebundle_()
    assert "Nothing to list" in bundle["text/html"]
    assert "(no rows)" in bundle["text/plain"]


def test_traffic_light_has_shape_and_word():
    html = show_sample_table(marks={"light": "light"})._repr_mimebundle_()["text/html"]
    assert re.search(r"●</span>on track", html)
    assert re.search(r"○</span>off track", html)
    assert re.search(r"–</span>no comparison", html)


def test_interval_and_n_stand_beside_the_rate():
    frame = pd.DataFrame({"slice": ["US"], "value": [0.31], "low": [0.26], "high": [0.36], "n": [214]})
    html = show_table(frame, title="t", units={"value": "share"}, marks={"value": "interval"})._repr_mimebundle_()[
        "text/html"
    ]
    assert "31 %" in html
    assert '<td class="beside">26–36 %, n 214</td>' in html


def test_full_amount_is_behind_the_short_one():
    assert '<span title="EUR 1,240,000.50">€1.24 M</span>' in show_sample_table().html


def test_unknown_mark__error():
    with pytest.raises(ValueError, match="Allowed are light, bar"):
        show_table(make_table(), title="t", marks={"deals": "pie"})


def test_unknown_kind_of_message__error():
    with pytest.raises(ValueError, match="Allowed are empty, warning, error, good"):
        show_message("fatal", "t")


def test_finding_objects_and_records_give_the_same_cards():
    record = FINDINGS[0]
    found = Finding(**{name: value for name, value in record.items() if name != "rank"})
    assert show_findings([found]).html == show_findings([record]).html


def test_finding_card_shows_money_interval_n_and_next_step():
    text = repr(show_findings(FINDINGS, currency="EUR"))
    assert "[-412000.00 EUR]" in text
    assert "−€600 k to −€250 k · n 214" in text
    assert "Next step: Call" in text
    assert "−€412 k" in show_findings(FINDINGS, currency="EUR").html


def test_interval_of_a_rate_above_one_is_still_written_in_percent():
    finding = {"headline": "NRR fell", "kpi": "nrr", "money": None, "evidence": {"low": 0.7, "high": 1.02}}
    assert "70–102 %" in repr(show_findings([finding]))


def test_no_findings_is_a_designed_state():
    shown = show_findings([])
    assert shown.title == "Nothing stands out"
    assert "message good" in shown.html


def test_formula_text_stays_as_it_was_typed_on_a_page():
    assert FORMULA in repr(show_sample_table())


def test_importing_display_draws_nothing_and_loads_no_chart_library():
    code = "import sys, helpers.present.display; print([m for m in ('altair', 'vl_convert') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_a_word_is_broken_only_where_no_column_could_hold_it():
    frame = pd.DataFrame({"what": ["machinery", "a/very/long/path/that/no/column/could/hold/whole.csv"]})
    html = show_table(frame, title="t").html
    assert '<th scope="row">machinery' in html
    assert '<th scope="row" class="long">a/very' in html


def test_numbers_of_a_column_have_the_same_digits():
    html = show_table(pd.DataFrame({"wanted": [60.5, 3.0, 1076.0]}), title="t").html
    assert [">60.5<" in html, ">3.0<" in html, ">1,076.0<" in html] == [True, True, True]


def test_sentences_keep_a_number_with_its_sign_and_unit_and_stay_escaped():
    html = show_message("good", f"Cost −€122 k (31 %) in Q3 2026 {HOSTILE}").html
    assert '<span class="keep">−€122\xa0k</span> (31\xa0%) in Q3\xa02026' in html
    assert "<script" not in html


def test_a_note_finding_spans_the_page_like_any_other_since_its_class_is_not_that_of_a_remark():
    html = show_findings([{"headline": "h", "severity": "note"}]).html
    assert 'class="card known first"' in html


def test_an_interval_of_money_is_written_as_money_though_the_finding_claims_none():
    evidence = {"low": -413420.6, "high": -43689.7, "unit": "currency", "n": 46}
    text = repr(
        show_findings([{"headline": "h", "slice": "gtm_motion=Sales-led", "evidence": evidence}], currency="EUR")
    )
    assert "GTM motion Sales-led · −€413 k to −€43.7 k · n 46" in text


def test_beside_thousands_an_amount_stands_without_cents():
    frame = pd.DataFrame({"what": ["a", "b", "c"], "large": [-505_512.23, 320.67, None], "small": [9.5, 12.0, 320.67]})
    html = show_table(frame, title="T", units={"large": "currency", "small": "currency"}, currency="EUR").html
    assert ">€321<" in html and ">−€506 k<" in html
    assert ">€320.67<" in html and ">€9.50<" in html, "a column of small amounts keeps its cents"
    assert 'title="EUR 320.67"' in html, "in full on hover"
