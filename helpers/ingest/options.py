"""What people say of their files on the command line, taken apart and checked: ``--map``, ``--stage``, ``--lookup``."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from helpers.errors import ParameterError, suggest
from helpers.ingest.schema import CANONICAL_PARTITIONS, SERVICE_FIELDS, require_object
from helpers.ingest.values import snake_case

SLIP = 0.8
"""From this likeness on, an unknown field is taken for a misspelled one rather than for a new partition."""


@dataclass(frozen=True)
class MapOption:
    """One ``--map OBJECT.FIELD=COLUMN``."""

    object: str
    field: str
    column: str


@dataclass(frozen=True)
class LookupOption:
    """One ``--lookup FILE.COLUMN=OBJECT.FIELD``."""

    file: str
    column: str
    object: str
    field: str


def split_file_column(text: str, files: Iterable[str]) -> tuple[str | None, str]:
    """Split ``file.column`` where it starts with the name of a file that is there; file names hold dots themselves.

    >>> split_file_column("sales.teams.csv.agent", ["sales.teams.csv", "sales"])
    ('sales.teams.csv', 'agent')
    >>> split_file_column("agent", ["teams.csv"])
    (None, 'agent')
    """
    for file in sorted(files, key=len, reverse=True):
        if text.casefold().startswith(f"{file}.".casefold()):
            return file, text[len(file) + 1 :]
    return None, text


def parse_map(text: str) -> MapOption:
    """Take one ``--map`` apart.

    Raises:
        ParameterError: It is not written as OBJECT.FIELD=COLUMN, or names an object that doesn't exist.

    >>> parse_map("deal.created_at=engage_date")
    MapOption(object='deal', field='created_at', column='engage_date')
    """
    target, sign, column = text.partition("=")
    object_id, dot, field = target.strip().partition(".")
    if not (sign and dot and field.strip() and column.strip()):
        raise ParameterError(f"[--map {text}] is not OBJECT.FIELD=COLUMN. Write it as deal.created_at=engage_date.")
    schema = require_object(object_id.strip(), place=f"--map {text}")
    field = field.strip()
    allowed = {*schema.fields, *CANONICAL_PARTITIONS, *SERVICE_FIELDS}
    near = suggest(field, schema.fields) if _is_slip(field, schema.fields) else ""
    if field not in allowed and (near or field != snake_case(field)):
        raise ParameterError(
            f"[--map {text}] {schema.id} has no field '{field}'. Allowed: {', '.join(schema.fields)}, the partitions "
            f"{', '.join(CANONICAL_PARTITIONS)}, or a new partition's name in snake case.{near}"
        )
    return MapOption(schema.id, field, column.strip())


def _is_slip(field: str, allowed: Iterable[str]) -> bool:
    """Tell a slip of the pen from the name of a new partition: one or two letters apart, no more."""
    return any(SequenceMatcher(None, field, name).ratio() >= SLIP for name in allowed)


def parse_stage(text: str) -> tuple[str, str]:
    """Take one ``--stage`` apart: the label may hold an equals sign, the stage can't.

    Raises:
        ParameterError: It is not written as "CRM LABEL=STAGE".

    >>> parse_stage("Size>=10 = won")
    ('Size>=10', 'won')
    """
    label, sign, stage = text.rpartition("=")
    if not (sign and label.strip() and stage.strip()):
        raise ParameterError(f'[--stage {text}] is not "CRM LABEL=STAGE". Write it as "Closed Won=won".')
    if stage.strip() != snake_case(stage):
        raise ParameterError(
            f"[--stage {text}] the stage '{stage.strip()}' is no id. Ids are in snake case: '{snake_case(stage)}'."
        )
    return label.strip(), stage.strip()


def parse_lookup(text: str, files: Sequence[str]) -> LookupOption:
    """Take one ``--lookup`` apart.

    Args:
        text: As typed.
        files: The names of the files given.

    Raises:
        ParameterError: It is not written as FILE.COLUMN=OBJECT.FIELD, or names a file that is not there.
    """
    origin, sign, target = text.rpartition("=")
    object_id, dot, field = target.strip().partition(".")
    if not (sign and dot and origin.strip() and field.strip()):
        raise ParameterError(
            f"[--lookup {text}] is not FILE.COLUMN=OBJECT.FIELD. Write it as sales_teams.csv.sales_agent=deal.owner."
        )
    file, column = split_file_column(origin.strip(), files)
    if file is None:
        raise ParameterError(
            f"[--lookup {text}] does not start with a file that is there. Files: {', '.join(files)}."
            f"{suggest(origin.strip().rpartition('.')[0], files)}"
        )
    return LookupOption(file, column, require_object(object_id, place=f"--lookup {text}").id, field.strip())
