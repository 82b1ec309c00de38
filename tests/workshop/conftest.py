"""A running app for the tests, asked as a browser asks it: by HTTP and websocket, with cookies."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from helpers.answers.invitations import invite, read_invitations

PROJECT = Path(__file__).resolve().parents[2]
STARTED = []
"""Every app that was started, so that a failed test can show what those still running last wrote."""


@dataclass
class Answer:
    """What the server answered."""

    status: int
    text: str
    headers: dict


class Visitor:
    """A browser without a screen: keeps cookies, follows what it is told to."""

    def __init__(self, root):
        self.root = root
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def ask(self, path, *, method="GET", data=None, headers=None, first=None):
        """Ask for an address; ``first`` reads no more than so many bytes of it."""
        request = urllib.request.Request(self.root + path, method=method, data=data, headers=headers or {})
        try:
            with self._opener.open(request, timeout=60) as answer:
                return Answer(answer.status, answer.read(first).decode("utf-8", "replace"), dict(answer.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode("utf-8", "replace"), dict(error.headers))

    def cookie_header(self):
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)

    def xsrf(self):
        return next((cookie.value for cookie in self.cookies if cookie.name == "_xsrf"), "")

    def open_workshop(self):
        """Open the person's page; returns the id of the kernel that draws it."""
        page = self.ask("/workshop")
        assert page.status == 200
        return re.search(r'"kernelId": "([\w-]+)"', page.text).group(1)


@dataclass
class App:
    """A running app on one company."""

    folder: Path
    process: subprocess.Popen
    lines: list
    log: Path
    extra: dict = field(default_factory=dict)

    @property
    def root(self):
        parts = urlsplit(next(line.strip() for line in self.lines if "http" in line))
        return f"{parts.scheme}://{parts.netloc}"

    def token(self, name):
        return next(one.token for one in read_invitations(self.folder) if one.name == name)

    def visit(self, name=""):
        """Return a visitor; with a name one who has opened that person's link."""
        visitor = Visitor(self.root)
        if name:
            assert visitor.ask(f"/?token={self.token(name)}").status == 200
        return visitor

    def last_lines(self, number=40):
        """Return the end of what the app wrote to its log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-number:])

    def check_that_it_answers(self, seconds):
        """Fail where a running app leaves a visitor waiting longer than so many seconds."""
        try:
            with urllib.request.urlopen(self.root, timeout=seconds):
                return
        except urllib.error.HTTPError as error:  # a refusal is an answer
            error.close()
        except OSError as error:
            raise AssertionError(f"the app no longer answers ({error}); it last wrote:\n{self.last_lines()}") from None

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(60)
        self.process.stdout.close()


def start_app(folder, log, *options):
    """Start the app and wait for what it prints first."""
    command = [sys.executable, "-m", "helpers", "open", str(folder), "--app", *options]
    with log.open("a") as errors:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, "TMPDIR": str(log.parent)},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    os.set_blocking(process.stdout.fileno(), True)
    lines = [process.stdout.readline()]
    while lines[-1] and "http" not in lines[-1]:
        lines.append(process.stdout.readline())
    assert lines[-1], f"the app ended before it was open: {log.read_text()}"
    app = App(folder, process, lines, log)
    STARTED.append(app)
    return app


def make_folder(folder):
    """Make a company that has answers only, so that no export is read."""
    (folder / "answers" / "survey").mkdir(parents=True)
    (folder / "company.toml").write_text('name = "Quiet <Rivers>"\ncurrency = "EUR"\n', encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """A company with two respondents, opened."""
    folder = make_folder(tmp_path_factory.mktemp("company"))
    invite(folder, "Ana Okafor", team="marketing")
    invite(folder, "Ben Ito", team="sales")
    running = start_app(folder, tmp_path_factory.mktemp("log") / "stderr.txt")
    yield running
    running.stop()


def as_json(answer):
    return json.loads(answer.text)
