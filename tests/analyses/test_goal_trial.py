"""Goals tried out: as many as can hold do, the one set last waits, and who takes a change up is told."""

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.goal_locks import ContradictionError, NoSolutionError
from helpers.analyses.goal_relations import KEYS
from helpers.analyses.goal_session import prepare_matrix
from helpers.analyses.goal_trial import price_releases, sum_up_absorbers, try_goals, widen_release
from tests.analyses.test_goal_matrix import make_matrix, make_year

START = pd.Timestamp("2026-01-01")
YEAR = ("revenue_won", "year", START, "all", "all")
QUARTERS = [("revenue_won", "quarter", pd.Timestamp(f"2026-{month:02d}-01"), "all", "all") for month in (1, 4, 7, 10)]
RATE = ("lead_to_mql", "quarter", START, "all", "all")


@pytest.fixture(scope="module")
def prepared():
    return prepare_matrix(make_matrix(make_year(np.random.default_rng(3))))


def read(matrix, key):
    rows = matrix.set_index(KEYS)["goal"]
    return float(rows[key])


def expect_of(prepared, key):
    return float(prepared.cells.set_index(KEYS)["expected"][key])


def want(*goals):
    """Lay goals out in the order in which they were set: (key, goal) or (key, goal, state)."""
    rows = [[*key, goal, *(state or ["goal"])] for key, goal, *state in goals]
    return pd.DataFrame(rows, columns=[*KEYS, "goal", "state"])


def test_without_goals_it_is_what_is_expected(prepared):
    trial = try_goals(prepared, want())
    assert trial.held_back == frozenset() and trial.matrix["goal"].to_numpy() == pytest.approx(
        prepared.cells["expected"].to_numpy()
    )


def test_goals_that_can_hold_do(prepared):
    usual = expect_of(prepared, YEAR)
    trial = try_goals(prepared, want((YEAR, 1.2 * usual)))
    assert read(trial.matrix, YEAR) == pytest.approx(1.2 * usual)
    assert sum(read(trial.matrix, key) for key in QUARTERS) == pytest.approx(1.2 * usual)
    assert not trial.clashes and not trial.held_back


def make_clash(prepared):
    quarters = [(key, expect_of(prepared, key), "locked") for key in QUARTERS]
    return want(*quarters, (YEAR, 2 * expect_of(prepared, YEAR)))


def test_of_goals_that_contradict_each_other_the_one_set_last_waits_and_all_others_hold(prepared):
    wanted = make_clash(prepared)
    trial = try_goals(prepared, wanted)
    (clash,) = trial.clashes
    assert clash.held_back == YEAR and trial.held_back == {YEAR}
    assert set(clash.cells[KEYS].itertuples(index=False, name=None)) == {YEAR, *QUARTERS}
    assert read(trial.matrix, YEAR) == pytest.approx(expect_of(prepared, YEAR))


def test_a_goal_waits_before_a_cell_that_is_locked_however_late_it_was(prepared):
    wanted = make_clash(prepared)
    trial = try_goals(prepared, wanted.iloc[::-1].reset_index(drop=True))
    assert trial.held_back == {YEAR}
    trial = try_goals(prepared, wanted.assign(state="goal").iloc[::-1].reset_index(drop=True))
    assert trial.held_back == {QUARTERS[0]}  # none is locked: the one set last waits
    assert read(trial.matrix, YEAR) == pytest.approx(2 * expect_of(prepared, YEAR))


@pytest.mark.parametrize("seed", range(4))
def test_every_goal_holds_that_agrees_with_those_before_it_whatever_the_others_do(prepared, seed):
    """One by one: a goal is taken if a solution with those taken before it exists, else it waits."""
    generator = np.random.default_rng(seed)
    cells = prepared.cells
    chosen = generator.choice(len(cells), 14, replace=False)
    goals = cells["expected"].to_numpy()[chosen] * generator.choice([0.4, 1.0, 2.5], 14)
    wanted = cells.loc[chosen, KEYS].assign(goal=goals, state=generator.choice(["goal", "locked"], 14))
    wanted = wanted[~(wanted["kpi"].str.contains("_to_") & (wanted["goal"] > 1))].reset_index(drop=True)
    taken = []
    for row in [*wanted[wanted["state"] == "locked"].index, *wanted[wanted["state"] == "goal"].index]:
        try:
            prepared.solve(wanted.loc[[*taken, row]])
        except ContradictionError:
            continue
        taken.append(row)
    trial = try_goals(prepared, wanted)
    waits = wanted.drop(index=taken)[KEYS].itertuples(index=False, name=None)
    assert trial.held_back == set(waits)
    for clash in trial.clashes:
        named = list(clash.cells[KEYS].itertuples(index=False, name=None))
        assert clash.held_back in named and not (set(named) - {clash.held_back}) & trial.held_back


def test_a_goal_that_was_passed_already_holds_and_what_came_gives_way_to_it(prepared):
    came = [(key, expect_of(prepared, key), "locked") for key in QUARTERS[:3]]
    goal = 0.5 * sum(value for _, value, _ in came)
    trial = try_goals(prepared, want(*came, (YEAR, goal)), came=QUARTERS[:3])
    assert not trial.held_back and not trial.clashes and not trial.came
    assert read(trial.matrix, YEAR) == pytest.approx(goal)


def test_what_came_holds_where_another_goal_leaves_the_year_no_room(prepared):
    came = [(key, expect_of(prepared, key), "locked") for key in QUARTERS[:3]]
    wanted = want(*came, (QUARTERS[3], expect_of(prepared, QUARTERS[3])), (YEAR, 2 * expect_of(prepared, YEAR)))
    trial = try_goals(prepared, wanted, came=QUARTERS[:3])
    assert trial.held_back == {YEAR} and trial.came == set(QUARTERS[:3])
    assert len(trial.clashes[0].cells) == 5


def test_a_share_above_all_of_them_waits_and_moves_nothing(prepared):
    trial = try_goals(prepared, want((RATE, 1.2), (YEAR, 1.1 * expect_of(prepared, YEAR))))
    assert trial.beyond == (RATE,) and RATE in trial.held_back and not trial.clashes
    assert read(trial.matrix, RATE) < 1
    assert read(trial.matrix, YEAR) == pytest.approx(1.1 * expect_of(prepared, YEAR))


def test_many_contradictions_end_too(prepared):
    slices = [(key[0], key[1], key[2], "source", name) for key in QUARTERS for name in ("Inbound", "Outbound")]
    fixed = [(key, expect_of(prepared, key), "locked") for key in [*QUARTERS, YEAR]]
    wanted = want(*fixed, *[(key, 5 * expect_of(prepared, key)) for key in slices])
    trial = try_goals(prepared, wanted)
    assert set(slices) >= trial.held_back and trial.held_back
    for key, goal, _ in fixed:
        assert read(trial.matrix, key) == pytest.approx(goal)


def test_the_price_of_each_release_is_told_cheapest_first(prepared):
    (clash,) = try_goals(prepared, make_clash(prepared)).clashes
    releases = price_releases(prepared, clash)
    assert releases["is_enough"].all() and releases["cost"].is_monotonic_increasing
    becomes = releases.set_index(KEYS)["becomes"]
    assert set(becomes.index) == set(QUARTERS)  # the goal that waits is free as it is
    gap = expect_of(prepared, YEAR)  # twice that is wanted, so one quarter would bring all of it on top
    assert becomes.to_dict() == pytest.approx({key: expect_of(prepared, key) + gap for key in QUARTERS})


def test_a_cell_whose_slices_hold_it_too_is_released_with_them(prepared):
    first = QUARTERS[0]
    slices = [(*first[:3], "source", name) for name in ("Inbound", "Outbound")]
    wanted = make_clash(prepared)
    more = want(*[(key, expect_of(prepared, key)) for key in slices])
    wanted = pd.concat([wanted.iloc[:-1], more, wanted.iloc[-1:]], ignore_index=True)
    (clash,) = try_goals(prepared, wanted).clashes
    released = widen_release(prepared, wanted, clash, first)
    assert released[0] == first and set(released) == {first, *slices}
    kept = wanted[~pd.MultiIndex.from_frame(wanted[KEYS]).isin(released)]
    assert not try_goals(prepared, kept).held_back


def test_who_took_a_change_up_is_told_beside_it_first(prepared):
    before = try_goals(prepared, want()).matrix
    after = try_goals(prepared, want((YEAR, 1.3 * expect_of(prepared, YEAR)))).matrix
    absorbed = sum_up_absorbers(before, after, [YEAR])
    beside, rest = absorbed[absorbed["is_beside"]], absorbed[~absorbed["is_beside"].astype(bool)]
    assert set(beside["kpi"]) == {"revenue_won"} and YEAR not in set(beside[KEYS].itertuples(index=False, name=None))
    assert "revenue_won" not in set(rest["kpi"]) and rest["kpi"].is_unique and (rest["grain"] == "year").all()
    assert (absorbed["after"] - absorbed["before"]).to_numpy() == pytest.approx(absorbed["change"].to_numpy())
    assert sum_up_absorbers(before, before, [YEAR]).empty


def test_where_no_solution_is_found_the_newest_wait_and_that_is_said(prepared):
    def solve(held):
        if (held["kpi"] == "leads").any():
            raise NoSolutionError("No goals were found that agree.")
        return prepared.solve(held)

    leads = ("leads", "quarter", START, "all", "all")
    wanted = want((YEAR, 1.1 * expect_of(prepared, YEAR)), (leads, 5.0))
    trial = try_goals(prepared, wanted, solve=solve)
    assert trial.held_back == {leads} and trial.unsolved == "No goals were found that agree."
    assert read(trial.matrix, YEAR) == pytest.approx(1.1 * expect_of(prepared, YEAR))
