"""Funnels whose records jump, repeat, link crosswise or go backwards."""

from helpers.engine import build_cells, describe_rules
from tests.companies import make_company
from tests.engine.reading import pick

DAYS = ("created_at", "mql_at", "sql_at")


def contacts(*rows, **tables):
    """Make a company of contacts from (created, mql, sql) tuples."""
    table = {name: [row[i] for row in rows] for i, name in enumerate(DAYS)}
    return make_company({"contact": {"id": [f"c{i}" for i in range(len(rows))], **table}, **tables})


def touched(company, rule: str) -> int:
    rules = describe_rules(company).set_index("rule")
    return int(rules.loc[rule, "n_records"])


def test_a_contact_with_several_deals_counts_once_and_a_deal_with_several_contacts_once_among_deals():
    """Ann has two deals, Bob and Cyd share the second one.

    | contact | deals  |     | deal | created    | stage |
    | ann     | d1, d2 |     | d1   | 2026-01-10 | lost  |
    | bob     | d2     |     | d2   | 2026-01-20 | won   |
    | cyd     | d2     |
    | dot     |        |

    Contacts that reached an opportunity: ann, bob, cyd = 3 of 4 (not 4 links of 4); won: the same 3. Opportunities: 2.
    """
    links = {"deal_id": ["d1", "d2", "d2", "d2"], "contact_id": ["c0", "c0", "c1", "c2"]}
    deal = {
        "id": ["d1", "d2"],
        "created_at": ["2026-01-10", "2026-01-20"],
        "closed_at": ["2026-02-01", "2026-02-02"],
        "stage": ["Closed Lost", "Closed Won"],
        "amount": [10, 20],
    }
    company = contacts(*[("2026-01-01", "2026-01-02", None)] * 4, deal=deal, deal_contact=links)
    cells = build_cells(company)
    assert pick(cells, "mql_to_opportunity", basis="cohort")["numerator"] == 3
    assert pick(cells, "mql_to_opportunity", basis="cohort")["value"] == 0.75
    assert pick(cells, "mql_to_won", basis="cohort")["numerator"] == 3
    assert pick(cells, "mql_to_opportunity", basis="period")["numerator"] == 2
    assert pick(cells, "opportunities")["value"] == 2
    assert pick(cells, "revenue_won")["value"] == 20
    assert touched(company, "several deals per contact") == 1
    assert touched(company, "several contacts per deal") == 1


def test_a_link_told_twice_counts_once():
    """After a merge a pair stands twice in the associations and once in the deal: still one contact, one deal."""
    links = {"deal_id": ["d1", "d1"], "contact_id": ["c0", "c0"]}
    deal = {"id": ["d1"], "created_at": ["2026-01-10"], "closed_at": ["2026-02-01"], "stage": ["Closed Won"]}
    deal = {**deal, "amount": [10], "contact_id": ["c0"]}
    company = contacts(("2026-01-01", "2026-01-02", None), deal=deal, deal_contact=links)
    cells = build_cells(company)
    assert pick(cells, "lead_to_won", basis="cohort")["numerator"] == 1
    assert pick(cells, "revenue_won")["value"] == 10
    assert touched(company, "several deals per contact") == 0


def test_a_contact_reaches_a_stage_by_its_first_deal_that_does():
    """The first deal was lost, the second won: opportunity from the first (10 Jan), won from the second (20 Mar)."""
    deal = {
        "id": ["d1", "d2"],
        "created_at": ["2026-01-10", "2026-02-10"],
        "closed_at": ["2026-01-31", "2026-03-20"],
        "stage": ["Closed Lost", "Closed Won"],
        "amount": [1, 2],
        "contact_id": ["c0", "c0"],
    }
    company = contacts(("2026-01-01", "2026-01-01", None), deal=deal)
    cells = build_cells(company)
    assert pick(cells, "mql_opportunity_days")["value"] == 9
    assert pick(cells, "mql_won_days")["value"] == 78


def test_a_contact_reaches_nothing_through_a_renewal():
    """Its only deal is a renewal: no new-business opportunity, so 0 of 1; it counts as an opportunity all the same."""
    deal = {"id": ["d1"], "created_at": ["2026-01-10"], "closed_at": ["2026-01-31"], "stage": ["Closed Won"]}
    deal = {**deal, "amount": [1], "contact_id": ["c0"], "type": ["Renewal"]}
    company = contacts(("2026-01-01", "2026-01-01", None), deal=deal)
    cells = build_cells(company)
    assert pick(cells, "mql_to_opportunity", basis="cohort")["value"] == 0
    assert pick(cells, "mql_to_won", basis="cohort")["value"] == 0
    assert pick(cells, "opportunities")["value"] == 1


def test_a_skipped_stage_is_counted_and_neither_dropped_nor_invented():
    """Ann goes step by step; Bob is an SQL who never was an MQL.

    | contact | lead  | MQL   | SQL   |
    | ann     | 1 Jan | 5 Jan | 9 Jan |
    | bob     | 1 Jan |       | 9 Jan |

    MQLs 1, SQLs 2, MQL to SQL by cohort 1 of 1 (Bob isn't in it), by period 2 ÷ 1 = 200 %.
    """
    company = contacts(("2026-01-01", "2026-01-05", "2026-01-09"), ("2026-01-01", None, "2026-01-09"))
    cells = build_cells(company)
    assert pick(cells, "mqls")["value"] == 1
    assert pick(cells, "sqls")["value"] == 2
    cohort, period = (pick(cells, "mql_to_sql", basis=basis) for basis in ("cohort", "period"))
    assert (cohort["numerator"], cohort["denominator"]) == (1, 1)
    assert (period["value"], period["n"]) == (2.0, 1)
    assert period[["low", "high"]].isna().all()
    assert touched(company, "skipped: mql") == 1


def test_a_later_stage_dated_before_the_step_does_not_count_for_the_step():
    """Won on 1 Jan but created on 5 Jan: counts as won and as an opportunity, not as converted; no cycle of −4 days.

    | created    | closed     |
    | 2026-01-05 | 2026-01-01 |
    | 2026-01-05 | 2026-01-05 |   same day: counts, 0 days
    """
    deal = {
        "id": ["d1", "d2"],
        "created_at": ["2026-01-05", "2026-01-05"],
        "closed_at": ["2026-01-01", "2026-01-05"],
        "stage": ["Closed Won", "Closed Won"],
        "amount": [1, 1],
    }
    company = make_company({"deal": deal})
    cells = build_cells(company)
    assert pick(cells, "deals_won")["value"] == 2
    cohort = pick(cells, "opportunity_to_won", basis="cohort")
    assert (cohort["numerator"], cohort["denominator"]) == (1, 2)
    cycle = pick(cells, "sales_cycle_days", basis="outcome")
    assert (cycle["value"], cycle["n"]) == (0, 1)
    assert touched(company, "reached before: opportunity to won") == 1


def test_a_reentered_stage_counts_with_its_first_entry():
    """Demo on 10 Jan, back to Intro on 20 Jan, Demo again on 1 Apr: one entry into demo, in Q1."""
    deal = {"id": ["d1"], "created_at": ["2026-01-01"], "stage": ["Demo"], "stage_id": ["demo"], "amount": [1]}
    history = {
        "deal_id": ["d1"] * 3,
        "changed_at": ["2026-01-10", "2026-01-20", "2026-04-01"],
        "field": ["stage"] * 3,
        "old": ["Intro", "Demo", "Intro"],
        "new": ["Demo", "Intro", "Demo"],
    }
    company = make_company(
        {"deal": deal, "deal_history": history},
        funnel={"stages": ["opportunity", "demo", "won"]},
        settings={"deal_stages": [{"label": "Intro", "stage": "opportunity"}, {"label": "Demo", "stage": "demo"}]},
    )
    cells = build_cells(company)
    conversion = pick(cells, "opportunity_to_demo", basis="cohort", start="2026-01-01")
    assert (conversion["numerator"], conversion["denominator"]) == (1, 1)
    assert pick(cells, "opportunity_to_demo", basis="period", start="2026-01-01")["numerator"] == 1
    assert touched(company, "re-entered") == 1


def test_a_stage_that_the_company_lacks_is_unavailable_and_its_neighbours_join_hands():
    """No MQL and no SQL column: lead to opportunity is the neighbouring step; MQLs have no rows, not zeros."""
    deal = {"id": ["d1"], "created_at": ["2026-01-10"], "closed_at": ["2026-01-31"], "stage": ["Closed Won"]}
    company = make_company(
        {"contact": {"id": ["c0"], "created_at": ["2026-01-01"]}, "deal": {**deal, "contact_id": ["c0"]}}
    )
    found = set(build_cells(company)["kpi"])
    assert "lead_to_opportunity" in found
    assert not {"mqls", "sqls", "lead_to_mql", "mql_to_opportunity", "revenue_won"} & found


def test_unlinked_deals_give_a_period_rate_and_no_cohort_of_zero_percent():
    """Deals name no contact: nobody can trace a cohort of MQLs, so it has no row, rather than 0 %."""
    deal = {"id": ["d1"], "created_at": ["2026-01-10"], "closed_at": ["2026-01-31"], "stage": ["Closed Won"]}
    company = contacts(("2026-01-01", "2026-01-02", None), deal=deal)
    cells = build_cells(company, kpis=["mql_to_opportunity"])
    assert cells["basis"].tolist() == ["period"]
    assert cells["value"].tolist() == [1.0]


def test_a_contact_only_funnel_needs_no_deals():
    """MQL and won dates on the contact, won amount beside: deals won, revenue and MQL to won all stand.

    | contact | mql        | won        | amount |
    | c0      | 2026-01-02 | 2026-01-20 | 100    |
    | c1      | 2026-01-02 |            |        |
    """
    table = {
        "id": ["c0", "c1"],
        "mql_at": ["2026-01-02"] * 2,
        "won_at": ["2026-01-20", None],
        "won_amount": [100, None],
    }
    cells = build_cells(make_company({"contact": table}))
    assert pick(cells, "deals_won")["value"] == 1
    assert pick(cells, "revenue_won")["value"] == 100
    assert pick(cells, "mql_to_won", basis="cohort")["value"] == 0.5
    assert "win_rate" not in set(cells["kpi"])
