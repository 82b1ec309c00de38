"""A headless browser for the tests: where there is none they are skipped, and nothing may leave this machine."""

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.workshop.conftest import STARTED

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge")
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
HERE = {"127.0.0.1", "localhost", ""}
BLANK = "http://localhost/blank"
TEMPLATES = Path(__file__).resolve().parents[2] / "helpers" / "present" / "templates" / "forms"

FAKE_MODEL = (Path(__file__).parent / "fake_model.js").read_text(encoding="utf-8")
"""What a widget's script is handed instead of a model that talks to Python."""


def find_browser() -> str:
    """Return the path of a browser, the one of ``REVENUE_ENGINE_BROWSER`` first; empty where there is none."""
    named = os.environ.get("REVENUE_ENGINE_BROWSER", "")
    if named:
        return shutil.which(named) or ""
    return next((path for path in map(shutil.which, BROWSERS) if path), "")


# Playwright keeps an event loop going as long as it is started, in which other tests could start none: so it ends with
# the tests of this folder instead of with the session.
@pytest.fixture(scope="package")
def chromium():
    """A browser, one for all tests of this folder."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed: pip install -e .[test]")
    path = find_browser()
    if not path:
        pytest.skip("no Chromium, Chrome or Edge on PATH; name one in REVENUE_ENGINE_BROWSER")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Show, beside a failure, what the apps that run at that moment last wrote."""
    report = yield
    if report.failed:
        running = [app for app in STARTED if app.process.poll() is None]
        report.sections += [(f"log of the app on {app.folder.name}", app.last_lines()) for app in running]
    return report


class Watch:
    """What went wrong in a page while nobody looked."""

    def __init__(self):
        self.errors = []
        self.strangers = []

    def follow(self, context):
        """Note uncaught errors and requests that leave this machine; the latter are stopped, too."""
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.route(lambda url: urlsplit(url).hostname not in HERE and url.startswith("http"), self._stop)

    def _stop(self, route):
        self.strangers.append(route.request.url)
        route.abort()

    def check(self):
        """Fail where anything was noted."""
        assert not self.errors, f"uncaught errors in the page: {self.errors}"
        assert not self.strangers, f"the page asked other machines: {self.strangers}"


@pytest.fixture
def watch():
    """Watches contexts that a test opens itself: ``watch.follow(context)``; checked at the end."""
    watch = Watch()
    yield watch
    watch.check()


@pytest.fixture
def context(chromium, watch):
    """A fresh browser context of a laptop's size; what it does outside this machine fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 720}, locale="en-GB")
    context.set_default_timeout(15_000)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    watch.follow(context)
    yield context
    context.close()


@pytest.fixture
def page(context):
    """A fresh page in a fresh context."""
    return context.new_page()


class Mounted:
    """A widget's script on a page, with a fake model in Python's place.

    Attributes:
        page: The page it stands on.
        root: The element that it draws into.
    """

    def __init__(self, page, number):
        self.page, self.number = page, number
        self.root = page.locator(f"#widget-{number}")

    def _call(self, script, argument=None):
        return self.page.evaluate(f"argument => {{ const model = window.models[{self.number}]; {script} }}", argument)

    def get(self, name):
        """Return what the model holds."""
        return self._call("return model.get(argument)", name)

    def receive(self, **state):
        """Let Python change the model's state."""
        self._call("model.receive(argument)", state)

    def message(self, content):
        """Let Python send a custom message."""
        self._call("model.trigger('msg:custom', [argument, []])", content)

    def trigger(self, event):
        """Let something happen to the model, such as ``comm:close``."""
        self._call("model.trigger(argument, [])", event)

    @property
    def saved(self):
        """Every patch that the script has saved, oldest first."""
        return self._call("return model.saved")

    @property
    def sent(self):
        """Every custom message that the script has sent, oldest first."""
        return self._call("return model.sent")

    def unmount(self):
        """Take the view off the page, as closing an output does."""
        self._call(f"window.unmount[{self.number}]()")

    def wait_for(self, condition):
        """Wait until a condition of ``model`` holds, such as ``model.saved.length === 2``."""
        self.page.wait_for_function(f"() => {{ const model = window.models[{self.number}]; return {condition}; }}")


def mount_on(page, what, *, style="", theme="", **state):
    """Mount a widget's script and style on a page; see the fixture ``mount``."""
    if not page.url.startswith(BLANK):
        body = "<!doctype html><html lang='en'><head><title>Test</title></head><body></body></html>"
        page.route(f"{BLANK}*", lambda route: route.fulfill(body=body, content_type="text/html; charset=utf-8"))
        page.goto(BLANK)
        page.add_script_tag(content=FAKE_MODEL)
    if isinstance(what, str):
        script, sheet = (TEMPLATES / f"{what}.{end}" for end in ("js", "css"))
        script, sheet = script.read_text(encoding="utf-8"), sheet.read_text(encoding="utf-8") if sheet.exists() else ""
    else:
        state = state_of(what) | state
        script, sheet = state.pop("_esm"), state.pop("_css", "")
    number = page.evaluate(
        "([script, css, state]) => window.mount(script, css, state)", [script, f"{theme}\n{sheet}\n{style}", state]
    )
    return Mounted(page, number)


def state_of(widget):
    """Return what a widget sends to the browser when it is first shown."""
    left_out = {"layout", "tabbable", "tooltip", "comm"}
    return {name: getattr(widget, name) for name in widget.traits(sync=True) if name not in left_out}


@pytest.fixture
def mount(page):
    """Mounts a widget without a kernel: ``mount(EditableGrid(rows=[…]))``, or a script by its name and state.

    The page runs the widget's own script with a model that writes down what is saved and sent, so that a test of it
    takes milliseconds. ``style`` and ``theme`` add CSS to the page.
    """

    def put(what, **state):
        return mount_on(page, what, **state)

    return put
