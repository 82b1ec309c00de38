"""The cascade in JupyterLab: two people edit and comment, and after a reload everything is there."""

import json

import pytest
from playwright.sync_api import expect

from helpers.answers.cascade import read_cascade
from helpers.answers.cascade_comments import read_comments
from tests.browser.lab_server import start_lab
from tests.browser.survey_driver import PATIENCE

pytestmark = pytest.mark.acceptance  # the form itself is held to by tests/present/test_cascade_form.py

NOTEBOOK = "cascade.ipynb"
CELL = """\
from helpers.present.forms.cascade_entry import open_cascade_form
from helpers.workbook import open_workbook
open_cascade_form(open_workbook(company={folder!r}, as_of="2026-09-30"))
"""
TACTIC = "Call every lost US deal again"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on the sample with its answers, and a notebook that opens the cascade."""
    running = start_lab(tmp_path_factory.mktemp("lab"), with_answers=True)
    cell = {"cell_type": "code", "id": "form", "metadata": {}, "execution_count": None, "outputs": []}
    about = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    for name in ("ana", "ben"):
        notebook = {"cells": [{**cell, "source": CELL.format(folder=str(running.folder))}], "metadata": about}
        (running.notebooks / name).mkdir()
        text = json.dumps({**notebook, "nbformat": 4, "nbformat_minor": 5})
        (running.notebooks / name / NOTEBOOK).write_text(text, encoding="utf-8")
    yield running
    running.stop()


def open_as(lab, page, name):
    """Open the form under a name, and return it."""
    lab.open(page, f"{name.split()[0].lower()}/{NOTEBOOK}")
    lab.run_all(page)
    form = page.locator(".sign-in")
    expect(form).to_be_visible(timeout=PATIENCE)
    form.get_by_placeholder("Name").fill(name)
    form.get_by_role("button", name="Open the cascade").click()
    editor = page.locator(".cascade-form")
    expect(editor.locator(".views .cascade").first).to_be_visible(timeout=PATIENCE)
    return editor


def go(editor, tab):
    editor.locator(".tabs").get_by_role("button", name=tab).click()


def wait_for(page, look, what):
    """Wait until something is on disk, and return it."""
    for _ in range(PATIENCE // 50):
        found = look()
        if found:
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f"not on disk: {what}")


def say(editor, part, text, *, kind, reply=None):
    """Say something about a part, as an answer to another comment where one is named."""
    go(editor, "Comments")
    part_list, reply_list = editor.locator(".talk-part select"), editor.locator(".talk-reply select")
    label = part_list.locator("option", has_text=part).first.text_content()
    part_list.select_option(label=label)
    editor.locator(".talk .pick select").select_option(kind)
    if reply:
        option = reply_list.locator("option", has_text=reply)
        expect(option).to_have_count(1)
        reply_list.select_option(label=option.text_content())
    editor.locator(".talk-text textarea").fill(text)
    editor.get_by_role("button", name="Say it").click()
    expect(editor.locator(".talk-thread")).to_contain_text(text, timeout=PATIENCE)


def test_two_people_add_a_tactic_and_comment_on_it_and_a_reload_finds_all(lab, chromium, watch):
    contexts = [chromium.new_context(viewport={"width": 1280, "height": 900}) for _ in range(2)]
    for context in contexts:
        watch.follow(context)
    ana_page, ben_page = (context.new_page() for context in contexts)
    ana, ben = open_as(lab, ana_page, "Ana Okafor"), open_as(lab, ben_page, "Ben Ito")

    go(ana, "Tactics")
    ana.get_by_role("button", name="Add tactic").click()
    ana_page.keyboard.type(TACTIC)
    ana_page.keyboard.press("Tab")
    ana_page.keyboard.type("Win rate back at 27 % in Q4")
    ana_page.keyboard.press("Tab")
    added = wait_for(
        ana_page,
        lambda: [one for one in read_cascade(lab.folder)[0].tactics.values() if one.title == TACTIC and one.serves],
        "the tactic",
    )
    assert added[0].serves == ("win-rate-q4",)
    say(ana, TACTIC, "Two calls a day each?", kind="question")

    go(ben, "Tactics")
    expect(ben.get_by_role("button", name="Tactics · 10")).to_be_visible(timeout=PATIENCE)
    say(ben, TACTIC, "One a day, from Monday on.", kind="answer", reply="Two calls a day each?")
    (question, answer) = [one for one in read_comments(lab.folder)[0] if one.on == added[0].id]
    assert (question.author, answer.author, answer.reply_to) == ("Ana Okafor", "Ben Ito", question.id)

    again = open_as(lab, ana_page, "Ana Okafor")
    expect(again.get_by_role("button", name="Tactics · 10")).to_be_visible()
    go(again, "Comments")
    part_list = again.locator(".talk-part select")
    part_list.select_option(label=part_list.locator("option", has_text=TACTIC).first.text_content())
    thread = again.locator(".talk-thread")
    expect(thread).to_contain_text("Two calls a day each?")
    expect(thread).to_contain_text("One a day, from Monday on.")
    for context in contexts:
        context.close()
