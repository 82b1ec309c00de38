"""Parameters of a run: checked against what each notebook declares, since an unknown one would pass unnoticed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.errors import ParameterError, suggest
from helpers.periods import parse_day, require_grain

PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOKS = PROJECT / "notebooks"
PEOPLE = ("shown", "hidden")


@dataclass(frozen=True)
class RunParameters:
    """What one call of ``report`` was asked.

    Attributes:
        as_of: The last day that counts as 2026-09-30; empty takes the end of the latest whole period of each company.
        period: month, quarter or year.
        people: shown or hidden.
        notebooks: Names without ending, in their order.
        extra: Further parameters, given to the notebooks that declare them.
        connection: Where the tables of warehouses lie, without a password: told in the manifest, handed to no notebook.
    """

    as_of: str = ""
    period: str = "quarter"
    people: str = "shown"
    notebooks: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    connection: str = ""


def choose_notebooks(numbers: str = "", *, folder: Path = NOTEBOOKS) -> tuple[str, ...]:
    """Return the notebooks of a run.

    Args:
        numbers: Numbers such as ``03,05``, or names; empty means all.
        folder: Where the notebooks lie.

    Raises:
        ParameterError: One of them doesn't exist.
    """
    names = sorted(path.stem for path in folder.glob("[0-9][0-9]_*.ipynb"))
    if not numbers.strip():
        return tuple(names)
    by_key = {key: name for name in names for key in (name, name[:2], str(int(name[:2])))}
    chosen = []
    for key in (part.strip() for part in numbers.split(",") if part.strip()):
        if key not in by_key:
            hint = suggest(key, by_key)
            raise ParameterError(f"--notebooks: there is no notebook '{key}'. There are: {', '.join(names)}.{hint}")
        chosen.append(by_key[key])
    return tuple(sorted(set(chosen)))


def check_parameters(parameters: RunParameters, *, folder: Path = NOTEBOOKS) -> None:
    """Check the parameters of a run before anything starts.

    Raises:
        ParameterError: A value isn't allowed, or a further parameter is declared by none of the notebooks.
    """
    require_grain(parameters.period)
    if parameters.people not in PEOPLE:
        hint = suggest(parameters.people, PEOPLE)
        raise ParameterError(f"--people '{parameters.people}' is unknown. Allowed: {', '.join(PEOPLE)}.{hint}")
    if parameters.as_of:
        parse_day(parameters.as_of, name="--as-of")
    declared = {name: declared_parameters(folder / f"{name}.ipynb") for name in parameters.notebooks}
    for key in parameters.extra:
        known = {parameter for names in declared.values() for parameter in names}
        if key not in known:
            raise ParameterError(f"parameter '{key}' is declared by no notebook of this run.{suggest(key, known)}")


def declared_parameters(notebook: Path) -> frozenset[str]:
    """Return the names that a notebook's parameters cell declares."""
    from papermill import inspect_notebook

    return frozenset(inspect_notebook(str(notebook)))


def parameters_for(
    notebook: Path, parameters: RunParameters, *, company: Path, as_of: str, output_dir: Path
) -> dict[str, Any]:
    """Return what papermill is to inject into one notebook: only what it declares."""
    wanted = {
        "company": str(company),
        "as_of": as_of,
        "period": parameters.period,
        "people": parameters.people,
        "output_dir": str(output_dir),
        **parameters.extra,
    }
    declared = declared_parameters(notebook)
    return {key: value for key, value in wanted.items() if key in declared}
