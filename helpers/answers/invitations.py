"""Who may join a workshop by link: one secret per person, in ``answers/.invitations.toml``, readable by its owner."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from helpers.answers.files import cure_of, lock_folder, name_file, parse_topic
from helpers.answers.names import find_fault_in_name
from helpers.answers.response_file import is_same_person
from helpers.answers.toml_text import dump_toml
from helpers.errors import AnswersError, suggest
from helpers.writing import write_bytes

TOPIC = ".invitations"
KINDS = ("respondent", "facilitator")


@dataclass(frozen=True)
class Invitation:
    """One person's way in.

    Attributes:
        token: The secret in the person's link.
        name: As invited; the person's answers are kept under it.
        team: Id of the team; empty where the person chooses it.
        role: The person's role.
        kind: ``respondent``, or ``facilitator`` who also sees everybody's answers once the round is closed.
    """

    token: str
    name: str
    team: str = ""
    role: str = ""
    kind: Literal["respondent", "facilitator"] = "respondent"


def read_invitations(folder: Path) -> list[Invitation]:
    """Read who is invited, in the order of invitation.

    Returns:
        One invitation per person and kind; none where nobody was invited yet.

    Raises:
        AnswersError: The file can't be read or isn't as it was written; the text names file, line and cure.
    """
    path = _path(folder)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise AnswersError(
            f"[answers/{TOPIC}.toml] the file can't be read: {error.strerror}. {cure_of(error)}"
        ) from None
    rows = parse_topic(TOPIC, raw).values.get("invitation", [])
    if not isinstance(rows, list):
        raise AnswersError(f"[answers/{TOPIC}.toml] this is no list. Write [[invitation]] in double brackets.")
    return [_read_row(row, number) for number, row in enumerate(rows, start=1)]


def invite(
    folder: Path,
    name: str,
    *,
    team: str = "",
    role: str = "",
    kind: Literal["respondent", "facilitator"] = "respondent",
) -> Invitation:
    """Invite somebody; who is invited already keeps the link.

    Args:
        folder: The company's folder.
        name: The person's name.
        team: Id of the team; where somebody is invited again, a team given replaces the earlier one.
        role: The role; likewise.
        kind: ``respondent`` or ``facilitator``.

    Raises:
        AnswersError: The name can't be used or belongs to somebody else's file, or the file can't be written.
    """
    fault = find_fault_in_name(name)
    if not fault and team:
        fault = find_fault_in_name(team, what="team")
    if not fault and role:
        fault = find_fault_in_name(role, what="role")
    if fault:
        raise AnswersError(fault)
    if kind not in KINDS:
        raise AnswersError(f"[kind] '{kind}' is unknown. Allowed: {', '.join(KINDS)}.{suggest(kind, KINDS)}")
    name = name.strip()

    def add(known: list[Invitation]) -> Invitation:
        for place, one in enumerate(known):
            if one.kind == kind and is_same_person(one.name, name):
                known[place] = Invitation(one.token, one.name, team.strip() or one.team, role.strip() or one.role, kind)
                return known[place]
        other = next((one.name for one in known if name_file(one.name) == name_file(name)), name)
        if not is_same_person(other, name):
            raise AnswersError(
                f"[name] '{name}' would share a file with '{other}', who is invited already. "
                "Add something to the name, such as a middle initial."
            )
        known.append(Invitation(secrets.token_urlsafe(24), name, team.strip(), role.strip(), kind))
        return known[-1]

    return _change(folder, add)


def withdraw_invitation(folder: Path, name: str) -> bool:
    """Withdraw every invitation of a person: the link no longer works, the answers stay.

    Returns:
        Whether somebody of that name was invited.

    Raises:
        AnswersError: The file is damaged or can't be written.
    """

    def remove(known: list[Invitation]) -> bool:
        left = [one for one in known if not is_same_person(one.name, str(name))]
        is_known = len(left) < len(known)
        known[:] = left
        return is_known

    return _change(folder, remove)


def find_invitation(folder: Path, token: str) -> Invitation | None:
    """Find whose link it is, in a time that tells nothing about the secrets.

    Args:
        folder: The company's folder.
        token: What stands in the link, whatever that may be.

    Returns:
        The invitation, or None where there is none of that token.

    Raises:
        AnswersError: The file is damaged.
    """
    asked = token.encode("utf-8", "surrogatepass") if isinstance(token, str) else b""
    found = None
    for one in read_invitations(folder):
        if hmac.compare_digest(one.token.encode("utf-8", "surrogatepass"), asked):
            found = one
    return found


def _path(folder: Path) -> Path:
    return Path(folder) / "answers" / f"{TOPIC}.toml"


def _change(folder: Path, change: Any) -> Any:
    path = _path(folder)
    try:
        with lock_folder(path.parent / ".versions" / TOPIC):
            before = read_invitations(folder)
            after = list(before)
            result = change(after)
            if after != before:
                write_bytes(path, dump_toml({"invitation": [_to_row(one) for one in after]}).encode(), mode=0o600)
    except OSError as error:
        raise AnswersError(
            f"[answers/{TOPIC}.toml] the invitation can't be kept: {error.strerror or error}. {cure_of(error)} "
            "Who was invited before still is."
        ) from None
    return result


def _to_row(one: Invitation) -> dict[str, str]:
    row = {"name": one.name, "token": one.token, "kind": one.kind, "team": one.team, "role": one.role}
    return {key: value for key, value in row.items() if value}


def _read_row(row: Any, number: int) -> Invitation:
    place = f"[answers/{TOPIC}.toml, invitation {number}]"
    cure = "Mend it, or remove the invitation and invite the person again."
    if not isinstance(row, Mapping):
        raise AnswersError(f"{place} this is no invitation. {cure}")
    texts = {key: row.get(key, "") for key in ("token", "name", "team", "role")}
    wrong = [key for key, value in texts.items() if not isinstance(value, str)]
    if wrong or not texts["name"].strip():
        raise AnswersError(f"{place} the {wrong[0] if wrong else 'name'} is missing or no text. {cure}")
    if len(texts["token"]) < 16:
        raise AnswersError(f"{place} the token is shorter than 16 signs, so it could be guessed. {cure}")
    kind = row.get("kind", "respondent")
    if kind not in KINDS:
        raise AnswersError(f"{place} the kind '{kind}' is unknown. Allowed: {', '.join(KINDS)}. {cure}")
    return Invitation(**texts, kind=kind)
