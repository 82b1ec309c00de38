"""The company's profile on paper: one side of A4 whatever people typed, and readable on screens."""

import re

import pytest

from helpers.present.profile import write_profile_page
from tests.present.profiles import STATES, profile_in


@pytest.mark.parametrize("state", STATES)
def test_the_profile_prints_on_exactly_one_page(page, state):
    page.set_content(write_profile_page(profile_in(state)))
    paper = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1
    assert re.search(rb"/MediaBox\s*\[0 0 59[45]\.\d+ 84[12]\.\d+\]", paper), "the paper is not A4"


@pytest.mark.parametrize("width", [1280, 1920])
@pytest.mark.parametrize("state", STATES)
def test_nothing_runs_over_the_sheet(page, state, width):
    page.set_viewport_size({"width": width, "height": 720})
    page.set_content(write_profile_page(profile_in(state)))
    over = page.evaluate(
        """() => [...document.querySelectorAll('.sheet *')].filter(node => {
             const sheet = document.querySelector('.sheet').getBoundingClientRect(), box = node.getBoundingClientRect();
             return box.right > sheet.right + 1 || box.left < sheet.left - 1;
           }).map(node => node.textContent.slice(0, 60))"""
    )
    assert over == []
