"""137 bone marrow transplants (Klein and Moeschberger, Survival Analysis, 1997): the field's usual test of such curves.

One text per disease group; days, then ``+`` still well, ``a`` relapse, ``b`` death in remission.
"""

import re

import numpy as np

GROUPS = {
    "ALL": """2081+ 1602+ 1496+ 1462+ 1433+ 1377+ 1330+ 996+ 226+ 1199+ 1111+ 530+ 1182+ 1167+ 418b 383a 276b 104a 609a
        172b 487b 662a 194b 230a 526b 122b 129a 74a 122a 86b 466b 192a 109a 55a 1b 107b 110a 332b""",
    "AML low risk": """2569+ 2506+ 2409+ 2218+ 1857+ 1829+ 1562+ 1470+ 1363+ 1030+ 860+ 1258+ 2246+ 1870+ 1799+ 1709+
        1674+ 1568+ 1527+ 1324+ 957+ 932+ 847+ 848+ 1850+ 1843+ 1535+ 1447+ 1384+ 414b 2204b 1063b 481b 105b 641b 390b
        288b 421a 79b 748a 486a 48b 272a 1074b 381a 10b 53b 80b 35b 248a 704b 211a 219a 606a""",
    "AML high risk": """2640+ 2430+ 2252+ 2140+ 2133+ 1238+ 1631+ 2024+ 1345+ 1136+ 845+ 422a 162b 84a 100a 2b 47a 242a
        456a 268a 318b 32a 467a 47a 390a 183b 105b 115a 164b 93a 120a 80b 677b 64a 168b 74b 16b 157a 625a 48a 273a 63b
        76a 113a 363b""",
}


def read_transplants() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return days, ending (0 censored, 1 relapse, 2 death) and group of every patient."""
    rows = [
        (int(days), "+ab".index(mark), group)
        for group, text in enumerate(GROUPS.values())
        for days, mark in re.findall(r"(\d+)([+ab])", text)
    ]
    days, ending, group = (np.array(column) for column in zip(*rows, strict=True))
    return days, ending, group
