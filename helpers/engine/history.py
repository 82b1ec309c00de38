"""What deals looked like on a past day: stage, amount and close date rewound through the deal history.

The rule, for each of the three fields: the value on a day is what the first change *after* that day says it was before;
else what the last change up to that day made it; else today's value. A deal that is closed today with a close date
after the day was open on it. A field of which the history holds no change at all stays at today's value, and says so.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from helpers.engine.timeline import FAR, NO_DAY, day_number, to_days

FIELDS = ("stage", "closed_at", "amount")
OPEN, WON, LOST = 0, 1, 2
OUTCOMES = ("open", "won", "lost")
NO_AMOUNT = np.nan


@dataclass(frozen=True)
class ChangeLog:
    """Every change of one field, sorted by deal and time.

    Attributes:
        deal: Position of the deal in the table of deals.
        day: Day number of the change.
        old: Value before; ``has_old`` tells where it is known.
        new: Value after.
        has_old: Whether the value before is known.
    """

    deal: np.ndarray
    day: np.ndarray
    old: np.ndarray
    new: np.ndarray
    has_old: np.ndarray

    def __len__(self) -> int:
        return len(self.deal)

    def value_on(self, day: int, today: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return each deal's value on a day, and whether a change after that day had to be undone.

        Args:
            day: Day number; changes on the day itself count as done.
            today: Each deal's value today.
        """
        if not len(self):
            return today, np.zeros(len(today), bool)
        positions = np.arange(len(today), dtype=np.int64)
        keys = (self.deal.astype(np.int64) << 32) + (self.day.astype(np.int64) + 2**31)
        after = np.searchsorted(keys, (positions << 32) + (day + 2**31), side="right")
        before, top = after - 1, len(self) - 1
        has_after = (after <= top) & (self.deal[np.minimum(after, top)] == positions)
        has_before = (before >= 0) & (self.deal[np.maximum(before, 0)] == positions)
        undo = has_after & self.has_old[np.minimum(after, top)]
        value = np.where(undo, self.old[np.minimum(after, top)], today)
        keep = has_after & ~undo & has_before
        return np.where(keep, self.new[np.maximum(before, 0)], value), has_after


@dataclass(frozen=True)
class DealState:
    """All deals as they stood at the end of one day; arrays run along the table of deals.

    Attributes:
        exists: Whether the deal had been created (a deal without a create date counts as created).
        outcome: ``OPEN``, ``WON`` or ``LOST``.
        closed: Day number of the close: actual where closed, expected while open.
        amount: Amount, NaN where none.
        stage: Code of the stage's label (see ``DealHistory.stage_labels``), −1 where unknown.
        stage_is_current, closed_is_current, amount_is_current: Whether today's value had to stand in.
    """

    exists: np.ndarray
    outcome: np.ndarray
    closed: np.ndarray
    amount: np.ndarray
    stage: np.ndarray
    stage_is_current: np.ndarray
    closed_is_current: np.ndarray
    amount_is_current: np.ndarray

    @property
    def is_open(self) -> np.ndarray:
        """Whether the deal existed and was neither won nor lost."""
        return self.exists & (self.outcome == OPEN)


class DealHistory:
    """The table of deals with its history, ready to be rewound to any day."""

    def __init__(
        self,
        deals: pd.DataFrame,
        deal_history: pd.DataFrame | None = None,
        *,
        stage_ids: Mapping[str, str] | None = None,
        export_days: Collection[date] = (),
    ):
        """Read the deals as they stand today and sort their changes.

        Args:
            deals: The canonical table of deals.
            deal_history: The canonical table of changes; None where there is none.
            stage_ids: CRM label of a deal stage → our stage id; labels that deals bear today are known without it.
            export_days: Days of the exports after the first one. A change that was seen by comparing exports bears the
                midnight of such a day: it had happened by the evening before.
        """
        self._states: dict[int, DealState] = {}
        self.created = _days(deals, "created_at")
        self.closed = _days(deals, "closed_at")
        self.amount = _numbers(deals, "amount")
        self.outcome = _outcomes(deals)
        labels = _text(deals, "stage")
        changes = _read_changes(deals, deal_history, export_days)
        of_stage = changes[changes["field"] == "stage"]
        names = pd.unique(pd.concat([labels, of_stage["old"], of_stage["new"]]).dropna())
        self.stage_labels = tuple(names.tolist())
        code = {label: i for i, label in enumerate(self.stage_labels)}
        self.stage = _codes(labels, code)
        self.stage_id_of = name_stages(deals, labels, self.stage_labels, stage_ids or {})
        self.outcome_of = name_outcomes(labels, self.outcome, self.stage_labels, self.stage_id_of)
        self.stages = _log(of_stage, _codes(of_stage["old"], code), _codes(of_stage["new"], code), -1)
        of_close = changes[changes["field"] == "closed_at"]
        self.closes = _log(of_close, _parse_days(of_close["old"]), _parse_days(of_close["new"]), NO_DAY)
        of_amount = changes[changes["field"] == "amount"]
        self.amounts = _log(of_amount, _parse_numbers(of_amount["old"]), _parse_numbers(of_amount["new"]), np.nan)

    def state_on(self, day: int) -> DealState:
        """Return all deals as they stood at the end of a day; ``FAR`` returns them as they stand in the exports."""
        if day not in self._states:
            self._states[day] = self._rewind(day)
        return self._states[day]

    def _rewind(self, day: int) -> DealState:
        n = len(self.created)
        never = np.zeros(n, bool)
        if day >= FAR:
            return DealState(np.ones(n, bool), self.outcome, self.closed, self.amount, self.stage, never, never, never)
        stage, stage_undone = self.stages.value_on(day, self.stage)
        closed, closed_undone = self.closes.value_on(day, self.closed)
        amount, _ = self.amounts.value_on(day, self.amount)
        outcome, closed, reopened = self._outcome_on(day, stage, stage_undone, closed)
        stage_unknown = reopened & (self._outcome_of_codes(stage) != OPEN)
        stage = np.where(stage_unknown, -1, stage)
        is_open = outcome == OPEN
        return DealState(
            exists=(self.created <= day),
            outcome=outcome,
            closed=closed,
            amount=amount,
            stage=stage,
            stage_is_current=is_open & (stage_unknown | (not len(self.stages))),
            closed_is_current=is_open & ~closed_undone & (reopened | (not len(self.closes))),
            amount_is_current=is_open & (not len(self.amounts)),
        )

    def _outcome_on(
        self, day: int, stage: np.ndarray, stage_undone: np.ndarray, closed: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Tell won, lost or open on a day; a close date up to the day outranks when somebody noticed it."""
        closed_today = self.outcome != OPEN
        stands = closed_today & ((self.closed <= day) | (self.closed == NO_DAY))
        before = np.where(stage_undone, self._outcome_of_codes(stage), OPEN)
        outcome = np.where(stands, self.outcome, before)
        was_closed = ~stands & (before != OPEN)
        known = (closed != NO_DAY) & (closed <= day)
        closing_day = self._last_change(day)
        closed = np.where(stands, self.closed, np.where(was_closed & ~known, closing_day, closed))
        return outcome, closed.astype(np.int32), closed_today & ~stands & ~was_closed

    def _outcome_of_codes(self, stage: np.ndarray) -> np.ndarray:
        return np.append(self.outcome_of, OPEN)[stage]

    def _last_change(self, day: int) -> np.ndarray:
        last = np.full(len(self.created), NO_DAY, np.int32)
        seen = self.stages.day <= day
        last[self.stages.deal[seen]] = self.stages.day[seen]
        return last

    def first_entries(self, stage_id: str, last_day: int = FAR) -> np.ndarray:
        """Return the day on which each deal first entered one of the company's further stages.

        The stage that a deal was created in is entered on its create date.

        Returns:
            One day number per deal, ``NO_DAY`` where it never entered or the history doesn't tell.
        """
        codes = [i for i, id in enumerate(self.stage_id_of) if id == stage_id]
        entered = np.full(len(self.created), FAR, np.int32)
        log = self.stages
        into = np.isin(log.new, codes) & (log.day <= last_day)
        np.minimum.at(entered, log.deal[into], log.day[into])
        first_change = np.ones(len(log), bool)
        first_change[1:] = log.deal[1:] != log.deal[:-1]
        from_start = first_change & np.isin(log.old, codes)
        at_start = log.deal[from_start]
        known = self.created[at_start] != NO_DAY
        entered[at_start[known]] = self.created[at_start[known]]
        unchanged = np.isin(self.stage, codes) & ~np.isin(np.arange(len(entered)), log.deal) & (len(log) > 0)
        entered = np.where(unchanged & (self.created != NO_DAY), self.created, entered)
        return np.where((entered == FAR) | (entered > last_day), NO_DAY, entered).astype(np.int32)


def rebuild_deals(
    deals: pd.DataFrame,
    deal_history: pd.DataFrame | None,
    as_of: date | None,
    *,
    stage_ids: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Rebuild the table of deals as it stood at the end of a day.

    Args:
        deals: The canonical table of deals.
        deal_history: The canonical table of changes, None where there is none.
        as_of: The day; None leaves everything as it stands in the exports.
        stage_ids: CRM label of a deal stage → our stage id, for labels that no deal bears today.

    Returns:
        One row per deal created up to that day, in the order given, index kept. The columns of ``deals`` with stage,
        stage_id, outcome, amount and closed_at as of then, and ``stage_is_current_value``,
        ``closed_at_is_current_value``, ``amount_is_current_value``, which tell where today's value stands in because
        no history knows better. A deal closed later is open again; its stage is missing where no history tells it.
        Neither argument is changed.
    """
    return rewind_deals(deals, DealHistory(deals, deal_history, stage_ids=stage_ids), as_of)


def rewind_deals(deals: pd.DataFrame, history: DealHistory, as_of: date | None) -> pd.DataFrame:
    """Rebuild the table of deals from a history already read; see ``rebuild_deals``."""
    state = history.state_on(FAR if as_of is None else day_number(as_of))
    rebuilt = deals.copy()
    if as_of is not None:
        _overwrite(rebuilt, history, state)
    rebuilt["stage_is_current_value"] = state.stage_is_current
    rebuilt["closed_at_is_current_value"] = state.closed_is_current
    rebuilt["amount_is_current_value"] = state.amount_is_current
    return rebuilt[state.exists]


def _overwrite(rebuilt: pd.DataFrame, history: DealHistory, state: DealState) -> None:
    labels = np.array([*history.stage_labels, None], dtype="O")
    ids = np.array([*history.stage_id_of, None], dtype="O")
    if "stage" in rebuilt:
        rebuilt["stage"] = pd.array(labels[state.stage], dtype="str")
    if "stage_id" in rebuilt:
        changed = state.stage != history.stage
        rebuilt["stage_id"] = rebuilt["stage_id"].where(
            ~changed, pd.Series(ids[state.stage], index=rebuilt.index, dtype="str")
        )
    rebuilt["outcome"] = pd.array(np.array(OUTCOMES, dtype="O")[state.outcome], dtype="str")
    if "amount" in rebuilt:
        rebuilt["amount"] = state.amount
    if "closed_at" in rebuilt:
        moved = state.closed != history.closed
        days = state.closed.astype("int64")
        stamps = np.where(days == NO_DAY, np.datetime64("NaT"), days.astype("datetime64[D]").astype("datetime64[us]"))
        rebuilt["closed_at"] = rebuilt["closed_at"].where(~moved, pd.Series(stamps, index=rebuilt.index))


def _read_changes(
    deals: pd.DataFrame, deal_history: pd.DataFrame | None, export_days: Collection[date]
) -> pd.DataFrame:
    """Return the changes of known deals with ``position`` and ``day``, in the order in which they happened."""
    columns = ["deal_id", "changed_at", "field", "old", "new"]
    if deal_history is None or not len(deal_history):
        return pd.DataFrame({name: pd.Series(dtype="str") for name in columns} | {"position": [], "day": []})
    changes = deal_history.reindex(columns=columns)
    position = pd.Series(np.arange(len(deals)), index=deals["id"].to_numpy())
    position = position[~position.index.duplicated()]
    changes = changes.assign(position=changes["deal_id"].map(position), day=to_days(changes["changed_at"]))
    if export_days:
        seen = changes["changed_at"].isin([pd.Timestamp(day) for day in export_days])
        changes["day"] = changes["day"].where(~seen, changes["day"] - 1)
    changes = changes[changes["position"].notna() & (changes["day"] != NO_DAY)]
    return changes.sort_values(["position", "day", "changed_at"], kind="stable")


def _log(changes: pd.DataFrame, old: np.ndarray, new: np.ndarray, missing: float) -> ChangeLog:
    known = ~np.isnan(old) if isinstance(missing, float) else old != missing
    deal = changes["position"].to_numpy().astype(np.int64)
    return ChangeLog(deal, changes["day"].to_numpy().astype(np.int32), old, new, known)


def _codes(labels: pd.Series, code: Mapping[str, int]) -> np.ndarray:
    return labels.map(code).fillna(-1).to_numpy().astype(np.int64)


def _days(frame: pd.DataFrame, column: str) -> np.ndarray:
    return to_days(frame[column]) if column in frame else np.full(len(frame), NO_DAY, np.int32)


def _parse_days(text: pd.Series) -> np.ndarray:
    return to_days(pd.to_datetime(text, errors="coerce", format="ISO8601"))


def _numbers(frame: pd.DataFrame, column: str) -> np.ndarray:
    if column not in frame:
        return np.full(len(frame), np.nan)
    return pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _parse_numbers(text: pd.Series) -> np.ndarray:
    return pd.to_numeric(text, errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _text(frame: pd.DataFrame, column: str) -> pd.Series:
    return frame[column] if column in frame else pd.Series(pd.NA, index=frame.index, dtype="str")


def _outcomes(deals: pd.DataFrame) -> np.ndarray:
    return _text(deals, "outcome").map({"won": WON, "lost": LOST}).fillna(OPEN).to_numpy().astype(np.int64)


def name_stages(
    deals: pd.DataFrame, labels: pd.Series, names: tuple[str, ...], given: Mapping[str, str]
) -> tuple[str | None, ...]:
    """Return our stage id of each label: as declared, else as deals that bear it say, the first one ahead of others."""
    seen = {}
    if "stage_id" in deals:
        pairs = pd.DataFrame({"label": labels, "id": deals["stage_id"]}).dropna().drop_duplicates("label")
        seen = dict(zip(pairs["label"], pairs["id"], strict=True))
    folded = {label.casefold(): id for label, id in (seen | dict(given)).items()}
    return tuple(given.get(name) or seen.get(name) or folded.get(name.casefold()) for name in names)


def name_outcomes(
    labels: pd.Series,
    outcome: np.ndarray,
    names: tuple[str, ...],
    ids: tuple[str | None, ...],
    n: np.ndarray | None = None,
) -> np.ndarray:
    """Tell what each label means for a deal: by its stage id, else by what most deals that bear it are.

    Args:
        labels: Label of each deal, or of several deals that are alike.
        outcome: Their outcome.
        names: The labels to be told.
        ids: Their stage ids.
        n: How many deals each row stands for; None is one.
    """
    by_id = {"won": WON, "lost": LOST}
    counted = pd.DataFrame({"label": labels.to_numpy(), "outcome": outcome, "n": 1 if n is None else n}).dropna()
    sums = counted.groupby(["label", "outcome"], as_index=False)["n"].sum()
    most = sums.sort_values(["n", "outcome"], ascending=[False, True], kind="stable").drop_duplicates("label")
    usual = dict(zip(most["label"], most["outcome"], strict=True))
    found = [by_id.get(id, usual.get(name, OPEN) if id is None else OPEN) for name, id in zip(names, ids, strict=True)]
    return np.array(found, dtype=np.int64)
