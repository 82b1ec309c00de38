"""What counts and what doesn't: filters that take values in or leave them out, and cuts by up to four partitions."""

from collections.abc import Mapping, Sequence
from typing import Any

from helpers.engine.cells import open_evaluator
from helpers.engine.journeys import BLANK
from helpers.engine.slicing import resolve_partition
from helpers.errors import QuestionError, suggest

JOINT = " & "
MOST_PARTITIONS = 4
NOT_IN = "not_in"


def resolve_filters(company: Any, filters: Mapping[str, Any] | None, *, as_of: Any = None) -> dict[str, Any] | None:
    """Turn "not in" into the values that are left, so that every engine understands it.

    Args:
        company: The company.
        filters: Partition → a value, several values, or ``{"not_in": [values]}``. ``(blank)`` stands for a missing
            value and is as good as any other: ``{"not_in": ["(blank)"]}`` takes what is filled in.
        as_of: The last day that counts.

    Returns:
        Partition → the values that count; None where nothing is filtered.

    Raises:
        QuestionError: A partition, a value or a word of the filter is unknown.
    """
    if not filters:
        return None
    return {name: _values(company, name, wanted, as_of) for name, wanted in filters.items()}


def _values(company: Any, name: str, wanted: Any, as_of: Any) -> Any:
    if not isinstance(wanted, Mapping):
        return wanted
    if list(wanted) != [NOT_IN]:
        said = ", ".join(map(str, wanted)) or "nothing"
        hint = suggest(str(next(iter(wanted), "")), [NOT_IN])
        raise QuestionError(f"filter {name}: '{said}' is unknown. Write the values, or {{'{NOT_IN}': [values]}}.{hint}")
    labels = list_values(company, name, as_of=as_of)
    left_out = wanted[NOT_IN]
    left_out = [left_out] if left_out is None or isinstance(left_out, str) else list(left_out)
    texts = {BLANK if value is None or value != value else str(value) for value in left_out}
    for text in sorted(texts - set(labels)):
        some = ", ".join(f"'{label}'" for label in labels[:8])
        raise QuestionError(f"filter {name}: no record has the value '{text}'.{suggest(text, labels)} Values: {some}.")
    return [label for label in labels if label not in texts]


def list_values(company: Any, partition: str, *, as_of: Any = None) -> list[str]:
    """Return the values of a partition as the slices are called, ``(blank)`` last.

    Raises:
        QuestionError: There is no such partition.
    """
    labels = open_evaluator(company, as_of).outline.labels
    return [str(label) for label in labels[resolve_partition(company, partition, labels)]]


def plan_cuts(by: Sequence[str], *, most: int = MOST_PARTITIONS) -> list[tuple[str, ...]]:
    """Return the cuts that a list of partitions asks for.

    Names alone are cut one by one and then all together; a name with ``&`` is exactly the cut that it says.

    >>> plan_cuts(["region", "product"])
    [('region',), ('product',), ('region', 'product')]
    >>> plan_cuts(["region & product"])
    [('region', 'product')]

    Raises:
        QuestionError: A cut has more than four partitions, or one of them twice.
    """
    cuts = [tuple(part.strip() for part in name.split(JOINT.strip()) if part.strip()) for name in by]
    if len(cuts) > 1 and all(len(cut) == 1 for cut in cuts):
        cuts.append(tuple(cut[0] for cut in cuts))
    for cut in cuts:
        if len(cut) > most:
            raise QuestionError(
                f"'{JOINT.join(cut)}' are {len(cut)} partitions. At most {most} go together; "
                "filter by the others, or cut in two steps."
            )
        if len(set(cut)) < len(cut):
            raise QuestionError(f"'{JOINT.join(cut)}' names a partition twice. Name each once.")
    return list(dict.fromkeys(cut for cut in cuts if cut))


def split_slice(company: Any, name: str, by: Sequence[str], *, as_of: Any = None) -> dict[str, str]:
    """Return partition → value of a slice such as ``US & Inbound``, also where a value holds an ``&`` itself.

    Raises:
        QuestionError: The text is no slice of these partitions.
    """
    if len(by) == 1:
        return {by[0]: name}
    known = [set(list_values(company, partition, as_of=as_of)) for partition in by]
    found = _split(name.split(JOINT), known)
    if found is None:
        raise QuestionError(f"'{name}' is no slice of {JOINT.join(by)}. Write its values in that order, with ' & '.")
    return dict(zip(by, found, strict=True))


def _split(parts: list[str], known: list[set[str]]) -> list[str] | None:
    if not known:
        return None if parts else []
    for size in range(1, len(parts) - len(known) + 2):
        head = JOINT.join(parts[:size])
        rest = _split(parts[size:], known[1:]) if head in known[0] else None
        if rest is not None:
            return [head, *rest]
    return None


def is_blank(name: str) -> bool:
    """Tell whether a slice holds a missing value."""
    return BLANK in str(name).split(JOINT)


def describe_filters(filters: Mapping[str, Any] | None) -> str:
    """Say in a few words what counts; empty where everything does.

    >>> describe_filters({"region": ["US", "EMEA"], "gtm_motion": {"not_in": ["(blank)"]}})
    'region US or EMEA; GTM motion not (blank)'
    """
    said = []
    for name, wanted in (filters or {}).items():
        is_out = isinstance(wanted, Mapping)
        values = wanted.get(NOT_IN, []) if is_out else wanted
        values = [values] if values is None or isinstance(values, str) or not hasattr(values, "__iter__") else values
        texts = [BLANK if value is None else str(value) for value in values]
        some = " or ".join(texts[:4]) + (f" or {len(texts) - 4} more" if len(texts) > 4 else "")
        said.append(f"{name_partition(name)} {'not ' if is_out else ''}{some}")
    return "; ".join(said)


def name_partition(name: str) -> str:
    """Return a partition as it reads inside a sentence."""
    return "GTM motion" if name == "gtm_motion" else name.replace("_", " ")


def name_cuts(by: Sequence[str]) -> str:
    """Return a cut as it reads inside a sentence.

    >>> name_cuts(["region", "gtm_motion", "lost_reason"])
    'region, GTM motion and lost reason'
    """
    *first, last = map(name_partition, by)
    return f"{', '.join(first)} and {last}" if first else last
