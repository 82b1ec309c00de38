"""What a person does with the explorer: choose, click a bar, take the filter off, read what is on screen."""

from playwright.sync_api import expect

from tests.browser.survey_driver import PATIENCE


class ExplorerDriver:
    """The explorer on a page."""

    def __init__(self, page):
        self.page = page
        self.root = page.locator(".red.explorer")

    def wait(self):
        """Wait until it is there."""
        expect(self.root.locator("h3")).not_to_be_empty(timeout=PATIENCE)

    def do(self, act):
        """Do something and wait until what it changed is painted."""
        before = self.root.get_attribute("data-painted") or ""
        act()
        self.page.wait_for_function(
            "before => (document.querySelector('.red.explorer')?.dataset.painted ?? '') !== before", arg=before
        )

    def choose(self, label, value):
        """Choose from a list."""
        self.do(lambda: self.root.get_by_label(label, exact=True).select_option(value))

    def cut(self, *partitions):
        """Cut by these partitions and no others."""
        for place in range(4):
            label = f"{'Then by' if place else 'Cut by'} ({place + 1} of 4)"
            chosen = partitions[place] if place < len(partitions) else ""
            select = self.root.get_by_label(label, exact=True)
            for _ in range(4):
                if select.input_value() == chosen:
                    break
                self.choose(label, chosen)

    def panel(self, label):
        """Return the chart of one partition."""
        return self.root.get_by_role("region", name=f"By {label}", exact=True)

    def bar(self, label, name):
        """Return the bar of one slice."""
        return self.panel(label).locator(".slice").filter(has=self.page.locator(".name", has_text=name)).locator(".hit")

    def click(self, label, name):
        """Click a bar."""
        self.do(self.bar(label, name).click)

    def press(self, name):
        """Press a button by its words."""
        self.do(self.root.get_by_role("button", name=name, exact=True).click)

    def read(self, label):
        """Return slice → (value as written, number of records) of one chart."""
        rows = self.panel(label).locator(".slice").all()
        read = {}
        for row in rows:
            value, n = (row.locator(f".{part}").text_content() for part in ("value", "n"))
            read[row.locator(".name").text_content()] = (value, int(n.removeprefix("n ").replace(",", "")))
        return read

    def chips(self):
        """Return what is filtered by."""
        return self.root.locator(".chip .crumb").all_text_contents()

    @property
    def latency(self):
        """Milliseconds from the last click until its numbers were painted."""
        return int(self.root.get_attribute("data-latency"))
