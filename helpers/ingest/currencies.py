"""Currency signs and codes as they stand beside amounts."""

SIGNS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "₪": "ILS", "₫": "VND", "₴": "UAH",
    "฿": "THB", "₱": "PHP", "₦": "NGN", "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "R$": "BRL", "US$": "USD",
    "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD", "S$": "SGD", "HK$": "HKD", "MX$": "MXN",
    "Fr.": "CHF", "SFr.": "CHF",
}  # fmt: skip
"""Currency signs that mean one currency."""

SHARED_SIGNS = {
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "TWD", "CLP", "COP", "ARS"),
    "¥": ("JPY", "CNY"),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "kr.": ("DKK", "SEK", "NOK", "ISK"),
}
"""Currency signs that several currencies share; they are read as the company's own where it is among them."""

CODES = frozenset(
    "AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KES KRW KWD MAD MXN "
    "MYR NGN NOK NZD PEN PHP PKR PLN QAR RON RSD RUB SAR SEK SGD THB TND TRY TWD UAH USD UYU VND ZAR".split()
)
"""ISO 4217 codes that are recognised beside an amount."""


def as_code(text: str, home: str) -> str | None:
    """Tell the ISO 4217 code of a sign or code beside an amount.

    Args:
        text: A sign or code, such as ``€``, ``US$`` or ``CHF``.
        home: The company's currency, which a shared sign means where it can.

    Returns:
        The code, or None where the text is no currency.

    >>> as_code("€", "USD"), as_code("$", "CAD"), as_code("$", "EUR"), as_code("XYZ", "EUR")
    ('EUR', 'CAD', 'USD', None)
    """
    if text in SHARED_SIGNS or text.lower() in SHARED_SIGNS:
        shared = SHARED_SIGNS.get(text) or SHARED_SIGNS[text.lower()]
        return home if home in shared else shared[0]
    return SIGNS.get(text) or (text if text in CODES else None)
