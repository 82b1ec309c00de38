"""Fills in the survey as people do: by label, key and click, through a real browser."""

import re
import tomllib

from playwright.sync_api import expect

PATIENCE = 60_000
"""Milliseconds that a page may take, since other tests run beside; waiting ends as soon as it is there."""

expect.set_options(timeout=PATIENCE)


class SurveyDriver:
    """One respondent at one page.

    Args:
        page: A playwright page on which the form is shown, or will be.
        file: Where the person's answers lie.
    """

    def __init__(self, page, file):
        self.page, self.file = page, file
        page.set_default_timeout(PATIENCE)

    @property
    def form(self):
        return self.page.locator(".red-form")

    def field(self, id):
        """Return the box of a question, which holds its label, control and faults."""
        return self.form.locator(f".field-{id}")

    def wait(self):
        """Wait until the form can be filled in."""
        expect(self.form.locator(".red-head").first).to_be_visible(timeout=PATIENCE)

    def go(self, tab):
        """Open a tab from the rail and wait until it is there; its fields are drawn by the kernel."""
        button = self.form.locator(".red-rail button", has_text=tab)
        button.click()
        expect(button).to_have_class(re.compile(r"\bis-current\b"))

    def go_on(self, times=1):
        """Press the one primary button."""
        for _ in range(times):
            self.form.locator(".red-footer button.is-primary").click()

    def type(self, id, text):
        """Type into a text or number, in place of what stands there."""
        box = self.field(id).locator("input, textarea").first
        box.click()
        box.press("ControlOrMeta+a")
        box.press_sequentially(text)

    def choose(self, id, label):
        """Choose one of several, however they are offered."""
        field = self.field(id)
        if field.locator("select").count():
            field.locator("select").select_option(label=label)
        else:
            field.get_by_label(label, exact=True).check()

    def saved(self):
        """Return what lies on disk now."""
        return tomllib.loads(self.file.read_text(encoding="utf-8")) if self.file.exists() else {}

    def wait_for_saved(self, condition, what):
        """Wait until what lies on disk meets a condition."""
        for _ in range(PATIENCE // 50):
            found = self.saved()
            try:
                if condition(found):
                    return found
            except (KeyError, IndexError):
                pass
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{what} is not on disk: {self.saved()}")
