"""The five Ms on a page: evidence first, text escaped, sums told once, and a designed state where there is none."""

import json
import re
from html import unescape

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.five_m import EVIDENCE, FIVE_M_COLUMNS, NO_SIGN, UNTESTED
from helpers.analyses.five_m_management import NO_ROOF, ROOF_COLUMNS
from helpers.analyses.macro_check import MACRO_COLUMNS, Macro
from helpers.present.charts.five_m import show_five_m, show_macro, show_management

ATTACK = "<script>alert(1)</script>"


def make_rows(*changes: dict) -> pd.DataFrame:
    """Answers as ``gather_evidence`` returns them, each with its changes."""
    plain = {
        "cause": "load", "m": "people", "question": "Too much?", "verdict": NO_SIGN, "statement": "As before",
        "slice": "all", "n": 50, "n_before": 200, "period": "Q3 2025", "compared": "Q1 2025 to Q2 2025",
        "money": np.nan, "low": np.nan, "high": np.nan, "counts_for": "", "money_added": np.nan, "overlaps": "",
        "why_no_money": "", "p_value": 0.5, "q_value": 0.5, "confidence": "", "why_confidence": "", "began": pd.NaT,
        "object": "", "n_records": 0, "records": "[]", "evidence": "e", "contain": "c", "prevent": "p",
    }  # fmt: skip
    return pd.DataFrame([{**plain, **one} for one in changes], columns=FIVE_M_COLUMNS)


FOUND = {
    "cause": "speed_to_lead", "m": "method", "verdict": EVIDENCE, "statement": "slower answers", "money": -50_000.0,
    "low": -80_000.0, "high": -20_000.0, "counts_for": "this period", "money_added": -50_000.0, "q_value": 0.0004,
    "confidence": "high", "why_confidence": "q 0.0004, n 50", "object": "contact", "n_records": 5,
    "records": json.dumps(["1", "2", "3", "4", "5"]),
}  # fmt: skip


def read(display) -> str:
    """Return the page's HTML without its style."""
    return display._repr_mimebundle_()["text/html"].split("</style>")[1]


def say(html: str) -> str:
    """Return what a reader sees of it."""
    return unescape(re.sub(r"<[^>]+>", "", html)).replace("\xa0", " ")


def test_evidence_tells_money_interval_confidence_and_links_to_its_records() -> None:
    html = read(show_five_m(make_rows(FOUND), title="t", currency="EUR", gap=-60_000.0,
                            record_url={"contact": "https://crm.example/{id}"}))  # fmt: skip
    assert "Slower answers" in html and "high confidence as a cause: q 0.0004, n 50" in say(html)
    assert "−€50.0 k of this period's revenue (−€80.0 k to −€20.0 k at 90 %)" in say(html)
    assert '<a class="open" href="https://crm.example/1"' in html and "and 2 more" in html
    assert "of a gap of −€60.0 k" in say(html)


def test_money_told_by_another_cause_is_said_to_be_the_same_and_not_added() -> None:
    twice = FOUND | {"cause": "no_follow_up", "money": -30_000.0, "money_added": 0.0, "overlaps": "speed_to_lead"}
    html = read(show_five_m(make_rows(FOUND, twice), title="t", currency="EUR", gap=-60_000.0))
    assert "the same money as speed to lead: not added" in html
    assert "Together, each sum told once: −€50.0 k of this period" in say(html)


def test_what_shows_no_sign_and_what_can_not_be_tested_is_folded_with_its_cure() -> None:
    untested = {
        "cause": "ramping",
        "verdict": UNTESTED,
        "statement": "Needs the person's started at",
        "q_value": np.nan,
    }
    html = read(show_five_m(make_rows({}, untested), title="t"))
    assert "No sign in the 1 question that could be asked" in html
    assert "<summary>2 questions: 1 without a sign, 1 that can&#x27;t be tested yet</summary>" in html
    assert "Needs the person" in html
    assert "Nothing can be asked here yet" in read(show_five_m(make_rows(untested), title="t"))


@pytest.mark.parametrize("verdict", [EVIDENCE, NO_SIGN, UNTESTED])
def test_text_from_a_crm_is_escaped(verdict: str) -> None:
    row = FOUND | {"verdict": verdict, "statement": ATTACK, "slice": f"region={ATTACK}", "question": ATTACK,
                   "records": json.dumps([ATTACK]), "why_no_money": ATTACK}  # fmt: skip
    html = read(show_five_m(make_rows(row), title=ATTACK, subtitle=ATTACK, record_url={"contact": "https://x.y/{id}"}))
    assert "<script" not in html


def test_each_display_has_its_empty_state() -> None:
    assert "No cause was looked for" in read(show_five_m(make_rows(), title="t"))
    html = read(show_management(pd.DataFrame(columns=ROOF_COLUMNS), title=NO_ROOF))
    assert "meet under one roof" in html and "Management is no sixth M" in html
    nothing = dict.fromkeys(MACRO_COLUMNS) | {"reason": "Add costs", "value": np.nan}
    html = read(show_macro(Macro(pd.DataFrame([nothing]), "Whether it pays can't be told yet")))
    assert "Add costs" in html


def test_a_roof_is_told_with_its_shares_and_both_ms() -> None:
    roof = dict(zip(ROOF_COLUMNS, ["team", "team North", "team=North", "machinery, method", "assignment_break, load", 2,
                                   120, 0.8, 0.3, "region North", "said"], strict=True))  # fmt: skip
    html = read(show_management(pd.DataFrame([roof]), title="Machinery and method meet in team North"))
    assert "Team North" in html and "Machinery and Method" in html and "80 %" in html and "region North" in html
