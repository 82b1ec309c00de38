"""The page that the facilitator opens first."""

import re
from html import unescape

from helpers.workshop.board_results import BoardResults
from helpers.workshop.goal_results import GoalResults
from helpers.workshop.results import DiscoveryResults
from helpers.workshop.reviews import Reviews
from helpers.workshop.start_page import NotebookLink, write_start_page

HOSTILE = "<script>alert(1)</script>&Co"


def write():
    link = NotebookLink("00_start_here.ipynb", "00", "Start here", "Can we trust it?", "What is wrong with the data")
    return write_start_page([link], company=HOSTILE, who="who", mark="ada")


def test_the_card_on_the_workshop_speaks_of_every_page_on_which_people_decide(tmp_path):
    parts = [kind(Reviews(tmp_path), by="Ada") for kind in (DiscoveryResults, GoalResults, BoardResults)]
    labels = [entry.label.casefold() for part in parts for entry in part.list_entries()]
    card = re.search(r"The workshop</h2>\s*<p>(.*?)</p>", write(), flags=re.S).group(1)
    assert {"goals", "cascade", "board"} <= set(labels)
    assert [label for label in labels if label not in unescape(card).casefold()] == []


def test_a_company_s_name_is_shown_as_text():
    page = write()
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;&amp;Co" in page
    assert 'href="/workshop?who=ada"' in page and "/voila/render/00_start_here.ipynb?who=ada" in page
