"""Rates that look right and aren't."""

import math

import pytest
from scipy import stats

from helpers.engine import build_cells, explain_availability
from helpers.errors import QuestionError
from tests.companies import make_company
from tests.engine.reading import pick, values


def deals(*rows, columns=("created_at", "closed_at", "stage", "amount", "owner")):
    """Make a company of deals from tuples."""
    table = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    return make_company({"deal": {"id": [f"d{i}" for i in range(len(rows))], **table}})


def test_a_rate_over_two_quarters_is_the_ratio_of_sums_and_no_mean_of_rates():
    """Q1: 1 won of 1 closed = 100 %. Q2: 1 won of 3 closed = 33 %. Together 2 of 4 = 50 %, never (100 + 33) / 2 = 67 %.

    | closed     | stage |
    | 2026-02-01 | won   |
    | 2026-05-01 | won   |
    | 2026-05-02 | lost  |
    | 2026-05-03 | lost  |
    """
    company = deals(
        ("2026-01-01", "2026-02-01", "Closed Won", 10, "A"),
        ("2026-01-01", "2026-05-01", "Closed Won", 10, "A"),
        ("2026-01-01", "2026-05-02", "Closed Lost", 10, "A"),
        ("2026-01-01", "2026-05-03", "Closed Lost", 10, "A"),
    )
    by_quarter = build_cells(company, kpis=["win_rate"])
    assert by_quarter["value"].round(4).tolist() == [1.0, 0.3333]
    whole = pick(build_cells(company, kpis=["win_rate"], grain="all"), "win_rate")
    assert (whole["numerator"], whole["denominator"], whole["value"]) == (2, 4, 0.5)


def test_simpson_every_slice_falls_while_the_company_rises_because_the_mix_moved():
    """SMB wins 1 of 4, then 0 of 1; enterprise wins 1 of 1, then 3 of 4: both fall. The company: 2 of 5, then 3 of 5.

    | quarter | segment    | won | lost |
    | Q1      | SMB        |  1  |  3   |
    | Q1      | enterprise |  1  |  0   |
    | Q2      | SMB        |  0  |  1   |
    | Q2      | enterprise |  3  |  1   |
    """
    counts = [("02", "SMB", 1, 3), ("02", "ENT", 1, 0), ("05", "SMB", 0, 1), ("05", "ENT", 3, 1)]
    rows = [
        ("2026-01-01", f"2026-{month}-01", stage, 10, segment)
        for month, segment, won, lost in counts
        for stage in ["Closed Won"] * won + ["Closed Lost"] * lost
    ]
    company = deals(*rows, columns=("created_at", "closed_at", "stage", "amount", "segment"))
    cells = build_cells(company, kpis=["win_rate"], by=[(), ("segment",)])
    assert values(cells, "win_rate", start="2026-01-01") == {"all": 0.4, "SMB": 0.25, "ENT": 1.0}
    assert values(cells, "win_rate", start="2026-04-01") == {"all": 0.6, "SMB": 0.0, "ENT": 0.75}


def test_a_small_slice_has_a_wide_interval_and_its_n():
    """2 won of 2: 100 %, but Wilson's interval reaches down to 34 % (z² = 3.84: 2 / (2 + 3.84) = 0.342)."""
    company = deals(
        ("2026-01-01", "2026-02-01", "Closed Won", 10, "A"),
        ("2026-01-01", "2026-02-01", "Closed Won", 10, "A"),
        ("2026-01-01", "2026-02-01", "Closed Lost", 10, "B"),
    )
    cell = pick(build_cells(company, kpis=["win_rate"], by=[("owner",)]), "win_rate", slice="A")
    assert (cell["n"], cell["value"], cell["high"]) == (2, 1.0, 1.0)
    assert cell["low"] == pytest.approx(2 / (2 + 1.959964**2), abs=1e-4)


def test_a_rate_without_a_denominator_has_no_row_instead_of_zero():
    """Nothing closed in Q2: there is no win rate of Q2, while deals won are truly 0.

    | closed     | stage |
    | 2026-02-01 | won   |   (Q1)
    | 2026-08-01 | lost  |   (Q3)
    """
    company = deals(
        ("2026-01-01", "2026-02-01", "Closed Won", 10, "A"), ("2026-01-01", "2026-08-01", "Closed Lost", 10, "A")
    )
    cells = build_cells(company, kpis=["win_rate", "deals_won"])
    assert cells[cells["kpi"] == "win_rate"]["period_start"].dt.month.tolist() == [1, 7]
    assert cells[cells["kpi"] == "deals_won"]["value"].tolist() == [1, 0, 0]


def test_renewals_stay_out_of_the_win_rate_and_the_cycle_and_in_the_counts():
    """New: 1 won (40 days), 1 lost. Renewals: 2 won (10 days). Win rate 1 of 2; deals won 3; revenue 10 + 5 + 5.

    | type    | created    | closed     | stage | amount |
    | new     | 2026-01-01 | 2026-02-10 | won   | 10     |
    | new     | 2026-01-01 | 2026-02-10 | lost  | 10     |
    | Renewal | 2026-01-01 | 2026-01-11 | won   | 5      |
    | Renewal | 2026-01-01 | 2026-01-11 | won   | 5      |
    """
    company = deals(
        ("2026-01-01", "2026-02-10", "Closed Won", 10, "new"),
        ("2026-01-01", "2026-02-10", "Closed Lost", 10, "new"),
        ("2026-01-01", "2026-01-11", "Closed Won", 5, "Renewal"),
        ("2026-01-01", "2026-01-11", "Closed Won", 5, "Renewal"),
        columns=("created_at", "closed_at", "stage", "amount", "type"),
    )
    cells = build_cells(company)
    assert pick(cells, "win_rate")["value"] == 0.5
    assert pick(cells, "sales_cycle_days", basis="outcome")["value"] == 40
    assert pick(cells, "opportunity_to_won", basis="cohort")["denominator"] == 2
    assert pick(cells, "opportunity_to_won", basis="period")["denominator"] == 2
    assert pick(cells, "deals_won")["value"] == 3
    assert pick(cells, "revenue_won")["value"] == 20
    assert pick(cells, "average_deal_size")["value"] == pytest.approx(20 / 3)


def test_win_rate_ignores_open_deals_and_the_cohort_conversion_does_not():
    """1 won, 1 lost, 2 open: win rate 1 of 2, opportunity to won 1 of 4."""
    company = deals(
        ("2026-01-01", "2026-02-01", "Closed Won", 10, "A"),
        ("2026-01-01", "2026-02-01", "Closed Lost", 10, "A"),
        ("2026-01-01", "2026-09-01", "Demo", 10, "A"),
        ("2026-01-01", None, "Demo", 10, "A"),
    )
    cells = build_cells(company)
    assert pick(cells, "win_rate")["value"] == 0.5
    assert pick(cells, "opportunity_to_won", basis="cohort")["value"] == 0.25


def test_a_company_that_records_no_lost_deals_has_no_win_rate_instead_of_100_percent():
    """2 won, 1 open, nothing ever lost."""
    company = deals(
        ("2026-01-01", "2026-02-01", "Closed Won", 10, "A"),
        ("2026-01-01", "2026-02-01", "Closed Won", 10, "A"),
        ("2026-01-01", None, "Demo", 10, "A"),
    )
    assert "win_rate" not in set(build_cells(company)["kpi"])
    row = explain_availability(company).set_index("kpi").loc["win_rate"]
    assert not row["is_available"]
    assert "100 %" in row["reason"]


def test_a_win_rate_by_value_needs_amounts_on_lost_deals():
    """Lost deals carry 0: the share by value would be 100 %.

    | stage | amount |
    | won   | 10     |
    | lost  | 0      |
    | lost  | none   |
    """
    rows = [("2026-01-01", "2026-02-01", "Closed Won", 10, "A"), ("2026-01-01", "2026-02-01", "Closed Lost", 0, "A")]
    company = deals(*rows, ("2026-01-01", "2026-02-01", "Closed Lost", None, "A"))
    assert "win_rate_value" not in set(build_cells(company)["kpi"])
    assert build_cells(company, kpis=["win_rate_value"]).empty


def test_a_rate_by_an_outcome_field_is_refused_with_the_reason():
    """Only lost deals have a lost reason: every reason would "convert" at 0 %."""
    company = deals(
        ("2026-01-01", "2026-02-01", "Closed Won", 10, None),
        ("2026-01-01", "2026-02-01", "Closed Lost", 10, "price"),
        columns=("created_at", "closed_at", "stage", "amount", "lost_reason"),
    )
    with pytest.raises(QuestionError, match="known only with the outcome"):
        build_cells(company, kpis=["win_rate"], by=[("lost_reason",)])
    with pytest.raises(QuestionError, match="known only with the outcome"):
        build_cells(company, kpis=["win_rate"], filters={"lost_reason": "price"})
    whole_report = build_cells(company, by=[("lost_reason",)])
    assert set(whole_report["kpi"]) == {"deals_won", "revenue_won"}


def _reach(x, y):
    """Half of the interval of Σx ÷ Σy over records: Cochran's residuals, Student's t with one degree less."""
    ratio, n = sum(x) / sum(y), len(x)
    residuals = sum((a - ratio * b) ** 2 for a, b in zip(x, y, strict=True)) * n / (n - 1)
    return stats.t.ppf(0.975, n - 1) * math.sqrt(residuals) / sum(y)


def test_intervals_of_money_are_those_of_a_formula_by_hand():
    """Six deals closed, four won: shares by log odds, averages by logarithms, days by rank.

    | stage | amount |   win rate by value: 100 of 160, x = 10 20 30 40 0 0, y = 10 20 30 40 25 35
    | won   | 10 20 30 40 |   average: 100 of 4
    | lost  | 25 35       |
    """
    won, lost = (10.0, 20.0, 30.0, 40.0), (25.0, 35.0)
    company = deals(
        *(("2026-01-01", f"2026-02-0{i + 1}", "Closed Won", amount, "A") for i, amount in enumerate(won)),
        *(("2026-01-01", "2026-02-09", "Closed Lost", amount, "A") for amount in lost),
    )
    cells = build_cells(company, kpis=["win_rate_value", "average_deal_size", "sales_cycle_days"], by=[(), ("owner",)])
    shares = cells[cells["kpi"] == "win_rate_value"]
    share, half = 100 / 160, _reach([*won, 0, 0], [*won, *lost])
    odds, reach = math.log(share / (1 - share)), half / (share * (1 - share))
    expected = [1 / (1 + math.exp(-(odds + side * reach))) for side in (-1, 1)]
    assert len(shares) == 2 and (shares["value"] == share).all()
    for _, row in shares.iterrows():
        assert [row["low"], row["high"]] == pytest.approx(expected)
    means = cells[cells["kpi"] == "average_deal_size"]
    stretch = math.exp(_reach(won, [1.0] * 4) / 25)
    assert len(means) == 2
    for _, row in means.iterrows():
        assert [row["low"], row["value"], row["high"]] == pytest.approx([25 / stretch, 25, 25 * stretch])
    days = cells[cells["kpi"] == "sales_cycle_days"]
    assert days[["low", "high"]].isna().all(axis=None), "no two of four values hold a median with 95 %"


def test_the_interval_of_retention_is_that_of_its_accounts():
    """GRR: 100 → 100, 200 → 150, 300 → 0, 400 → 400: 650 of 1,000 stayed, by log odds over four accounts."""
    before, after = [100.0, 200.0, 300.0, 400.0], [100.0, 150.0, 0.0, 400.0]
    rows = [("s", name, mrr, "2025-01-01", "2026-02-15") for name, mrr in zip("abcd", before, strict=True)]
    rows += [("t", name, mrr, "2026-02-16", None) for name, mrr in zip("abcd", after, strict=True) if mrr]
    table = {
        "id": [f"{kind}{name}" for kind, name, *_ in rows],
        "customer_id": [name for _, name, *_ in rows],
        "mrr": [mrr for _, _, mrr, *_ in rows],
        "start_at": [start for *_, start, _ in rows],
        "end_at": [end for *_, end in rows],
        "renewal_at": ["2026-02-15" if kind == "s" else None for kind, *_ in rows],
    }
    customers = {"id": list("abcd"), "live_at": ["2025-01-01"] * 4}
    company = make_company({"customer": customers, "subscription": table}, latest_event="2026-06-30")
    cells = build_cells(company, kpis=["grr"], start="2026-01-01", end="2026-03-31")
    [row] = cells.to_dict("records")
    share, half = 0.65, _reach(after, before)
    odds, reach = math.log(share / (1 - share)), half / (share * (1 - share))
    expected = [1 / (1 + math.exp(-(odds + side * reach))) for side in (-1, 1)]
    assert (row["value"], row["n"]) == (share, 4)
    assert [row["low"], row["high"]] == pytest.approx(expected)
