"""What a comparison of like units says, in words about chance and never as a ranking."""

from typing import Any

from helpers.analyses.leaf_dimensions import PEOPLE
from helpers.analyses.roles import name_role
from helpers.units import format_value, in_sentence

BELOW, ABOVE = "below, beyond chance", "above, beyond chance"
WITHIN = "within chance"
ONLY_MIX = "explained by the mix"
"""The raw rate stands out, but the mix given lets expect about that."""
SMALL, NOBODY = "too few to judge", "not judged: the field is blank"


def headline_funnel(plot: Any) -> str:
    """Say in one sentence whether anybody is different beyond chance."""
    frame = plot.frame
    judged = frame[frame["q_value"].notna()]
    many, one, rate = _units(plot, 2), _units(plot, 1), in_sentence(plot.kpi.label)
    if judged.empty:
        most = int(frame["n"].max())
        return f"No {one} has enough records for {rate} to be compared: the most is {most:,}"
    if len(judged) == 1:
        return f"Only one {one} has enough records for {rate}: there is nobody to compare"
    below, above = judged[judged["verdict"] == BELOW], judged[judged["verdict"] == ABOVE]
    given = "given the mix that each had" if plot.adjusted_for else "before any adjustment for mix"
    if (len(below) or len(above)) and (plot.role or plot.by in PEOPLE):
        parts = [
            f"{len(found)} of {len(judged)} {many} {'lies' if len(found) == 1 else 'lie'} {way}"
            for found, way in ((below, "below"), (above, "above"))
            if len(found)
        ]
        ask = "ask what they share: ramp, load, territory, coaching"
        return f"Beyond chance, {' and '.join(parts)} the {rate} of all, {given}; {ask}"
    if len(below) or len(above):
        parts = []
        for found, way in ((below, "below"), (above, "above")):
            if len(found):
                parts.append(f"{_list(found['who'].tolist())} {'lies' if len(found) == 1 else 'lie'} {way}")
        rest = len(judged) - len(below) - len(above)
        others = f"; the other {rest} don't differ" if rest > 1 else ""
        return f"Beyond chance, {' and '.join(parts)} the {rate} of all {many}, {given}{others}"
    lowest, highest = (format_value(value, "share") for value in (judged["rate"].min(), judged["rate"].max()))
    if plot.dispersion > 1:
        more = f"differ {plot.dispersion:.1f} times as much as chance makes"
        rest = f"but none stands out from the rest: {rate} runs from {lowest} to {highest}"
        return f"{many[:1].upper()}{many[1:]} {more}, {rest}"
    opening = "Nobody is different beyond chance" if one == "person" else f"No {one} is different beyond chance"
    cleared = judged[(judged["verdict"] == ONLY_MIX) & judged["is_named"]]
    if len(cleared):
        row = cleared.iloc[0]
        raw, fair = (format_value(row[name], "share") for name in ("rate", "expected_rate"))
        return f"{opening}: {row['who']}'s {raw} is what chance makes of the mix given, which lets expect {fair}"
    what = "chance and mix make" if plot.adjusted_for else "chance makes"
    return f"{opening}: {rate} from {lowest} to {highest} among {len(judged)} {many} is what {what}"


def note_funnel(plot: Any, least: int) -> str:
    """Say how it was judged: limits, mix, small units, young records."""
    parts = []
    if plot.adjusted_for:
        thin = plot.mix[plot.mix["is_used"] & (plot.mix["coverage"] < 0.9)]
        parts.append(f"Adjusted for {_list([in_sentence(label) for label in plot.adjusted_for])}, known at entry.")
        for row in thin.to_dict("records"):
            parts.append(f"{row['label']} is filled on {format_value(row['coverage'], 'share')}.")
    else:
        parts.append(f"Not adjusted for mix: {_why_not(plot)}.")
    if plot.dispersion > 1:
        parts.append(f"Limits widened: they differ {plot.dispersion:.1f} times as much as chance alone makes.")
    small = int(plot.frame["is_small"].sum())
    if small:
        parts.append(f"{small} with fewer than {least} records {'is' if small == 1 else 'are'} hollow and not judged.")
    if plot.n_young:
        parts.append(f"{plot.n_young:,} records younger than {plot.wait} days are left out.")
    return " ".join(parts)


def _why_not(plot: Any) -> str:
    tried = plot.mix[plot.mix["reason"].str.contains("too many for")] if len(plot.mix) else plot.mix
    if len(tried):
        return (
            f"too few outcomes to learn a mix from ({in_sentence(tried['label'].iloc[0])}: {tried['reason'].iloc[0]})"
        )
    return "no field known at entry tells the records apart"


def _units(plot: Any, n: int) -> str:
    if plot.role or plot.by == "owner":
        return name_role(plot.role, n)
    word = in_sentence(plot.label)
    return word if n == 1 else word[:-1] + "ies" if word.endswith("y") else f"{word}s"


def _list(names: list[str]) -> str:
    shown = names[:3] + ([f"{len(names) - 3} more"] if len(names) > 3 else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
