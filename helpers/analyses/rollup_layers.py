"""Roll-up layers: can a number be followed from the form that brought a lead to the motion, from country to region?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.rollup_suggestions import compare_stated, count_pairs, write_rollups
from helpers.analyses.too_large import find_too_large
from helpers.model.layers import Family, Layer, LayerRules, load_layers
from helpers.units import format_value, in_sentence

if TYPE_CHECKING:
    from helpers.answers.survey import Response

LADDER_COLUMNS = [
    "family", "object", "layer", "label", "partition", "state", "taken_from", "n", "fill_rate", "n_values",
]  # fmt: skip
STEP_COLUMNS = [
    "family", "object", "fine", "coarse", "fine_label", "coarse_label", "fine_partition", "coarse_partition",
    "n", "n_both", "n_fine_only", "n_coarse_only", "single_share", "main_share", "n_values", "n_two_parents",
    "n_without_parent", "is_crossing",
]  # fmt: skip
VALUE_COLUMNS = ["family", "object", "fine", "fine_label", "coarse", "value", "problem", "parents", "n", "suggestion"]
GAP_COLUMNS = ["family", "object", "kind", "label", "who", "beside", "n", "share", "sentence", "cure"]

STATES = {"own": "in the CRM", "computed": "rolled up here", "inherited": "taken over", "missing": "not there"}
OBJECTS = ("contact", "deal", "customer", "company", "session")
"""Whose layers are looked at, in the order in which their gaps are told."""

DATES = {"session": "date", "contact": "created_at", "deal": "created_at", "customer": "live_at"}
PLURAL = {"company": "companies"}
SEVERAL_PARENTS, NO_PARENT = "two parents", "no parent"
CROSSING = 0.5
"""Where fewer of the records than this have a value with one parent, and most values have no main one, the two fields
cut across each other."""

WORTH_TELLING = 0.01
"""A gap that touches a smaller share of the records is left to the table of values."""


@dataclass(frozen=True)
class RollupCheck:
    """Which layers there are, and where they break.

    Attributes:
        ladder: One row per family, object and layer, fine to coarse: ``state`` (own, computed, inherited, missing),
            ``fill_rate`` 0–1 of the object's ``n`` records, ``n_values``.
        steps: One row per family, object and pair of neighbouring layers that are there: records with both, with one
            only; ``single_share`` of the records with both whose finer value has exactly one parent (functional
            dependency), ``main_share`` of them that stand under their value's commonest parent.
        values: One row per finer value with two parents or none, most records first, with a suggestion where there is
            one; fields that cut across each other are told as a gap instead.
        gaps: One row per thing that can't be reported, most records first, with its cure.
        stated: What people say the cuts are made of, beside the CRM's values; empty before the round is closed.
        toml: Roll-ups to paste into ``company.toml``; empty where none is to be proposed.
        sentence: The finding.
    """

    ladder: pd.DataFrame
    steps: pd.DataFrame
    values: pd.DataFrame
    gaps: pd.DataFrame
    stated: pd.DataFrame
    toml: str
    sentence: str


def check_rollup_layers(
    company: Any,
    responses: Mapping[str, "Response"] | None = None,
    *,
    as_of: date,
    rules: LayerRules | None = None,
) -> RollupCheck:
    """Check on the data, and on what people say, which layers roll up to which.

    Args:
        company: The opened company.
        responses: Respondent's id → answers; only of a closed round.
        as_of: The last day that counts.
        rules: The families of layers; the shipped ones where None.
    """
    rules = rules or load_layers()
    left_out = find_too_large(company)
    there = [object for object in OBJECTS if object in company.tables and object not in left_out]
    records = {object: _until(company, object, as_of) for object in there}
    ladder, steps, values = [], [], []
    for family in rules.families:
        for object, table in records.items():
            rungs = [_look_up(company, family, layer, object, table) for layer in family.layers]
            if all(rung["state"] == "missing" for rung in rungs):
                continue
            ladder += rungs
            for fine, coarse in _neighbours(rungs):
                if fine["state"] != "inherited":
                    step, found = _measure_step(table, fine, coarse, _layer(family, coarse["layer"]), rules)
                    steps.append(step)
                    values += [] if step["is_crossing"] else found
    frames = [
        pd.DataFrame(rows, columns=columns)
        for rows, columns in ((ladder, LADDER_COLUMNS), (steps, STEP_COLUMNS), (values, VALUE_COLUMNS))
    ]
    frames[2] = frames[2].sort_values("n", ascending=False, kind="stable", ignore_index=True)
    crowded = _find_crowded(company, records, frames[0], rules)
    gaps = _list_gaps(frames[0], frames[1], crowded, rules)
    return RollupCheck(
        ladder=frames[0],
        steps=frames[1],
        values=frames[2],
        gaps=gaps,
        stated=compare_stated(company, responses or {}, records, rules),
        toml=write_rollups(company, frames[0], records, rules, crossing=_find_crossing(frames[1])),
        sentence=_say_layers(frames[0], gaps) + _say_left_out(company, left_out),
    )


def _say_left_out(company: Any, left_out: Sequence[str]) -> str:
    unseen = " and ".join(_plural(object) for object in left_out if object in OBJECTS)
    rows = f"fetched_rows ({company.tables.limit:,}) under [rules] in company.toml" if unseen else ""
    return f"; {unseen} aren't checked, being more than {rows}" if unseen else ""


def _find_crossing(steps: pd.DataFrame) -> set[tuple[str, str]]:
    """Return the pairs of fields that cut across each other, so that no roll-up of one to the other is proposed."""
    crossing = steps[steps["is_crossing"].astype("bool")]
    return set(zip(crossing["fine_partition"], crossing["coarse"], strict=True))


def _until(company: Any, object: str, as_of: date) -> pd.DataFrame:
    table = company.tables[object]
    column = DATES.get(object, "")
    if column not in table:
        return table
    return table[~(table[column] >= pd.Timestamp(as_of) + pd.Timedelta(days=1))]


def _layer(family: Family, id: str) -> Layer:
    return next(layer for layer in family.layers if layer.id == id)


def _look_up(company: Any, family: Family, layer: Layer, object: str, table: pd.DataFrame) -> dict[str, Any]:
    carried = {id for id, partition in company.partitions.items() if object in partition.objects}
    id = layer.find(carried)
    row = {"family": family.id, "object": object, "layer": layer.id, "label": layer.label, "partition": id}
    column = company.partitions[id].objects[object] if id else ""
    if not column or column not in table:
        return {**row, "state": "missing", "taken_from": "", "n": len(table), "fill_rate": None, "n_values": 0}
    partition = company.partitions[id]
    source = partition.inherited_from.get(object, "")
    told = company.mapping
    is_rolled = (
        id in company.settings.rollups
        and not ((told["object"] == object) & (told["field"] == id) & (told["file"].fillna("") != "")).any()
    )
    state = "inherited" if source else "computed" if is_rolled else "own"
    filled = table[column].notna()
    return {
        **row,
        "label": partition.label,
        "state": state,
        "taken_from": source,
        "n": len(table),
        "fill_rate": float(filled.mean()) if len(table) else None,
        "n_values": int(table[column].nunique()),
        "column": column,
    }


def _neighbours(rungs: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    there = [rung for rung in rungs if rung["state"] != "missing"]
    return list(pairwise(there))


def _measure_step(
    table: pd.DataFrame, fine: dict[str, Any], coarse: dict[str, Any], layer: Layer, rules: LayerRules
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Measure one pair of layers on one object, and list the finer values that have no or several parents."""
    below, above = table[fine["column"]], table[coarse["column"]]
    counts = count_pairs(below, above)
    by_value = counts.groupby("value", sort=False)["n"].agg(["size", "sum", "max"])
    n_both, single = int(counts["n"].sum()), int(by_value.loc[by_value["size"] == 1, "sum"].sum())
    homeless = below[below.notna() & above.isna()].astype("str").value_counts()
    shared = {key: fine[key] for key in ("family", "object")}
    step = {
        **shared,
        "fine": fine["layer"],
        "coarse": coarse["layer"],
        "fine_label": fine["label"],
        "coarse_label": coarse["label"],
        "fine_partition": fine["partition"],
        "coarse_partition": coarse["partition"],
        "n": len(table),
        "n_both": n_both,
        "n_fine_only": int(homeless.sum()),
        "n_coarse_only": int((below.isna() & above.notna()).sum()),
        "single_share": single / n_both if n_both else None,
        "main_share": float(by_value["max"].sum()) / n_both if n_both else None,
        "n_values": int(below.nunique()),
        "n_two_parents": int((by_value["size"] > 1).sum()),
        "n_without_parent": int((~homeless.index.isin(by_value.index)).sum()),
    }
    step["is_crossing"] = bool(n_both) and step["single_share"] < CROSSING and step["main_share"] < rules.main_share
    told = {**shared, "fine": fine["layer"], "fine_label": fine["label"], "coarse": coarse["layer"]}
    parents, known = counts.groupby("value", sort=False), set(above.dropna().astype("str"))
    rows = []
    for value in by_value.index[by_value["size"] > 1]:
        group = parents.get_group(value)
        main = group.iloc[0]
        is_clear = main["n"] >= rules.main_share * by_value.loc[value, "sum"]
        listed = ", ".join(f"{parent} ({n:,})" for parent, n in zip(group["parent"], group["n"], strict=True))
        away = int(by_value.loc[value, "sum"] - main["n"])
        suggestion = main["parent"] if is_clear else ""
        rows.append({**told, "value": value, "problem": SEVERAL_PARENTS, "parents": listed, "n": away})
        rows[-1]["suggestion"] = suggestion
    for value, n in homeless.items():
        usual = layer.suggest(str(value))
        main = parents.get_group(value).iloc[0]["parent"] if value in by_value.index else ""
        suggestion = main or (usual if usual in known else "")
        rows.append(
            {**told, "value": value, "problem": NO_PARENT, "parents": "", "n": int(n), "suggestion": suggestion}
        )
    return step, rows


def _find_crowded(
    company: Any, records: Mapping[str, pd.DataFrame], ladder: pd.DataFrame, rules: LayerRules
) -> list[dict[str, Any]]:
    """List the fields with more values than a reader can take in, and no coarser field above them.

    The finer layers of the families are told with their family.
    """
    lower = {rung for family in rules.families for rung in [layer.id for layer in family.layers[:-1]]}
    told = set(ladder.loc[ladder["layer"].isin(lower), "partition"])
    rows = []
    for id, partition in company.partitions.items():
        own = [object for object in records if partition.objects.get(object) and object not in partition.inherited_from]
        if partition.n_values <= rules.most_values or partition.is_person or not own or id in told:
            continue
        object = own[0]
        table, column = records[object], partition.objects[object]
        n_values = table[column].nunique() if column in table else 0
        if n_values > rules.most_values and not _has_coarser(company, table, object, id, column, n_values):
            n = int(table[column].notna().sum())
            told = {"object": object, "label": partition.label, "n": n, "n_values": n_values}
            rows.append({**told, "share": n / len(table)})
    return sorted(rows, key=lambda row: -row["n"])


def _has_coarser(company: Any, table: pd.DataFrame, object: str, id: str, column: str, n_values: int) -> bool:
    for other, partition in company.partitions.items():
        above = partition.objects.get(object, "")
        if other == id or above not in table or not 1 < table[above].nunique() <= n_values / 2:
            continue
        counts = count_pairs(table[column], table[above])
        if len(counts) and counts.groupby("value")["n"].max().sum() >= 0.99 * counts["n"].sum():
            return True
    return False


def _list_gaps(
    ladder: pd.DataFrame, steps: pd.DataFrame, crowded: list[dict[str, Any]], rules: LayerRules
) -> pd.DataFrame:
    rows = [gap for step in steps.to_dict("records") for gap in _gaps_of_step(step)]
    for family in rules.families:
        rungs = ladder[ladder["family"] == family.id]
        rows += _gaps_of_ladder(family, rungs.to_dict("records"))
    rows = [row for row in rows if row["share"] >= WORTH_TELLING]
    rows.sort(key=lambda row: (row["object"] == "session", -row["share"], -row["n"]))
    for row in crowded:
        said = f"{row['label']} has {row['n_values']:,} values and nothing coarser above it"
        cure = f"Roll its values up to {rules.most_values} or fewer under [rollups] in company.toml."
        told = {"family": "", "object": row["object"], "kind": "too_many", "label": row["label"], "n": row["n"]}
        told |= {"who": _plural(row["object"]), "beside": ""}
        rows.append({**told, "share": row["share"], "sentence": said, "cure": cure})
    return pd.DataFrame(rows, columns=GAP_COLUMNS)


def _gaps_of_step(step: Mapping[Any, Any]) -> list[dict[str, Any]]:
    fine, coarse = (in_sentence(str(step[f"{side}_label"])) for side in ("fine", "coarse"))
    n, records = step["n"], _plural(step["object"])
    away = step["n_both"] - round((step["main_share"] or 0) * step["n_both"])
    rows = []
    if step["is_crossing"]:
        text = f"{step['fine_label']} and {coarse} of the {step['object']} cut across each other: neither rolls up"
        cure = f"Say which field is the layer below {coarse}, or roll {fine} up by a table of its own."
        rows.append(("crossing", step["n_both"] - round(step["single_share"] * step["n_both"]), text, cure))
    elif away:
        values = f"{step['n_two_parents']} {'value stands' if step['n_two_parents'] == 1 else 'values stand'}"
        text = f"{values} under two parents: {away:,} {records} lie outside the usual {coarse} of their {fine}"
        rows.append(("two_parents", away, text, f"Decide on one {coarse} per {fine} and correct the rest in the CRM."))
    if step["n_fine_only"]:
        text = f"{step['n_fine_only']:,} {records} have a {fine} and no {coarse}, so no report above counts them"
        rows.append(("no_parent", step["n_fine_only"], text, f"Give every {fine} its {coarse} in company.toml."))
    if step["n_coarse_only"]:
        text = f"{step['n_coarse_only']:,} {records} have a {coarse} and no {fine}: nobody can look below it"
        rows.append(("no_detail", step["n_coarse_only"], text, f"Fill {fine} when the {step['object']} is created."))
    told = {"family": step["family"], "object": step["object"], "label": step["fine_label"]}
    told |= {"who": records, "beside": coarse}
    return [
        {**told, "kind": kind, "n": count, "share": count / n, "sentence": text, "cure": cure}
        for kind, count, text, cure in rows
    ]


def _gaps_of_ladder(family: Family, rungs: list[dict[Any, Any]]) -> list[dict[str, Any]]:
    """Say which layers a family lacks, each once with every object that lacks it."""
    order = [layer.id for layer in family.layers]
    objects = list(dict.fromkeys(rung["object"] for rung in rungs))
    objects = [object for object in objects if object != "session"] or objects
    optional = {layer.id for layer in family.layers if layer.is_optional}
    has_one = {rung["object"] for rung in rungs if rung["layer"] in optional and rung["state"] != "missing"}
    rows = []
    for layer in order:
        lacking = [rung for rung in rungs if rung["layer"] == layer and rung["object"] in objects]
        lacking = [rung for rung in lacking if rung["state"] == "missing"]
        if layer in optional:
            is_first = layer == next(id for id in order if id in optional)
            lacking = [rung for rung in lacking if is_first and rung["object"] not in has_one]
        if not lacking:
            continue
        beside = [r for r in rungs if r["object"] == lacking[0]["object"] and r["state"] != "missing"]
        nearest = min(beside, key=lambda rung: abs(order.index(rung["layer"]) - order.index(layer)))
        is_above = order.index(layer) > order.index(nearest["layer"])
        label, known = in_sentence(str(lacking[0]["label"])), in_sentence(str(nearest["label"]))
        who = _join([_plural(rung["object"]) for rung in lacking])
        where = "above" if is_above else "below"
        text = f"{who[:1].upper()}{who[1:]} have no {label} {where} {known}: nobody can report by it"
        cure = f"Roll {known} up to {label} in company.toml." if is_above else _say_cure(family, label, lacking)
        n = round((nearest["fill_rate"] or 0) * nearest["n"])
        told = {"family": family.id, "object": lacking[0]["object"], "kind": f"missing_{where}"}
        told |= {"who": who, "beside": known}
        share = n / nearest["n"] if nearest["n"] else 0.0
        rows.append({**told, "label": lacking[0]["label"], "n": n, "share": share, "sentence": text, "cure": cure})
    return rows


def _say_cure(family: Family, label: str, lacking: list[dict[Any, Any]]) -> str:
    what = ": the form, event or campaign that brought it" if label == "detail" else ""
    return f"Keep the {label} on the {lacking[0]['object']}{what}."


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _say_layers(ladder: pd.DataFrame, gaps: pd.DataFrame) -> str:
    if ladder.empty:
        return "The exports hold no layer of attribution or geography yet"
    has_records = (ladder["object"] != "session").any()
    own = gaps[(gaps["family"] != "") & ((gaps["object"] != "session") | (not has_records))]
    if own.empty:
        rungs = ladder[(ladder["family"] == ladder["family"].iloc[0]) & (ladder["state"] != "missing")]
        rungs = rungs[rungs["object"] == rungs["object"].iloc[0]]
        first, last = (in_sentence(str(rungs["label"].iloc[place])) for place in (0, -1))
        return f"Every {rungs['object'].iloc[0]} can be followed from {first} to {last}"
    first = own.iloc[0]
    between = own[(own["family"] == first["family"]) & (own["who"] == first["who"])].set_index("kind")["label"]
    if {"missing_above", "missing_below"} <= set(between.index):
        below, above = (in_sentence(str(between[f"missing_{where}"])) for where in ("below", "above"))
        who = f"{first['who'][:1].upper()}{first['who'][1:]}"
        return f"{who} start in the middle: {first['beside']} has no {below} below it and no {above} above it"
    more = f", and {len(own) - 1} more {'gap' if len(own) == 2 else 'gaps'}" if len(own) > 1 else ""
    share = f" ({format_value(first['share'], 'share')})" if first["kind"] in ("no_parent", "no_detail") else ""
    return f"{first['sentence']}{share}{more}"


def _plural(object: str) -> str:
    return PLURAL.get(object, f"{object}s")
