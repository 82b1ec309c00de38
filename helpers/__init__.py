"""The Revenue Engine Diagnostic: reading CRM exports, computing KPIs, explaining misses, and showing the result.

The rooms and what each may import are described in ``.github/CONTRIBUTING.md`` and held by ``tests/architecture``.
"""

import sys

__version__ = "0.5.0"
"""The one place that holds the version: the installed metadata are made from it, and lag behind it in a checkout."""

# jsonschema tries this optional IRI grammar at import and builds a parser that costs every process more than a second;
# nothing here checks IRIs, and jsonschema treats the missing module as "format not checked".
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
