"""What a keyboard and a screen reader need beyond ipywidgets, and the way from one screen to the next."""

import anywidget
from traitlets import Int, Unicode

from helpers.present.forms.style import FOLDER


class Guide(anywidget.AnyWidget):
    """Stand unseen in a form (class ``red-form``) and look after what its widgets leave out.

    Fields learn their help and fault, choices become one group with arrow keys, JupyterLab's own shortcuts stay off
    while somebody is in the form, and a new screen is seen from its top.
    """

    _esm = FOLDER / "guide.js"
    screen = Unicode(help="The screen shown last.").tag(sync=True)
    field = Unicode(help="The question to go to on it; empty goes to its title.").tag(sync=True)
    moves = Int(help="Counts the moves, so that going to the same place twice is two moves.").tag(sync=True)

    def go(self, screen: str, field: str = "") -> None:
        """Take the reader to a screen's title, or to one of its questions."""
        with self.hold_sync():
            self.screen, self.field, self.moves = screen, field, self.moves + 1
