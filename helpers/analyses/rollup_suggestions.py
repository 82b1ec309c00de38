"""What people say the cuts are made of beside the CRM's own values, and roll-ups to paste into company.toml."""

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from helpers.model.layers import Layer, LayerRules

if TYPE_CHECKING:
    from helpers.answers.survey import Response

STATED_COLUMNS = [
    "partition", "label", "object", "n_people", "people", "rolls_up_to", "is_disputed", "has_parent", "n_said",
    "said_only", "crm_only", "crm_only_share", "n",
]  # fmt: skip
MOST_LINES = 60
MOST_NAMED = 8
SEPARATOR = r"\s*[;,\n]\s*"


def compare_stated(
    company: Any, responses: Mapping[str, "Response"], records: Mapping[str, pd.DataFrame], rules: LayerRules
) -> pd.DataFrame:
    """Set what people say the cuts are made of beside the CRM's values.

    Args:
        company: The opened company.
        responses: Respondent's id → answers; only of a closed round.
        records: Object → its records up to the last day that counts.
        rules: The families of layers, for what they are called.

    Returns:
        One row per cut that people described, in the order told: ``rolls_up_to`` as they say, each differing answer
        with who gave it; ``has_parent`` whether the CRM's records carry that layer (missing where nobody named one);
        ``said_only`` values that no record bears, ``crm_only`` values that nobody named, with the share of the records
        that bear them. ``object`` is empty where no field of the exports bears the cut's name.
    """
    names = _names(company, rules)
    told: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for response in responses.values():
        for row in response.values.get("partition_values", ()):
            told.setdefault(names.get(_fold(row["partition"]), _fold(row["partition"])), []).append(
                (response.name, row)
            )
    rows = []
    for id, said in told.items():
        partition = company.partitions.get(id)
        object, values = _find_values(partition, records)
        parents = {name: str(row.get("rolls_up_to") or "").strip() for name, row in said}
        named = {name: _split(row.get("values")) for name, row in said}
        stated = list(dict.fromkeys(value for listed in named.values() for value in listed))
        folded = {_squeeze(value) for value in stated}
        counts = values.astype("str").value_counts()
        unsaid = counts[[_squeeze(value) not in folded for value in counts.index]] if folded else counts.iloc[:0]
        known = {_squeeze(value) for value in counts.index}
        wanted = [parent for parent in parents.values() if parent]
        parent_ids = {names.get(_fold(parent), "") for parent in wanted}
        rows.append(
            {
                "partition": id if partition else "",
                "label": partition.label if partition else str(said[0][1]["partition"]),
                "object": object,
                "n_people": len(said),
                "people": ", ".join(parents),
                "rolls_up_to": _say_sides(parents),
                "is_disputed": len({_fold(parent) for parent in wanted}) > 1 or _differ(named),
                "has_parent": _carries(company, object, parent_ids) if wanted and object else None,
                "n_said": len(stated),
                "said_only": _name_some([value for value in stated if _squeeze(value) not in known]) if object else "",
                "crm_only": _name_some(list(unsaid.index)),
                "crm_only_share": float(unsaid.sum() / counts.sum()) if len(counts) and folded else None,
                "n": int(counts.sum()),
            }
        )
    return pd.DataFrame(rows, columns=STATED_COLUMNS)


def write_rollups(
    company: Any,
    ladder: pd.DataFrame,
    records: Mapping[str, pd.DataFrame],
    rules: LayerRules,
    *,
    crossing: Collection[tuple[str, str]] = (),
) -> str:
    """Write the roll-ups that are missing or incomplete as they would stand in ``company.toml``.

    Args:
        company: The opened company.
        ladder: The layers that each object carries, as ``check_rollup_layers`` returns them.
        records: Object → its records up to the last day that counts.
        rules: The families of layers.
        crossing: Finer partition and coarser layer that cut across each other; nothing is proposed for them.

    Returns:
        TOML whose tables replace those of the same name; a value whose place isn't known stands in a comment, with its
        number of records. Empty where nothing is to be proposed.
    """
    parts = []
    for family in rules.families:
        rungs = ladder[ladder["family"] == family.id]
        there = set(rungs.loc[rungs["state"] != "missing", "layer"])
        layers = [layer for layer in family.layers if layer.id in there or not layer.is_optional]
        for fine, coarse in pairwise(layers):
            parts += _propose(company, rungs, records, fine, coarse, crossing)
    return "\n\n".join(parts)


def count_pairs(below: pd.Series, above: pd.Series) -> pd.DataFrame:
    """Return one row per finer value and parent with its number of records, the commonest parent first."""
    fine, values = pd.factorize(below)
    coarse, parents = pd.factorize(above)
    both = (fine >= 0) & (coarse >= 0)
    keys, n = np.unique(fine[both] * max(len(parents), 1) + coarse[both], return_counts=True)
    counts = pd.DataFrame(
        {
            "value": [str(values[key // len(parents)]) for key in keys],
            "parent": [str(parents[key % len(parents)]) for key in keys],
            "n": n,
        }
    )
    return counts.sort_values(["value", "n", "parent"], ascending=[True, False, True], kind="stable")


def _propose(
    company: Any,
    ladder: pd.DataFrame,
    records: Mapping[str, pd.DataFrame],
    fine: Layer,
    coarse: Layer,
    crossing: Collection[tuple[str, str]],
) -> list[str]:
    """Propose one roll-up where an object carries the finer layer itself and lacks the coarser one, or parts of it."""
    below = ladder[(ladder["layer"] == fine.id) & ~ladder["state"].isin(["missing", "inherited"])]
    above = ladder[ladder["layer"] == coarse.id].set_index("object")
    counts: dict[str, int] = {}
    parents: dict[str, Counter[str]] = {}
    is_incomplete = False
    for row in below.to_dict("records"):
        if (row["partition"], coarse.id) in crossing:
            continue
        table = records[row["object"]]
        values = table[company.partitions[row["partition"]].objects[row["object"]]].astype("str")
        for value, n in values.dropna().value_counts().items():
            counts.setdefault(str(value), int(n))
        higher = above.loc[row["object"], "partition"]
        if not higher:
            is_incomplete = True
            continue
        own = table[company.partitions[higher].objects[row["object"]]].astype("str")
        is_incomplete |= bool((values.notna() & own.isna()).any())
        for pair in count_pairs(values, own).to_dict("records"):
            parents.setdefault(pair["value"], Counter())[pair["parent"]] += int(pair["n"])
    if not is_incomplete or not counts:
        return []
    return [_write_table(company, str(below["partition"].iloc[0]), coarse, counts, parents)]


def _write_table(
    company: Any, fine: str, coarse: Layer, counts: Mapping[str, int], parents: Mapping[str, Counter[str]]
) -> str:
    existing = company.settings.rollups.get(coarse.id)
    placed = dict(existing.values) if existing and existing.of == fine else {}
    known = {parent for of in parents.values() for parent in of}
    lines = [f"[rollups.{coarse.id}]", f"of = {_quote(fine)}", f"[rollups.{coarse.id}.values]"]
    lines += [f"{_quote(value)} = {_quote(parent)}" for value, parent in placed.items()]
    waiting = [(value, n) for value, n in sorted(counts.items(), key=lambda pair: -pair[1]) if value not in placed]
    for value, n in waiting[:MOST_LINES]:
        main = parents[value].most_common(1)[0][0] if value in parents else ""
        usual = coarse.suggest(value)
        parent = main or (usual if not known or usual in known else "")
        told = f"{n:,} {'record' if n == 1 else 'records'}"
        why = "" if main else "   # a guess" if parent else "   # where does it belong?"
        lines.append(f"{'' if parent else '# '}{_quote(value)} = {_quote(parent)}{why}{', ' if why else '   # '}{told}")
    if len(waiting) > MOST_LINES:
        lines.append(f"# … and {len(waiting) - MOST_LINES:,} more values")
    return "\n".join(lines)


def _quote(text: str) -> str:
    """Write a text as TOML does, whatever is in it."""
    return json.dumps(str(text), ensure_ascii=False).replace("\x7f", "\\u007f")


def _find_values(partition: Any, records: Mapping[str, pd.DataFrame]) -> tuple[str, pd.Series]:
    carriers = [object for object in records if partition and object in partition.objects]
    own = [object for object in carriers if object not in partition.inherited_from]
    for object in [*own, *carriers]:
        if partition.objects[object] in records[object]:
            return object, records[object][partition.objects[object]].dropna()
    return "", pd.Series(dtype="str")


def _carries(company: Any, object: str, ids: set[str]) -> bool:
    return all(id in company.partitions and object in company.partitions[id].objects for id in ids)


def _names(company: Any, rules: LayerRules) -> dict[str, str]:
    """Return how people may call each partition: id, label, the CRM's own column, the layer that it is."""
    names: dict[str, str] = {}
    for family in rules.families:
        for layer in family.layers:
            found = layer.find(company.partitions)
            names |= {_fold(name): found or layer.id for name in (layer.label, layer.id)}
    mapping = company.mapping[company.mapping["field"].isin(list(company.partitions))]
    names |= {_fold(c): f for c, f in zip(mapping["column"], mapping["field"], strict=True) if str(c or "") and c == c}
    for id, partition in company.partitions.items():
        names |= {_fold(name): id for name in (id, partition.label, *partition.aliases)}
    return names


def _say_sides(said: Mapping[str, str]) -> str:
    """Say what people answered: once where they agree, else each answer with who gave it."""
    given = {name: text for name, text in said.items() if text}
    if len({_fold(text) for text in given.values()}) <= 1:
        return next(iter(given.values()), "")
    return "; ".join(f"{text} ({name})" for name, text in given.items())


def _differ(named: Mapping[str, list[str]]) -> bool:
    return len({frozenset(map(_fold, listed)) for listed in named.values() if listed}) > 1


def _name_some(values: list[str]) -> str:
    more = f" and {len(values) - MOST_NAMED} more" if len(values) > MOST_NAMED else ""
    return ", ".join(values[:MOST_NAMED]) + more


def _split(values: Any) -> list[str]:
    listed = values if isinstance(values, list | tuple) else re.split(SEPARATOR, str(values or ""))
    return [text for text in (str(value).strip() for value in listed) if text]


def _squeeze(text: Any) -> str:
    """Leave out what people write one way and the CRM another: upper case, spaces and signs."""
    return "".join(c for c in str(text).casefold() if c.isalnum()) or str(text)


def _fold(text: Any) -> str:
    return re.sub(r"[^\w]+", " ", str(text).casefold().replace("_", " ")).strip()
