"""Texts that must be kept as they are, wherever texts are typed."""

from helpers.answers.fields import TEXT_LIMIT

SCRIPT = "<script>alert(1)</script>"
LONG = "x" * 100_000


KEPT_TEXTS = {
    "script tag": SCRIPT,
    "script in an attribute": '"><img src=x onerror=alert(1)>',
    "markup that ends a script": "</script><!--",
    "template": "{{ 7 * 7 }} {% raw %} ${7*7} #{7}",
    "formula": "=1+1",
    "formula of a function": "@SUM(A1:A9)",
    "formula with plus": "+cmd|' /C calc'!A0",
    "formula with minus": "-2+3+cmd|' /C calc'!A0",
    "hyperlink formula": '=HYPERLINK("http://example.org","x")',
    "tab before a formula": "\t=1+1",
    "100 kB": LONG,
    "as long as allowed": "y" * TEXT_LIMIT,
    "emoji": "🙂👩‍👩‍👧‍👦🏳️‍🌈",
    "right to left": "שלום עולם العربية",
    "mixed direction": "abc שלום 123",
    "an override of direction": "abc\u202edcba\u202c",
    "zero width": "a\u200bb\u200cc\u200d\ufeff",
    "combining signs without end": "Z" + "\u0301" * 500,
    "line breaks of three systems": "a\nb\r\nc\rd",
    "tabs": "a\tb",
    "TOML": '"""\n[overview]\nemployees = 1\n"""',
    "TOML of another kind": "'''",
    "a header": "]]\n[[product.products]]",
    "backslashes": "C:\\new\\table\\u0041\\",
    "quotes": "\"'`´’“”",
    "a comment": "# not a comment",
    "SQL": "Robert'); DROP TABLE answers;--",
    "path": "../../../etc/passwd",
    "path of Windows": "..\\..\\C:\\con",
    "percent signs": "%s %n %00 %2e%2e",
    "JSON": '{"json": "x"}',
    "separators of lines": "a\u2028b\u2029c\x85d",
    "signs beyond the base plane": "𝕬𝖓𝖆 \U0010fffd",
    "null as a word": "null",
    "true as a word": "true",
}
