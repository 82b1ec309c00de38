"""Whether a person is looking: forms for people, the printed questionnaire for everybody else."""

import os
import sys

APP_VARIABLE = "REVENUE_ENGINE_APP"
"""Set by the app for the kernels that draw its pages."""

LAB_VARIABLE = "JPY_SESSION_NAME"
"""Set by JupyterLab for the kernel of an open notebook; programs started from there inherit it."""


def is_attended() -> bool:
    """Tell whether somebody can fill in a form: in the app, or in a notebook open in JupyterLab.

    A kernel run by papermill, nbconvert or nbval is not attended, even where it was started out of JupyterLab: those
    tell the kernel that nobody can be asked.
    """
    if os.environ.get(APP_VARIABLE):
        return True
    return bool(os.environ.get(LAB_VARIABLE)) and _can_ask()


def _can_ask() -> bool:
    """Tell whether the kernel may ask its reader something; outside a kernel the variable alone decides."""
    shell = sys.modules.get("IPython")
    kernel = getattr(shell.get_ipython(), "kernel", None) if shell else None
    return bool(getattr(kernel, "_allow_stdin", True))
