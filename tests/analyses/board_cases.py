"""Gaps, boards and companies small enough that every number on the fishbone can be worked out by hand."""

import json
from datetime import date

import pandas as pd

from helpers.analyses.five_m import FIVE_M_COLUMNS
from helpers.analyses.gap import ROOT_CAUSE_COLUMNS, Gap
from helpers.analyses.leaves import GapLeaves
from helpers.model.board import AuthorBoard
from helpers.model.board_merging import merge_boards
from helpers.periods import period_of
from tests.companies import make_company

Q1, Q2, Q3 = (period_of(date(2026, month, 1), "quarter") for month in (1, 4, 7))
AS_OF = date(2026, 9, 30)


def make_cause(
    where, contribution, *, step="mqls", effect="rate", m="method", verdict="cause", lens="creation", **more
):
    row = {
        "rank": 1, "step": step, "effect": effect, "slice": where,
        "slice_json": json.dumps({part.split("=")[0]: part.split("=")[1].split("|") for part in where.split(" & ")}),
        "aliases": "[]", "contribution": contribution, "share_of_gap": float("nan"), "n_actual": 20.0,
        "n_expected": 40.0, "q_value": 0.001, "m": m, "verdict": verdict, "low": 1.2 * contribution,
        "high": 0.8 * contribution, "lens": lens, "statement": f"{effect} of {step} in {where}",
    }  # fmt: skip
    return row | more


def make_answer(cause, m, *, verdict="evidence", statement="", where="all", n=100, money=None, p_value=0.001):
    return {
        "cause": cause, "m": m, "question": f"{cause}?", "verdict": verdict, "statement": statement or f"{cause} is so",
        "slice": where, "n": n, "money": float("nan") if money is None else money, "p_value": p_value,
        "contain": "stop it", "prevent": "never again",
    }  # fmt: skip


def make_leaves(rows, lens="creation", worth=100.0):
    """Rows: region, source, leads before, leads now, MQLs before, MQLs now."""
    columns = ["region", "source", "leads_expected", "leads_actual", "mqls_expected", "mqls_actual"]
    frame = pd.DataFrame(rows, columns=columns)
    labels = {"leads": "Leads", "mqls": "MQLs"}
    return GapLeaves(lens, frame, ("region", "source"), ("leads", "mqls"), labels, worth=worth, basis="leads")


LEAVES = make_leaves(
    [
        ("North", "Web", 50.0, 50.0, 20.0, 10.0),
        ("North", "Fair", 50.0, 50.0, 20.0, 10.0),
        ("South", "Web", 100.0, 100.0, 40.0, 41.0),
        ("West", "Web", 60.0, 60.0, 24.0, 24.0),
    ]
)


def make_gap(causes=(), answers=(), *, gap=-1000.0, is_money=True, creation=LEAVES, search=None):
    five_m = pd.DataFrame(list(answers), columns=FIVE_M_COLUMNS)
    return Gap(
        period=Q3,
        compared="Q2 2026",
        outcome="revenue_won",
        is_money=is_money,
        expected=5000.0,
        actual=5000.0 + gap,
        bridge=pd.DataFrame({"dimension": ["all"], "contribution": [gap]}),
        causes=pd.DataFrame(list(causes), columns=ROOT_CAUSE_COLUMNS),
        moved=pd.DataFrame(),
        creation=creation,
        search=search,
        five_m=five_m.astype({"money": float, "p_value": float}),
    )


def make_board(*causes, actions=(), votes=(), problem=None, author="ana"):
    return merge_boards(
        [AuthorBoard(author, author.title(), tuple(causes), tuple(actions), tuple(votes), problem=problem)]
    )


def make_contacts():
    """Leads of three regions: in A the share that becomes MQL within two days doubles in Q2, in B it stays, C is tiny.

    A: 20 of 100 in Q1, 40 of 100 in Q2. B: 20 of 100, 22 of 100. C: 2 of 10, 3 of 10.
    """
    rows = []
    for region, size, first, second in (("A", 100, 20, 40), ("B", 100, 20, 22), ("C", 10, 2, 3)):
        for period, yes in ((Q1, first), (Q2, second)):
            for number in range(size):
                day = pd.Timestamp(period.start) + pd.Timedelta(days=number % 85)
                mql = day + pd.Timedelta(days=2) if number < yes else pd.NaT
                rows.append((f"{region}{period.label}{number}", day, mql, region))
    return pd.DataFrame(rows, columns=["id", "created_at", "mql_at", "region"])


def make_funnel_company(**more):
    return make_company({"contact": make_contacts()}, latest_event="2026-09-30", **more)
