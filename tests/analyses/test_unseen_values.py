"""A field that nobody fills any more moves records to a blank; what they were worth has not changed by that."""

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.localise import localise

RATES = {"Enterprise": 0.6, "Small": 0.2}
LEADS = {
    ("Partner", "Enterprise"): 900,
    ("Partner", "Small"): 20,
    ("Web", "Enterprise"): 300,
    ("Web", "Small"): 1200,
    ("Event", "Enterprise"): 400,
    ("Event", "Small"): 800,
}
SIZES = {"Enterprise": 40_000.0, "Small": 5_000.0}


def make_leaves(*, blank: str, rate_of: dict[str, float] | None = None) -> pd.DataFrame:
    """Both periods have the same leads and go on as the segment says; one channel's segment is blank in the second."""
    rows = []
    for (channel, segment), leads in LEADS.items():
        now = RATES[segment] * (rate_of or {}).get(channel, 1.0)
        for side, rate in (("expected", RATES[segment]), ("actual", now)):
            told = None if side == "actual" and channel == blank else segment
            won = round(leads * rate)
            row = {"channel": channel, "segment": told, f"leads_{side}": leads, f"deals_won_{side}": won}
            size = SIZES[segment]
            money = {"": won * size, "_log": won * np.log(size), "_logsq": won * (np.log(size) ** 2 + 0.25)}
            rows.append(row | {f"revenue{part}_{side}": number for part, number in money.items()})
    frame = pd.DataFrame(rows)
    numbers = [name for name in frame if name not in ("channel", "segment")]
    return frame.fillna(dict.fromkeys(numbers, 0.0))


@pytest.mark.parametrize("blank", ["Partner", "Web"])
def test_a_channel_whose_segment_is_blank_now_converts_and_sells_as_before(blank):
    found = localise(
        make_leaves(blank=blank), ["channel", "segment"], ["leads", "deals_won"], amount="revenue", direction="both"
    )
    assert not set(found["effect"]) & {"rate", "value"}


def test_a_fall_in_the_channel_whose_segment_is_blank_now_is_seen():
    leaves = make_leaves(blank="Partner", rate_of={"Partner": 0.6})
    found = localise(leaves, ["channel", "segment"], ["leads", "deals_won"], direction="both")
    [rate] = found[found["effect"] == "rate"].to_dict("records")
    assert rate["slice"] in ("channel=Partner", "segment=(blank)")
    lost = 0.4 * (900 * 0.6 + 20 * 0.2)
    assert rate["low"] < -lost < rate["high"]
