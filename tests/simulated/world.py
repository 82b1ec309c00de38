"""A company whose every parameter is known: deals are created, move through stages, are pushed, and close, by chance.

Per quarter a Poisson number of deals is created, around a level that itself varies. A share of them is stuck from the
start: they live long and are lost. The others decide after a lognormal time, and win with a probability that differs a
little from quarter to quarter. Amounts are lognormal and change once on the way; close dates are pushed when they pass.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from tests.companies import make_company

DEMO, PROPOSAL, NEGOTIATION, WON, LOST = 0, 1, 2, 3, 4
STAGES = np.array(["Demo", "Proposal", "Negotiation", "Closed Won", "Closed Lost"])
MOST_PUSHES = 12


@dataclass(frozen=True)
class World:
    """The parameters of a company.

    Attributes:
        per_quarter: Deals created per quarter, and ``volume_shock`` the standard deviation of the level's logarithm.
        growth: Of the level per quarter.
        win_share: Share won of deals that decide, and ``win_shock`` the standard deviation of its logarithm by quarter.
        stuck: Share of deals that never decide and are lost in the end.
        days, days_spread: Median days to the decision, and the standard deviation of their logarithm.
        stuck_days: Median days until a stuck deal is given up.
        size, size_spread: Median amount, and the standard deviation of its logarithm.
        quarters: How many whole quarters of history.
    """

    per_quarter: float = 75
    volume_shock: float = 0.15
    growth: float = 0.0
    win_share: float = 0.4
    win_shock: float = 0.1
    stuck: float = 0.25
    days: float = 75
    days_spread: float = 0.6
    stuck_days: float = 240
    size: float = 20_000
    size_spread: float = 0.8
    quarters: int = 12
    start: date = date(2021, 1, 1)


@dataclass(frozen=True)
class Exports:
    """What a company's CRM holds on one day: canonical tables of deals and of their changes."""

    deals: pd.DataFrame
    history: pd.DataFrame

    def open(self, latest: date):
        """Return the company as the diagnostic opens it."""
        return make_company({"deal": self.deals, "deal_history": self.history}, latest_event=latest)


def draw_exports(world: World, seed: int) -> Exports:
    """Draw everything that happens in a world up to the end of its last quarter."""
    rng = np.random.default_rng(seed)
    starts = pd.date_range(world.start, periods=world.quarters + 1, freq="QS")
    begins, lengths = (
        starts[:-1].to_numpy().astype("datetime64[D]"),
        np.diff(starts.to_numpy()).astype("timedelta64[D]"),
    )
    level = world.per_quarter * np.exp(np.arange(world.quarters) * world.growth)
    level *= np.exp(world.volume_shock * rng.standard_normal(world.quarters) - world.volume_shock**2 / 2)
    quarter = np.repeat(np.arange(world.quarters), rng.poisson(level))
    n = len(quarter)
    created = begins[quarter] + (rng.random(n) * lengths[quarter].astype(int)).astype(int)
    is_stuck = rng.random(n) < world.stuck
    spread = np.where(is_stuck, 0.4, world.days_spread)
    median = np.where(is_stuck, world.stuck_days, world.days)
    days = np.maximum(np.exp(np.log(median) + spread * rng.standard_normal(n)), 2).astype(int)
    closed = created + days
    shock = np.exp(world.win_shock * rng.standard_normal(world.quarters + 20) - world.win_shock**2 / 2)
    closing = np.searchsorted(begins, closed, side="right") - 1
    won = ~is_stuck & (rng.random(n) < np.minimum(world.win_share * shock[closing], 1))
    first = np.round(world.size * np.exp(world.size_spread * rng.standard_normal(n)), 2)
    final = np.round(first * np.exp(0.25 * rng.standard_normal(n) - 0.25**2 / 2), 2)
    proposal, negotiation = created + (0.35 * days).astype(int), created + (0.7 * days).astype(int)
    ids = np.char.add("d", np.arange(n).astype(str))
    stages = [(ids, proposal, DEMO, PROPOSAL), (ids[~is_stuck], negotiation[~is_stuck], PROPOSAL, NEGOTIATION)]
    before = np.where(is_stuck, PROPOSAL, NEGOTIATION)
    stages.append((ids, closed, before, np.where(won, WON, LOST)))
    changes = [_change_stage(*each) for each in stages]
    changes.append(_change(ids, proposal, "amount", first.astype(str), final.astype(str)))
    changes += _push_dates(ids, created, proposal, closed, days, rng)
    deals = pd.DataFrame(
        {
            "id": ids,
            "created_at": created.astype("datetime64[us]"),
            "closed_at": closed.astype("datetime64[us]"),
            "stage": STAGES[np.where(won, WON, LOST)],
            "amount": final,
        }
    )
    whole = Exports(deals, pd.concat(changes, ignore_index=True))
    return cut_exports(whole, starts[-1].date() - pd.Timedelta(days=1))


def _push_dates(ids, created, proposal, closed, days, rng) -> list[pd.DataFrame]:
    """Expect a close after 80 days, nearer the truth from the proposal on, and 45 days later whenever it passes."""
    n, changes = len(ids), []
    due = created + 80
    guess = np.maximum(created + (days * np.exp(0.3 * rng.standard_normal(n))).astype(int), proposal + 7)
    changes.append(_change(ids, proposal, "closed_at", due.astype(str), guess.astype(str)))
    due = guess
    for _ in range(MOST_PUSHES):
        passed = due + 1 < closed
        moved = due[passed] + 46
        changes.append(_change(ids[passed], due[passed] + 1, "closed_at", due[passed].astype(str), moved.astype(str)))
        due = due.copy()
        due[passed] = moved
    changes.append(_change(ids, closed, "closed_at", due.astype(str), closed.astype(str)))
    return changes


def _change_stage(ids, day, old, new) -> pd.DataFrame:
    old, new = (STAGES[np.broadcast_to(code, len(ids))] for code in (old, new))
    return _change(ids, day, "stage", old, new)


def _change(ids, day, field, old, new) -> pd.DataFrame:
    return pd.DataFrame(
        {"deal_id": ids, "changed_at": np.asarray(day).astype("datetime64[us]"), "field": field, "old": old, "new": new}
    )


def cut_exports(whole: Exports, day: date | pd.Timestamp) -> Exports:
    """Return what an export made on the evening of a day holds: nothing later is in any of its cells.

    Plain pandas: per deal and field the first change after the day says what it was before.
    """
    day = pd.Timestamp(day)
    deals = whole.deals[whole.deals["created_at"] <= day].copy()
    changes = whole.history[whole.history["deal_id"].isin(deals["id"])]
    later = changes[changes["changed_at"] > day].sort_values("changed_at", kind="stable")
    undo = later.drop_duplicates(["deal_id", "field"]).set_index(["field", "deal_id"])["old"]
    for field in ("stage", "amount", "closed_at"):
        if field in undo.index.get_level_values(0):
            was = deals["id"].map(undo[field])
            was = pd.to_datetime(was) if field == "closed_at" else was.astype(float) if field == "amount" else was
            deals[field] = was.where(was.notna(), deals[field]).astype(deals[field].dtype)
    return Exports(deals, changes[changes["changed_at"] <= day].reset_index(drop=True))


def strip_exports(whole: Exports) -> Exports:
    """Return what a CRM holds that knows neither amount nor close date of an open deal, and no history."""
    is_open = ~whole.deals["stage"].isin(["Closed Won", "Closed Lost"])
    bare = whole.deals.assign(
        amount=whole.deals["amount"].where(whole.deals["stage"] == "Closed Won"),
        closed_at=whole.deals["closed_at"].where(~is_open),
        stage=whole.deals["stage"].mask(is_open, "Engaging"),
    )
    return Exports(bare, whole.history.head(0))


def sum_won(exports: Exports, first: date, last: date) -> float:
    """Add up what was won between two days, in plain pandas."""
    deals = exports.deals
    won = (deals["stage"] == "Closed Won") & deals["closed_at"].between(pd.Timestamp(first), pd.Timestamp(last))
    return float(deals.loc[won, "amount"].sum())
