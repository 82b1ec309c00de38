"""How papermill runs a notebook here: as it always does, except that it writes the executed copy now and then."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

ENGINE = "save-now-and-then"
SAVE_EVERY = 10.0
"""Seconds."""


class SavingEngine(NBClientEngine):
    """Run a notebook in a kernel of its own.

    Papermill writes the whole notebook twice per cell, which takes a third of a report's time where notebooks hold
    pictures. Here it is written every few seconds, and at the end however the run ends, so that a run that broke off
    still shows how far it came.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any) -> Any:
        """Run it; called by papermill."""
        save = nb_man.save
        nb_man.save = _now_and_then(save)
        try:
            return super().execute_managed_notebook(nb_man, kernel_name, **options)
        finally:
            nb_man.save = save
            save()


def _now_and_then(save: Callable[..., None]) -> Callable[..., None]:
    last = monotonic()

    def save_if_due(**options: Any) -> None:
        nonlocal last
        if monotonic() - last >= SAVE_EVERY:
            save(**options)
            last = monotonic()

    return save_if_due


papermill_engines.register(ENGINE, SavingEngine)
