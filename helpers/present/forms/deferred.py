"""Work put off until nobody has typed for a moment."""

import asyncio
from collections.abc import Callable


class Deferred:
    """One thing at a time that is to be done a little later, on the loop of the kernel that shows the form."""

    def __init__(self) -> None:
        self._call: asyncio.TimerHandle | None = None

    def plan(self, delay: float, act: Callable[[], None]) -> None:
        """Do something later, in the place of what was to be done then; at once where no loop runs.

        Args:
            delay: Seconds.
            act: What is to be done.
        """
        self.drop()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            act()
            return
        self._call = loop.call_later(delay, act)

    def drop(self) -> None:
        """Forget what was to be done."""
        if self._call is not None:
            self._call.cancel()
        self._call = None
