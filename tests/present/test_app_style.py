"""The styles of the app's pages and forms name classes that something on the page bears."""

import re

import pytest

from helpers.present.theme import TEMPLATES

HELPERS = TEMPLATES.parents[1]
FROM_OUTSIDE = re.compile(r"(?:is|jp|lm|widget|jupyter|vega|vg)-|anchor-link")
"""States put together while running, and what JupyterLab, ipywidgets and Vega name."""

SHEETS = sorted(TEMPLATES.glob("app/*.css")) + sorted(TEMPLATES.glob("forms/*.css"))
WORDS = {
    word
    for ending in ("py", "js", "j2")
    for path in HELPERS.rglob(f"*.{ending}")
    for word in re.findall(r"[\w-]+", path.read_text(encoding="utf-8"))
}
"""What stands in the code as a word of its own, as long as letters, digits and hyphens go."""


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.stem)
def test_every_class_that_a_style_names_is_used_somewhere(sheet):
    text = re.sub(r"/\*.*?\*/|url\([^)]*\)|\"[^\"]*\"|\d\.\d+", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    named = set(re.findall(r"\.([a-zA-Z][\w-]*)", text))
    unused = {name for name in named - WORDS if not FROM_OUTSIDE.match(name)}
    assert unused == set(), "renamed in one place only?"
