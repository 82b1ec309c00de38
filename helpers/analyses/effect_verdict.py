"""Did a KPI move as it was meant to, beyond chance: the rules by which an action's effect is judged."""

from math import ceil, erfc, isfinite, sqrt

from helpers.analyses.kpi_reading import Reading
from helpers.model.kpi import Kpi
from helpers.units import format_value, in_sentence

HELD, FAILED, TOO_EARLY, UNMEASURABLE, WORSE = "held", "failed", "too_early", "unmeasurable", "worse"

SIGNIFICANCE = 0.05
Z, Z_POWER = 1.959964, 0.841621
"""Of a two-sided test at 5 %, and of a chance of 80 % to see what is there."""


def judge_change(
    kpi: Kpi, before: Reading, after: Reading, *, wanted: float | None, said: float | None = None, currency: str = "USD"
) -> tuple[str, str]:
    """Judge whether a KPI moved as far as was expected of it.

    Args:
        kpi: The KPI.
        before: Its baseline.
        after: Its value in the window.
        wanted: What it was to become; None asks only for a move beyond chance.
        said: What people took the baseline for; tells the direction of a KPI of which neither is good.
        currency: The company's.

    Returns:
        ``HELD`` where it moved beyond chance and what was expected lies within its interval or is passed; ``FAILED``
        where it stayed short of that for certain; ``UNMEASURABLE`` where too few records leave both open. A total has
        no interval: it holds where it reaches what was expected. With the reason in words. A KPI that was where it was
        wanted before can't tell either.
    """
    if before.value is None or after.value is None:
        return UNMEASURABLE, "It can't be measured"
    up = _wants_up(kpi, before.value, wanted, said)
    told = _tell(kpi, before, after, currency)
    chance = find_chance(kpi, before, after)
    rose = after.value > before.value if up else after.value < before.value
    moved = rose and chance is not None and chance < SIGNIFICANCE
    if wanted is None:
        if chance is None:
            return UNMEASURABLE, f"{told}; nobody said what was expected, and a total alone can't tell luck from effect"
        if moved:
            return HELD, f"{told}, beyond chance"
        if chance < SIGNIFICANCE:
            return FAILED, f"{told}, beyond chance the wrong way"
        return UNMEASURABLE, f"It can't be told: {told}, which may be luck, and nobody said what was expected"
    target = f"{_say(kpi, wanted, currency)} expected"
    if before.value >= wanted if up else before.value <= wanted:
        base = _say(kpi, before.value, currency)
        return UNMEASURABLE, f"It can't be told: {kpi.label} was at {base} before already, and {target}"
    reached = after.value >= wanted if up else after.value <= wanted
    if chance is None:
        return (HELD, f"{told}: {target}, reached") if reached else (FAILED, f"{told}: short of the {target}")
    within = reached or _holds(after, wanted, up)
    if moved and within:
        return HELD, f"{told}: {target}, {'reached' if reached else 'within its interval'}"
    if within:
        return UNMEASURABLE, f"It can't be told: {told}, which may be luck; {_say_needed(kpi, before, wanted)}"
    return FAILED, f"{told}: short of the {target}{', and no more than chance makes' if rose and not moved else ''}"


def judge_guard(guard: Kpi, before: Reading, after: Reading) -> str:
    """Tell whether what must not get worse did: beyond chance, or for a total by more than a tenth."""
    if before.value is None or after.value is None:
        return UNMEASURABLE
    up = guard.direction != "down"
    fell = after.value < before.value if up else after.value > before.value
    chance = find_chance(guard, before, after)
    if chance is None:
        return WORSE if fell and abs(after.value - before.value) > 0.1 * abs(before.value) else HELD
    return WORSE if fell and chance < SIGNIFICANCE else HELD


def says_worse(guard: Kpi, before: Reading, after: Reading, currency: str) -> str:
    """Say how a guard got worse."""
    return f"but {in_sentence(_tell(guard, before, after, currency))}"


def find_chance(kpi: Kpi, before: Reading, after: Reading) -> float | None:
    """Return how likely luck alone makes two readings differ as much; None where nothing tells.

    Two shares by a pooled two-proportion test, two counts as Poisson counts, everything else that has an interval by
    the width of both.
    """
    if kpi.unit == "share" and kpi.measure.kind in ("conversion", "outcome_share", "push", "retention"):
        pairs = (before.numerator, before.denominator, after.numerator, after.denominator)
        is_count = all(one is not None and isfinite(one) for one in pairs) and before.denominator == before.n
        if is_count and before.denominator and after.denominator:
            return _chance_of_shares(*pairs)  # type: ignore[arg-type]
    if kpi.measure.kind == "volume":
        own = (after.value or 0.0) / after.factor
        variance = (before.value or 0.0) + own * after.factor**2
        return _two_sided(((after.value or 0.0) - (before.value or 0.0)) / sqrt(variance)) if variance else 1.0
    ends = (before.low, before.high, after.low, after.high)
    if any(end is None for end in ends) or before.value is None or after.value is None:
        return None
    widths = [(high - low) / (2 * Z) for low, high in ((ends[0], ends[1]), (ends[2], ends[3]))]  # type: ignore[operator]
    error = sqrt(widths[0] ** 2 + widths[1] ** 2)
    return _two_sided((after.value - before.value) / error) if error else 1.0


def count_needed(before: float, wanted: float) -> int | None:
    """Return how many records would show a share's move with a chance of 80 %.

    Source:
        Two-proportion sample size: ``(z + z')² · (p(1−p) + q(1−q)) ÷ (p − q)²`` per side.

    >>> count_needed(0.5, 0.7)
    91
    """
    gap = abs(wanted - before)
    if not gap or not (0 <= before <= 1 and 0 <= wanted <= 1):
        return None
    return ceil((Z + Z_POWER) ** 2 * (before * (1 - before) + wanted * (1 - wanted)) / gap**2)


def _chance_of_shares(yes: float, n: float, yes_after: float, n_after: float) -> float:
    pooled = (yes + yes_after) / (n + n_after)
    variance = pooled * (1 - pooled) * (1 / n + 1 / n_after)
    return _two_sided((yes_after / n_after - yes / n) / sqrt(variance)) if variance > 0 else 1.0


def _two_sided(z: float) -> float:
    return erfc(abs(z) / sqrt(2))


def _wants_up(kpi: Kpi, before: float, wanted: float | None, said: float | None) -> bool:
    """Tell which way is good: the KPI's own direction, else from where to where people wanted it."""
    if kpi.direction in ("up", "down"):
        return kpi.direction == "up"
    return wanted is None or wanted >= (said if said is not None else before)


def _holds(after: Reading, wanted: float, up: bool) -> bool:
    end = after.high if up else after.low
    return end is not None and (end >= wanted if up else end <= wanted)


def _say_needed(kpi: Kpi, before: Reading, wanted: float) -> str:
    needed = count_needed(before.value or 0.0, wanted) if kpi.unit == "share" else None
    return f"about {needed:,} records would tell" if needed else "more records would tell"


def _say(kpi: Kpi, value: float | None, currency: str) -> str:
    return format_value(value, kpi.unit, currency=currency)


def _tell(kpi: Kpi, before: Reading, after: Reading, currency: str) -> str:
    first, last = _say(kpi, before.value, currency), _say(kpi, after.value, currency)
    if first == last:
        return f"{kpi.label} stayed at {last} (n {before.n:,} before, {after.n:,} after)"
    went = "rose" if (after.value or 0) > (before.value or 0) else "fell"
    return f"{kpi.label} {went} from {first} to {last} (n {before.n:,} before, {after.n:,} after)"
