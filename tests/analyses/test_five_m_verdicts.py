"""Error control over all questions, confidence by its rule, and no euro told twice or beyond the gap."""

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.five_m import EVIDENCE, NO_SIGN, Answer, gather_evidence
from helpers.analyses.five_m_machinery import find_fault
from helpers.analyses.five_m_material import list_localised
from helpers.analyses.five_m_question import LATER, THIS_PERIOD
from helpers.analyses.five_m_records import list_cause_records
from helpers.analyses.five_m_verdicts import correct_answers, judge_confidence, share_money
from helpers.analyses.process_tests import chance_of
from helpers.errors import DefinitionError, QuestionError
from helpers.model.cause import load_causes, load_five_m
from tests.analyses.five_m_cases import ask, is_late, make_contacts, make_deals, make_question
from tests.analyses.test_five_m_machinery import assign, is_broken
from tests.analyses.test_five_m_measurement import CAUSE

RULES = load_causes()


def test_evidence_is_taken_back_where_it_does_not_hold_among_all_questions() -> None:
    """By hand: p 0.001, 0.009, 0.5, 0.9; q of the second is 0.009 × 4 ÷ 2 = 0.018, above its level of 0.01."""
    p_values = [0.001, 0.009, 0.5, 0.9]
    asked = [(RULES["no_show"], Answer(EVIDENCE, "shown", n=100, n_before=100, p_value=p)) for p in p_values]
    kept, q_values = correct_answers(asked)
    assert q_values == pytest.approx([0.004, 0.018, 0.5 * 4 / 3, 0.9])
    assert [answer.verdict for _, answer in kept[:2]] == [EVIDENCE, NO_SIGN]
    assert "once all 4 questions are counted" in kept[1][1].statement


def test_what_the_search_found_is_not_corrected_twice() -> None:
    found = Answer(EVIDENCE, "found", n=100, n_before=100, p_value=0.03, is_corrected=True)
    others = [(RULES["no_show"], Answer(NO_SIGN, "", p_value=0.5)) for _ in range(20)]
    kept, q_values = correct_answers([(RULES["closing_rate"], found), *others])
    assert q_values[0] == 0.03 and kept[0][1].verdict == EVIDENCE


@pytest.mark.parametrize(
    ("answer", "q", "expected"),
    [
        (Answer(EVIDENCE, "", n=100, n_before=100), 0.0005, "high"),
        (Answer(EVIDENCE, "", n=100, n_before=100), 0.005, "medium"),
        (Answer(EVIDENCE, "", n=20, n_before=100), 0.0005, "medium"),
        (Answer(EVIDENCE, "", n=100, n_before=100, fits=False), 0.0005, "low"),
        (Answer(EVIDENCE, "", n=100, is_state=True), np.nan, "low"),
        (Answer(NO_SIGN, "", n=100), 0.5, ""),
    ],
)
def test_confidence_follows_its_rule(answer: Answer, q: float, expected: str) -> None:
    assert judge_confidence(RULES["no_show"], answer, q)[0] == expected


def test_the_same_records_are_priced_once_and_the_sum_stays_within_the_gap() -> None:
    question = make_question({"deal": make_deals()}, gap=-100.0)
    costs = [(-80.0, range(10), THIS_PERIOD), (-60.0, range(5), THIS_PERIOD), (-50.0, range(20, 30), THIS_PERIOD),
             (-500.0, range(40, 50), LATER)]  # fmt: skip
    asked = [
        (RULES[name], Answer(EVIDENCE, "", money=money, object="deal", rows=np.array(rows), counts_for=when))
        for name, (money, rows, when) in zip(("ramping", "load", "stalled", "no_show"), costs, strict=True)
    ]
    added, overlaps = share_money(question, asked)
    assert added == [-80.0, 0.0, -20.0, -500.0]
    assert overlaps[1] == "ramping" and overlaps[2] and not overlaps[3]


@pytest.mark.parametrize("seed", range(8))
def test_nothing_planted_nothing_claimed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    contacts = assign(make_contacts(seed=seed), broken=False)
    contacts = contacts.assign(
        activities=rng.integers(0, 6, len(contacts)),
        first_touch_at=contacts["created_at"] + pd.to_timedelta(rng.integers(0, 4, len(contacts)), unit="D"),
        meeting_booked_at=contacts["created_at"],
        no_show=rng.random(len(contacts)) < 0.15,
    )
    found = gather_evidence(make_question({"contact": contacts, "deal": make_deals(seed=seed + 50)}))
    claimed = found[(found["verdict"] == EVIDENCE) & (found["m"] != "measurement")]
    assert claimed.empty, claimed[["cause", "statement"]].to_string()
    states = {"undated_steps", "missing_goals"}
    assert set(found.loc[found["verdict"] == EVIDENCE, "cause"]) == states


def test_a_share_that_swings_anyway_is_no_news() -> None:
    """60 of 300 now; earlier periods with 30, 90, 30, 90 of 300 swing around 60 of 300 with a mean of 20 %."""
    swinging = chance_of(90, 300, np.array([30.0, 90, 30, 90]), np.full(4, 300.0))
    steady = chance_of(90, 300, np.array([60.0, 60, 60, 60]), np.full(4, 300.0))
    assert steady < 1e-3 < 0.1 < swinging
    assert chance_of(0, 0, np.array([5.0]), np.array([10.0])) == 1.0


def test_a_rate_that_a_broken_process_explains_is_not_the_quality_of_material() -> None:
    contacts = assign(make_contacts(), broken=True)
    question = make_question({"contact": contacts}, causes=pd.DataFrame([CAUSE]))
    assert list_localised(question, RULES["quality"]) == []
    sound = make_question({"contact": assign(make_contacts(), broken=False)}, causes=pd.DataFrame([CAUSE]))
    assert [row["slice"] for row in list_localised(sound, RULES["quality"])] == ["region=North"]
    assert list_localised(sound, RULES["closing_rate"]) == []


def test_records_are_listed_with_links_and_counted_by_week_and_owner() -> None:
    contacts = assign(make_contacts(), broken=True)
    settings = {"record_url": {"contact": "https://crm.example/{id}"}}
    question = make_question({"contact": contacts}, settings=settings)
    found = gather_evidence(question)
    listed = list_cause_records(question.company, found, "assignment_break")
    row = found.set_index("cause").loc["assignment_break"]
    assert len(listed.frame) == row["n_records"] == listed.weeks["n"].sum()
    assert listed.frame["link"].str.startswith("https://crm.example/c").all()
    assert set(listed.weeks["slice"]) == {"nobody"}
    assert set(list_cause_records(question.company, found, "assignment_break", by="region").weeks["slice"]) == {"North"}
    assert (listed.weeks["week"].dt.day_of_week == 0).all()
    first = contacts.set_index("id").loc[listed.frame["record"].iloc[-1]]
    assert is_broken(contacts)[contacts["id"] == listed.frame["record"].iloc[-1]].all() and pd.isna(
        first["assigned_at"]
    )
    assert list_cause_records(question.company, found, "load").frame.empty
    with pytest.raises(QuestionError, match="Did you mean"):
        list_cause_records(question.company, found, "assignment_brek")


def test_a_company_changes_a_threshold_and_adds_a_cause_without_python() -> None:
    contacts = make_contacts()
    idle = np.arange(len(contacts)) % 100 < np.where(is_late(contacts["created_at"]), 7, 2)
    contacts["activities"] = np.where(idle, 0, 2)
    assert ask({"contact": contacts}, "no_follow_up")["verdict"] == NO_SIGN
    own = {
        "no_follow_up": {"least_change": 0.05},
        "slow_fair": {"m": "method", "question": "Slow?", "test": "speed", "needs": ["contact.first_touch_at"],
                      "within_days": 3, "evidence": "e", "contain": "c", "prevent": "p"},
    }  # fmt: skip
    changed = ask({"contact": contacts}, "no_follow_up", settings={"causes": own})
    assert changed["verdict"] == EVIDENCE
    assert "slow_fair" in set(gather_evidence(make_question({"contact": contacts}, settings={"causes": own}))["cause"])


@pytest.mark.parametrize(
    ("load", "said"),
    [
        (lambda: load_causes({"load": {"sygnificance": 0.1}}), "company.toml, causes.load.sygnificance"),
        (lambda: load_five_m({"milieux": True}), "company.toml, five_m.milieux"),
    ],
)
def test_a_mistake_in_a_companys_rules_names_its_place(load, said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        load()


def test_a_test_that_does_not_exist_says_which_do() -> None:
    rule = {"m": "method", "question": "?", "test": "tarot", "evidence": "e", "contain": "c", "prevent": "p"}
    row = ask({"deal": make_deals()}, "odd", settings={"causes": {"odd": rule}})
    assert "no test called tarot" in row["statement"] and "speed" in row["statement"]


def test_a_step_that_was_mended_before_the_period_is_none() -> None:
    contacts = make_contacts()
    days = (contacts["created_at"] - pd.Timestamp("1970-01-01")).dt.days.to_numpy()
    between = contacts["created_at"].between("2025-04-01", "2025-06-25")
    question = make_question({"contact": contacts})
    fault, _, _ = find_fault(question, "contact", ~between.to_numpy(), days, np.ones(len(days), bool))
    assert fault is None
