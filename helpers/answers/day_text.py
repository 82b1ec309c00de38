"""Reading a day as people type it: written out as the pages show it, or with its parts in an order that is sure."""

from datetime import date, datetime

EXAMPLE = "15 Nov 2026"
FORMS = ("%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y", "%d.%m.%Y", "%Y-%m-%d", "%Y/%m/%d")
"""A day written as 04/05/2026 is another one in another country, so it is none of them."""


def read_day_text(text: str) -> tuple[date | None, str]:
    """Read a day as typed.

    Returns:
        The day, None where the text is blank or no day; and what is wrong with it.

    >>> read_day_text("15 nov 2026")[0], read_day_text(" ")
    (datetime.date(2026, 11, 15), (None, ''))
    >>> read_day_text("soon")[1]
    "'soon' is no day. Write it as 15 Nov 2026."
    """
    plain = " ".join(text.replace(",", " ").split())
    if not plain:
        return None, ""
    for form in FORMS:
        try:
            return datetime.strptime(plain, form).date(), ""
        except ValueError:
            continue
    shown = f"'{plain[:30]}{'…' if len(plain) > 30 else ''}'"
    return None, f"{shown} is no day. Write it as {EXAMPLE}."
