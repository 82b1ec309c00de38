"""The fishbone in sentences: its title, what a cause rests on, and where several Ms meet."""

from collections.abc import Iterable

from helpers.analyses.fishbone import OPINION, PROVEN, SUSPECTED, Fishbone, Leaf, Roof
from helpers.analyses.found_evidence import LATER, THIS_PERIOD
from helpers.model.board import BONE_LABELS
from helpers.units import format_value, in_sentence

VERDICT_WORDS = {"confirmed": "confirmed", "rejected": "rejected", "untested": "not tested yet", "": ""}


def describe_fishbone(fishbone: Fishbone, currency: str) -> str:
    """Say how many causes are backed by data, and how much of the gap they explain.

    Args:
        fishbone: The result of ``build_fishbone``.
        currency: The company's currency.
    """
    live = [leaf for leaf in fishbone.leaves if not leaf.is_out]
    if not live:
        return "Nobody and nothing names a cause yet"
    proven, suspected, opinions = (_count(live, backing) for backing in (PROVEN, SUSPECTED, OPINION))
    parts = [f"{_causes(proven)} backed by data{_say_where(fishbone)}" if proven else "No cause backed by data"]
    if suspected:
        parts.append(f"{suspected} not proven")
    if opinions:
        parts.append(f"{opinions} {'opinion' if opinions == 1 else 'opinions'}")
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _say_where(fishbone: Fishbone) -> str:
    """Say in which M the proven causes are, or in which the most expensive."""
    bones = [bone for bone in fishbone.bones if any(_leads(leaf) for leaf in bone.leaves)]
    if len(bones) == 1:
        return f" in {bones[0].label.lower()}"
    has_money = any(leaf.money for bone in bones for leaf in bone.leaves if _leads(leaf))
    return f" ({'the most expensive' if has_money else 'most'} in {_strongest(fishbone)})"


def _strongest(fishbone: Fishbone) -> str:
    """Name the M whose proven causes cost most; without money the one with most of them."""
    weighed = [
        (
            sum(leaf.money or 0.0 for leaf in bone.leaves if _leads(leaf)),
            sum(_leads(leaf) for leaf in bone.leaves),
            bone.label.lower(),
        )
        for bone in fishbone.bones
    ]
    return max(weighed, key=lambda one: one[:2])[2]


def _leads(leaf: Leaf) -> bool:
    return leaf.backing == PROVEN and not leaf.is_out


def _count(leaves: Iterable[Leaf], backing: str) -> int:
    return sum(leaf.backing == backing for leaf in leaves)


def _causes(count: int) -> str:
    return "1 cause" if count == 1 else f"{count} causes"


def say_worth(leaf: Leaf, *, is_money: bool, currency: str) -> str:
    """Say what a cause costs, and when; empty where nobody knows."""
    if leaf.money is None:
        return ""
    unit = "currency" if is_money else "count"
    digits = (0 if 1000 <= leaf.money < 999_500 else None) if is_money else 0
    amount = format_value(leaf.money, unit, currency=currency, digits=digits)
    return f"{amount} later" if leaf.counts_for == LATER else amount


def say_standing(leaf: Leaf) -> str:
    """Say what stands behind a cause in a word or two."""
    if leaf.verdict == "rejected":
        return "rejected"
    if leaf.state == "dropped":
        return "dropped"
    if leaf.is_reopened:
        return "open again"
    if leaf.backing == OPINION:
        return "opinion" if leaf.verdict != "confirmed" else "opinion, called confirmed"
    word = VERDICT_WORDS.get(leaf.verdict, "")
    if leaf.backing == SUSPECTED:
        return "not proven"
    return word or "data"


def say_confidence(leaf: Leaf) -> str:
    """Say how sure people are, else how likely luck is; empty where neither is known."""
    if leaf.confidence is not None:
        return format_value(leaf.confidence, "share")
    if leaf.sureness:
        return f"{leaf.sureness} confidence"
    return leaf.basis.split(", ")[-1] if " < " in leaf.basis or ", " in leaf.basis else ""


def say_roof(roof: Roof) -> str:
    """Say where several Ms meet."""
    return f"Management{', by the board' if roof.is_told else ''}: {roof.label}"


def describe_roofs(fishbone: Fishbone) -> str:
    """Say for whom the causes of several Ms are one question; empty where none meet."""
    if not fishbone.roofs:
        return ""
    first = fishbone.roofs[0]
    bones = [in_sentence(BONE_LABELS[m]) for m in first.bones]
    listed = f"{', '.join(bones[:-1])} and {bones[-1]}"
    where = f"{first.label}, as the board has it" if first.is_told else first.label
    return f"{listed[:1].upper()}{listed[1:]} meet in {where}: a question for its management, and no cause of its own."


def say_share(money: float | None, gap: float, counts_for: str) -> str:
    """Say which share of a shortfall an amount is; empty for what counts later, or where nothing is missing."""
    if money is None or gap >= 0 or counts_for != THIS_PERIOD:
        return ""
    return format_value(min(money / abs(gap), 1.0), "share")
