"""The folder from which the app draws its pages: copies of the notebooks and one of its own, gone at the end."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from helpers.batch.lab import COMPANY_VARIABLE
from helpers.present.forms.attendance import APP_VARIABLE

WORKSHOP_NOTEBOOK = "workshop.ipynb"

ROOT_VARIABLE = "REVENUE_ENGINE_APP_ROOT"
SHARED_VARIABLE = "REVENUE_ENGINE_APP_SHARED"
"""Variables by which pages know under which address others reach the server, and whether they can at all."""

WORKSHOP_CELLS = (
    "from helpers.workshop.pages import open_page, wait_for_guest",
    "guest = wait_for_guest()",
    "open_page(guest)",
)
"""What the app's own notebook does: import while it stands ready, wait for somebody, show that person's page."""

LOG_NAME = "app.log"
LOG_VARIABLE = "REVENUE_ENGINE_APP_LOG"
"""Variable by which pages know where to write what went wrong."""

PACKAGES = Path(__file__).resolve().parents[2]


def place_log(folder: Path, served: Path) -> Path:
    """Return the file into which the app writes what goes wrong: beside the company's cache, where that can be written.

    Args:
        folder: The company's folder.
        served: The folder from which pages are drawn, as a place of last resort.
    """
    for place in (folder / ".cache" / LOG_NAME, served / LOG_NAME):
        with suppress(OSError):
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(b"")
            return place
    return Path(os.devnull)


@contextmanager
def prepare_served_files(notebooks: Path) -> Iterator[Path]:
    """Offer a folder with copies of the notebooks and the workshop's own.

    Args:
        notebooks: Where the notebooks lie.

    Yields:
        The folder, which nobody but this user can read; it is gone afterwards.
    """
    from nbformat import write
    from nbformat.v4 import new_code_cell, new_notebook

    with tempfile.TemporaryDirectory(prefix="revenue-engine-app-", ignore_cleanup_errors=True) as name:
        served = Path(name)
        for path in notebooks.glob("[0-9][0-9]_*.ipynb"):
            shutil.copy(path, served / path.name)
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        cells = [new_code_cell(source, id=f"workshop-{i}") for i, source in enumerate(WORKSHOP_CELLS)]
        metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, "title": "Workshop"}
        write(new_notebook(cells=cells, metadata=metadata), served / WORKSHOP_NOTEBOOK)
        yield served


def describe_environment(
    folder: Path, *, address: str, kernel_road: str, root: str, is_shared: bool, log: Path
) -> Mapping[str, str]:
    """Return the variables that the app's kernels need.

    Args:
        folder: The company's folder.
        address: The address on which the server can be reached from this computer.
        kernel_road: The part of an address that only kernels know.
        root: The address of the server as others reach it.
        is_shared: Whether other machines can reach it.
        log: The file into which pages write what went wrong.
    """
    paths = [str(PACKAGES), os.environ.get("PYTHONPATH", "")]
    return {
        COMPANY_VARIABLE: str(folder.resolve()),
        APP_VARIABLE: "1",
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "VOILA_APP_IP": f"[{address}]" if ":" in address else address,
        "VOILA_WS_BASE_URL": f"/{kernel_road}/",
        ROOT_VARIABLE: root,
        SHARED_VARIABLE: "1" if is_shared else "",
        LOG_VARIABLE: str(log),
    }
