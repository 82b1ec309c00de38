"""How axes write their values: as tables and cards do."""

from __future__ import annotations

from typing import Any

from helpers.present import words


def axis_format(unit: str) -> str:
    """Return the number format of an axis of this unit."""
    return "%" if unit == "share" else "~s" if unit in ("currency", "currency_per_day") else ",~f"


def axis_words(unit: str, currency: str) -> Any:
    """Return the expression that writes an axis label as the rest of the page writes such a value."""
    import altair as alt

    from helpers.units import CURRENCY_SIGNS

    if unit == "share":
        return "format(datum.value, '.0%') == '0%' ? '0 %' : replace(datum.label, '%', ' %')"
    if unit in ("currency", "currency_per_day"):
        sign = CURRENCY_SIGNS.get(currency, f"{words.clean_text(currency)[:3]} ")
        return f"'{sign}' + replace(replace(format(datum.value, '~s'), 'k', ' k'), 'M', ' M')"
    return alt.Undefined
