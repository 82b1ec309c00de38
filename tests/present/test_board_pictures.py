"""Pictures and tables of the board: nothing overlaps or is cut off, nothing hostile gets through, empty says so."""

import re
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from xml.etree import ElementTree

import pandas as pd
import pytest

from helpers.analyses.cause_pareto import PARETO_COLUMNS
from helpers.analyses.effectiveness import Check, Window
from helpers.analyses.fishbone import OPINION, PROVEN, SUSPECTED, Bone, Fishbone, Leaf, Roof
from helpers.analyses.is_is_not import IS_COLUMNS
from helpers.analyses.kpi_reading import Reading
from helpers.analyses.ninety_days import Milestone, NinetyDays, PlannedAction, Showing
from helpers.analyses.why_chains import PREDICTION_COLUMNS, Link, WhyChain
from helpers.model.board import BONE_LABELS
from helpers.model.board_action import Action
from helpers.present.board_tables import show_checks_table, show_is_is_not, show_plan_table, show_predictions
from helpers.present.cells import split_picture
from helpers.present.charts.canvas import measure_text
from helpers.present.charts.cause_pareto import draw_cause_pareto
from helpers.present.charts.effectiveness import draw_checks
from helpers.present.charts.fishbone import MOST_LEAVES, draw_fishbone, draw_fishbone_table, list_causes
from helpers.present.charts.five_whys import draw_why_chains
from helpers.present.charts.ninety_days import draw_ninety_days
from helpers.present.theme import page_css
from tests.present.samples import HOSTILE

TEXTS = [
    "Quotes wait a week for approval and buyers go elsewhere, since one process was made for all, after the largest",
    "Leads → MQLs in Nordics: 38 instead of 79 (19 % instead of 40 %)",
    "Nobody calls",
    f"{HOSTILE} {'x' * 80}",
    "Wettbewerberpreisanpassungsverfahren wurde im Juli eingeführt und gilt seitdem",
]
AS_OF = date(2026, 9, 30)


def make_leaf(m, place):
    return Leaf(
        f"{m}-{place}",
        m,
        TEXTS[(place * 3 + len(m)) % len(TEXTS)],
        (PROVEN, SUSPECTED, OPINION)[place % 3],
        True,
        ("confirmed", "untested", "rejected", "untested")[place % 4],
        ("kept", "proposed")[place % 2],
        (330_000.0, None, 82_549.26)[place % 3],
        ("this period", "", "later revenue")[place % 3],
        confidence=(0.9, None)[place % 2],
        basis="n 1,589, p < 0.001",
        dots=(0, 3, 11)[place % 3],
    )


def make_fishbone(per_bone, *, six=False, roofs=()):
    names = list(BONE_LABELS)[: 6 if six else 5]
    bones = (
        Bone(m, BONE_LABELS[m], tuple(make_leaf(m, n) for n in range(per_bone[place])), 5, 2, 1)
        for place, m in enumerate(names)
    )
    return Fishbone(-680_300.0, True, "Closed revenue", "Q3 2026", "Q2 2026", tuple(bones), roofs)


ROOFS = (
    Roof("team=Americas", "team Americas", ("people", "material", "method"), 4),
    Roof("region=Nordics", "region Nordics", ("machinery",), 3),
)
FISHBONES = {
    "three causes": make_fishbone([1, 0, 1, 1, 0]),
    "thirty causes": make_fishbone([6] * 5, roofs=ROOFS),
    "six bones": make_fishbone([5] * 6, six=True, roofs=ROOFS),
    "all on one bone": make_fishbone([0, 0, 0, 30, 0]),
}


def read_texts(svg):
    """Return every text of a picture as (left, top, right, bottom, words)."""
    root = ElementTree.fromstring(svg)
    boxes = []
    for one in root.iter("{http://www.w3.org/2000/svg}text"):
        size, weight = float(one.get("font-size")), int(one.get("font-weight") or 400)
        width = measure_text(one.text or "", size, weight=weight) / 1.04
        x, y = float(one.get("x")), float(one.get("y"))
        left = x - {"start": 0, "middle": width / 2, "end": width}[one.get("text-anchor")]
        boxes.append((left, y - size * 0.75, left + width, y + size * 0.2, one.text))
    return float(root.get("width")), float(root.get("height")), boxes


def find_overlaps(boxes):
    return [
        (one[4], other[4])
        for one, other in combinations(boxes, 2)
        if min(one[2], other[2]) - max(one[0], other[0]) > 1 and min(one[3], other[3]) - max(one[1], other[1]) > 1
    ]


@pytest.mark.parametrize("name", FISHBONES)
def test_no_word_of_a_fishbone_lies_on_another_or_outside_of_the_picture(name):
    shown = draw_fishbone(FISHBONES[name], title="A title", subtitle="Brightwater · Q3 2026", currency="EUR")
    width, height, boxes = read_texts(shown.svg)
    assert find_overlaps(boxes) == []
    assert all(left >= 0 and right <= width and bottom <= height for left, _, right, bottom, _ in boxes)


def test_what_has_no_room_is_said_and_stands_in_the_table():
    shown = draw_fishbone(FISHBONES["thirty causes"], title="x", currency="EUR")
    assert shown.svg.count(f"+{6 - MOST_LEAVES} more in the table below") == 5
    assert len(list_causes(FISHBONES["thirty causes"])) == 30
    table = draw_fishbone_table(FISHBONES["thirty causes"], title="x", currency="EUR")
    assert "Show all 30 rows" in table.html


def test_evidence_is_solid_an_opinion_dashed_and_a_rejected_cause_struck_through():
    opinion = replace(make_leaf("people", 0), backing=OPINION, verdict="untested", state="proposed", dots=0)
    key = draw_fishbone(make_fishbone([1, 0, 0, 0, 0]), title="x").svg.count("stroke-dasharray")
    fish = replace(make_fishbone([0] * 5), bones=(Bone("people", "People", (opinion,)),))
    assert draw_fishbone(fish, title="x").svg.count("stroke-dasharray") == key + 1
    alternative = draw_fishbone(fish, title="One opinion").alternative
    assert alternative.startswith("One opinion.") and "opinion" in alternative and opinion.text[:30] in alternative


def test_many_votes_are_one_dot_with_their_number():
    leaf = replace(make_leaf("people", 0), dots=11)
    fish = replace(make_fishbone([0] * 5), bones=(Bone("people", "People", (leaf,)),))
    assert ">11</text>" in draw_fishbone(fish, title="x").svg


def make_check(verdict="held", **more):
    action = Action("a", "c", text=TEXTS[3], owner="Cleo", due=date(2026, 3, 31), slice="region=North", state="done")
    window = Window(date(2026, 4, 1), date(2026, 6, 30), date(2026, 6, 30), "one quarter")
    before, after = Reading(0.2, 100, 0.13, 0.29), Reading(0.4, 100, 0.31, 0.5)
    found = Check(action, "c", "lead_to_mql", "Leads to MQL", "share", verdict, "A reason", before, after, "Q1 2026",
                  window, 0.35, as_of=AS_OF)  # fmt: skip
    return replace(found, **more)


CHECKS = [
    make_check(),
    make_check("failed", guard_label="Win rate", guard_verdict="worse"),
    make_check("too_early", after=Reading()),
    make_check("unmeasurable", before=Reading(), after=Reading(), window=None, wanted=None, label=""),
]


def make_planned(rank, **more):
    action = Action("a", "c", text=TEXTS[rank % len(TEXTS)], owner="Cleo", start=AS_OF, due=AS_OF + timedelta(days=20))
    leading = Showing("lead_to_mql", "Leads to MQL", "share", "", AS_OF + timedelta(25), AS_OF + timedelta(40), "x")
    lagging = Showing("revenue_won", "Closed revenue", "currency", "", AS_OF + timedelta(60), None, "x")
    found = PlannedAction(action, "Cause", rank, 330_000.0, "this period", 0.6, 1.0, leading=leading, lagging=lagging,
                          expected={3: 0.3, 6: 0.35, 12: 0.35}, kpi_unit="share", kpi_label="Leads to MQL")  # fmt: skip
    return replace(found, action=replace(found.action, effort=2), **more)


PLAN = NinetyDays(
    AS_OF + timedelta(days=1),
    AS_OF + timedelta(days=90),
    (
        make_planned(1),
        make_planned(2, leading=Showing(), lagging=replace(make_planned(1).lagging, first=date(2027, 3, 1))),
        replace(make_planned(3), action=replace(make_planned(3).action, owner="", due=None), lagging=Showing(),
                leading=Showing(), score=None, missing=("money",), money=None),
        make_planned(4, is_overdue=True),
    ),
    (Milestone(3, date(2026, 12, 31), 1000.0, 2000.0, 1), Milestone(6, date(2027, 4, 1), 2000.0, 4000.0, 1)),
)  # fmt: skip

CHAINS = [
    WhyChain("a", "method", TEXTS[3], "confirmed", "kept",
             (Link(TEXTS[3], ("Shown",), True), *(Link(text) for text in TEXTS), Link("Deep", ("a", "b"), True)))
]  # fmt: skip

PARETO = pd.DataFrame(
    [
        ("this period", TEXTS[0], "method", PROVEN, 400_000.0, 400_000.0, 0.59, 0.59, ""),
        ("this period", TEXTS[3], "method", OPINION, 300_000.0, 280_300.0, 0.41, 1.0, "only what the gap still holds"),
        ("later revenue", TEXTS[1], "method", SUSPECTED, 50_000.0, 0.0, 0.0, 0.0, "100 % of its records are others'"),
    ],
    columns=PARETO_COLUMNS,
)

PICTURES = {
    "fishbone": lambda: draw_fishbone(FISHBONES["thirty causes"], title="x", currency="EUR"),
    "pareto": lambda: draw_cause_pareto(PARETO, FISHBONES["three causes"], title="x", currency="EUR"),
    "five whys": lambda: draw_why_chains(CHAINS, title="x"),
    "checks": lambda: draw_checks(CHECKS, title="x", currency="EUR"),
    "ninety days": lambda: draw_ninety_days(PLAN, title="x", currency="EUR"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_hold_their_words_inside_and_apart_and_escape_what_people_typed(name):
    shown = PICTURES[name]()
    width, height, boxes = read_texts(shown.svg)
    assert find_overlaps(boxes) == []
    assert all(left >= 0 and right <= width + 1 and bottom <= height for left, _, right, bottom, _ in boxes)
    assert "<script>" not in shown.svg and not re.search(r"\bnan\b|None|NaT", shown.svg + shown.text)


@pytest.mark.parametrize("wanted", [0.2, 0.3, 0.34, 0.36, 0.38, 0.5])
@pytest.mark.parametrize(("before", "after"), [(0.34, 0.35), (0.35, 0.34), (0.2, 0.5), (0.5, 0.2), (0.36, 0.36)])
def test_however_close_the_values_of_a_check_lie_no_word_covers_another_or_a_stroke(before, after, wanted):
    window = Window(date(2025, 11, 1), date(2026, 10, 31), date(2026, 10, 31), "one cycle")
    named = {"before_label": "half year to 30 Jun 2026", "window": window, "wanted": wanted * 3e6, "unit": "currency"}
    readings = (Reading(one * 3e6, 123_456, one * 2.9e6, one * 3.1e6) for one in (before, after))
    check = make_check(**named, **dict(zip(("before", "after"), readings, strict=True)))
    svg = draw_checks([check, replace(check, after=Reading(), verdict="too_early")], title="x", currency="EUR").svg
    assert find_overlaps(read_texts(svg)[2]) == []
    texts = [one for one in read_texts(svg)[2] if one[4] != "expected"]
    for line in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}line"):
        x1, y1, x2, y2 = (float(line.get(name)) for name in ("x1", "y1", "x2", "y2"))
        crossed = [
            text for left, top, right, bottom, text in texts
            if min(x2, right) - max(x1, left) >= 0 and min(max(y1, y2), bottom) - max(min(y1, y2), top) > 0
        ]  # fmt: skip
        assert crossed == []


def test_the_ninety_days_say_who_is_missing_what_is_late_and_what_lies_beyond():
    shown = draw_ninety_days(PLAN, title="x", currency="EUR")
    for words in ("nobody yet", "no due date", "overdue since 20 Oct 2026", "1 Mar 2027", "nothing can show in time"):
        assert words in shown.svg
    assert "€2.00 k" in shown.svg


def test_tables_show_every_check_and_every_factor():
    checks = show_checks_table(CHECKS, title="x", currency="EUR").text
    assert "not effective, reopened" in checks and "Win rate: got worse" in checks and "40 % (31–50 %, n 100)" in checks
    plan = show_plan_table(PLAN, title="x", currency="EUR")
    assert "€330 k × 60 % ÷ 2 days" in plan.text and "Leads to MQL: 30 % → 35 % → 35 %" in plan.text
    assert "<script>" not in plan.html and "After 3 months (31 Dec 2026): €1.00 k expected" in plan.text


EMPTY = {
    "fishbone": lambda: draw_fishbone(make_fishbone([0] * 5), title="x"),
    "fishbone table": lambda: draw_fishbone_table(make_fishbone([0] * 5), title="x"),
    "five whys": lambda: draw_why_chains([], title="x"),
    "pareto": lambda: draw_cause_pareto(PARETO.head(0), make_fishbone([0] * 5), title="x"),
    "predictions": lambda: show_predictions(pd.DataFrame(columns=PREDICTION_COLUMNS), title="x"),
    "is / is not": lambda: show_is_is_not(pd.DataFrame(columns=IS_COLUMNS), title="x"),
    "checks": lambda: draw_checks([], title="x"),
    "checks table": lambda: show_checks_table([], title="x"),
    "ninety days": lambda: draw_ninety_days(replace(PLAN, actions=()), title="x"),
    "plan table": lambda: show_plan_table(replace(PLAN, actions=()), title="x"),
}


@pytest.mark.parametrize("name", EMPTY)
def test_where_there_is_nothing_yet_a_message_says_what_to_do(name):
    shown = EMPTY[name]()
    assert "message empty" in shown.html and "Next step" in shown.text


def test_every_piece_of_a_split_picture_is_repainted_in_the_dark():
    """What a later piece shows knows nothing of the page around it, only of the drawing's own group."""
    whole = split_picture(draw_checks(CHECKS, title="x").svg, "p1-whole")
    assert whole.count('<use href="#p1-whole"/>') == len(CHECKS) - 1
    dark = page_css().split("prefers-color-scheme:dark", 1)[1]
    assert ':is(.picture svg,[id$="-whole"]) [fill="#1f2933"]' in dark
