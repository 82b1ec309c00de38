"""Win curves: open deals are no losses, slices differ only beyond chance, fields of winners only are refused."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.win_curve import measure_win_curve, tabulate_ages
from helpers.errors import QuestionError
from tests.companies import make_company

LAST = date(2025, 12, 31)


def make_deals(rng, n=400, *, source="Demo", rate=0.01, rival=0.02, days=365):
    created = pd.Timestamp(LAST) - pd.to_timedelta(rng.integers(0, days, n), unit="D")
    won, lost = rng.exponential(1 / rate, n).astype(int), rng.exponential(1 / rival, n).astype(int)
    closed = created + pd.to_timedelta(np.minimum(won, lost), unit="D")
    stage = np.where(closed > pd.Timestamp(LAST), "Open", np.where(won <= lost, "Closed Won", "Closed Lost"))
    frame = pd.DataFrame({"created_at": created, "closed_at": closed, "stage": stage, "source": source})
    return frame.assign(id=[f"{source}{i}" for i in range(n)], amount=1000.0)


def measure(deals, **options):
    return measure_win_curve(make_company({"deal": deals}, latest_event=LAST), as_of=LAST, **options)


def test_worked_by_hand():
    """
    Ten times these five deals of 1 December, seen on 31 December.

    | deal | day | how  | won by then                 |
    | a    |   1 | won  | 1/5                         |
    | b    |   2 | lost | 1/5                         |
    | c    |   4 | won  | 2/5                         |
    | d, e |  30 | open | 2/5; 40 % still open        |
    """
    closes = ["2025-12-02", "2025-12-03", "2025-12-05", None, None]
    stages = ["Closed Won", "Closed Lost", "Closed Won", "Open", "Open"]
    deals = pd.DataFrame({"id": list("abcde"), "created_at": "2025-12-01", "closed_at": closes, "stage": stages})
    curve = measure(pd.concat([deals.assign(id=deals["id"] + str(i)) for i in range(10)]))
    assert (curve.n, curve.n_won, curve.n_lost) == (50, 20, 10)
    rows = curve.table.set_index("day")
    assert rows.loc[7, ["share", "lost", "open"]].tolist() == pytest.approx([0.4, 0.2, 0.4])
    assert rows["at_risk"].tolist() == [50, 20]
    assert curve.frame["share"].tolist() == pytest.approx([0.2, 0.2, 0.4, 0.4])


def test_young_deals_count_for_as_long_as_they_were_watched():
    """In truth a third is won in the end; of all deals created so far fewer are, since many are young."""
    deals = make_deals(np.random.default_rng(1), 3000, days=120)
    curve = measure(deals)
    truth = (1 / 3) * (1 - np.exp(-0.03 * 91))
    row = curve.table.set_index("day").loc[90]
    assert row["low"] <= truth <= row["high"]
    assert (deals["stage"] == "Closed Won").mean() < row["low"]


def test_slices_differ_only_beyond_chance():
    rng = np.random.default_rng(6)
    same = pd.concat([make_deals(rng, source=name) for name in ("Demo", "Event", "Web")])
    curve = measure(same, by="source")
    assert curve.p_value > 0.05
    assert curve.headline.startswith("Win curves don't differ by source beyond chance")
    other = pd.concat([make_deals(rng), make_deals(rng, source="Event", rate=0.003)])
    curve = measure(other, by="source")
    assert curve.p_value < 0.001
    assert curve.named == ("Demo", "Event")
    assert "won in Demo" in curve.headline


def test_small_slices_get_no_curve_and_are_told():
    rng = np.random.default_rng(2)
    curve = measure(pd.concat([make_deals(rng), make_deals(rng, 12, source="Fax")]), by="source")
    assert set(curve.frame["slice"]) == {"Demo"}
    assert curve.left_out == ("Fax",)
    assert "Without a curve (fewer records): Fax." in curve.note


def test_a_contact_stays_in_the_running_after_a_lost_deal_and_the_page_says_so():
    contacts = pd.DataFrame(
        {"id": list("abcd"), "mql_at": "2025-06-01", "won_at": ["2025-06-11", None, "2025-07-01", None]}
    )
    contacts = pd.concat([contacts.assign(id=contacts["id"] + str(i)) for i in range(10)])
    company = make_company({"contact": contacts}, latest_event=LAST)
    curve = measure_win_curve(company, from_stage="mql", as_of=LAST)
    assert curve.table.set_index("day").loc[14, "share"] == pytest.approx(0.25)
    assert curve.frame["share"].max() == pytest.approx(0.5)
    assert not curve.knows_losses
    assert "Nothing tells when one is lost for good" in curve.note


def test_a_field_known_only_with_the_outcome_and_unknown_names_are_refused():
    deals = make_deals(np.random.default_rng(3), 60)
    company = make_company({"deal": deals}, partitions={"source": "outcome"}, latest_event=LAST)
    with pytest.raises(QuestionError, match="known only with the outcome"):
        measure_win_curve(company, by="source", as_of=LAST)
    with pytest.raises(QuestionError, match="stage 'oportunity' is unknown"):
        measure_win_curve(company, from_stage="oportunity", as_of=LAST)


def test_nothing_to_measure_gives_no_curve():
    deals = make_deals(np.random.default_rng(4), 30)
    assert measure(deals.assign(stage="Open", closed_at=None)) is None
    assert measure(deals, start=date(2030, 1, 1)) is None
    assert measure_win_curve(make_company({}), as_of=LAST) is None


def test_only_deals_of_the_days_asked_about_count():
    deals = make_deals(np.random.default_rng(5))
    curve = measure(deals, start=date(2025, 3, 1), end=date(2025, 8, 31))
    assert curve.n == deals["created_at"].between("2025-03-01", "2025-08-31").sum()


def test_a_curve_is_not_read_beyond_its_end():
    frame = pd.DataFrame(
        {"slice": ["A", "A", "B"], "day": [10, 200, 20], "share": [0.1, 0.2, 0.3], "low": 0.0, "high": 1.0, "lost": 0.0,
         "open": 0.5, "at_risk": [50, 20, 40], "n": 60}
    )  # fmt: skip
    table = tabulate_ages(frame)
    late = table[(table["slice"] == "B") & (table["day"] > 20)]
    assert late["share"].isna().all()
    assert table.attrs["reach"] == 20
