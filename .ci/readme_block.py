"""Print the n-th fenced block under the README's heading Quick start, so that what is tested is what is promised."""

import re
import sys
from pathlib import Path

readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
quick_start = re.search(r"^## Quick start$(.*?)(?=^## |\Z)", readme, flags=re.M | re.S)
blocks = re.findall(r"^```(?:bash|sh)\n(.*?)^```$", quick_start.group(1) if quick_start else "", flags=re.M | re.S)
number = int(sys.argv[1])
if not 1 <= number <= len(blocks):
    sys.exit(f"README.md: the heading Quick start has {len(blocks)} fenced blocks, number {number} was asked for")
print(blocks[number - 1])
