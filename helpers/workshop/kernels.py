"""The app's kernels: whose each is, what they write when something goes wrong, and how they learn who came."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Unicode
from voila.request_info_handler import RequestInfoSocketHandler

from helpers.workshop.identity import Guest, Kernels


class LoggedKernels(AsyncMappingKernelManager):
    """Kernels that write into the app's log instead of over the links on the terminal, and whose messages all arrive.

    A page with a matrix is told in a thousand messages at once. A socket that holds no more than that, as sockets do
    unless told otherwise, drops the rest on a busy machine, and the page misses parts.
    """

    log_path = Unicode(help="The app's log.").tag(config=True)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.context.rcvhwm = 0

    async def start_kernel(self, **options: Any) -> str:
        """Start a kernel."""
        with Path(self.log_path).open("ab") as log:
            return await super().start_kernel(stdout=log, stderr=log, **options)


class ClaimedKernels:
    """The kernels as one request sees them: every kernel it starts or takes becomes its guest's."""

    def __init__(self, kernels: Any, owners: Kernels, guest: Guest) -> None:
        self._kernels, self._owners, self._guest = kernels, owners, guest

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernels, name)

    async def start_kernel(self, **options: Any) -> str:
        """Start a kernel for the guest."""
        kernel_id = await self._kernels.start_kernel(**options)
        self._owners[kernel_id] = self._guest.username
        return kernel_id

    async def drop_dead(self, notebook: str) -> None:
        """Take out of those that stand ready what has died there, and let others take their place.

        Args:
            notebook: The notebook for which they stand ready.
        """
        ready: list[asyncio.Task] = self._kernels._pools.get(notebook, [])
        dead = [task for task in ready if task.done() and not await self._is_alive(task)]
        for task in dead:
            ready.remove(task)
            with suppress(Exception):  # it is gone; all that is left to do is to forget it
                await self._kernels.shutdown_kernel(task.result()["kernel_id"], now=True)
        self._kernels.fill_if_needed(delay=0, notebook_name=notebook)

    async def _is_alive(self, task: asyncio.Task) -> bool:
        if task.cancelled() or task.exception() is not None:
            return False
        kernel_id = task.result()["kernel_id"]
        return kernel_id in self._kernels and await ensure_async(self._kernels.get_kernel(kernel_id).is_alive())

    async def get_rendered_notebook(self, **options: Any) -> tuple[Any, Any, str]:
        """Hand a kernel that stood ready to the guest."""
        task, cache, kernel_id = await self._kernels.get_rendered_notebook(**options)
        self._owners[kernel_id] = self._guest.username
        return task, cache, kernel_id


class RequestOfKernel(RequestInfoSocketHandler):
    """Where a kernel that stood ready asks whose it has become; told once, at an address that only kernels know."""

    def open(self, kernel_id: str) -> None:
        """Answer, or wait until somebody comes."""
        super().open(kernel_id)
        RequestInfoSocketHandler._cache.pop(kernel_id, None)

    def on_close(self) -> None:
        """Forget who waited."""
        waiting = RequestInfoSocketHandler._waiters
        for kernel_id in [kernel_id for kernel_id, waiter in waiting.items() if waiter is self]:
            del waiting[kernel_id]
