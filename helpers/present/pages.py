"""What all HTML pages share: the environment of templates with escaping on, and the parts of every page."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from helpers.present import theme

NO_SCRIPT = "'none'"
CHART_SCRIPT = "'unsafe-inline' 'unsafe-eval'"
"""What a page's own policy allows: nothing from elsewhere, ever; script only where charts are drawn."""


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(theme.TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=False
    )


def render_page(template: str, *, title: str, scripts: str = NO_SCRIPT, **values: Any) -> str:
    """Fill a template; every value that is not marked as HTML is escaped.

    Args:
        template: file name in ``templates``.
        title: of the browser's tab.
        scripts: what the page's policy allows to run.
        **values: what the template names.

    Returns:
        The whole page.
    """
    return _templates().get_template(template).render(title=title, scripts=scripts, css=theme.page_css(), **values)


def describe_versions(manifest: Mapping[str, Any]) -> str:
    """Write the versions in a manifest as one line, the product's own first; unknown ones are left out."""
    versions = {name: text for name, text in (manifest.get("versions") or {}).items() if text != "not installed"}
    own = versions.pop("revenue-engine-diagnostic", "")
    told = [f"Revenue Engine Diagnostic {own}".strip()] if own else []
    return ", ".join(told + [f"{name} {text}" for name, text in versions.items()])
