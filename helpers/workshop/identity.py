"""Who somebody is, by the token of a link, and what each may open.

Every route of the server passes through a ``SignIn``. A token in the address names a person; a cookie that no script
can read carries it from there on. Nobody is let in without, and nobody reaches another one's kernel.
"""

import logging
from collections.abc import Awaitable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from jupyter_server.auth.identity import IdentityProvider, User
from tornado.httputil import HTTPServerRequest, responses
from tornado.web import HTTPError, RequestHandler
from traitlets import Unicode

from helpers.answers.invitations import Invitation, find_invitation
from helpers.errors import AnswersError, DiagnosticError
from helpers.workshop.start_page import write_message_page

TOKEN = "token"
WHO = "as"
"""Parameters of an address: the token of a link, and once the browser holds it as a cookie, only whose it is."""

DAYS_REMEMBERED = 30

LOG = logging.getLogger(__name__)

FACILITATOR = "facilitator"

Kernels = MutableMapping[str, str]
"""Kernel's id → the mark of the person whose it is."""


@dataclass
class Guest(User):
    """A person who was let in.

    Attributes:
        invitation: What the token stands for; the username is the token's mark.
    """

    invitation: Invitation | None = None

    @property
    def is_facilitator(self) -> bool:
        """Whether this is the facilitator, who may open everything."""
        return self.invitation is not None and self.invitation.kind == FACILITATOR


def mark_of(token: str) -> str:
    """Return a short mark by which a token is named without giving it away.

    >>> len(mark_of("a token")), mark_of("a token") == mark_of("another")
    (12, False)
    """
    return sha256(f"mark of {token}".encode()).hexdigest()[:12]


def _cookie_of(mark: str) -> str:
    return f"workshop-{mark}"


def _list_cookies(handler: RequestHandler) -> list[str]:
    return sorted(name for name in handler.cookies if name.startswith(_cookie_of("")))


class InvitationIdentity(IdentityProvider):
    """Tell who somebody is by the company's invitations; there are no passwords and no log-in page."""

    folder = Unicode(config=True, help="The company's folder, which holds the invitations.")

    auth_enabled = True
    login_available = False
    logout_available = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "token": ""})

    def get_user(self, handler: RequestHandler) -> Guest | None:
        """Return who asks; None where nobody is invited by that token or cookie."""
        token = handler.get_query_argument(TOKEN, "")
        if token:
            return self._find(token)
        who = handler.get_query_argument(WHO, "")
        names = (
            [_cookie_of(who)] if who else sorted(name for name in handler.cookies if name.startswith(_cookie_of("")))
        )
        guests = [guest for name in names if (guest := self._find(handler.get_cookie(name, "") or ""))]
        return next((guest for guest in guests if guest.is_facilitator), guests[0] if guests else None)

    def find_guests(self, handler: RequestHandler) -> list[Guest]:
        """Return everybody whose token this browser holds: one machine may be used by two people in turn."""
        asking = self.get_user(handler)
        held = (self._find(handler.get_cookie(name, "") or "") for name in _list_cookies(handler))
        return [guest for guest in (asking, *held) if guest is not None]

    def remember(self, handler: RequestHandler, guest: Guest) -> None:
        """Give the browser the token as a cookie that no script and no other site gets hold of."""
        assert guest.invitation is not None
        handler.set_cookie(
            _cookie_of(guest.username),
            guest.invitation.token,
            httponly=True,
            samesite="Strict",
            secure=handler.request.protocol == "https",
            expires_days=DAYS_REMEMBERED,
        )

    def _find(self, token: str) -> Guest | None:
        invitation = find_invitation(Path(self.folder), token) if token else None
        if invitation is None:
            return None
        return Guest(username=mark_of(token), name=invitation.name, invitation=invitation)

    def should_check_origin(self, handler: RequestHandler) -> bool:
        """Ask every request from a script where it comes from; a token in the address excuses nobody."""
        return True

    def is_token_authenticated(self, handler: RequestHandler) -> bool:
        """Hold every request to the rules for cookies."""
        return False

    def get_handlers(self) -> list[tuple[str, object]]:
        """Offer no page to log in or out."""
        return []


class SignIn(RequestHandler):
    """What stands before every handler of the app; put first among the classes of a handler.

    Attributes:
        is_for_facilitator: Whether only the facilitator may pass.
    """

    is_for_facilitator = False

    @property
    def identity(self) -> InvitationIdentity:
        """Who decides who somebody is."""
        return self.settings["identity_provider"]

    @property
    def kernels(self) -> Kernels:
        """Whose kernel is whose."""
        return self.settings["kernel_owners"]

    async def prepare(self) -> None:
        """Let nobody pass who isn't invited, or to whom this isn't open.

        Raises:
            HTTPError: 403.
        """
        guest = self.identity.get_user(self)
        if guest is None or (self.is_for_facilitator and not guest.is_facilitator):
            raise HTTPError(403)
        self.check_kernel(self.path_kwargs.get("kernel_id") or "")
        passed = super().prepare()
        if isinstance(passed, Awaitable):
            await passed

    def check_kernel(self, kernel_id: str) -> None:
        """Let nobody touch another one's kernel, whatever address of it is known.

        Raises:
            HTTPError: 403 for a kernel of somebody else, or of nobody.
        """
        if kernel_id and self.kernels.get(kernel_id) not in {g.username for g in self.identity.find_guests(self)}:
            raise HTTPError(403)

    def set_default_headers(self) -> None:
        """Allow nothing from elsewhere, and tell nobody from where somebody comes."""
        super().set_default_headers()
        for name, value in describe_policy(self.request).items():
            self.set_header(name, value)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with a page in plain words instead of a number."""
        guest, tries_again = None, False
        with suppress(DiagnosticError, HTTPError):  # what can't be read of invitations or address is being told
            guest = self.identity.get_user(self)
        if status_code == 403:
            kind = "facilitator_only" if guest else "uninvited"
            tries_again = guest is None and bool(self.request.query_arguments.get(WHO))
        elif isinstance((kwargs.get("exc_info") or (None, None))[1], AnswersError):
            kind = "unreadable"
        else:
            kind = "missing" if status_code in (400, 404, 405) else "failed"
        home = f"/?{WHO}={guest.username}" if guest else ""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(write_message_page(kind, tries_again=tries_again, home=home))

    def log_exception(self, *error: Any) -> None:
        """Write what nobody foresaw into the log, without the query of the address: it may hold a token."""
        if isinstance(error[1], DiagnosticError):
            LOG.error("%s %s failed: %s", self.request.method, self.request.path, error[1])
        elif not isinstance(error[1], HTTPError):
            LOG.error("%s %s failed", self.request.method, self.request.path, exc_info=error[1])


def describe_policy(request: HTTPServerRequest) -> dict[str, str]:
    """Return the headers of every page: nothing is fetched from another machine, nothing is told to one."""
    sockets = f"ws://{request.host} wss://{request.host}"
    policy = {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",  # widgets bring their scripts with them
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": f"'self' data: blob: {sockets}",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {allowed}" for name, allowed in policy.items()),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def log_quietly(handler: RequestHandler) -> None:
    """Log a request that failed on the server, and no other; never the query of its address."""
    status = handler.get_status()
    if status >= 500:
        LOG.error("%s %s: %s %s", status, responses.get(status, ""), handler.request.method, handler.request.path)
