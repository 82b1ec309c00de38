"""The app's server: Voila with routes of our own, each for who is invited alone, and kernels that stand ready."""

import logging
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Any
from urllib.parse import urlencode

import psutil
from jupyter_core.utils import run_sync
from jupyter_server.base.handlers import FileFindHandler
from jupyter_server.services.kernels.handlers import KernelHandler
from tornado.ioloop import IOLoop
from tornado.web import HTTPError
from traitlets import Instance, Unicode
from traitlets.config import Config
from voila.app import Voila
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.static_file_handler import MultiStaticFileHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from helpers.errors import DiagnosticError
from helpers.present import theme
from helpers.workshop.identity import TOKEN, WHO, Guest, InvitationIdentity, SignIn, log_quietly
from helpers.workshop.kernels import ClaimedKernels, LoggedKernels, RequestOfKernel
from helpers.workshop.served_files import WORKSHOP_NOTEBOOK
from helpers.workshop.start_page import NotebookLink, write_redirect_page, write_start_page

KERNEL = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"

WARM_KERNELS = 2
"""Kernels that stand ready with everything imported; people who come while they are used up wait a little longer."""

LONGEST_UNUSED = 300
"""Seconds after which a kernel without an open page ends; everything in it is on disk."""

PATIENCE = 120
"""Seconds that a kernel may take to start or to hand over what it drew; on a busy machine that is long."""

LONGEST_STOP = 5.0
"""Seconds for kernels to end by themselves when the server is stopped."""

MEGABYTE = 2**20

EXTENSIONS = ("@voila-dashboards/widgets-manager8", "@jupyter-widgets/jupyterlab-manager", "anywidget")
"""What a page needs to draw widgets; other extensions of this installation stay out of it."""


class Page(SignIn):
    """A page that somebody opens by its address: a token in it is taken in exchange for a cookie."""

    @property
    def guest(self) -> Guest:
        """Who was let in."""
        guest = self.identity.get_user(self)
        assert guest is not None
        return guest

    @property
    def app(self) -> "WorkshopApp":
        """The app whose page this is."""
        return self.settings["voila"]

    def redirect_without_token(self) -> bool:
        """Answer a request that carries a token with a page that goes on without it; tell whether there was one."""
        if not self.get_query_argument(TOKEN, ""):
            return False
        self.identity.remember(self, self.guest)
        self.go_to(self.request.path)
        return True

    def go_to(self, path: str) -> None:
        """Send the browser on from a page of its own, so that it sends its cookie along wherever it came from."""
        self.finish(write_redirect_page(f"{path}?{WHO}={self.guest.username}", company=self.app.company))


class HomePage(Page):
    """The list of notebooks for the facilitator; for everybody else the way to the survey."""

    async def get(self) -> None:
        """Answer with the page."""
        guest = self.guest
        self.identity.remember(self, guest)
        self.set_header("Cache-Control", "no-store")
        if not guest.is_facilitator:
            self.go_to("/workshop")
            return
        self.finish(write_start_page(self.app.notebook_links, company=self.app.company, who=WHO, mark=guest.username))


class RenderedPage(Page, TornadoVoilaHandler):
    """A page drawn by a kernel of the guest's own."""

    @property
    def kernel_manager(self) -> ClaimedKernels:
        """The kernels, each new one claimed for the guest."""
        return ClaimedKernels(self.settings["kernel_manager"], self.kernels, self.guest)

    async def get(self, path: str | None = None) -> None:
        """Draw the page; its kernel learns from here, never from the browser, whose it is."""
        if self.redirect_without_token():
            return
        guest = self.guest
        assert guest.invitation is not None
        self.current_user = guest
        await self.kernel_manager.drop_dead(self.notebook_path or path)
        assert self.xsrf_token  # as a cookie, by which the page may end its kernel when it is closed
        self.request.query = urlencode({TOKEN: guest.invitation.token})
        self.request.uri = self.request.path
        await super().get(path)


class NotebookPage(RenderedPage):
    """A notebook, which shows the CRM."""

    is_for_facilitator = True

    async def get(self, path: str | None = None) -> None:
        """Draw one of the notebooks listed, and no other file.

        Raises:
            HTTPError: 404.
        """
        if path not in {link.name for link in self.app.notebook_links}:
            raise HTTPError(404)
        await super().get(path)


class OwnKernel(SignIn, KernelHandler):
    """What a page asks about its own kernel."""


class OwnKernelSocket(SignIn, VoilaKernelWebsocketHandler):
    """The messages between a page and its own kernel."""

    def on_message(self, ws_message: str | bytes) -> None:
        """Hear the page only while its person is invited; what it says after the link was withdrawn is dropped."""
        try:
            self.check_kernel(self.path_kwargs["kernel_id"])
        except HTTPError:
            return
        except DiagnosticError:  # the invitations can't be read: who is in stays in
            pass
        super().on_message(ws_message)


class EndOwnKernel(SignIn, VoilaShutdownKernelHandler):
    """The end of a kernel whose page was closed."""


class StaticFile(SignIn, MultiStaticFileHandler):
    """A file of Voila's own scripts and styles."""


class ExtensionFile(SignIn, FileFindHandler):
    """A script that draws widgets."""


class NoPage(SignIn):
    """Every other address."""

    async def get(self, *path: str) -> None:
        """Say that there is no such page.

        Raises:
            HTTPError: 404.
        """
        raise HTTPError(404)


class WorkshopApp(Voila):
    """The app without code on one company."""

    company = Unicode(help="What readers call the company.").tag(config=True)
    kernel_road = Unicode(help="The part of an address that only kernels know.").tag(config=True)
    opened = Instance(object, allow_none=True, help="Called once the pages can be opened.")

    notebook_links: list[NotebookLink]

    def setup_template_dirs(self) -> None:
        """Put our own templates before Voila's."""
        super().setup_template_dirs()
        self.template_paths.insert(0, str(theme.TEMPLATES / "app"))

    def init_settings(self) -> dict[str, Any]:
        """Add whose kernel is whose, and keep addresses out of the log."""
        return super().init_settings() | {"kernel_owners": {}, "log_function": log_quietly}

    def init_handlers(self) -> list[Any]:
        """Serve these routes and no others."""
        pages = {
            "template_paths": self.template_paths,
            "config": self.config,
            "voila_configuration": self.voila_configuration,
        }
        return [
            (r"/", HomePage),
            (r"/workshop", RenderedPage, pages | {"notebook_path": WORKSHOP_NOTEBOOK}),
            (r"/voila/render/(.*)", NotebookPage, pages),
            (rf"/api/kernels/{KERNEL}", OwnKernel),
            (rf"/api/kernels/{KERNEL}/channels", OwnKernelSocket),
            (rf"/voila/api/shutdown/{KERNEL}", EndOwnKernel),
            (r"/voila/static/(.*)", StaticFile, {"paths": self.static_paths, "default_filename": "index.html"}),
            (r"/voila/labextensions/(.*)", ExtensionFile, {"path": self.labextensions_path}),
            (rf"/{self.kernel_road}/voila/query/{KERNEL}", RequestOfKernel),
            (r"/(.*)", NoPage),
        ]

    def stop(self) -> None:
        """End the kernels, by force those that have not even started after a few seconds, then remove their folder.

        Voilà itself removes the folder first: a kernel that is just starting then writes it anew, and it stays.
        """
        force = Timer(LONGEST_STOP, kill_children)
        force.daemon = True
        force.start()
        with suppress(HTTPError, RuntimeError, KeyError):
            run_sync(self.kernel_manager.shutdown_all)()
        force.cancel()
        shutil.rmtree(self.connection_dir, ignore_errors=True)

    def listen(self) -> None:
        """Listen on the one port asked for until somebody stops it.

        Raises:
            OSError: The port is taken.
        """
        self.app.listen(self.port, self.ip)
        self.ioloop = IOLoop.current()
        if callable(self.opened):
            self.ioloop.add_callback(self.opened)
        for number in (signal.SIGINT, signal.SIGTERM):  # an interrupt raised inside a callback can get lost in it
            signal.signal(number, lambda *_: self.ioloop.add_callback_from_signal(self.ioloop.stop))
        try:
            self.ioloop.start()
        finally:
            self.stop()


def kill_children() -> None:
    """Kill every process that this one started, and theirs."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            process.kill()


def build_app(
    folder: Path,
    *,
    served: Path,
    company: str,
    notebook_links: list[NotebookLink],
    address: str,
    port: int,
    kernel_road: str,
    log: Path,
    opened: Callable[[], None],
) -> WorkshopApp:
    """Build the app.

    Args:
        folder: The company's folder.
        served: The folder from which pages are drawn.
        company: What readers call the company.
        notebook_links: The notebooks listed.
        address: The address to listen on.
        port: The port to listen on.
        kernel_road: The part of an address that only kernels know.
        log: The file into which kernels write what goes wrong.
        opened: Called once the pages can be opened.

    Returns:
        The app, ready to start.
    """
    own = Config()
    own.Voila.ip, own.Voila.port, own.Voila.open_browser = address, port, False
    own.Voila.root_dir, own.Voila.config_file_paths = str(served), []
    own.Voila.log_level = "ERROR"
    own.Voila.identity_provider_class = InvitationIdentity
    own.InvitationIdentity.folder = str(folder)
    own.WorkshopApp.company, own.WorkshopApp.kernel_road = company, kernel_road
    own.VoilaConfiguration.template = "lab"
    own.VoilaConfiguration.allow_template_override = own.VoilaConfiguration.allow_theme_override = "NO"
    own.VoilaConfiguration.resources = {"house_css": theme.css()}
    own.VoilaConfiguration.preheat_kernel = True
    own.VoilaConfiguration.default_pool_size = 0
    own.VoilaKernelManager.kernel_pools_config = {
        "default": {"pool_size": 0},
        WORKSHOP_NOTEBOOK: {"pool_size": WARM_KERNELS, "kernel_env_variables": {}},
    }
    own.VoilaConfiguration.extension_allowlist = list(EXTENSIONS)
    own.VoilaExecutor.cell_error_instruction = (
        "Open the notebook in JupyterLab to see why: python -m helpers open. Everything that was saved is still there."
    )
    own.VoilaConfiguration.multi_kernel_manager_class = LoggedKernels
    own.LoggedKernels.log_path = str(log)
    own.KernelManager.autorestart = False  # a new one under the old name would know nothing of the page
    own.MappingKernelManager.cull_idle_timeout, own.MappingKernelManager.cull_interval = LONGEST_UNUSED, 60
    own.ZMQChannelsWebsocketConnection.limit_rate = False  # a page of pictures is no flood
    own.Voila.tornado_settings = {"websocket_max_message_size": 32 * MEGABYTE}
    own.VoilaExecutor.iopub_timeout, own.VoilaExecutor.startup_timeout = PATIENCE, PATIENCE
    app = WorkshopApp.instance(config=own)
    _write_log(log)
    app.notebook_links, app.opened = notebook_links, opened
    app.initialize([])
    return app


def _write_log(path: Path) -> None:
    """Let what goes wrong be written into a file: on the terminal stand the links."""
    keeper = logging.FileHandler(path, encoding="utf-8", delay=True)
    keeper.setLevel(logging.ERROR)
    keeper.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    for name in (WorkshopApp.__name__, "tornado", "asyncio", "helpers.workshop"):
        log = logging.getLogger(name)
        log.handlers, log.propagate = [keeper], False
