"""What the app's own notebook shows: the page of whoever opened it."""

import json
import logging
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from helpers.answers.invitations import find_invitation
from helpers.batch.lab import COMPANY_VARIABLE
from helpers.ingest.settings import read_settings
from helpers.workshop.embedding import embed_message
from helpers.workshop.facilitator import FacilitatorPage
from helpers.workshop.respondent import RespondentPage
from helpers.workshop.reviews import Reviews
from helpers.workshop.served_files import LOG_VARIABLE


def wait_for_guest() -> str:
    """Wait, where this kernel stands ready, until somebody comes.

    Returns:
        The token by which that person was let in. The server wrote it, never the browser, and it leaves the
        environment at once.
    """
    if os.environ.get("VOILA_PREHEAT") == "True":
        os.environ.update(_ask_server())
    query = os.environ.pop("QUERY_STRING", "")
    return parse_qs(query).get("token", [""])[0]


def _ask_server() -> dict[str, str]:
    from websockets.sync.client import connect

    known = os.environ
    road = f"{known['VOILA_APP_IP']}:{known['VOILA_APP_PORT']}{known['VOILA_WS_BASE_URL']}"
    with connect(f"ws://{road}voila/query/{known['VOILA_KERNEL_ID']}", proxy=None) as socket:
        return {str(name): str(value) for name, value in json.loads(socket.recv()).items()}


def open_page(token: str) -> Any:
    """Build the page of whoever the token stands for.

    Args:
        token: The token of an invitation.

    Returns:
        The page's widget; a message where the invitation has been withdrawn meanwhile.
    """
    folder = Path(os.environ[COMPANY_VARIABLE])
    guest = find_invitation(folder, token)
    if guest is None:
        return embed_message(
            "error", "Your link has been withdrawn", "Nothing that you saved is lost.", "Ask for a new one."
        )
    _keep_log()
    company = read_settings(folder)
    reviews = Reviews(folder)
    if guest.kind == "facilitator":
        return FacilitatorPage(reviews, guest, company=company.name, currency=company.currency).start()
    return RespondentPage(reviews, guest, company=company.name, currency=company.currency).start()


def _keep_log() -> None:
    """Write what goes wrong into the app's log, where whoever set the app up finds it."""
    path = os.environ.get(LOG_VARIABLE, "")
    log = logging.getLogger("helpers.workshop")
    if path and not log.handlers:
        keeper = logging.FileHandler(path, encoding="utf-8", delay=True)
        keeper.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        log.addHandler(keeper)
        log.propagate = False
