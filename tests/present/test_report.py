"""Report pages: whole in themselves, no code, no network, nothing hostile alive."""

import re
from xml.etree import ElementTree

import nbformat
import pytest

from helpers.present.cells import isolate_ids, read_body, split_picture
from helpers.present.charts.bowtie import draw_bowtie
from helpers.present.charts.canvas import Canvas
from helpers.present.charts.slices import draw_slices
from helpers.present.display import show_findings, show_message, show_table
from helpers.present.index import write_index_page
from helpers.present.report import choose_headlines, write_report_pages
from helpers.present.vega import embed_json
from tests.present.samples import FINDINGS, HOSTILE, make_bowtie, make_slices, make_table, write_notebook

MANIFEST = {
    "company": "acme",
    "name": f"Acme {HOSTILE}",
    "currency": "EUR",
    "as_of": "2026-09-30",
    "period": "Q3 2026",
    "parameters": {"people": "hidden"},
    "versions": {"python": "3.11.7", "nbconvert": "not installed"},
    "issues": {"error": 3, "warning": 17, "note": 0},
    "inputs": [
        {"file": HOSTILE, "object": "deal", "exported_on": "2026-10-01", "rows_read": 1204, "rows_used": 1198},
    ],
    "notebooks": [
        {"notebook": "01_start_here", "status": "whole", "error": ""},
        {"notebook": "03_kpi_slicing", "status": "whole", "error": ""},
        {"notebook": "05_root_cause_5m", "status": "failed", "error": f"amount is no number: {HOSTILE}"},
    ],
    "findings": FINDINGS,
}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("acme") / "2026-09-30-quarter"
    folder.mkdir()
    tables = show_table(make_table(), title=HOSTILE), show_findings(FINDINGS)
    write_notebook(folder / "01_start_here.ipynb", draw_bowtie(make_bowtie(), title="The engine leaks"), *tables)
    slices = draw_slices(make_slices(), title=f"Slices {HOSTILE}"), draw_slices(make_slices(9), title="More")
    write_notebook(folder / "03_kpi_slicing.ipynb", *slices, title="Which slices moved?")
    write_report_pages(folder, manifest=MANIFEST, cache=tmp_path_factory.mktemp("cache"))
    return folder


def read(report, name):
    return (report / f"{name}.html").read_text(encoding="utf-8")


def without_bundle(page: str) -> str:
    return re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


@pytest.mark.parametrize("name", ["index", "01_start_here", "03_kpi_slicing"])
def test_page_loads_nothing_from_anywhere(report, name):
    page = without_bundle(read(report, name))
    assert not re.search(r"""(?:src|href|action|data)=["']?\s*(?:https?:)?//""", page)
    assert "default-src 'none'" in page
    assert not re.search(r"url\((?!#)|@import", page)


@pytest.mark.parametrize("name", ["index", "01_start_here", "03_kpi_slicing"])
def test_hostile_text_is_never_an_element(report, name):
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", read(report, name), flags=re.DOTALL)
    assert not [code for kind, code in scripts if "alert('x')" in code and "application/json" not in kind]
    assert "<script>alert" not in read(report, name)


@pytest.mark.parametrize("name", ["01_start_here", "03_kpi_slicing"])
def test_page_shows_no_code_and_no_parameters(report, name):
    page = read(report, name)
    assert "secret_code" not in page
    assert "secret_parameter" not in page
    assert "parameter output" not in page


@pytest.mark.parametrize("name", ["index", "01_start_here", "03_kpi_slicing"])
def test_page_stays_under_two_megabytes(report, name):
    assert (report / f"{name}.html").stat().st_size < 2_000_000


def test_every_picture_has_a_text_alternative(report):
    for name in ("index", "01_start_here", "03_kpi_slicing"):
        for root in re.findall(r"<svg\b[^>]*>", without_bundle(read(report, name))):
            assert 'role="img"' in root
            assert re.search(r'aria-label="[^"]{3,}"', root)


def test_charts_can_turn_interactive_with_one_script(report):
    page = read(report, "03_kpi_slicing")
    assert page.count('data-chart="') == 2
    assert page.count('type="application/json"') == 2
    assert page.count("vegaEmbed(place") == 1
    assert "vegaEmbed(place" not in read(report, "01_start_here")


def test_pictures_on_a_page_do_not_share_ids(report):
    ids = re.findall(r'\bid="([^"]+)"', without_bundle(read(report, "03_kpi_slicing")))
    assert len(ids) == len(set(ids))


def test_summary_comes_first_with_money_and_the_bowtie(report):
    page = read(report, "index")
    assert page.index("−€412 k") < page.index('class="bowtie"') < page.index("<h2>Which slices moved?")


def test_summary_mirrors_the_notebooks_and_links_them(report):
    page = read(report, "index")
    assert 'href="01_start_here.html"' in page
    assert page.count('href="03_kpi_slicing.html"') == 1
    assert "05_root_cause_5m.html" not in page


def test_failed_notebook_is_explained_in_its_section(report):
    page = read(report, "index")
    assert "1 notebook did not finish" in page
    assert "amount is no number: &lt;script&gt;" in page


def test_data_health_counts_rows_and_issues(report):
    page = read(report, "index")
    assert re.search(r"Rows read</dt><dd>1,204", page)
    assert re.search(r"Errors</dt><dd>3", page)
    assert "6 set aside or superseded" in page


def test_footer_tells_date_people_and_versions(report):
    for name in ("index", "03_kpi_slicing"):
        page = read(report, name)
        assert "Data up to 30 Sep 2026" in page
        assert "pseudonyms" in page
        assert "python 3.11.7" in page
        assert "not installed" not in page


def test_sections_whose_code_shows_nothing_are_left_out(tmp_path):
    v4 = nbformat.v4
    shown = v4.new_code_cell("x", outputs=[v4.new_output("stream", name="stdout", text="a number")])
    cells = [v4.new_markdown_cell(text) for text in ("# Question\n\nWhy.", "## Set-up", "## Result", "## Only prose")]
    cells[2:2] = [v4.new_code_cell("import pandas")]
    cells[4:4] = [shown]
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "n.ipynb")
    body = read_body(tmp_path / "n.ipynb")
    assert body.title == "Question"
    assert [text for _, text in body.headings] == ["Result", "Only prose"]
    assert "Set-up" not in body.html
    assert "Why." in body.html


def test_page_has_a_table_of_contents_with_working_anchors(report):
    page = read(report, "01_start_here")
    assert 'aria-label="Contents"' in page
    for anchor in re.findall(r'href="#([\w-]+)"', page):
        assert f'id="{anchor}"' in page


def test_pages_are_the_same_each_time(report, tmp_path):
    before = {path.name: path.read_bytes() for path in report.glob("*.html")}
    write_report_pages(report, manifest=MANIFEST, cache=tmp_path)
    assert {path.name: path.read_bytes() for path in report.glob("*.html")} == before


def test_report_without_anything_known_is_still_a_page(tmp_path):
    [page] = write_report_pages(tmp_path, manifest={"company": "empty"})
    assert "Nothing stands out" in page.read_text(encoding="utf-8")


def test_json_in_a_page_cannot_end_its_script():
    assert embed_json({"a": "</script><!--&"}) == '{"a":"\\u003c/script\\u003e\\u003c!--\\u0026"}'


def test_ids_of_a_picture_are_made_its_own():
    svg = '<clipPath id="c1"/><g clip-path="url(#c1)"/><use href="#c1"/>'
    assert isolate_ids(svg, "p") == '<clipPath id="p-c1"/><g clip-path="url(#p-c1)"/><use href="#p-c1"/>'


def test_index_shows_one_row_per_company_with_its_state(tmp_path):
    entries = [
        {**MANIFEST, "status": "whole", "top_finding": HOSTILE, "attainment": 0.83, "link": "acme/q3/index.html"},
        {**MANIFEST, "status": "whole", "as_of": "2026-06-30", "period": "Q2 2026", "link": "acme/q2/index.html"},
        {"company": "late", "status": "whole", "as_of": "2026-06-30", "link": "late/q2/index.html"},
        {"company": "late", "status": "failed", "as_of": "2026-09-30", "error": "deals.csv can't be read", "link": ""},
        {"company": "broken", "status": "failed", "error": HOSTILE, "link": ""},
    ]
    page = write_index_page(entries, tmp_path / "index.html").read_text(encoding="utf-8")
    assert "3 companies" in page
    assert page.count('<div class="name">') == 3
    assert "<script" not in page
    assert "83 % of goal" in page
    assert "failed, earlier report kept" in page
    assert "deals.csv can&#39;t be read." in page
    assert page.index("broken") < page.index("late/q2") < page.index("acme/q3")
    assert 'href="acme/q2/index.html">Q2 2026' in page


def test_index_without_companies_says_what_to_do(tmp_path):
    page = write_index_page([], tmp_path / "index.html").read_text(encoding="utf-8")
    assert "No reports yet" in page
    assert "python -m helpers report" in page


def test_a_section_without_a_picture_says_why_and_links_the_page_that_a_message_names(tmp_path):
    folder = tmp_path / "acme" / "2026-09-30-quarter"
    folder.mkdir(parents=True)
    write_notebook(folder / "01_start_here.ipynb", show_table(make_table(), title="t"), title="How does it run?")
    said = show_message("empty", "Nobody has answered", "Details stand in 01_start_here.", "Ask four people.")
    write_notebook(folder / "03_kpi_slicing.ipynb", said, title="Which slices moved?")
    write_report_pages(folder, manifest={**MANIFEST, "findings": []}, cache=tmp_path)
    assert "Ask four people." in read(folder, "index")
    assert 'Details stand in <a href="01_start_here.html">How does it run?</a>.' in read(folder, "03_kpi_slicing")


def test_a_bullet_does_not_repeat_the_money_that_its_sentence_says(tmp_path):
    folder = tmp_path / "acme" / "2026-09-30-quarter"
    folder.mkdir(parents=True)
    write_notebook(folder / "01_start_here.ipynb", show_table(make_table(), title="t"))
    told = {"headline": "Leads cost −€80.0 k", "money": -80_000.0, "severity": "bad", "notebook": "01_start_here"}
    write_report_pages(folder, manifest={**MANIFEST, "findings": [told]}, cache=tmp_path)
    assert 'class="worth"' not in read(folder, "index")


def test_a_summary_tells_each_miss_once_before_it_tells_one_again():
    """Two notebooks tell the same miss; the cause that ranks third comes before the second telling."""
    told = [("miss", "revenue_won", "all"), ("miss again", "revenue_won", "all"), ("cause", "mqls", "region=Nordics")]
    findings = [{"headline": headline, "kpi": kpi, "slice": where} for headline, kpi, where in told]
    assert [finding["headline"] for finding in choose_headlines(findings)] == ["miss", "cause", "miss again"]


def test_a_tall_picture_is_split_between_its_questions_and_loses_nothing():
    canvas = Canvas(900, kind="agreement")
    for place, y in enumerate((60, 300, 520)):
        canvas.may_break(y)
        canvas.text(20, y + 20, f"question {place}")
    whole = canvas.render(700)
    pieces = split_picture(whole, "p1-whole")
    boxes = [tuple(map(float, found)) for found in re.findall(r'viewBox="0 ([\d.]+) 900 ([\d.]+)"', pieces)]
    assert boxes == [(0, 300), (300, 220), (520, 180)], "the title stays with the first question"
    assert pieces.count("question 1") == 1 and pieces.count('href="#p1-whole"') == 2
    assert pieces.count("<svg") == pieces.count("</svg>") == 3
    for piece in re.findall(r"<svg.*?</svg>", pieces):
        ElementTree.fromstring(piece)


def test_a_picture_that_says_nothing_of_breaks_stays_whole():
    canvas = Canvas(900, kind="agreement")
    canvas.text(20, 20, "one")
    assert split_picture(canvas.render(700), "p1") == canvas.render(700)
