"""Layers counted by hand: what rolls up, what stands under two parents, what is missing above and below."""

import tomllib
from datetime import date

import pandas as pd
import pytest

from helpers.analyses.discovery_findings import find_discovery_findings
from helpers.analyses.discovery_review import review_discovery
from helpers.analyses.rollup_layers import check_rollup_layers
from helpers.ingest.settings import Rollup
from helpers.model.layers import load_layers
from helpers.model.survey import load_discovery_rules
from tests.analyses.survey_cases import answers, people
from tests.companies import make_company

AS_OF = date(2026, 6, 30)

CONTACTS = """
| id | campaign     | source | channel |
| 1  | Spring form  | Web    | Inbound |
| 2  | Spring form  | Web    | Inbound |
| 3  | Spring form  | Web    | Inbound |
| 4  | Fair Berlin  | Events | Events  |
| 5  | Fair Berlin  | Events | Inbound |
| 6  | Fair Berlin  | Events | Events  |
| 7  | –            | Web    | Inbound |
| 8  | –            | Mail   | –       |
| 9  | Cold list    | –      | –       |
| 10 | –            | –      | –       |
"""


def read(table):
    lines = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.strip().splitlines()]
    return pd.DataFrame(lines[1:], columns=lines[0]).replace("–", None)


def company_of(contacts, responses=None, **more):
    contacts = contacts.assign(created_at="2026-02-01")
    given = answers(responses) if responses else None
    return make_company({"contact": contacts}, answers=given, **more)


def check(contacts=None, responses=None, as_of=AS_OF, **more):
    company = company_of(read(CONTACTS) if contacts is None else contacts, responses, **more)
    return check_rollup_layers(company, responses, as_of=as_of)


def test_each_object_s_layers_stand_from_fine_to_coarse():
    ladder = check().ladder
    assert ladder["layer"].tolist() == ["detail", "source", "channel", "gtm_motion"]
    assert ladder["state"].tolist() == ["own", "own", "own", "missing"]
    assert ladder["fill_rate"].tolist()[:3] == [0.7, 0.8, 0.7]
    assert ladder["n_values"].tolist() == [3, 3, 2, 0]


def test_functional_dependency_counts_the_records_whose_value_has_one_parent():
    """Campaign and source: six contacts carry both, each campaign one source. Source and channel: seven carry both;
    Web (4) has one parent, Events (3) two of which one record lies outside; Mail has none."""
    detail, source = check().steps.to_dict("records")
    assert (detail["fine"], detail["coarse"]) == ("detail", "source")
    assert (detail["n_both"], detail["n_fine_only"], detail["n_coarse_only"]) == (6, 1, 2)
    assert (detail["single_share"], detail["n_two_parents"]) == (1.0, 0)
    assert (source["n_both"], source["n_fine_only"], source["n_coarse_only"]) == (7, 1, 0)
    assert source["single_share"] == pytest.approx(4 / 7)
    assert source["main_share"] == pytest.approx(6 / 7)
    assert (source["n_two_parents"], source["n_without_parent"]) == (1, 1)


def test_values_under_two_parents_or_none_are_listed_with_their_records():
    values = check().values.set_index("value")
    events = values.loc["Events"]
    assert (events["problem"], events["parents"], events["n"]) == ("two parents", "Events (2), Inbound (1)", 1)
    assert events["suggestion"] == "", "two of three are not clear enough"
    assert values.loc["Mail", "problem"] == values.loc["Cold list", "problem"] == "no parent"


def test_a_clear_main_parent_is_suggested():
    contacts = pd.DataFrame({"id": map(str, range(20)), "source": "Web", "channel": ["Inbound"] * 19 + ["Events"]})
    row = check(contacts).values.iloc[0]
    assert (row["suggestion"], row["n"]) == ("Inbound", 1)


def test_gaps_say_what_cannot_be_reported_above_and_below():
    gaps = check().gaps.set_index("kind")
    assert gaps.loc["missing_above", "sentence"] == "Contacts have no GTM motion above channel: nobody can report by it"
    assert (gaps.loc["no_detail", "n"], gaps.loc["no_detail", "share"]) == (2, 0.2)
    assert gaps.loc["two_parents", "n"] == 1
    assert gaps["share"].between(0, 1).all()


def test_people_who_start_in_the_middle_are_told_so():
    found = check(pd.DataFrame({"id": ["1", "2"], "source": ["Web", "Mail"]}))
    said = "Contacts start in the middle: source has no detail below it and no GTM motion above it"
    assert found.sentence == said


def test_fields_that_cut_across_each_other_are_no_layers_and_get_no_roll_up():
    """Each of two campaigns runs in both sources, half and half."""
    contacts = pd.DataFrame(
        {"id": list("abcd"), "campaign": ["Spring", "Spring", "Autumn", "Autumn"], "source": ["Web", "Mail"] * 2}
    )
    found = check(contacts)
    assert found.steps.iloc[0]["single_share"] == 0
    assert "crossing" in set(found.gaps["kind"]) and found.values.empty
    assert "rollups.source" not in found.toml


def test_suggested_roll_ups_can_be_pasted_and_read():
    hostile = 'A "quoted" \\ ] = [x]\n# no comment'
    contacts = pd.DataFrame({"id": list("abcde"), "source": ["Paid search", "Referral", "Kiosk", hostile, "\x7f"]})
    found = check(contacts)
    table = tomllib.loads(found.toml)["rollups"]["gtm_motion"]
    assert Rollup(**table).values == {"Paid search": "Marketing-led", "Referral": "Partner-led"}
    assert table["of"] == "source"
    assert '# "Kiosk" = ""' in found.toml and "where does it belong?" in found.toml


def test_a_roll_up_that_is_there_is_completed_and_its_parents_kept():
    contacts = pd.DataFrame(
        {
            "id": list("abcd"),
            "source": ["Web", "Web", "Fair", "Mail"],
            "channel": ["Inbound", "Inbound", "Events", None],
            "gtm_motion": ["Marketing-led", "Marketing-led", "Sales-led", "Sales-led"],
        }
    )
    rollups = {"channel": {"of": "source", "values": {"Web": "Inbound", "Fair": "Events"}}}
    found = check(contacts, settings={"rollups": rollups})
    table = tomllib.loads(found.toml)["rollups"]
    assert list(table) == ["channel"]
    assert table["channel"]["values"] == {"Web": "Inbound", "Fair": "Events"}
    assert '# "Mail" = ""' in found.toml, "E-mail is usually inbound, but mail alone says nothing"
    assert found.ladder.set_index("layer").loc["channel", "state"] == "computed"


def test_nothing_is_proposed_where_every_record_has_its_layers():
    contacts = pd.DataFrame(
        {
            "id": list("abc"),
            "campaign": ["Spring form", "Spring form", "Fair"],
            "source": ["Web", "Web", "Events"],
            "gtm_motion": ["Marketing-led", "Marketing-led", "Sales-led"],
        }
    )
    found = check(contacts)
    assert found.toml == "" and found.gaps.empty and found.values.empty
    assert found.sentence == "Every contact can be followed from campaign to GTM motion"


def test_fifty_states_without_a_region_are_too_many_unless_something_coarser_holds_them():
    states = [f"State {i:02d}" for i in range(50)]
    bare = pd.DataFrame({"id": map(str, range(50)), "county": states})
    gaps = check(bare).gaps
    assert gaps[["kind", "n"]].values.tolist() == [["too_many", 50]]
    assert "County has 50 values" in gaps.iloc[0]["sentence"]
    held = bare.assign(market=["North" if i < 25 else "South" for i in range(50)])
    assert check(held).gaps.empty


def test_records_after_the_last_day_are_not_seen():
    contacts = read(CONTACTS).assign(created_at=["2026-02-01"] * 8 + ["2026-07-01"] * 2)
    company = make_company({"contact": contacts})
    assert check_rollup_layers(company, as_of=AS_OF).ladder["n"].tolist() == [8] * 4
    assert check_rollup_layers(company, as_of=date(2026, 7, 1)).ladder["n"].tolist() == [10] * 4


def test_a_company_without_exports_has_nothing_to_roll_up():
    found = check_rollup_layers(make_company({}), as_of=AS_OF)
    assert found.ladder.empty and found.gaps.empty and found.toml == ""


def test_what_people_say_the_cuts_are_made_of_is_set_beside_the_crm():
    """Five contacts bear Web, three Events, one Mail. Ana names Web and Fairs, Ben Web and Events."""
    contacts = read(CONTACTS).assign(source=["Web"] * 5 + ["Events"] * 3 + ["Mail", None])
    said = people(
        ana={"partition_values": [{"partition": "Source", "values": ["Web", "Fairs"], "rolls_up_to": "Channel"}]},
        ben={"partition_values": [{"partition": "source", "values": "web; events", "rolls_up_to": "GTM motion"}]},
        eve={"partition_values": [{"partition": "Shoe size", "values": "40, 41"}]},
    )
    source, shoes = check(contacts, said).stated.to_dict("records")
    assert (source["label"], source["object"], source["n_people"], source["n_said"]) == ("Source", "contact", 2, 4)
    assert (source["said_only"], source["crm_only"]) == ("Fairs", "Mail")
    assert source["crm_only_share"] == pytest.approx(1 / 9)
    assert source["rolls_up_to"] == "Channel (Ana); GTM motion (Ben)" and source["is_disputed"]
    assert source["has_parent"] is False, "no contact carries a motion"
    assert (shoes["object"], shoes["said_only"]) == ("", "")


def test_the_finding_tells_the_largest_gap_and_visits_alone_make_none():
    company = company_of(pd.DataFrame({"id": ["1", "2"], "source": ["Web", "Mail"]}))
    review = review_discovery(company, load_discovery_rules(), as_of=AS_OF)
    assert any("start in the middle" in finding.headline for finding in review.findings)
    visits = make_company({"session": {"date": ["2026-02-01"], "sessions": [5], "source": ["Web"]}})
    review = review_discovery(visits, load_discovery_rules(), as_of=AS_OF)
    told = find_discovery_findings(
        review.matrix, review.activations, review.secondaries, review.copies, review.trend, review.rollups
    )
    assert not any("middle" in finding.headline for finding in told)


def test_the_order_of_rows_does_not_matter():
    straight, turned = check(), check(read(CONTACTS).iloc[::-1].reset_index(drop=True))
    pd.testing.assert_frame_equal(straight.steps, turned.steps)
    assert sorted(straight.gaps["sentence"]) == sorted(turned.gaps["sentence"])


def test_values_are_guessed_by_whole_words_only():
    motion = load_layers().families[0].layers[-1]
    assert motion.suggest("Paid Social") == "Marketing-led"
    assert motion.suggest("Unpaid") == motion.suggest("Partner webinar") == motion.suggest("") == ""
