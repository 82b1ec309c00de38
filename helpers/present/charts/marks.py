"""Marks that mean the same in every chart."""

HATCHED = "M1,0A1,1,0,1,1,-1,0A1,1,0,1,1,1,0ZM-0.95,0.3L0.3,-0.95M-0.71,0.71L0.71,-0.71M-0.3,0.95L0.95,-0.3"
"""A circle filled with diagonal lines: records that have not had their time yet. Its stroke is the hatching."""

HATCHED_SIZE = 3.2
"""By what factor a hatched mark's size is larger than a dot's, so that its lines can be told apart."""


def place_labels(
    x: list[float],
    y: list[float],
    widths: list[float],
    *,
    height: float = 15,
    gap: float = 9,
    sides: tuple[str, ...] = ("left", "right"),
) -> list[tuple[float, float, str]]:
    """Place texts beside their points so that no two overlap.

    Args:
        x: Across, in pixels, of each point.
        y: Downwards, in pixels.
        widths: Width of each text in pixels.
        height: Of a line of text.
        gap: Between a point and its text.
        sides: How a text may be aligned: left puts it to the right of its point.

    Returns:
        Offset from the point in x and y, and how the text is aligned (left or right), in the order given.

    >>> place_labels([50, 50], [0, 2], [40, 40])
    [(9, 0, 'left'), (-9, 0, 'right')]
    """
    taken: list[tuple[float, float, float, float]] = []
    found: dict[int, tuple[float, float, str]] = {}
    for i in sorted(range(len(x)), key=lambda i: (y[i], x[i])):
        options = [(side, step) for step in (0, 0.5, -0.5, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5) for side in sides]
        for side, step in options:
            left = x[i] + gap if side == "left" else x[i] - gap - widths[i]
            top = y[i] + step * height - height / 2
            box = (left, top, left + widths[i], top + height)
            if left >= 0 and not any(_overlap(box, other) for other in taken):
                break
        taken.append(box)
        found[i] = (gap if side == "left" else -gap, step * height, side)
    return [found[i] for i in range(len(x))]


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] - 1 and other[1] < one[3] - 1
