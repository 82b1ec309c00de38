"""The group's pictures: no name on another one, everything inside the frame, hidden names hidden, hostile ones text."""

import re
import xml.etree.ElementTree as ET
from datetime import date
from functools import cache
from itertools import combinations

import pandas as pd
import pytest

from helpers.analyses.survey_review import review_survey
from helpers.answers.survey import hide_people
from helpers.model.survey import load_survey
from helpers.present import group_view
from helpers.present.charts.agreement import _place_below
from helpers.present.charts.canvas import measure_text, wrap_text
from helpers.present.charts.dots import Axis, Person, fit_axis, list_ticks, make_room, raise_flags, short_names
from helpers.present.theme import LIGHT
from tests.analyses.survey_cases import make_case, make_crowd, make_deals, people
from tests.present.samples import HOSTILE

SURVEY = load_survey()
LETTERS = {"edge": 880.0, "size": 16.0, "radius": 8.0, "widest": 300.0}


def review(responses, **more):
    deals = pd.concat([make_deals()] * 20, ignore_index=True).assign(id=[str(i) for i in range(120)])
    return review_survey(make_case(responses, deal=deals, **more), SURVEY, as_of=date(2026, 6, 30))


def described(**values_of):
    """People who describe a good fit, so that the wins can be drawn."""
    fit = {"business_fit": [{"attribute": "employees", "good_fit": "100+"}]}
    return people(**{name: fit | values for name, values in values_of.items()})


CROWDS = {
    "two": make_crowd(2),
    "four": make_crowd(4),
    "twelve": make_crowd(12),
    "twelve long names": make_crowd(12, long_names=True),
    "twelve hidden": hide_people(make_crowd(12)),
}
PICTURES = [*(f"{kind} {name}" for kind in ("discussion", "gut") for name in CROWDS), "wins"]


@cache
def reviewed(name):
    """The review of a crowd, by its name."""
    return review(CROWDS[name])


@cache
def picture(name):
    """One of the pictures, by what it shows and of whom."""
    kind, _, crowd = name.partition(" ")
    if kind == "wins":
        return group_view.show_icp_wins(review(described(a={}, b={})))
    return {"discussion": group_view.show_discussion, "gut": group_view.show_gut}[kind](reviewed(crowd))


def boxes(svg):
    """Left, right, top and bottom of every text in a picture."""
    for node in ET.fromstring(svg).iter():
        if node.tag.endswith("}text"):
            size, x, y = float(node.get("font-size")), float(node.get("x")), float(node.get("y"))
            width = measure_text(node.text or "", size, weight=int(node.get("font-weight", 400))) / 1.04
            left = x - {"start": 0, "middle": width / 2, "end": width}[node.get("text-anchor")]
            yield node.text, (left, left + width, y - size * 0.7, y)


@pytest.mark.parametrize("name", PICTURES)
def test_every_text_lies_inside_the_picture_and_on_no_other(name):
    root = ET.fromstring(picture(name).svg)
    width, height = float(root.get("width")), float(root.get("height"))
    found = list(boxes(picture(name).svg))
    for text, (left, right, top, bottom) in found:
        assert left >= 0 and right <= width and top >= 0 and bottom <= height, text
    for (one, a), (other, b) in combinations(found, 2):
        apart = a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2]
        assert apart, f"{one!r} lies on {other!r}"


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_uses_the_palette_and_few_colours_and_shows_no_defect(name):
    shown = picture(name)
    drawn = shown.svg.split("</style>", 1)[1]
    used = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', drawn))
    assert used <= set(LIGHT.values())
    assert len(used & {LIGHT[name] for name in ("accent", "good", "bad", "caution", "violet", "rose")}) <= 2
    said = " ".join(text for text, _ in boxes(shown.svg)) + repr(shown)
    assert not re.search(r"\b(nan|NaN|None|null|undefined)\b|[a-z]_[a-z]", said)


@pytest.mark.parametrize("name", CROWDS)
def test_everybody_is_a_labelled_dot(name):
    svg = picture(f"discussion {name}").svg
    said = " ".join(text for text, _ in boxes(svg))
    for short in short_names(r.name for r in CROWDS[name].values()).values():
        assert short in said


def test_hidden_names_are_nowhere():
    hidden = reviewed("twelve hidden")
    for show in (group_view.show_discussion, group_view.show_answers, group_view.show_priorities, group_view.show_gut):
        shown = show(hidden)
        for name in ("Surname", "Head of"):
            assert name not in shown.svg + shown.html + repr(shown)


def test_hidden_people_have_no_team_beside_their_answers():
    html = group_view.show_answers(reviewed("twelve hidden")).html
    assert "Respondent " in html and "Customer success" not in html


def test_a_difference_between_two_is_no_spread_and_says_so():
    assert "Only two people answered" in picture("discussion two").svg
    assert "Only two people answered" not in picture("discussion four").svg


def test_a_question_that_not_all_answered_says_how_many_did():
    crowd = make_crowd(4)
    del crowd["p00"].values["active_customers"]
    assert "3 of 4 answered" in group_view.show_discussion(review(crowd)).svg


def test_people_who_agree_get_a_message_instead_of_an_empty_picture():
    shown = group_view.show_discussion(review(make_crowd(4, is_alike=True)))
    assert not shown.svg and "say the same" in shown.title


def test_who_stands_far_out_leaves_the_others_room():
    """300, 310, 320 and a million: the million stands at the end with an arrow, the others spread over the axis."""
    axis = fit_axis([300, 310, 320, 1_000_000], 0, 800)
    assert axis.high < 400
    flags = raise_flags([Person("a", 300.0), Person("z", 1_000_000.0)], axis, **LETTERS)
    assert [flag.is_beyond for flag in flags] == [True, False]
    said = people(**{n: {"active_customers": v} for n, v in zip("abcd", (300, 310, 320, 1_000_000), strict=True)})
    svg = group_view.show_discussion(review(said)).svg
    assert "<polygon" in svg and "1,000,000" in svg


def test_people_of_one_number_share_a_dot_that_counts_them():
    flags = raise_flags([Person(name, 5.0) for name in "abc"], Axis(0, 400, 0, 10), **LETTERS)
    assert [(flag.n, flag.label) for flag in flags] == [(3, "a, b and c")]


def test_labels_at_the_right_end_shorten_the_axis_and_not_the_names():
    crowd = [Person("Ana Okafor-Lindqvist", 10.0), Person("Ben", 1.0)]
    axis = make_room(Axis(20, 880, 0, 10), crowd, **LETTERS)
    flags = raise_flags(crowd, axis, **LETTERS)
    assert flags[0].label == "Ana Okafor-Lindqvist" and axis.right < 720


@pytest.mark.parametrize(
    ("high", "unit", "ticks"),
    [
        (62_000, "currency", ["€0", "€20 k", "€40 k", "€60 k"]),
        (1.0, "share", ["0", "20", "40", "60", "80", "100 %"]),
        (132, "days", ["0", "50", "100 days"]),
        (3, "count", ["0", "1", "2", "3"]),
        (1_300_000, "currency", ["€0", "€500 k", "€1 M"]),
    ],
)
def test_an_axis_is_marked_in_round_numbers_of_its_unit(high, unit, ticks):
    found = [text for _, text in list_ticks(Axis(0, 800, 0, high), unit, currency="EUR")]
    assert found == ticks


def test_names_that_would_be_alike_stay_apart():
    names = ["Ana Okafor", "Ana Ortiz", "ana", "Respondent 412", "", "x" * 200]
    short = short_names(names)
    assert len(set(short.values())) == len(names) and max(map(len, short.values())) <= 18


def test_a_long_text_is_wrapped_and_cut_to_its_width():
    lines = wrap_text("Whoever has a running contract " * 20, 14, 200, most=3)
    assert len(lines) == 3 and all(measure_text(line, 14) <= 200 for line in lines) and lines[-1].endswith("…")


def test_the_wins_are_squares_and_the_numbers_stand_as_text():
    """80 wins with 20, 120, 300 and 50 employees, the latest 20 of them with 50; good is 100+."""
    shown = picture("wins")
    assert "20 of the last 20 wins" in shown.title
    said = [text for text, _ in boxes(shown.svg)]
    assert "20 of 20 outside" in said and "50 % of all 80 wins" in said
    assert "Employees" in repr(shown) and "0.5000" in repr(shown)


@pytest.mark.parametrize("show", [group_view.show_discussion, group_view.show_gut, group_view.show_answers])
def test_hostile_names_and_answers_are_text(show):
    said = make_crowd(3)
    hostile = {
        id: type(r)(r.id, f"{HOSTILE} {id}", team=r.team, values=r.values | {"position_need": HOSTILE * 30})
        for id, r in said.items()
    }
    for response in hostile.values():
        response.values["products"] = [{"name": HOSTILE, "average_deal": 10 + len(response.id), "cycle_days": 3}]
    shown = show(review(hostile))
    assert "<script" not in shown.svg + shown.html.replace("&lt;script", "")
    if shown.svg:
        ET.fromstring(shown.svg)


def test_no_line_of_the_crm_leads_through_one_of_its_numbers():
    """Median and 90th percentile hang on lines; a number beside them keeps clear, whatever it is next to."""
    row = {"crm_value": 61.0, "check": "value"}
    for median in (40.0, 52.0, 58.0, 60.9, 61.0, 64.0, 75.0):
        placed = _place_below({**row, "crm_marks": [("median", median)]}, Axis(272, 866, 0, 130), "days", "EUR")
        x = Axis(272, 866, 0, 130).place(median)
        for at, text, tier, _ in placed[:1]:
            half = measure_text(text, 12.5, weight=600) / 2
            assert tier >= placed[1][2] or abs(at - x) >= half + 4, f"the line of {median} crosses '{text}'"


def test_counts_are_whole_wherever_the_group_sees_them():
    said = {"a": {"employees": 40, "active_customers": 252}, "b": {"employees": 41, "active_customers": 253}}
    customers = pd.DataFrame({"id": [f"c{i}" for i in range(9)], "live_at": ["2026-03-20"] * 9, "ended_at": [None] * 9})
    shown = review(people(**said), customer=customers)
    for show in (group_view.show_discussion, group_view.show_disagreements, group_view.show_answers):
        found = show(shown)
        assert not re.search(r"40\.5|252\.5", f"{found.text} {found.html or ''}"), show.__name__
    for text in (group_view.show_gut(shown).svg, group_view.show_gut_table(shown).text):
        assert "252.5" not in text and "People say 253" in text
