"""The app without code: one server, one link per person, until somebody stops it."""

import os
import secrets
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from helpers.batch.lab import claim_port, name_reachable
from helpers.batch.parameters import NOTEBOOKS
from helpers.company import find_folder
from helpers.errors import ParameterError
from helpers.ingest.settings import read_settings
from helpers.workbook import SAMPLE
from helpers.workshop.links import (
    Link,
    invite_everybody,
    is_loopback,
    list_links,
    recall_port,
    remember_port,
    write_root,
)
from helpers.workshop.served_files import describe_environment, place_log, prepare_served_files
from helpers.workshop.start_page import read_notebook_links

LOOPBACK = "127.0.0.1"
ONLY_HERE = "Only this computer can open these links. Start it with --host 0.0.0.0 for others to open them, too."

LONGEST_WAIT_FOR_PORT = 8.0
"""Seconds to wait for the port of the last start, which a server that is just ending may still hold."""


def serve_app(
    folder: Path | None, *, host: str | None = None, invite: tuple[str, ...] = (), notebooks: Path = NOTEBOOKS
) -> int:
    """Serve the app until the person stops it, and print the links as soon as they can be opened.

    Args:
        folder: The company to open; None takes the sample.
        host: The address to listen on; loopback unless said.
        invite: People to invite, besides those who are already.
        notebooks: The folder of the notebooks.

    Returns:
        0 when it was stopped by Ctrl-C or by ending this process.

    Raises:
        ParameterError: The folder is none of a company, the address can't be listened on, or Voila is missing.
    """
    if find_spec("voila") is None:
        raise ParameterError("--app needs Voila, which isn't installed. Run: pip install -r requirements.txt")
    if folder is not None and not folder.is_dir():
        raise ParameterError(f"'{folder}' is no folder. Start it with `python -m helpers new {folder} FILE…`.")
    where = find_folder(folder or SAMPLE)
    address = host or LOOPBACK
    port = _choose_port(where, address)
    invitations = invite_everybody(where, invite)
    root = write_root(address, port)
    links = list_links(invitations, root)
    company = read_settings(where).name
    road = secrets.token_urlsafe(24)

    def tell() -> None:
        if not recall_port(where):  # a substitute for one day must not make the links of all other days invalid
            remember_port(where, port)
        said = describe_links(links, company=company, is_shared=host is not None, are_asked_for=bool(invite))
        print(said, flush=True)

    from helpers.workshop.app import build_app

    with prepare_served_files(notebooks) as served:
        log = place_log(where, served)
        kernels = describe_environment(
            where,
            address=name_reachable(address),
            kernel_road=road,
            root=root,
            is_shared=not is_loopback(address),
            log=log,
        )
        os.environ.update(kernels)
        app = build_app(
            where,
            served=served,
            company=company,
            notebook_links=read_notebook_links(served),
            address=address,
            port=port,
            kernel_road=road,
            log=log,
            opened=tell,
        )
        with suppress(KeyboardInterrupt):
            app.start()
    return 0


def describe_links(links: list[Link], *, company: str, is_shared: bool, are_asked_for: bool = False) -> str:
    """Write the links for a terminal, each on a line of its own, the facilitator's first.

    Args:
        links: Everybody's.
        company: What readers call the company.
        is_shared: Whether other machines can reach the server; else only the facilitator's link is written.
        are_asked_for: Whether people were named in the call, so that their links are written all the same.
    """
    facilitator = next(link for link in links if link.kind == "facilitator")
    if not is_shared and not are_asked_for:
        return facilitator.url
    heading = [f"{company}: the workshop is open until you press Ctrl-C.", "", "Facilitator, for yourself only:"]
    lines = [*(heading if is_shared else ()), facilitator.url]
    others = [link for link in links if link.kind != "facilitator"]
    if not others:
        lines += ["", 'Nobody else is invited yet. Add people on the facilitator\'s page, or with --invite "Name".']
    for link in others:
        lines += ["", f"{link.name}:", link.url]
    if not is_shared:
        lines += ["", ONLY_HERE]
    return "\n".join(lines)


def _choose_port(folder: Path, address: str) -> int:
    """Take the port of the last start, so that links stay good; another one only where it is taken.

    Raises:
        ParameterError: The address is none of this computer.
    """
    known = recall_port(folder)
    until = time.monotonic() + LONGEST_WAIT_FOR_PORT
    while known:
        try:
            return claim_port(address, known)
        except ParameterError:
            if time.monotonic() > until:
                print(f"Port {known} of last time is taken, so links given out before don't work now.", file=sys.stderr)
                break
            time.sleep(0.2)
    return claim_port(address, 0)
