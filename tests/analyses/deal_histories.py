"""Random deals with a consistent history: created, edited, pushed, closed, reopened, told change by change."""

import numpy as np
import pandas as pd

FIRST = pd.Timestamp("2025-01-01")
STAGES = ["Demo", "Proposal"]


def make_deals_with_history(seed: int, n: int = 80) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return deals as they stand today and every change that made them so."""
    rng = np.random.default_rng(seed)
    deals, changes = [], []
    for i in range(n):
        day = int(rng.integers(0, 500))
        state = {"stage": "Demo", "closed_at": day + int(rng.integers(5, 200)), "amount": _amount(rng)}
        created = day
        for _ in range(int(rng.integers(0, 7))):
            day += int(rng.integers(1, 60))
            kind = rng.choice(
                ["date", "amount", "stage", "won", "lost", "reopen"], p=[0.35, 0.25, 0.15, 0.1, 0.1, 0.05]
            )
            is_open = state["stage"] in STAGES
            new = dict(state)
            if kind == "date" and is_open:
                new["closed_at"] = None if rng.random() < 0.1 else day + int(rng.integers(-20, 150))
            elif kind == "amount" and is_open:
                new["amount"] = _amount(rng)
            elif kind == "stage" and is_open:
                new["stage"] = "Proposal"
            elif kind in ("won", "lost") and is_open:
                new["stage"], new["closed_at"] = f"Closed {kind.title()}", day
            elif kind == "reopen" and not is_open:
                new["stage"], new["closed_at"] = "Proposal", day + int(rng.integers(10, 100))
            for field, value in new.items():
                if value != state[field]:
                    changes.append((f"d{i}", day, field, _text(field, state[field]), _text(field, value)))
            state = new
        deals.append(
            {
                "id": f"d{i}",
                "created_at": _date(created),
                "closed_at": _date(state["closed_at"]),
                "stage": state["stage"],
                "amount": np.nan if state["amount"] is None else state["amount"],
                "owner": str(rng.choice(["Ann", "Ben", "Cleo"])),
                "source": None if rng.random() < 0.1 else str(rng.choice(["Inbound", "Referral", "Outbound"])),
                "type": str(rng.choice(["New Business", "Renewal"], p=[0.8, 0.2])),
            }
        )
    history = pd.DataFrame(changes, columns=["deal_id", "day", "field", "old", "new"])
    history.insert(1, "changed_at", [_date(day) for day in history.pop("day")])
    return pd.DataFrame(deals), history


def _amount(rng: np.random.Generator) -> float | None:
    return None if rng.random() < 0.08 else round(float(rng.lognormal(9, 1)), 2)


def _date(day: int | None) -> pd.Timestamp | None:
    return None if day is None else FIRST + pd.Timedelta(days=day)


def _text(field: str, value: object) -> str | None:
    if value is None:
        return None
    return _date(value).date().isoformat() if field == "closed_at" else str(value)
