"""Every rule that touches records is counted."""

from helpers.engine import describe_rules
from tests.companies import make_company


def test_each_rule_counts_the_records_that_it_touched():
    """One deal per nuisance.

    | deal | what is odd                                   |
    | d0   | no create date                                |
    | d1   | won without a close date and without an amount|
    | d2   | renewal                                       |
    | d3   | won after the day asked about                 |
    """
    deal = {
        "id": ["d0", "d1", "d2", "d3"],
        "created_at": [None, "2026-01-01", "2026-01-01", "2026-01-01"],
        "closed_at": ["2026-09-01", None, "2026-02-01", "2026-05-01"],
        "stage": ["Demo", "Closed Won", "Closed Won", "Closed Won"],
        "amount": [1, None, 1, 1],
        "type": ["new", "new", "Renewal", "new"],
    }
    history = {"deal_id": ["gone"], "changed_at": ["2026-01-02"], "field": ["stage"], "old": ["A"], "new": ["B"]}
    company = make_company({"deal": deal, "deal_history": history})
    rules = describe_rules(company, as_of="2026-03-31").set_index("rule")["n_records"]
    assert rules["undated opportunity"] == 1
    assert rules["undated close"] == 1
    assert rules["won without amount"] == 0
    assert rules["existing business"] == 1
    assert rules["open again"] == 1
    assert rules["history of unknown deals"] == 1
    assert rules["current amount used"] == 2


def test_young_records_that_may_still_convert_are_counted():
    """A past conversion took 40 days: of the two that haven't converted, the one of 10 days ago may still."""
    table = {"id": ["a", "b", "c"], "created_at": ["2026-01-01", "2026-01-01", "2026-06-20"]}
    company = make_company({"contact": {**table, "mql_at": ["2026-02-10", None, None]}}, latest_event="2026-06-30")
    rules = describe_rules(company).set_index("rule")["n_records"]
    assert rules["open cohort: lead to mql"] == 1


def test_a_company_without_deals_has_no_rules_of_deals():
    rules = describe_rules(make_company({"contact": {"id": ["a"], "created_at": ["2026-01-01"]}}))
    assert not rules["rule"].str.contains("close").any()
    assert rules.columns.tolist() == ["rule", "description", "n_records"]
