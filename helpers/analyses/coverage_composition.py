"""What a starting pipeline is made of: source, size and age, and how much of a change of conversion that explains."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.coverage import SOURCES
from helpers.engine.journeys import build_journeys
from helpers.engine.timeline import NO_DAY, day_number
from helpers.periods import Period

COMPOSITION_COLUMNS = ["dimension", "slice", "period_start", "n", "open_pipeline", "bookings"]
"""The columns of ``measure_composition``."""

OUTSIDE = "not in the starting pipeline"
SOURCE, SIZE, AGE = "source", "size", "age"
SIZES = ("small deals", "middle-sized deals", "big deals")
AGES = ("young deals", "middle-aged deals", "old deals")


def measure_composition(company, periods: Sequence[Period], *, as_of: date, week: int = 0) -> pd.DataFrame:
    """Split the pipelines of ended periods by source, size and age, with what was booked from each part.

    Args:
        company: The opened company.
        periods: Ended periods, oldest first; the thirds by size and age are cut on all but the last.
        as_of: The last day that counts.
        week: The week at which the pipeline is read, as in ``measure_coverage``.

    Returns:
        One row per dimension, slice and period: ``n`` deals open and due, ``open_pipeline`` (currency, new business)
        and ``bookings`` from those deals after the reading. Size: thirds of deals by amount then; age: thirds by days
        since creation. What was booked from deals outside that pipeline, before the reading too, stands once per
        dimension and period as the slice ``not in the starting pipeline`` with no pipeline. Slices of a dimension add
        up to the period's pipeline and bookings. ``attrs["cuts"]`` holds the two bounds of size and of age. Empty
        without deals or a known past.
    """
    journeys = build_journeys(company, as_of=as_of)
    deals = journeys.records.get("deal")
    if deals is None or "amount" not in deals.cents or not journeys.tracks_close_dates or not periods:
        return pd.DataFrame(columns=COMPOSITION_COLUMNS)
    history, source = journeys.history, next((id for id in SOURCES if id in deals.codes), "")
    is_new, won_on, cents = deals.is_business("new"), deals.reached["won", "new"], deals.cents["amount"]
    read = []
    for period in periods:
        first, last = day_number(period.start), day_number(period.end)
        evening = first - 1 + 7 * week
        state = history.state_on(evening)
        due = state.is_open & is_new & (history.created != NO_DAY) & (state.closed >= first) & (state.closed <= last)
        won = is_new & (won_on != NO_DAY) & (won_on >= first) & (won_on <= last)
        frame = pd.DataFrame(
            {
                "period_start": pd.Timestamp(period.start),
                "due": due,
                "amount": np.nan_to_num(state.amount),
                "days": evening - history.created.astype(np.int64),
                "booked": np.where(won, cents, 0) / 100,
                SOURCE: journeys.labels[source][deals.codes[source]] if source else "",
            }
        )
        read.append(frame[due | won])
    whole = pd.concat(read, ignore_index=True)
    return _split(whole, [SOURCE, SIZE, AGE] if source else [SIZE, AGE], periods[-1])


def _split(whole: pd.DataFrame, dimensions: Sequence[str], last: Period) -> pd.DataFrame:
    whole = whole.copy()
    before = whole[whole["due"] & (whole["period_start"] < pd.Timestamp(last.start))]
    before = before if len(before) else whole[whole["due"]]
    cuts = {}
    for name, field, labels in ((SIZE, "amount", SIZES), (AGE, "days", AGES)):
        bounds = np.quantile(before[field], [1 / 3, 2 / 3]) if len(before) else np.zeros(2)
        cuts[name] = tuple(float(bound) for bound in bounds)
        whole[name] = np.array(labels)[np.searchsorted(bounds, whole[field], side="left")]
    parts = []
    for name in dimensions:
        rows = whole.assign(
            dimension=name,
            slice=whole[name].astype(str).where(whole["due"], OUTSIDE),
            n=whole["due"].astype(int),
            open_pipeline=whole["amount"].where(whole["due"], 0.0),
            bookings=whole["booked"],
        )
        keys = ["dimension", "slice", "period_start"]
        parts.append(rows.groupby(keys, as_index=False)[["n", "open_pipeline", "bookings"]].sum())
    found = pd.concat(parts, ignore_index=True)[COMPOSITION_COLUMNS]
    found.attrs["cuts"] = cuts
    return found


def split_conversion_change(before: pd.DataFrame, after: pd.DataFrame, *, by: str = "source") -> Mapping[str, float]:
    """Split a change of pipeline conversion into what the mix did, conversion within the parts, and what lay outside.

    Args:
        before: One row per part and period with ``open_pipeline`` and ``bookings``.
        after: The same, later.
        by: The column that names the parts.

    Returns:
        ``change`` of the conversion, of it ``mix``, ``rate`` and ``outside`` (bookings of parts that have no pipeline
        on either side, per unit of pipeline), which add up to it exactly.

    Source:
        Kitagawa: rate = Σ new share × (new − old rate), mix = Σ (new − old share) × (old rate − old total).
    """
    old, new = (part.groupby(by)[["open_pipeline", "bookings"]].sum() for part in (before, after))
    old, new = old.align(new, fill_value=0.0)
    p0, p1 = old["open_pipeline"].sum(), new["open_pipeline"].sum()
    is_outside = (old["open_pipeline"] <= 0) & (new["open_pipeline"] <= 0)
    outside = float(new.loc[is_outside, "bookings"].sum() / p1 - old.loc[is_outside, "bookings"].sum() / p0)
    total0, total1 = old["bookings"].sum() / p0, new["bookings"].sum() / p1
    old, new = old[~is_outside], new[~is_outside]
    inside0 = old["bookings"].sum() / p0
    w0, w1 = old["open_pipeline"] / p0, new["open_pipeline"] / p1
    r0 = (old["bookings"] / old["open_pipeline"].where(old["open_pipeline"] > 0)).fillna(inside0)
    mix = float(((w1 - w0) * (r0 - inside0)).sum())
    change = float(total1 - total0)
    return {"change": change, "mix": mix, "rate": change - mix - outside, "outside": outside}


def explain_composition(parts: pd.DataFrame, last: pd.Timestamp) -> pd.DataFrame:
    """Split the last period's change of conversion against the periods before, once per dimension.

    Args:
        parts: As made by ``measure_composition``.
        last: First day of the period to explain.

    Returns:
        One row per dimension, the one whose mix explains most of the change first: ``change``, ``mix``, ``rate``,
        ``outside``, ``explained`` (mix ÷ change, held to 0–1), ``slice`` (the part whose share of the pipeline moved
        most towards what the mix did), ``share_before`` and ``share_after`` of the pipeline. Empty where either side
        has no pipeline.
    """
    rows = []
    for dimension, frame in parts.groupby("dimension"):
        before, after = frame[frame["period_start"] < last], frame[frame["period_start"] == last]
        if not before["open_pipeline"].sum() or not after["open_pipeline"].sum():
            continue
        found = dict(split_conversion_change(before, after, by="slice"))
        share0, share1 = (
            part.groupby("slice")["open_pipeline"].sum() / part["open_pipeline"].sum() for part in (before, after)
        )
        share0, share1 = share0.align(share1, fill_value=0.0)
        grown = str((share1 - share0).idxmax())
        explained = float(np.clip(found["mix"] / found["change"], 0, 1)) if found["change"] else 0.0
        found |= {"explained": explained, "slice": grown}
        rows.append({"dimension": dimension, **found, "share_before": share0[grown], "share_after": share1[grown]})
    table = pd.DataFrame(rows)
    return table.sort_values("explained", ascending=False, ignore_index=True, kind="stable") if len(table) else table
