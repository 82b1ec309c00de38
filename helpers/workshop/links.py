"""The links that let people in, and the port that they keep from one start to the next."""

import ipaddress
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from helpers.answers.invitations import Invitation, invite, read_invitations
from helpers.answers.survey import read_responses
from helpers.errors import ParameterError
from helpers.model.survey import load_survey
from helpers.writing import write_text

FACILITATOR = "Facilitator"
PORT_FILE = "app-port"

EVERYWHERE = {"0.0.0.0": ("10.255.255.255", socket.AF_INET), "::": ("fd00::1", socket.AF_INET6)}
"""Addresses that stand for all of this computer's, each with one by which its own is found; nothing is sent there."""


@dataclass(frozen=True)
class Link:
    """One person's way in.

    Attributes:
        name: The person.
        url: What the person opens.
        kind: respondent or facilitator.
    """

    name: str
    url: str
    kind: str


def invite_everybody(folder: Path, names: tuple[str, ...] = ()) -> list[Invitation]:
    """See to it that the facilitator, everybody with answers on file, and those named are invited.

    Args:
        folder: The company's folder.
        names: Further people.

    Returns:
        The invitations, the facilitator's first.

    Raises:
        ParameterError: A name is empty, or the invitations can't be kept.
    """
    if any(not name.strip() for name in names):
        raise ParameterError('--invite: a name is empty. Write it as --invite "Ana Okafor".')
    known = {invitation.name.casefold() for invitation in read_invitations(folder)}
    if not any(invitation.kind == "facilitator" for invitation in read_invitations(folder)):
        invite(folder, FACILITATOR, kind="facilitator")
    for response in read_responses(folder, load_survey())[0].values():
        if response.name.casefold() not in known:
            invite(folder, response.name, team=response.team, role=response.role)
    for name in names:
        invite(folder, name.strip())
    return sorted(read_invitations(folder), key=lambda invitation: invitation.kind != "facilitator")


def write_root(address: str, port: int) -> str:
    """Write the address under which a server is reached.

    >>> write_root("127.0.0.1", 8080), write_root("::1", 8080)
    ('http://127.0.0.1:8080', 'http://[::1]:8080')
    """
    host = find_own_address(address)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def list_links(invitations: list[Invitation], root: str) -> list[Link]:
    """Write one link per invitation.

    Args:
        invitations: Who is invited.
        root: The address under which the server is reached.
    """
    return [Link(one.name, f"{root}/?token={one.token}", one.kind) for one in invitations]


def find_own_address(address: str) -> str:
    """Return the address under which other machines reach a server that listens on one.

    >>> find_own_address("127.0.0.1")
    '127.0.0.1'
    """
    if address not in EVERYWHERE:
        return address
    elsewhere, family = EVERYWHERE[address]
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((elsewhere, 9))
        return str(probe.getsockname()[0])
    return "127.0.0.1" if family == socket.AF_INET else "::1"


def is_loopback(address: str) -> bool:
    """Tell whether only this computer reaches a server that listens on an address.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if address == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(address).is_loopback
    return False


def recall_port(folder: Path) -> int:
    """Return the port of the last start; 0 where there was none."""
    with suppress(OSError, ValueError):
        port = int((folder / ".cache" / PORT_FILE).read_text(encoding="ascii"))
        return port if 0 < port < 65536 else 0
    return 0


def remember_port(folder: Path, port: int) -> None:
    """Keep the port for the next start; a folder that can't be written only changes its links."""
    with suppress(OSError):
        (folder / ".cache").mkdir(exist_ok=True)
        write_text(folder / ".cache" / PORT_FILE, f"{port}\n")
