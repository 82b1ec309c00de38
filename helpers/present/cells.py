"""The cells of an executed notebook as HTML: words, tables and pictures, no code.

Every output becomes one of a few designed forms; what has none (widget views, warnings on stderr) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from helpers.present import cards, words
from helpers.present.display import VEGA_LITE, Display
from helpers.present.theme import TEMPLATES, picture_style
from helpers.present.vega import embed_json

UNSHOWN_TAGS = frozenset(
    {"parameters", "injected-parameters", "remove-cell", "remove-output", "papermill-error-cell-tag"}
)
LARGEST_SPEC = 400_000
"""Characters of a chart's specification above which the page keeps the still picture only."""

_STYLE = re.compile(r"^\s*<style\b[^>]*>.*?</style>", re.DOTALL)
_FIRST_HEADING = re.compile(r"\A\s*#\s+(.+?)\s*(?:\n|\Z)")
_NOTEBOOK_LINK = re.compile(r'href="(?:\./)?([\w-]+)\.ipynb(#[^"]*)?"')
_HEADING = re.compile(r"<h([23])\b[^>]*>(.*?)</h\1>", re.DOTALL)
_WIDGET = "application/vnd.jupyter.widget-view+json"


@dataclass
class NotebookBody:
    """What a page needs of one notebook.

    Attributes:
        title: its question, from its first heading.
        html: its cells.
        headings: id and text of its sections, in order.
        pictures: its pictures as SVG, in order.
        has_charts: whether any picture turns interactive.
        reason: the message that says why there is nothing to see and what to do, as HTML; empty where there is none.
    """

    title: str
    html: str
    headings: list[tuple[str, str]] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    has_charts: bool = False
    reason: str = ""


def read_body(path: Path) -> NotebookBody:
    """Read an executed notebook and write its cells as HTML.

    Args:
        path: the ``.ipynb``.

    Returns:
        The body; a notebook without a first heading is titled by its file's name.
    """
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("widgets", None)
    drawn = _Outputs()
    title = _take_title(notebook.cells)
    cells = []
    for section in _sections(notebook.cells):
        code = [cell for cell in section if cell.cell_type == "code"]
        for cell in code:
            hidden = UNSHOWN_TAGS & set(cell.metadata.get("tags", []))
            cell.outputs = [] if hidden else [_as_html(html) for html in map(drawn.write, cell.outputs) if html]
        if not code or any(cell.outputs for cell in code):
            cells += [cell for cell in section if not UNSHOWN_TAGS & set(cell.metadata.get("tags", []))]
    notebook.cells = cells
    html, headings = _number_headings(_NOTEBOOK_LINK.sub(r'href="\1.html\2"', _export(notebook)))
    title = re.sub(r"[*_`]", "", title) or words.label_of(re.sub(r"^\d+_", "", path.stem))
    return NotebookBody(title, html, headings, drawn.pictures, drawn.has_charts, drawn.reason)


def _take_title(cells: list[Any]) -> str:
    """Cut the first heading out of the cells and return its text; the page has it as its own heading."""
    for cell in cells:
        heading = _FIRST_HEADING.match(cell.source) if cell.cell_type == "markdown" else None
        if heading:
            cell.source = cell.source[heading.end() :]
            return heading.group(1)
    return ""


def _sections(cells: list[Any]) -> list[list[Any]]:
    """Split the cells before every second-level heading; a section whose code shows nothing is left out."""
    sections: list[list[Any]] = [[]]
    for cell in cells:
        if cell.cell_type == "markdown" and re.match(r"\s*## ", cell.source):
            sections.append([])
        sections[-1].append(cell)
    return sections


def _export(notebook: Any) -> str:
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        template_name="basic",
        template_file="cells.html.j2",
        extra_template_basedirs=[str(TEMPLATES)],
        extra_template_paths=[str(TEMPLATES)],
        exclude_anchor_links=True,
        exclude_input=True,
    )
    return exporter.from_notebook_node(notebook)[0]


def _as_html(html: str) -> Any:
    import nbformat

    return nbformat.v4.new_output("display_data", data={"text/html": html})


def _number_headings(html: str) -> tuple[str, list[tuple[str, str]]]:
    headings: list[tuple[str, str]] = []

    def give_id(match: re.Match[str]) -> str:
        level, inner = match.group(1), match.group(2)
        id = f"part-{len(headings) + 1}-{level}"
        headings.append((id, re.sub(r"<[^>]+>", "", inner).strip()))
        return f'<h{level} id="{id}">{inner}</h{level}>'

    # Only headings of prose count; a table's or card's own words never become sections.
    numbered = re.sub(
        r'(<div class="words">)(.*?)(</div>)',
        lambda words_: words_.group(1) + _HEADING.sub(give_id, words_.group(2)) + words_.group(3),
        html,
        flags=re.DOTALL,
    )
    return numbered, [(id, text) for id, text in headings if id.endswith("-2")]


class _Outputs:
    """Write outputs one by one and remember the pictures among them."""

    def __init__(self) -> None:
        self.pictures: list[str] = []
        self.has_charts = False
        self.reason = ""

    def write(self, output: Mapping[str, Any]) -> str:
        kind = output["output_type"]
        if kind == "stream":
            shown = output.get("name") == "stdout" and output["text"].strip()
            return f'<pre class="plain">{escape(words.clean_text(output["text"]))}</pre>' if shown else ""
        if kind == "error":
            return _in_red(cards.message_html("error", "This step did not work", _describe_error(output)))
        return self._write_data(output.get("data", {}))

    def _write_data(self, data: Mapping[str, Any]) -> str:
        plain = data.get("text/plain", "")
        if VEGA_LITE in data or "image/svg+xml" in data:
            return self._picture(data, plain)
        if "text/html" in data:
            html = _STYLE.sub("", data["text/html"])
            is_reason = 'class="message empty"' in html and 'class="next"' in html
            self.reason = self.reason or (html if is_reason else "")
            return html
        if _WIDGET in data:
            return ""
        if "text/markdown" in data:
            from nbconvert.filters import markdown2html

            return f'<div class="words">{markdown2html(data["text/markdown"])}</div>'
        if "image/png" in data:
            return f'<img src="data:image/png;base64,{escape(data["image/png"].strip())}" alt="{escape(plain)}">'
        is_object = re.match(r"<[\w. ]+ (?:at|object)\b", plain)
        return f'<pre class="plain">{escape(words.clean_text(plain))}</pre>' if plain.strip() and not is_object else ""

    def _picture(self, data: Mapping[str, Any], plain: str) -> str:
        spec = data.get(VEGA_LITE)
        svg = data.get("image/svg+xml") or Display(title="", text=plain, spec=spec).svg
        svg = svg.replace(picture_style(), "", 1)
        number = len(self.pictures) + 1
        self.pictures.append(svg)
        svg = isolate_ids(svg, f"p{number}")
        summary = "<summary>The numbers in this picture</summary>"
        told = f'<details class="numbers">{summary}<pre>{escape(plain)}</pre></details>'
        drawing = f'<div class="drawing">{split_picture(svg, f"p{number}-whole")}</div>'
        script = embed_json(spec) if spec else ""
        if not script or len(script) > LARGEST_SPEC:
            kind = "picture is-split" if "data-breaks" in svg else "picture"
            return f'<figure class="{kind}">{drawing}</figure>{told}'
        self.has_charts = True
        return (
            f'<figure class="picture" tabindex="0" data-chart="chart-{number}">{drawing}</figure>'
            f'<script type="application/json" id="chart-{number}">{script}</script>{told}'
        )


def split_picture(svg: str, id: str) -> str:
    """Return a tall picture as pieces that stand one below the other, so that paper can end between two of them.

    Args:
        svg: a picture; one that doesn't say where it may be split (``data-breaks``) stays whole.
        id: what the whole is called on the page; later pieces show a part of it.
    """
    breaks = re.search(r' data-breaks="([\d ]+)"', svg)
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    if not breaks or not box:
        return svg
    width, height = float(box.group(1)), float(box.group(2))
    edges = [0.0, *(float(y) for y in breaks.group(1).split()[1:]), height]
    root, inside = svg.replace(breaks.group(0), "", 1).split(">", 1)
    root = re.sub(r' height="[\d.]+"', f' height="{edges[1]:g}"', root, count=1)
    root = root.replace(box.group(0), f'viewBox="0 0 {width:g} {edges[1]:g}"', 1)
    font = "".join(re.findall(r' font-family="[^"]*"', root)[:1])
    pieces = [f'{root}><g id="{id}"{font}>{inside.removesuffix("</svg>")}</g></svg>']
    for top, bottom in pairwise(edges[1:]):
        size = f'width="{width:g}" height="{bottom - top:g}" viewBox="0 {top:g} {width:g} {bottom - top:g}"'
        pieces.append(f'<svg aria-hidden="true" {size}><use href="#{id}"/></svg>')
    return "".join(pieces)


def isolate_ids(svg: str, prefix: str) -> str:
    """Return a picture whose inner ids are its own, so that two pictures on a page never share a clipping frame."""
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", svg)
    return re.sub(r'href="#([^"]+)"', rf'href="#{prefix}-\1"', svg)


def _describe_error(output: Mapping[str, Any]) -> str:
    name, value = output.get("ename", ""), output.get("evalue", "")
    own = name.endswith("Error") and name.removesuffix("Error") in (
        "Data",
        "Definition",
        "Question",
        "Parameter",
        "Answers",
    )
    return value if own else f"{name}: {value}"


def _in_red(html: str) -> str:
    return f'<div class="red">{html}</div>'
