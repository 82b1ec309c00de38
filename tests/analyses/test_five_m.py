"""The five Ms: a break on a date is found, what can't be tested names its field, and rules are data."""

import re
import tomllib
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.five_m import EVIDENCE, NO_SIGN, TESTS, UNTESTED, Question, gather_evidence
from helpers.analyses.process_tests import compare_shares, find_break
from helpers.model.cause import ALL_M_LABELS, M_LABELS, CauseRule, load_causes
from helpers.periods import Period, period_of
from tests.companies import make_company

NOW = period_of(date(2025, 9, 30), "quarter")
BEFORE: list[Period] = [NOW.previous(i) for i in (2, 1)]
AS_OF = date(2025, 9, 30)


def make_contacts(*, broken_from: str = "", idle_now: float = 0.05, seed: int = 1) -> pd.DataFrame:
    """1,800 contacts over three quarters; from a day on the north's get no owner."""
    rng = np.random.default_rng(seed)
    created = pd.Timestamp("2025-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 273, 1800)), unit="D")
    region = rng.choice(["North", "South", "West"], 1800)
    assigned = pd.Series(created + pd.Timedelta(days=1))
    if broken_from:
        lost = (region == "North") & (created >= pd.Timestamp(broken_from)) & (rng.random(1800) < 0.9)
        assigned = assigned.mask(lost)
    idle = rng.random(1800) < np.where(created >= pd.Timestamp(NOW.start), idle_now, 0.05)
    return pd.DataFrame(
        {
            "id": [str(i) for i in range(1800)],
            "created_at": created.strftime("%Y-%m-%d"),
            "assigned_at": assigned.dt.strftime("%Y-%m-%d"),
            "region": region,
            "activities": np.where(idle, 0, 3),
            "source": "Web",
        }
    )


def ask(contacts: pd.DataFrame | None = None) -> pd.DataFrame:
    """All evidence on a company of contacts, by cause."""
    tables = {} if contacts is None else {"contact": contacts}
    question = Question(make_company(tables), NOW, BEFORE, AS_OF)
    return gather_evidence(question).set_index("cause")


def test_a_break_in_assignment_is_found_with_slice_and_day() -> None:
    row = ask(make_contacts(broken_from="2025-07-14")).loc["assignment_break"]
    assert row["verdict"] == EVIDENCE
    assert row["slice"] == "region=North"
    assert any(f"{day} Jul 2025" in row["statement"] for day in range(12, 18))


def test_no_break_is_no_sign() -> None:
    assert ask(make_contacts()).loc["assignment_break", "verdict"] == NO_SIGN


def test_more_contacts_without_follow_up_are_evidence() -> None:
    assert ask(make_contacts(idle_now=0.3)).loc["no_follow_up", "verdict"] == EVIDENCE
    assert ask(make_contacts()).loc["no_follow_up", "verdict"] == NO_SIGN


def test_what_can_not_be_tested_names_the_field() -> None:
    row = ask(make_contacts()).loc["speed_to_lead"]
    assert row["verdict"] == UNTESTED
    assert "first touch date" in row["statement"]


def test_an_empty_company_gets_every_question_and_no_error() -> None:
    evidence = ask()
    assert list(evidence.index) == list(load_causes())
    assert (evidence.drop(index=["undated_steps", "missing_goals"])["verdict"] != EVIDENCE).all()


@pytest.mark.parametrize("has_contacts", [False, True])
def test_fields_are_called_by_plain_names_but_where_their_mapping_is_written(has_contacts) -> None:
    tables = tomllib.loads(Path("data/definitions/objects.toml").read_text(encoding="utf-8"))
    raw = {field for table in tables.values() for field in table["fields"] if "_" in field}
    told = ask(make_contacts() if has_contacts else None)["statement"]
    for statement in told.str.split(", then map its column to").str[0]:
        assert not raw & set(re.findall(r"[a-z]+(?:_[a-z]+)+", statement)), statement
    assert "MQL date and SQL date" in told["undated_steps"]
    assert "the activity's automated mark (whether a machine did it)" in told["missed_by_automation"]
    assert told["speed_to_lead"].startswith("Needs the contact's first touch date (when somebody first reached out by")


def test_every_rule_is_complete_and_every_m_is_asked() -> None:
    rules = load_causes(milieu=True)
    assert {rule.m for rule in rules.values()} == set(ALL_M_LABELS)
    assert {rule.m for rule in load_causes().values()} == set(M_LABELS)
    assert {rule.test for rule in rules.values()} == set(TESTS)
    for rule in rules.values():
        assert rule.contain and rule.prevent and rule.question.endswith("?"), rule.id


def test_a_companys_own_rule_needs_no_python() -> None:
    rule = {"slow_web": {"m": "method", "question": "Slow?", "test": "speed", "needs": ["contact.first_touch_at"],
                         "evidence": "e", "contain": "c", "prevent": "p"}}  # fmt: skip
    assert isinstance(load_causes(rule)["slow_web"], CauseRule)


def test_no_break_in_noise() -> None:
    rng = np.random.default_rng(8)
    found = []
    for _ in range(30):
        days = np.sort(rng.integers(0, 180, 600))
        codes = rng.integers(0, 5, 600)
        step = find_break(rng.random(600) < 0.8, days, {"region": (codes, np.array(list("abcde"), dtype="O"))})
        found.append(step is not None and step.p_value <= 0.01)
    assert sum(found) <= 2


def test_shares_are_compared_by_a_two_proportion_test() -> None:
    """50 of 100 against 80 of 100: pooled 0.65, z = 0.3 / sqrt(0.65 · 0.35 · 0.02) = 4.447."""
    test = compare_shares(np.arange(100) < 50, np.arange(100) < 80)
    assert test.p_value == pytest.approx(8.7e-6, rel=0.02)
    assert test.is_worse(bad="down")
    assert not test.is_worse(bad="up")
    assert compare_shares(np.array([], bool), np.array([True])).p_value == 1.0
