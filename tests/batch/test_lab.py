"""The workbook in JupyterLab: opens trusted and without questions, says what is wrong, ends with its command."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from helpers.batch.lab import _answers, claim_port, serve_lab
from helpers.errors import ParameterError

PROJECT = Path(__file__).resolve().parents[2]
SAMPLE = PROJECT / "data" / "samples" / "brightwater"


def ask(url: str, path: str) -> dict:
    parts = urlsplit(url)
    request = urllib.request.Request(f"{parts.scheme}://{parts.netloc}{path}?{parts.query}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The sample, opened in a home of its own."""
    home = tmp_path_factory.mktemp("home")
    own = {"HOME": str(home), "JUPYTER_DATA_DIR": str(home / "data"), "JUPYTER_CONFIG_DIR": str(home / "config")}
    command = [sys.executable, "-m", "helpers", "open", str(SAMPLE)]
    server = subprocess.Popen(
        command, cwd=PROJECT, env={**os.environ, **own}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    yield server, server.stdout.readline().strip()
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    server.stdout.close()


def test_the_address_is_on_loopback_has_a_token_and_answers_at_once(lab):
    _, url = lab
    assert urlsplit(url).hostname == "127.0.0.1"
    assert len(urlsplit(url).query.removeprefix("token=")) >= 24
    assert ask(url, "/api/status")["kernels"] == 0


def test_stored_pictures_show_before_anything_is_run_since_the_notebooks_are_trusted(lab):
    _, url = lab
    cells = ask(url, "/api/contents/00_start_here.ipynb")["content"]["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(cell["metadata"].get("trusted") for cell in code)


def test_nothing_asks_about_news_or_updates(lab):
    _, url = lab
    [settings] = [
        entry
        for entry in ask(url, "/lab/api/settings")["settings"]
        if entry["id"] == "@jupyterlab/apputils-extension:notification"
    ]
    properties = settings["schema"]["properties"]
    assert properties["fetchNews"]["default"] == "false"
    assert properties["checkForUpdates"]["default"] is False


@pytest.mark.skipif(os.name != "posix", reason="signals as on Linux and macOS")
def test_ending_the_command_ends_the_server(lab):
    server, url = lab
    server.send_signal(signal.SIGTERM)
    assert server.wait(30) == 0
    with pytest.raises(ConnectionError), socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=2):
        pass


def test_a_missing_folder_is_named__error(tmp_path):
    with pytest.raises(ParameterError, match=r"acme' is no folder. Start it with"):
        serve_lab(tmp_path / "acme")


def test_a_port_in_use_is_named__error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ParameterError, match=rf"Port {port} of 127\.0\.0\.1 can't be listened on"):
            serve_lab(None, port=port)


def test_an_address_of_another_computer_is_named__error():
    with pytest.raises(ParameterError, match=r"The address 203\.0\.113\.9 can't be listened on"):
        serve_lab(None, host="203.0.113.9")


def test_a_port_of_ones_own_choice_is_none_that_systems_hand_out_by_themselves():
    """Else a kernel that starts at the same moment may be given it before the server listens."""
    assert all(20_000 <= claim_port("127.0.0.1", 0) < 32_000 for _ in range(20))


def test_what_is_no_web_server_is_not_taken_for_the_workbook():
    """A kernel's socket accepts a connection and answers in a language of its own."""
    with socket.create_server(("127.0.0.1", 0)) as other:

        def greet() -> None:
            connection, _ = other.accept()
            with connection:
                connection.sendall(b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL\r\n")

        greeter = threading.Thread(target=greet, daemon=True)
        greeter.start()
        assert not _answers("127.0.0.1", other.getsockname()[1])
        greeter.join(10)
