"""Is / is not on four leaves: what is hit and what is spared, with numbers that can be worked out by hand."""

from datetime import date

import pandas as pd

from helpers.analyses.is_is_not import DATA, compare_is_is_not, describe_is_is_not, find_lead
from helpers.model.board import Cause, Evidence, IsIsNot, ProblemStatement
from tests.analyses.board_cases import AS_OF, make_board, make_cause, make_funnel_company, make_gap
from tests.companies import make_company

NORTH = make_cause("region=North", -800.0)


def read(gap, board, company=None):
    company = company or make_funnel_company()
    frame = compare_is_is_not(company, gap, board, as_of=AS_OF, currency="EUR")
    return {row["question"]: row for row in frame[frame["source"] == DATA].to_dict("records")}, frame


def test_what_is_hit_stands_beside_the_nearest_that_is_spared():
    rows, _ = read(make_gap([NORTH]), make_board())
    # North: 20 of 100 now, 40 of 100 before; South: 41 of 100 now, 40 before, and has more records than West.
    assert rows["What"]["shows"] == "Leads → MQLs: 20 % (14–27 %, n 100), 40 % before"
    assert rows["What"]["spares"] == "Leads: 100, usually 100"
    assert rows["Where"]["shows"] == "North"
    assert rows["Where"]["spares"] == "South: 41 % (33–49 %, n 100), 40 % before"
    assert rows["How much"]["shows"] == "€800 of later revenue (€640 to €960)"


def test_a_neighbour_that_moved_too_or_has_few_records_is_not_called_spared():
    from tests.analyses.board_cases import make_leaves

    leaves = make_leaves(
        [("North", "Web", 100.0, 100.0, 40.0, 20.0), ("South", "Web", 100.0, 100.0, 40.0, 10.0),
         ("West", "Web", 10.0, 10.0, 4.0, 4.0)]
    )  # fmt: skip
    rows, _ = read(make_gap([NORTH], creation=leaves), make_board())
    assert rows["Where"]["spares"] == "No neighbour with enough records is known to be as usual"


def test_the_lead_is_what_a_kept_cause_rests_on_before_what_is_largest():
    other = make_cause("region=West", -100.0)
    gap = make_gap([NORTH, other])
    assert find_lead(gap, make_board()).slice == "region=North"
    kept = Cause("a-1", "x", state="kept", evidence=(Evidence("root_cause:mqls:rate:region=West"),))
    assert find_lead(gap, make_board(kept)).slice == "region=West"
    assert describe_is_is_not(gap, make_board(kept)) == "It shows in West, and not next to it"


def test_the_month_since_when_is_the_first_that_is_off_beyond_doubt():
    # 100 leads a month in North: 40 become MQL up to July, 15 in August and September.
    rows = []
    for month in range(1, 10):
        for number in range(100):
            day = pd.Timestamp(2026, month, 1 + number % 20)
            is_mql = number < (15 if month >= 8 else 40)
            rows.append((f"{month}-{number}", day, day if is_mql else pd.NaT, "North"))
    contacts = pd.DataFrame(rows, columns=["id", "created_at", "mql_at", "region"])
    company = make_company({"contact": contacts}, latest_event=date(2026, 9, 30))
    told, _ = read(make_gap([NORTH]), make_board(), company)
    assert told["When"]["shows"].startswith("Since Aug 2026: 15 % (")
    assert told["When"]["spares"].startswith("Jul 2026: 40 % (")


def test_what_people_wrote_stands_below_what_was_computed():
    problem = ProblemStatement("revenue_won", "Q3 2026", {"where": IsIsNot("North", "South", "A new rule")}, "Ana")
    _, frame = read(make_gap([NORTH]), make_board(problem=problem))
    where = frame[frame["question"] == "Where"]
    assert where["source"].tolist() == [DATA, "Ana"]
    assert where["spares"].tolist()[1] == "South"
    alone = compare_is_is_not(
        make_funnel_company(), make_gap(), make_board(problem=problem), as_of=AS_OF, currency="EUR"
    )
    assert alone["source"].tolist() == ["Ana"]


def test_without_anything_localised_or_typed_there_is_no_row():
    _, frame = read(make_gap(), make_board())
    assert frame.empty and describe_is_is_not(make_gap(), make_board()).startswith("Nothing was localised")
