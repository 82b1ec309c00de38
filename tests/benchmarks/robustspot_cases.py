"""Real anomalies of a video service's success ratio, as leaf tables with the cause that its engineers named."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

MINUTES_BEFORE = 4
MEASURES = ("min", "value", "cnt")
STEPS = ["requests", "successes"]

Slice = frozenset[tuple[str, frozenset[str]]]


@dataclass(frozen=True)
class Anomaly:
    """Hold one case: its leaf table, its dimensions, and the slices that are the truth."""

    name: str
    leaves: pd.DataFrame
    dimensions: list[str]
    truth: frozenset[Slice]


def read_anomalies(folder: Path) -> list[Anomaly]:
    """Read every case, in the order of the file that names the causes.

    The actual side holds the rows of the anomaly's minute, the expected side the mean of the minutes before it (a
    combination that did not occur in a minute counts as 0 in it).

    Args:
        folder: Holds one csv per case and ``anomaly.yaml``.
    """
    import yaml

    entries = yaml.safe_load((folder / "anomaly.yaml").read_text(encoding="utf-8"))
    entries = entries if isinstance(entries, list) else next(iter(entries.values()))
    return [_read_case(folder, entry) for entry in entries]


def _read_case(folder: Path, entry: dict) -> Anomaly:
    frame = pd.read_csv(folder / f"{entry['data']}.csv")
    dimensions = [column for column in frame.columns if column not in MEASURES]
    for name in dimensions:
        frame[name] = frame[name].astype(str)
    now = int(entry["timestamp"])
    before = sorted(minute for minute in frame["min"].unique() if minute < now)[-MINUTES_BEFORE:]
    frame["successes"] = frame["cnt"] - frame["value"]
    frame = frame.rename(columns={"cnt": "requests"})
    sides = {
        "actual": frame[frame["min"] == now].groupby(dimensions)[STEPS].sum(),
        "expected": frame[frame["min"].isin(before)].groupby(dimensions)[STEPS].sum() / max(len(before), 1),
    }
    leaves = pd.concat({side: part.stack() for side, part in sides.items()}, axis=1).unstack().fillna(0.0)
    leaves.columns = [f"{step}_{side}" for side, step in leaves.columns]
    causes = entry["cause"] if isinstance(entry["cause"], list) else [entry["cause"]]
    return Anomaly(entry["data"], leaves.reset_index(), dimensions, frozenset(to_slice(cause) for cause in causes))


def to_slice(values: dict) -> Slice:
    """Return a slice in a form that can be compared: dimension and the texts of its values.

    >>> to_slice({"cdn": 5}) == to_slice({"cdn": ["5"]})
    True
    """
    listed = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    return frozenset((name, frozenset(map(str, each))) for name, each in listed.items())
