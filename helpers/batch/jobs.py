"""One job: run one notebook with papermill in a kernel of its own, and say how it went."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.warehouse.connection import CONNECTION_VARIABLE
from helpers.warehouse.failures import secrets_of
from helpers.writing import write_text

if TYPE_CHECKING:
    from traitlets.config import Config

KERNEL = "python3"
CELL_TIMEOUT = 1800
"""Seconds after which a cell counts as hanging."""
LONGEST_SOCKET_PATH = 90
"""Bytes; systems allow 104 or 108, and the socket's number is appended."""


@dataclass(frozen=True)
class JobResult:
    """How one notebook went.

    Attributes:
        notebook: Its name without ending.
        status: ``whole`` or ``failed``.
        seconds: How long it took.
        error: What went wrong, for a person; empty where it is whole.
        traceback: The full trace for whoever mends it.
    """

    notebook: str
    status: str
    seconds: float
    error: str = ""
    traceback: str = ""


def run_notebook(notebook: Path, executed: Path, parameters: dict[str, Any]) -> JobResult:
    """Run a notebook unattended.

    The executed copy is kept either way, so that a failed run shows how far it came.

    Args:
        notebook: The notebook to run.
        executed: Where its executed copy goes.
        parameters: What to inject; every one has to be declared by the notebook.

    Returns:
        How it went; nothing is raised for a notebook that fails.
    """
    from papermill import execute_notebook
    from papermill.exceptions import PapermillExecutionError

    from helpers.batch.saving_engine import ENGINE

    started = time.monotonic()
    executed.parent.mkdir(parents=True, exist_ok=True)
    error, trace = "", ""
    try:
        with _own_sockets() as settings:
            execute_notebook(
                str(notebook),
                str(executed),
                parameters=parameters,
                engine_name=ENGINE,
                kernel_name=KERNEL,
                progress_bar=False,
                execution_timeout=CELL_TIMEOUT,
                extra_arguments=["--IPKernelApp.log_level=ERROR"],  # warnings about loopback transport are no news
                config=settings,
            )
    except PapermillExecutionError as failure:
        error, trace = _in_words(failure.ename, failure.evalue), "\n".join(failure.traceback)
    except Exception as failure:  # a dead kernel, a full disk: told, so that the other companies go on
        error = trace = f"{type(failure).__name__}: {failure}"
    error, trace = hide_secrets(executed, error, trace)
    status = "failed" if error else "whole"
    return JobResult(notebook.stem, status, round(time.monotonic() - started, 2), error, trace)


@contextmanager
def _own_sockets() -> Iterator[Config]:
    """Let a kernel be spoken to through files that are its own, where the system has such sockets.

    A port that was free when it was chosen may be taken by the time the kernel listens on it, which happens once many
    notebooks run side by side; and on a port every user of the computer can knock.
    """
    from traitlets.config import Config

    with tempfile.TemporaryDirectory(prefix="kernel-", ignore_cleanup_errors=True) as folder:
        path = str(Path(folder) / "socket")
        if os.name == "posix" and len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
            yield Config({"KernelManager": {"transport": "ipc", "ip": path}})
        else:
            yield Config()


def hide_secrets(executed: Path, error: str, trace: str) -> tuple[str, str]:
    """Take what is secret of a warehouse's address out of all that a run leaves behind, whoever wrote it there."""
    url = os.environ.get(CONNECTION_VARIABLE, "")
    secrets = secrets_of(url) if url else ()
    if not secrets:
        return error, trace
    if executed.is_file():
        text = executed.read_text(encoding="utf-8")
        hidden = _without(text, secrets)
        if hidden != text:
            write_text(executed, hidden)
    return _without(error, secrets), _without(trace, secrets)


def _without(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _in_words(name: str, value: str) -> str:
    """Leave the class name out where the text is written for people anyway."""
    ours = {"DataError", "DefinitionError", "QuestionError", "ParameterError", "AnswersError"}
    return value if name in ours else f"{name}: {value}"
