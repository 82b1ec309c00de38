"""A page of the workshop remembers in its tab which part was open, and asks for it when it is loaded again."""

from helpers.workshop.page_script import PageScript


def test_the_part_that_was_open_is_asked_for_when_the_page_is_loaded_again(mount):
    mount(PageScript(part="people")).receive(part="round")
    assert mount(PageScript(part="people")).sent == [{"kind": "return", "part": "round"}]


def test_a_page_that_begins_where_the_reader_was_asks_for_nothing(mount):
    first = mount(PageScript(part="people"))
    first.receive(part="round")
    first.receive(part="people")
    assert mount(PageScript(part="people")).sent == []


def test_a_panel_in_a_notebook_asks_for_nothing(mount):
    mount(PageScript(part="people")).receive(part="round")
    assert mount(PageScript()).sent == []
