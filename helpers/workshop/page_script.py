"""What pages need beyond ipywidgets: the tab's title, where one is, links to copy, files to download, a new run."""

from collections.abc import Callable, Mapping
from typing import Any

import anywidget
from traitlets import Bool, Int, Unicode

from helpers.present.theme import TEMPLATES

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HTML_PAGE = "text/html;charset=utf-8"


class PageScript(anywidget.AnyWidget):
    """Stand unseen in a page (class ``shell``) and look after what its widgets leave out."""

    _esm = TEMPLATES / "app" / "page_script.js"
    title = Unicode(help="The title of the browser's tab.").tag(sync=True)
    can_rerun = Bool(help="Whether the browser can make everything on the page anew.").tag(sync=True)
    part = Unicode(help="The part of the page that is open; the browser remembers it.").tag(sync=True)
    moves = Int(help="Counts the moves from one part of the page to another.").tag(sync=True)

    def on_submit(self, take: Callable[[Mapping[str, str]], None]) -> None:
        """Call a function with what stands in a form's fields when its button (class ``shell-submit``) is pressed."""

        def hear(_: Any, message: Any, buffers: Any) -> None:
            if isinstance(message, Mapping) and message.get("kind") == "submit":
                values = message.get("values")
                take({str(k): str(v) for k, v in values.items()} if isinstance(values, Mapping) else {})

        self.on_msg(hear)

    def on_return(self, take: Callable[[str], None]) -> None:
        """Call a function with the part that was open before the page was loaded again."""

        def hear(_: Any, message: Any, buffers: Any) -> None:
            if (
                isinstance(message, Mapping)
                and message.get("kind") == "return"
                and isinstance(message.get("part"), str)
            ):
                take(message["part"])

        self.on_msg(hear)

    def arrive(self) -> None:
        """Take the reader to the top of a part that has just been opened."""
        self.moves += 1

    def rerun(self) -> None:
        """Make everything on the page anew: in JupyterLab every cell is run, elsewhere the page is loaded again."""
        self.send({"kind": "rerun"})

    def download(self, name: str, content: bytes, *, kind: str) -> None:
        """Hand the reader a file.

        Args:
            name: The file's name.
            content: What is in it.
            kind: Its media type.
        """
        self.send({"kind": "download", "name": name, "type": kind}, [content])
