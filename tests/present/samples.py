"""Made-up results to draw: hostile text, missing values and small n in every place where an export may bring them."""

from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

HOSTILE = "<script>alert('x')</script>"
FORMULA = '=HYPERLINK("http://evil.example","click")'
NAN = float("nan")


def make_table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "owner": ["Ann", HOSTILE, FORMULA],
            "deals": [12, 7, 3],
            "win_rate": [0.3127, NAN, 0.5],
            "amount": [1_240_000.5, 912.5, NAN],
            "closed_at": [date(2026, 9, 30), date(2026, 7, 1), None],
            "light": ["good", "bad", None],
        }
    )


def make_bowtie() -> pd.DataFrame:
    columns = ["stage", "label", "volume", "previous_volume", "conversion_to_next", "conversion_low", "conversion_high"]
    rows = [
        ("lead", "Leads", 2402, 2310, 0.0858, 0.08, 0.1),
        ("opportunity", "Opportunities", 206, 202, 0.24, 0.19, 0.30),
        ("won", "Won deals", 49, 63, 0.92, 0.81, 0.97),
        ("live", HOSTILE, NAN, NAN, NAN, NAN, NAN),
    ]
    more = {
        "previous_conversion": [0.087, 0.34, 1.0, NAN],
        "median_days_to_next": [12.0, 74.0, 21.0, NAN],
        "value": [NAN, NAN, 1_240_000.0, NAN],
        "light": ["good", "caution", "bad", None],
        "is_available": [True, True, True, False],
        "note": ["", "", "", "no live dates in the exports"],
    }
    return pd.DataFrame(rows, columns=columns).assign(**more)


def make_slices(n: int = 4) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "slice": [HOSTILE, "(blank)", *[f"Slice {i}" for i in range(n - 2)]],
            "volume": range(100, 100 - n, -1),
            "value": [0.31, NAN, *[0.2 + i / (3 * n) for i in range(n - 2)]],
            "low": [0.26, NAN, *[0.1 + i / (3 * n) for i in range(n - 2)]],
            "high": [0.36, NAN, *[0.3 + i / (3 * n) for i in range(n - 2)]],
            "n": range(100, 100 - n, -1),
            "is_small": [i == n - 1 for i in range(n)],
        }
    )


def make_history() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "period": ["Q1 2026", "Q2 2026", "Q3 2026"],
            "value": [0.31, NAN, 0.24],
            "low": [0.26, NAN, 0.18],
            "high": [0.36, NAN, 0.31],
            "goal": 0.3,
            "is_complete": [True, True, False],
        }
    )


FINDINGS: list[dict[str, Any]] = [
    {
        "rank": 1,
        "headline": f"Win rate fell from 31 % to 24 % {HOSTILE}",
        "kpi": "win_rate",
        "slice": f"owner={HOSTILE}",
        "money": -412_000.0,
        "evidence": {"n": 214, "low": -600_000.0, "high": -250_000.0, "period": "Q3 2026", "definition": HOSTILE},
        "next_step": f"Call {HOSTILE}",
        "notebook": "01_start_here",
        "severity": "bad",
    },
    {"headline": "17 deals have no close date", "money": None, "slice": "all", "notebook": "01_start_here"},
]


def write_notebook(path: Path, *shown: Any, title: str = "Where does it leak?") -> None:
    """An executed notebook whose code cells show the given displays."""
    v4 = nbformat.v4
    parameters = v4.new_code_cell(
        "secret_parameter: str = 'x'", outputs=[v4.new_output("stream", name="stdout", text="parameter output")]
    )
    parameters.metadata["tags"] = ["parameters"]
    cells = [
        v4.new_markdown_cell(f"# {title}\n\nReads the exports."),
        parameters,
        v4.new_markdown_cell("## What moved"),
    ]
    for one in shown:
        bundle = one._repr_mimebundle_()
        output = v4.new_output("execute_result", data=bundle, execution_count=1)
        cells.append(v4.new_code_cell("show_something(secret_code)", outputs=[output], execution_count=1))
    nbformat.write(v4.new_notebook(cells=cells), path)
