"""JupyterLab on one company: loopback and a token by default, its address on a line of its own."""

import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

from helpers.batch.parameters import NOTEBOOKS
from helpers.errors import ParameterError

COMPANY_VARIABLE = "REVENUE_ENGINE_COMPANY"


def serve_lab(folder: Path | None, *, host: str | None = None, port: int = 0) -> int:
    """Serve the notebooks until the person stops it.

    Args:
        folder: The company to open; None takes the sample.
        host: The address to listen on; loopback unless said.
        port: The port; a free one unless said.

    Returns:
        The server's exit code.

    Raises:
        ParameterError: The folder doesn't exist.
    """
    if folder is not None and not folder.is_dir():
        raise ParameterError(f"'{folder}' is no folder. Start it with `python -m helpers new {folder} FILE…`.")
    address = host or "127.0.0.1"
    token = secrets.token_urlsafe(24)
    port = port or _free_port(address)
    print(f"http://{address}:{port}/lab/tree/00_start_here.ipynb?token={token}", flush=True)
    environment = dict(os.environ)
    if folder is not None:
        environment[COMPANY_VARIABLE] = str(folder.resolve())
    command = [
        *(sys.executable, "-m", "jupyter", "lab", "--no-browser", f"--ServerApp.ip={address}"),
        *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={NOTEBOOKS}"),
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    environment["JUPYTER_TOKEN"] = token  # by the environment, since a command line can be read by everyone
    try:
        return subprocess.run(command, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 0


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
