"""What the notebooks write when nothing is asked of them."""

import pytest

from tests.notebooks.notebook_run import run


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Return the folder that a notebook writes when nothing is asked; every notebook is run once."""
    found = {}

    def run_plainly(name):
        if name not in found:
            found[name] = run(name, tmp_path_factory.mktemp("plain"))
        return found[name]

    return run_plainly
