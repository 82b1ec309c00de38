"""A cascade as a page shows it: the tree, the X-matrix, the checks, the pay and what people said."""

import re
from dataclasses import replace
from datetime import date, datetime
from html import unescape

import pytest

from helpers.analyses.cascade import review_cascade
from helpers.analyses.cascade_correlations import relate_parts
from helpers.model.cascade import Comment, Correlation, Person, PersonTarget
from helpers.present.cascade_view import show_cascade, show_checks, show_comments, show_pay, show_targets
from helpers.present.charts.x_matrix import show_x_matrix
from tests.analyses.cascade_cases import AS_OF, CELLS, YEAR, company_goal, department_goal, make_cascade, tactic
from tests.companies import make_company

COMPANY = make_company({"deal": {"id": ["1"], "created_at": ["2026-01-01"], "stage": ["Open"]}}, currency="EUR")
HOSTILE = "<script>alert(1)</script>&\"'=1+1\u202e"


def review(cascade=None, comments=()):
    return review_cascade(COMPANY, CELLS, as_of=AS_OF, cascade=cascade or make_cascade(), comments=comments)


def large():
    """4 company goals, 8 tactics, 8 KPIs, 6 owners."""
    kpis = ["leads", "mqls", "opportunities", "deals_won", "revenue_won", "win_rate", "sales_cycle_days", "nrr"]
    people = [Person(f"p{n}", f"Maximilian-Alexander Person {n}", variable_pay=1000.0) for n in range(6)]
    goals = [
        company_goal(id=f"g{n}", title=f"A company goal of some length, number {n}", kpi=kpis[n + 3], owner=f"p{n}")
        for n in range(4)
    ]
    far = company_goal(id="far", title="Where we want to be in 2028", level="long_term", period_start=date(2028, 1, 1))
    goals = [replace(goal, serves=("far",)) for goal in goals] + [far]
    tactics = [
        tactic(
            id=f"t{n}",
            title=f"Tactic {n}: something that takes two lines to be said",
            kpi=kpis[n],
            serves=(f"g{n % 4}",),
            owner=f"p{n % 6}",
        )
        for n in range(8)
    ]
    typed = (Correlation("t0", "g0", "strong"), Correlation("t1", "g0", "some"), Correlation("g0", "far", "strong"))
    return make_cascade(goals, tactics, people, correlations=typed)


def test_the_tree_leads_from_company_to_people_with_actual_and_plan():
    targets = [PersonTarget("t", "ana", goal="opps", weight=0.4)]
    shown = show_cascade(review(make_cascade(targets=targets)), currency="EUR")
    text = unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", shown.html, flags=re.S)).replace("\u00a0", " ")
    places = [
        text.index(part)
        for part in ("Win 4,800", "Marketing", "200 opportunities", "Carried by", "Ana Okafor 40 %", "New website")
    ]
    assert places == sorted(places)
    assert "150" in text and "n 300" in text and "nan" not in text.lower() and "None" not in text
    assert "Win 4,800" in repr(shown) and "nan" not in repr(shown).lower()


def test_what_hangs_in_the_air_and_nobody_owns_is_seen():
    cascade = make_cascade(
        [company_goal(owner=""), department_goal()], [tactic(), tactic(id="lone", title="Lone", serves=())]
    )
    html = show_cascade(review(cascade)).html
    assert "Hangs in the air" in html and "nobody owns it" in html
    picture = show_x_matrix(review(cascade)).svg
    assert "serves no goal" in picture and "nobody yet" in picture


EMPTY_VIEWS = [show_cascade, show_checks, show_pay, show_targets, show_x_matrix]


@pytest.mark.parametrize("show", EMPTY_VIEWS, ids=[show.__name__ for show in EMPTY_VIEWS])
def test_without_a_cascade_each_view_says_what_is_missing_and_what_to_do(show):
    shown = show(review(make_cascade([], [], [], [])))
    assert "Nobody" in shown.title and "Write the first company goal" in repr(shown)


def test_without_comments_it_says_how_to_make_one():
    assert "Nobody has commented yet" in show_comments(review()).title


def test_a_cascade_of_people_only_or_goals_only_is_drawn_without_a_fault():
    only_people = make_cascade(
        [], [], None, [PersonTarget("t", "ana", kpi="leads", target=10.0, period_start=YEAR, weight=1.0)]
    )
    only_goals = make_cascade([company_goal()], [])
    for cascade in (only_people, only_goals):
        for show in EMPTY_VIEWS:
            assert repr(show(review(cascade)))
    assert "Nobody works on it yet" in show_cascade(review(only_goals)).html


def test_texts_of_people_are_shown_as_texts():
    goals = [company_goal(title=HOSTILE), department_goal(title=HOSTILE, department=HOSTILE)]
    cascade = make_cascade(
        goals, [tactic(title=HOSTILE)], [Person("ana", HOSTILE)], [PersonTarget("t", "ana", goal="opps")]
    )
    found = review(cascade, [Comment("c", HOSTILE, "opps", "question", HOSTILE, datetime(2026, 10, 1))])
    for show in [*EMPTY_VIEWS, show_comments]:
        shown = show(found)
        page = f"{shown.html}{shown.svg}"
        assert "<script>" not in page and "\u202e" not in page and "\u202e" not in repr(shown)


def test_notes_on_goals_and_tactics_stand_below_them_as_texts():
    goals = [company_goal(note=f"As agreed\nin January {HOSTILE}"), department_goal(note="Counted by Sales")]
    shown = show_cascade(review(make_cascade(goals, [tactic(note="Until June")])))
    assert "<script" not in shown.html and "\u202e" not in shown.html
    assert "As agreed<br>in January &lt;script&gt;" in shown.html.replace("\u00a0", " ")
    text = unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", shown.html, flags=re.S)).replace("\u00a0", " ")
    places = [text.index(part) for part in ("Win 4,800", "As agreed", "200 opportunities", "Counted by Sales")]
    assert places == sorted(places) and text.index("New website") < text.index("Until June")
    assert all(note in repr(shown) for note in ("As agreed in January", "Counted by Sales", "Until June"))
    assert "note" not in repr(show_cascade(review())).casefold()


def test_comments_are_shown_as_threads_with_author_day_and_kind():
    said = [
        Comment("a", "Ana", "opps", "question", "Why 200?", datetime(2026, 10, 1, 9, 30)),
        Comment("b", "Ben", "opps", "agreed", "Because.", datetime(2026, 10, 2, 9, 30), "a"),
        Comment("c", "Ben", "gone", "proposal", "More", datetime(2026, 10, 3)),
    ]
    shown = show_comments(review(comments=said))
    assert "3 comments on 2 parts" in shown.title and "1 thread without an answer" in shown.title
    assert "margin-left:20px" in shown.html and "no longer in the cascade" in shown.html
    assert "1 Oct 2026 09:30 Ana asks: Why 200?" in repr(shown)
    assert "1 comment" not in show_comments(review(comments=said), on="opps").title.replace("2 comments", "")


def test_the_pay_table_says_its_rule_and_the_sum():
    targets = [PersonTarget("t", "ana", goal="year", weight=1.0)]
    shown = show_pay(review(make_cascade(targets=targets)), currency="EUR")
    assert "of variable pay earned so far" in shown.title and "Nothing below 70" in repr(shown)
    assert "Ana Okafor" in repr(show_targets(review(make_cascade(targets=targets))))


def test_the_x_matrix_holds_what_people_typed_beside_what_the_links_imply():
    found = review(large())
    relations = relate_parts(found.cascade, found.ruler).set_index(["row", "column"])
    assert (relations.loc[("t0", "g0"), "typed"], relations.loc[("t0", "g0"), "implied"]) == ("strong", "strong")
    assert (relations.loc[("t1", "g0"), "typed"], relations.loc[("t1", "g0"), "implied"]) == ("some", "some")
    assert relations.loc[("far", "g0"), "typed"] == "strong" and relations.loc[("t5", "g0"), "implied"] == "some"
    assert relations.loc[("t0", "leads"), "implied"] == "strong" and relations.loc[("t0", "nrr"), "implied"] == ""


def test_a_full_x_matrix_fits_the_screen_and_no_text_leaves_its_column():
    shown = show_x_matrix(review(large()), subtitle="Test company", currency="EUR")
    width = float(re.search(r'width="([\d.]+)"', shown.svg).group(1))
    assert width <= 1240
    assert "Maximilian-Ale" in shown.svg and shown.svg.count("<circle") >= 3
    assert "Tactic 0" in repr(shown) and "strong" in repr(shown)


def test_more_than_fits_is_said():
    many = make_cascade(tactics=[tactic(id=f"t{n}", title=f"T{n}") for n in range(20)])
    assert "Not drawn for lack of room: 6 tactics" in show_x_matrix(review(many)).svg
