"""The app as a command: what it prints, what it leaves behind, and that its links outlive it."""

import importlib.util
import os
import re
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from helpers.__main__ import main
from helpers.answers.files import ABSENT
from helpers.answers.invitations import invite, read_invitations
from helpers.answers.survey import write_response
from helpers.model.survey import load_survey
from helpers.workshop.app import WorkshopApp
from helpers.workshop.links import PORT_FILE, Link, find_own_address
from helpers.workshop.server import describe_links
from tests.workshop.conftest import Visitor, make_folder, start_app

posix = pytest.mark.skipif(os.name != "posix", reason="signals as on Linux and macOS")


def children_of(number):
    """The processes that a process has started, those of these too (Linux)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            text = path.read_text()
            if int(text.rpartition(")")[2].split()[1]) == number:
                found += [int(path.parent.name), *children_of(int(path.parent.name))]
    return found


def wait_until(fact, seconds=30):
    until = time.monotonic() + seconds
    while not fact() and time.monotonic() < until:
        time.sleep(0.2)
    return fact()


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "company")


def test_the_facilitators_address_is_the_first_line_on_loopback_and_answers_at_once(folder, tmp_path):
    app = start_app(folder, tmp_path / "log.txt", "--invite", "Ana Okafor")
    try:
        assert len(app.lines) == 1
        address = urlsplit(app.lines[0].strip())
        assert address.hostname == "127.0.0.1"
        assert address.query == f"token={app.token('Facilitator')}"
        assert len(app.token("Facilitator")) >= 24
        page = Visitor(app.root).ask(f"/?{address.query}")
        assert page.status == 200
        assert all(f"0{number}_" in page.text for number in range(6))
        assert [one.name for one in read_invitations(folder)] == ["Facilitator", "Ana Okafor"]
    finally:
        app.stop()
    assert app.process.returncode == 0


def test_the_folder_of_kernels_goes_after_the_kernels_that_still_write_into_it(tmp_path):
    folder = tmp_path / "voila_kernels"

    class Starting:
        """A kernel that was starting writes its connection file while all are being shut down."""

        async def shutdown_all(self):
            folder.mkdir(exist_ok=True)
            (folder / "kernel.json").touch()

    folder.mkdir()
    WorkshopApp.stop(SimpleNamespace(kernel_manager=Starting(), connection_dir=str(folder)))
    assert not folder.exists()


@posix
def test_stopping_leaves_no_process_no_port_and_no_temporary_folder(folder, tmp_path):
    app = start_app(folder, tmp_path / "log.txt")
    assert wait_until(lambda: len(children_of(app.process.pid)) >= 1) or not Path("/proc").is_dir()
    started = children_of(app.process.pid)
    assert list(tmp_path.glob("revenue-engine-app-*"))
    app.stop(signal.SIGINT)
    assert app.process.returncode == 0
    assert wait_until(lambda: not [number for number in started if Path(f"/proc/{number}").exists()])
    assert wait_until(lambda: not [*tmp_path.glob("revenue-engine-app-*"), *tmp_path.glob("voila_*")])
    with pytest.raises(ConnectionError), socket.create_connection(("127.0.0.1", urlsplit(app.root).port), timeout=2):
        pass


@posix
def test_after_a_kill_the_same_links_and_the_same_cookies_open_the_same_pages(folder, tmp_path):
    app = start_app(folder, tmp_path / "log.txt", "--invite", "Ana Okafor")
    visitor = app.visit("Ana Okafor")
    visitor.open_workshop()
    kernels = children_of(app.process.pid)
    app.stop(signal.SIGKILL)
    assert wait_until(lambda: not [number for number in kernels if Path(f"/proc/{number}").exists()])
    again = start_app(folder, tmp_path / "log.txt")
    try:
        assert again.root == app.root
        assert again.lines == app.lines
        assert visitor.ask("/workshop").status == 200
        assert again.visit("Ana Okafor").open_workshop()
    finally:
        again.stop()


def test_where_the_port_of_last_time_is_taken_another_one_is_and_that_is_said(folder, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (folder / ".cache").mkdir()
        (folder / ".cache" / PORT_FILE).write_text(f"{port}\n")
        app = start_app(folder, tmp_path / "log.txt")
        app.stop()
    assert urlsplit(app.root).port != port
    assert f"Port {port} of last time is taken" in app.log.read_text()


def test_with_a_host_everybody_who_is_invited_or_has_answered_gets_a_link(folder, tmp_path):
    write_response(folder, "Cleo Dubois", {"employees": 12}, load_survey(), team="sales", based_on=ABSENT)
    invite(folder, "Ben Ito")
    app = start_app(folder, tmp_path / "log.txt", "--host", "0.0.0.0", "--invite", "Ana Okafor")
    try:
        lines = list(app.lines)
        while len([line for line in lines if "http" in line]) < 4:
            lines.append(app.process.stdout.readline())
        told = "".join(lines)
        host = find_own_address("0.0.0.0")
        for name in ("Facilitator", "Ana Okafor", "Ben Ito", "Cleo Dubois"):
            link = rf"http://{re.escape(host)}:\d+/\?token={re.escape(app.token(name))}"
            assert re.search(rf"^{name}.*:\n{link}$", told, re.MULTILINE)
        assert Visitor(app.root).ask(f"/?token={app.token('Cleo Dubois')}").status == 200
    finally:
        app.stop()


def test_links_are_told_in_a_list_or_the_facilitators_alone():
    links = [
        Link("Facilitator", "http://h:1/?token=f", "facilitator"),
        Link("Ana", "http://h:1/?token=a", "respondent"),
    ]
    assert describe_links(links, company="Acme", is_shared=False) == "http://h:1/?token=f"
    shared = describe_links(links, company="Acme", is_shared=True).splitlines()
    assert [line for line in shared if line.startswith("http")] == ["http://h:1/?token=f", "http://h:1/?token=a"]
    assert "Ana:" in shared
    named = describe_links(links, company="Acme", is_shared=False, are_asked_for=True)
    assert named.startswith("http://h:1/?token=f\n") and "Ana:\nhttp://h:1/?token=a" in named
    assert "Only this computer" in named and "Only this computer" not in "".join(shared)
    alone = describe_links(links[:1], company="Acme", is_shared=True)
    assert "Nobody else is invited yet" in alone


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["no/such/folder", "--app"], "is no folder"),
        (["{folder}", "--app", "--host", "203.0.113.7"], "can't be listened on"),
        (["{folder}", "--app", "--invite", "  "], "a name is empty"),
        (["{folder}", "--invite", "Ana"], "Add --app"),
    ],
)
def test_what_can_t_be_opened_is_said_with_its_cure__error(arguments, text, folder, capsys):
    assert main(["open", *(part.format(folder=folder) for part in arguments)]) == 2
    assert text in capsys.readouterr().err


def test_a_name_that_makes_no_file_is_refused_in_words__error(folder, capsys):
    assert main(["open", str(folder), "--app", "--invite", "Ana\x00Okafor"]) != 0
    assert "Traceback" not in capsys.readouterr().err


def test_without_voila_the_cure_is_told__error(folder, capsys, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr("helpers.workshop.server.find_spec", lambda name: None if name == "voila" else found(name))
    assert main(["open", str(folder), "--app"]) == 2
    assert "pip install -r requirements.txt" in capsys.readouterr().err


def test_damaged_invitations_are_told_with_their_line__error(folder, capsys):
    (folder / "answers" / ".invitations.toml").write_text("[[invitation]\n", encoding="utf-8")
    assert main(["open", str(folder), "--app"]) == 1
    assert "[answers/.invitations.toml, row 1]" in capsys.readouterr().err
