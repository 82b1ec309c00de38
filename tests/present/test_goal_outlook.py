"""Feasibility as tables: chances with their basis, and what is needed beside the past and beside others."""

import numpy as np
import pandas as pd

from helpers.analyses.goal_benchmarks import BENCHMARK_COLUMNS, NONE_KNOWN
from helpers.analyses.goal_simulation import OUTLOOK_COLUMNS
from helpers.model.catalog import load_catalog
from helpers.present.charts.goal_outlook import show_needed, show_outlook

START = pd.Timestamp("2026-10-01")
KPIS = load_catalog().kpis


def make_outlook():
    rows = [
        (START, "quarter", 2e6, 1.5e6, 1e6, 2.1e6, 0.14, 7, "landing simulation, 7 earlier quarters", 1.5e6),
        (pd.Timestamp("2026-01-01"), "year", 9e6, 8e6, 7.5e6, 8.6e6, 0.02, 7, "sum of <b>actuals</b>", 1.5e6),
    ]
    return pd.DataFrame(rows, columns=OUTLOOK_COLUMNS)


def make_ranks():
    rows = [("opportunity_to_won", START, 0.36, 0.3, 0.75, 0.4, 8), ("leads", START, 1700.0, 1600.0, np.nan, np.nan, 0)]
    return pd.DataFrame(rows, columns=["kpi", "period_start", "goal", "expected", "percentile", "best_ever", "periods"])


def make_benchmarks(reason=""):
    figure = (None, None, None, "") if reason else (0.25, None, None, "$15 k–$50 k")
    told = ("Winning", "2016–2022", 868.0, "typical", reason, "Alike.", "Mind it.", "")
    rows = [("opportunity_to_won", START, 0.36, *figure, *told)]
    rows.append(("leads", START, 1700.0, None, None, None, "", "", "", None, "", NONE_KNOWN, "", "", NONE_KNOWN))
    return pd.DataFrame(rows, columns=BENCHMARK_COLUMNS)


def test_every_period_has_its_chance_and_what_it_rests_on():
    labels = {("quarter", START): "Q4 2026", ("year", pd.Timestamp("2026-01-01")): "2026"}
    shown = show_outlook(make_outlook(), labels, title="Q4 is unlikely", currency="EUR")
    for word in ("Q4 2026", "14 %", "€1.00 M to €2.10 M", "Landing simulation, 7 earlier quarters"):
        assert word in shown.html.replace("\u00a0", " "), word
    assert "<b>actuals" not in shown.html
    without = show_outlook(make_outlook(), labels, title="What comes", currency="EUR", has_goals=False)
    assert "14" not in without.text and "Chance" not in without.text.splitlines()[0]


def test_a_needed_value_stands_beside_its_past_and_a_source():
    shown = show_needed(make_ranks(), make_benchmarks(), KPIS, title="What Q4 needs", band="Bands by deals.")
    for word in ("36 %", "2 of 8 periods", "40 %", "25 % typical", "$15 k–$50 k", "Winning, 2016–2022, n 868"):
        assert word in shown.text, word
    assert "no past" in shown.text and "none known" in shown.text
    assert (
        "Bands by deals. Opportunity to won: Alike. Winning: Mind it." in shown.text and "nan" not in shown.text.lower()
    )


def test_what_cannot_be_compared_says_why_once():
    shown = show_needed(make_ranks(), make_benchmarks("Not comparable: USD."), KPIS, title="What Q4 needs")
    assert shown.text.count("Not comparable: USD.") == 1 and "not comparable" in shown.text


def test_without_anything_a_message_says_what_is_missing():
    empty = show_outlook(make_outlook().iloc[:0], {}, title="")
    needed = show_needed(make_ranks().iloc[:0], make_benchmarks().iloc[:0], KPIS, title="")
    assert "can't be simulated" in repr(empty) and "No period ahead has a goal" in repr(needed)
