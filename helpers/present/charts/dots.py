"""People on an axis: each a dot at the true place with the name beside it, raised where two names would collide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from helpers.present import words
from helpers.present.charts.canvas import Canvas, fit_text, measure_text

FAR_OUT = 4.0
"""A value beyond this multiple of the middle of all values stands at the axis' end, with an arrow and its number."""

PSEUDONYM = "Respondent "


@dataclass(frozen=True)
class Person:
    """One respondent's number, the name shown beside it, and whether the dot is what the sentence is about."""

    name: str
    value: float
    is_named: bool = False


@dataclass(frozen=True)
class Flag:
    """One dot as it is drawn: where, at which height above the axis, its label, and how many people it stands for."""

    x: float
    level: int
    label: str
    n: int
    is_named: bool
    is_beyond: bool


@dataclass(frozen=True)
class Axis:
    """A number's place on the picture.

    Attributes:
        left: where ``low`` lies.
        right: where ``high`` lies.
        low: the smallest number shown.
        high: the largest number shown.
    """

    left: float
    right: float
    low: float
    high: float

    def place(self, value: float) -> float:
        """Return the x of a number; one beyond the axis lies at its end."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.0
        return self.left + (self.right - self.left) * min(1.0, max(0.0, share))


def fit_axis(
    values: Iterable[float], left: float, right: float, *, whole: float | None = None, always: Iterable[float] = ()
) -> Axis:
    """Make an axis from zero that holds the values, but not one that lies so far out that the others would meet.

    Args:
        values: everything that is drawn on it.
        left: where zero lies.
        right: where it ends.
        whole: the axis' end where it is given, such as 1 for shares.
        always: numbers that are on the axis however far out they lie.
    """
    fixed = [value for value in always if not words.is_missing(value)]
    known = sorted(value for value in [*values, *fixed] if not words.is_missing(value) and math.isfinite(value))
    if whole is not None and (not known or known[-1] <= whole):
        return Axis(left, right, min(0.0, known[0] if known else 0.0), whole)
    middle = known[len(known) // 2] if known else 1.0
    inside = [value for value in known if middle <= 0 or value <= FAR_OUT * middle]
    high = max([*inside, *fixed], default=1.0)
    return Axis(left, right, min(0.0, known[0] if known else 0.0), (high or 1.0) * 1.02)


def make_room(axis: Axis, people: Sequence[Person], *, edge: float, size: float, radius: float, widest: float) -> Axis:
    """Shorten an axis so far that the labels right of the dots end before the picture does, at most to half of it.

    Args:
        axis: where numbers would lie without labels.
        people: whose labels need room.
        edge: where the last label has to end.
        size: of the labels' letters.
        radius: of a dot.
        widest: how wide a label may be.
    """
    right = axis.right
    for group in _group(people):
        share = (axis.place(group[0].value) - axis.left) / (axis.right - axis.left)
        needed = edge - axis.left - _width(_join_names([one.name for one in group], size, widest), size, radius)
        right = min(right, axis.left + needed / share) if share > 0 else right
    return replace(axis, right=max(right, axis.left + (axis.right - axis.left) / 2))


def list_ticks(axis: Axis, unit: str, *, currency: str, most: int = 5) -> list[tuple[float, str]]:
    """Return round numbers on an axis with what is written there; the unit stands at the last one only."""
    size = (axis.high - axis.low) / most
    power = 10 ** math.floor(math.log10(size)) if size > 0 else 1.0
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= size * 0.999)
    if unit == "count" or unit == "days":
        step = max(1.0, step)
    numbers = [step * i for i in range(math.ceil(axis.low / step), math.floor(axis.high / step + 1e-9) + 1)]
    for digits in (0, 1, 2):
        texts = [words.say_value(number, unit, currency=currency, digits=digits) for number in numbers]
        said = [words.say_value(number, unit, currency=currency, digits=3) for number in numbers]
        if len(set(texts)) == len(set(said)) and all(_is_same(a, b) for a, b in zip(texts, said, strict=True)):
            break
    if unit == "currency":  # beside thousands with a decimal, dollars need none
        whole = [abs(number) < 1000 and float(number).is_integer() for number in numbers]
        texts = [
            words.say_value(number, unit, currency=currency, digits=0) if is_whole else text
            for number, text, is_whole in zip(numbers, texts, whole, strict=True)
        ]
    if unit in ("days", "share"):
        texts = [text if i == len(texts) - 1 else text.split(" ")[0] for i, text in enumerate(texts)]
    return list(zip(numbers, texts, strict=True))


def raise_flags(
    people: Sequence[Person], axis: Axis, *, edge: float, size: float, radius: float, widest: float
) -> list[Flag]:
    """Place everybody's dot and label so that no label lies on another.

    From right to left, each label stands right of its dot, at the lowest level at which nothing is in its way. People
    of one number share a dot that holds how many they are.

    Args:
        people: who is drawn.
        axis: where numbers lie.
        edge: where the last label has to end.
        size: of the labels' letters.
        radius: of a dot.
        widest: how wide a label may be.

    Returns:
        One flag per dot.
    """
    taken: list[tuple[int, float, float]] = []
    flags = []
    for group in _group(people):
        first = group[0]
        is_beyond = first.value > axis.high
        x = axis.place(first.value)
        label = _join_names([one.name for one in group], size, min(widest, edge - x - _width("", size, radius)))
        begin, end = x - radius - 5, x + _width(label, size, radius)
        level = next(k for k in range(len(people) + 1) if all(k != t or end < b or begin > e for t, b, e in taken))
        taken.append((level, begin, end))
        flags.append(Flag(x, level, label, len(group), any(one.is_named for one in group), is_beyond))
    return flags


def draw_flags(
    canvas: Canvas, flags: Sequence[Flag], base: float, *, size: float, radius: float, step: float, lift: float,
    named: str = "accent",
) -> None:  # fmt: skip
    """Draw the dots on their poles, the lowest ``lift`` above an axis at height ``base``."""
    for flag in flags:
        canvas.line(flag.x, base, flag.x, base - lift - flag.level * step, stroke="faint", width=1.5)
    for flag in flags:
        y = base - lift - flag.level * step
        colour = named if flag.is_named else "grey"
        if flag.is_beyond:
            canvas.shape([(flag.x - 7, y - 8), (flag.x + 8, y), (flag.x - 7, y + 8)], fill=colour)
        else:
            canvas.dot(flag.x, y, radius + (3 if flag.n > 1 else 0), fill=colour)
        if flag.n > 1:
            canvas.text(flag.x, y + 4.5, str(flag.n), size=size - 3, fill="paper", weight=600, anchor="middle")
        x = flag.x + radius + (9 if flag.n > 1 else 6)
        canvas.text(x, y + size * 0.35, flag.label, size=size, weight=600 if flag.is_named else 400, is_above=True)


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Give every name a short form that no other one has: the first name, an initial where two share it.

    >>> short_names(["Ana Okafor", "Ana Ruiz", "Ben Li", "Respondent 412"])
    {'Ana Okafor': 'Ana O.', 'Ana Ruiz': 'Ana R.', 'Ben Li': 'Ben', 'Respondent 412': 'No. 412'}
    """
    known = list(dict.fromkeys(names))
    first: Mapping[str, str] = {name: _first_word(name) for name in known}
    short: dict[str, str] = {}
    for name in known:
        alike = [other for other in known if first[other].casefold() == first[name].casefold()]
        rest = words.clean_text(name).split()[1:]
        text = first[name] if len(alike) == 1 else f"{first[name]} {rest[-1][:1]}." if rest else first[name]
        text = words.shorten(text, 16)
        number = 2
        while text in short.values():
            text, number = f"{words.shorten(text.rsplit(' (', 1)[0], 14)} ({number})", number + 1
        short[name] = text
    return short


def _first_word(name: str) -> str:
    plain = words.clean_text(name).strip()
    return f"No. {plain.removeprefix(PSEUDONYM)}" if plain.startswith(PSEUDONYM) else (plain.split() or ["?"])[0]


def _group(people: Sequence[Person]) -> list[list[Person]]:
    """Put people of one number together, from right to left."""
    alike: dict[float, list[Person]] = {}
    for one in sorted(people, key=lambda one: (-one.value, one.name)):
        alike.setdefault(one.value, []).append(one)
    return list(alike.values())


def _width(label: str, size: float, radius: float) -> float:
    """How far a dot's label reaches to the right of the dot's middle."""
    return radius + 9 + measure_text(label, size, weight=600) + 4


def _join_names(names: Sequence[str], size: float, widest: float) -> str:
    """Join as many names as fit, and count the others."""
    for kept in range(len(names), 0, -1):
        more = [f"{len(names) - kept} more"] if kept < len(names) else []
        text = words.join_words([*names[:kept], *more])
        if measure_text(text, size, weight=600) <= widest + 0.5:
            return text
    return fit_text(f"{len(names)} people" if names[1:] else names[0], size, widest)


def _is_same(text: str, precise: str) -> bool:
    return _digits(text) == _digits(precise)


def _digits(text: str) -> str:
    number, _, unit = text.partition(" ")
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number}{unit}"
