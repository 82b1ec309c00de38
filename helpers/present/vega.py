"""The script that makes charts interactive without a network: bundled once, kept on disk, inlined in a page."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from helpers.present.display import vega_lite_version
from helpers.writing import write_text


@cache
def read_bundle(folder: Path | None = None) -> str:
    """Return the script that draws Vega-Lite charts, with everything it needs.

    Args:
        folder: where it is kept between runs; the user's own cache folder where none is given.

    Returns:
        JavaScript that may stand inside a ``<script>`` element.
    """
    import vl_convert

    version = vega_lite_version()
    home = folder or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "revenue-engine-diagnostic"
    path = home / f"vega-{vl_convert.__version__}-{version}.js"
    try:
        return _harmless(path.read_text(encoding="utf-8"))
    except OSError:
        bundle = vl_convert.javascript_bundle(vl_version=version)
    with suppress(OSError):  # a read-only home costs the next run some seconds and nothing else
        write_text(path, bundle)
    return _harmless(bundle)


def embed_json(value: Mapping[str, Any]) -> str:
    """Write JSON that can't end the script element it stands in, whatever text it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _harmless(script: str) -> str:
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
