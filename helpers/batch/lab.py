"""JupyterLab on one company: loopback and a token by default, its address on a line of its own."""

import http.client
import json
import os
import random
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from helpers.batch.parameters import NOTEBOOKS
from helpers.errors import ParameterError

COMPANY_VARIABLE = "REVENUE_ENGINE_COMPANY"
FIRST_NOTEBOOK = "00_start_here.ipynb"
LONGEST_START = 120.0
LONGEST_STOP = 15.0
QUIET_PORTS = range(20_000, 32_000)
"""Below where Linux (32768), macOS and Windows (49152) begin to hand out ports by themselves."""

ATTEMPTS = 50

SETTINGS: Mapping[str, Mapping[str, object]] = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},
}
"""Settings of JupyterLab that hold unless a person chose others: no question about news, no call to the network, and
light or dark as the person's system is, since pictures follow it too."""


def serve_lab(folder: Path | None, *, host: str | None = None, port: int = 0, notebooks: Path = NOTEBOOKS) -> int:
    """Serve the notebooks until the person stops it, and print their address as soon as they can be opened.

    Args:
        folder: The company to open; None takes the sample.
        host: The address to listen on; loopback unless said.
        port: The port; a free one unless said.
        notebooks: The folder of the notebooks.

    Returns:
        The server's exit code; 0 when it was stopped by Ctrl-C or by ending this process.

    Raises:
        ParameterError: The folder doesn't exist, or the address or port can't be listened on.
    """
    if folder is not None and not folder.is_dir():
        raise ParameterError(f"'{folder}' is no folder. Start it with `python -m helpers new {folder} FILE…`.")
    address = host or "127.0.0.1"
    port = claim_port(address, port)
    trust_notebooks(notebooks)
    token = secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory(prefix="revenue-engine-") as settings:
        environment = _environment(folder, token, Path(settings))
        with subprocess.Popen(_command(address, port, notebooks), env=environment, stdin=subprocess.DEVNULL) as server:
            try:
                with _ending_as_interrupt():
                    if _wait_until_open(server, address, port):
                        print(_url(address, port, token), flush=True)
                    return server.wait()
            except KeyboardInterrupt:
                _stop(server)
                return 0


def trust_notebooks(folder: Path) -> None:
    """Sign the workbook's own notebooks, so that their stored pictures and tables show before anything is run."""
    from nbformat import read
    from nbformat.sign import NotebookNotary

    with suppress(OSError, sqlite3.Error):  # without a place for signatures they show once they are run
        notary = NotebookNotary()
        for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
            notary.sign(read(path, as_version=4))
        notary.store.close()


def _command(address: str, port: int, notebooks: Path) -> list[str]:
    command = [
        *(sys.executable, "-m", "jupyter", "lab", "--no-browser"),
        *("--ServerApp.log_level=ERROR", "--LabApp.log_level=ERROR"),
        *(f"--ServerApp.ip={address}", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(f"--ServerApp.root_dir={notebooks}", "--LabApp.extension_manager=readonly"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.expose_app_in_browser=True",  # so that a button of ours can run the notebook's cells
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command


def _environment(folder: Path | None, token: str, settings: Path) -> dict[str, str]:
    """Hand over the company, the token (a command line can be read by everyone) and JupyterLab's settings."""
    overrides = settings / "labconfig" / "default_setting_overrides.json"
    overrides.parent.mkdir()
    overrides.write_text(json.dumps(SETTINGS), encoding="utf-8")
    paths = [str(settings), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    environment = dict(os.environ) | {
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_PATH": os.pathsep.join(path for path in paths if path),
    }
    if folder is not None:
        environment[COMPANY_VARIABLE] = str(folder.resolve())
    return environment


@contextmanager
def _ending_as_interrupt() -> Iterator[None]:
    """Let a request to end this process be like Ctrl-C, so that the server never outlives it."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier)


def _stop(server: subprocess.Popen) -> None:
    """Stop the server, and with it its kernels."""
    server.terminate()
    with suppress(subprocess.TimeoutExpired):
        server.wait(LONGEST_STOP)
    if server.poll() is None:
        server.kill()


def _wait_until_open(server: subprocess.Popen, address: str, port: int) -> bool:
    """Wait until the server answers; False where it ended before."""
    until = time.monotonic() + LONGEST_START
    while server.poll() is None and time.monotonic() < until:
        if _answers(name_reachable(address), port):
            return True
        time.sleep(0.1)
    return server.poll() is None


def _answers(host: str, port: int) -> bool:
    """Tell whether a web server answers there: a port that something else took meanwhile is no sign of ours."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/api")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def name_reachable(address: str) -> str:
    """Name an address by which this computer reaches a server that listens on it."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)


def _url(address: str, port: int, token: str) -> str:
    """Write the address of the first notebook.

    >>> _url("127.0.0.1", 8888, "t0k")
    'http://127.0.0.1:8888/lab/tree/00_start_here.ipynb?token=t0k'
    """
    host = name_reachable(address)
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/lab/tree/{FIRST_NOTEBOOK}?token={token}"


def claim_port(address: str, port: int) -> int:
    """Return a port that is free to listen on.

    Where any will do it lies outside the range from which systems hand out ports by themselves: a kernel that starts
    at the same moment would be given the same one, before the server gets to listen on it.

    Raises:
        ParameterError: The port is taken, or the address is none of this computer.
    """
    if not port:
        for _ in range(ATTEMPTS):
            with suppress(ParameterError):
                return _try_port(address, random.SystemRandom().choice(QUIET_PORTS))
    return _try_port(address, port)


def _try_port(address: str, port: int) -> int:
    """Return the port, having listened on it for a moment; 0 takes whichever the system hands out."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
            return int(probe.getsockname()[1])
    except (OSError, OverflowError) as error:
        what = f"Port {port} of {address}" if port else f"The address {address}"
        raise ParameterError(
            f"{what} can't be listened on: {error}. Name an address of this computer, or leave --host out."
        ) from None
