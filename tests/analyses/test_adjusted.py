"""People are judged after the mix that they were given: the innocent is cleared, the real difference is seen."""

from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.adjusted import ABOVE, BELOW, ONLY_MIX, SMALL, adjust_rates, describe_people, find_cleared
from tests.companies import make_company

WINDOW = {"start": date(2025, 1, 1), "end": date(2025, 12, 31), "as_of": date(2025, 12, 31)}


def make_deals(rates: dict, handed: dict, *, weaker: str = "", seed: int = 2) -> pd.DataFrame:
    """Deals whose chance hangs on the source only; ``handed`` says how many of each source everybody gets."""
    rng = np.random.default_rng(seed)
    rows = []
    for owner, sources in handed.items():
        for source, n in sources.items():
            chance = rates[source] * (0.35 if owner == weaker else 1.0)
            won = np.arange(n) < round(n * chance)
            rows += [(owner, source, bool(w)) for w in rng.permutation(won)]
    frame = pd.DataFrame(rows, columns=["owner", "source", "won"])
    frame["id"] = [str(i) for i in range(len(frame))]
    frame["stage"] = np.where(frame["won"], "Closed Won", "Closed Lost")
    frame["created_at"], frame["closed_at"], frame["amount"] = "2025-02-01", "2025-06-01", 1000.0
    return frame.drop(columns="won")


RATES = {"Demo": 0.5, "Webinar": 0.1}
EVEN = {name: {"Demo": 60, "Webinar": 60} for name in ("Ada", "Ben", "Cyd", "Dov")}
UNEVEN = EVEN | {"Eve": {"Demo": 4, "Webinar": 80}}


def test_who_only_got_worse_leads_is_cleared() -> None:
    """Eve wins 12 % of her deals against 30 % for the others, because 80 of her 84 come from webinars."""
    people = adjust_rates(make_company({"deal": make_deals(RATES, UNEVEN)}), **WINDOW)
    rows = people.frame.set_index("who")
    assert rows.loc["Eve", "raw_rate"] < 0.13
    assert rows.loc["Eve", "verdict"] == ONLY_MIX
    assert abs(rows.loc["Eve", "expected_rate"] - rows.loc["Eve", "raw_rate"]) < 0.05
    assert find_cleared(people)["who"].tolist() == ["Eve"]
    assert describe_people(people).startswith("Eve is cleared")
    assert people.adjusted_for == ("source",)


def test_a_real_difference_is_seen_in_spite_of_an_equal_mix() -> None:
    people = adjust_rates(make_company({"deal": make_deals(RATES, EVEN, weaker="Ben")}), **WINDOW)
    rows = people.frame.set_index("who")
    assert rows.loc["Ben", "verdict"] == BELOW
    assert not (rows.drop(index="Ben")["verdict"] == BELOW).any()
    assert "Ben" not in describe_people(people)
    assert people.spread > 0


def test_expected_wins_add_up_to_what_was_won() -> None:
    people = adjust_rates(make_company({"deal": make_deals(RATES, UNEVEN)}), **WINDOW)
    frame = people.frame
    assert abs(frame["expected_won"].sum() - frame["won"].sum()) < 0.06 * frame["won"].sum()
    assert (frame["limit_low"] <= frame["expected_rate"]).all()
    assert (frame["expected_rate"] <= frame["limit_high"]).all()


def test_chance_alone_accuses_hardly_anybody() -> None:
    rng = np.random.default_rng(11)
    accused = 0
    for seed in range(20):
        deals = make_deals(RATES, {name: {"Demo": 25, "Webinar": 25} for name in "ABCDEFGH"}, seed=seed)
        chance = deals["source"].map(RATES)
        deals["stage"] = np.where(rng.random(len(deals)) < chance, "Closed Won", "Closed Lost")
        frame = adjust_rates(make_company({"deal": deals}), **WINDOW).frame
        accused += int(frame["verdict"].isin([BELOW, ABOVE]).any())
    assert accused <= 2


def test_few_deals_are_not_judged() -> None:
    handed = EVEN | {"Fay": {"Demo": 5, "Webinar": 2}}
    frame = adjust_rates(make_company({"deal": make_deals(RATES, handed)}), **WINDOW).frame.set_index("who")
    assert frame.loc["Fay", "verdict"] == SMALL
    assert pd.isna(frame.loc["Fay", "q_value"])


def test_without_owners_or_losses_nobody_is_compared() -> None:
    deals = make_deals(RATES, EVEN)
    assert adjust_rates(make_company({"deal": deals.drop(columns="owner")}), **WINDOW) is None
    won = deals.assign(stage="Closed Won")
    assert adjust_rates(make_company({"deal": won}), **WINDOW) is None
    assert adjust_rates(make_company({}), **WINDOW) is None
