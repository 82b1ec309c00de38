"""Names of people as they type them: any script is welcome, what can't be seen or would be no name is refused."""

import re
import unicodedata
from typing import Any

LONGEST_NAME = 120
"""Characters."""

INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
"""Signs without a picture, by which two names look the same or a text runs backwards. Joiners are none of them: Persian
and emoji need them."""


def find_fault_in_name(name: Any, *, what: str = "name") -> str:
    """Say what is wrong with a name.

    Args:
        name: As typed.
        what: What it is called in the message.

    Returns:
        What is wrong and what to do; empty where it is a name.

    >>> find_fault_in_name("Ana Okafor"), find_fault_in_name(" ")
    ('', '[name] the name is empty. Type it.')
    """
    if not isinstance(name, str) or not name.strip():
        return f"[{what}] the {what} is empty. Type it."
    text = name.strip()
    if len(text) > LONGEST_NAME:
        return f"[{what}] the {what} has {len(text):,} characters; at most {LONGEST_NAME} are allowed. Shorten it."
    for place, sign in enumerate(text, start=1):
        is_control = unicodedata.category(sign) in ("Cc", "Cs", "Cn", "Zl", "Zp")
        if is_control or INVISIBLE.match(sign):
            shown = f"U+{ord(sign):04X}"
            return f"[{what}] sign {place} of the {what} can't be seen ({shown}). Type it instead of pasting it."
    if not any(unicodedata.category(sign)[0] in "LNS" for sign in text):
        return f"[{what}] '{text}' has no letter. Type your {what}."
    return ""
