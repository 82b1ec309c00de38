"""What each attribute of the ideal customer is worth: win rate, deal size, retention and lifetime value, fit or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from helpers.analyses.change import correct
from helpers.analyses.icp_attributes import (
    Attribute,
    cut_sizes,
    find_cuts,
    find_values,
    matches_attribute,
    read_attributes,
    split_values,
)
from helpers.analyses.icp_fit import find_closed_deals, say_cure
from helpers.analyses.icp_worth import MEASURES, Groups, Measured, Worth, compare_worth, measure_worth
from helpers.model.survey import Survey
from helpers.units import format_value, in_sentence

if TYPE_CHECKING:
    from helpers.answers.survey import Response

SIDES = {"good": "Good fit", "bad": "Bad fit", "rest": "Neither"}
"""What most people say of a value: a good fit, a bad fit, or neither."""

PARTS = ("", "_low", "_high", "_n", "_is_small", "_other", "_p", "_q")
"""What is told of each measure: value, interval, records, whether they are few, what it is compared with, p and q."""

GROUP_COLUMNS = [
    "attribute_id", "attribute", "of_buyer", "group", "side", "n_people", "n_good", "n_bad",
    *(f"{measure}{part}" for measure in MEASURES for part in PARTS),
    "grr", "years",
]  # fmt: skip
SURPRISE_COLUMNS = [
    "attribute_id", "attribute", "group", "side", "n_good", "n_bad", "kind", "measure", "value", "low", "high",
    "n", "q", "good_value", "good_n",
]  # fmt: skip
MISSING_COLUMNS = ["attribute_id", "attribute", "stated", "n_people", "cure"]

OTHERS = "others"
MOST_VALUES = 15
"""Beyond this many values of an attribute only the commonest, and those that people named, stand alone."""

BETTER_ORDER = ("ltv", "retention", "win_rate", "deal_size")
"""Which measure tells first who is worth more."""

VERBS = {
    "ltv": "are worth {} each",
    "retention": "stay in {} of the cases",
    "win_rate": "are won in {} of the cases",
    "deal_size": "bring {} a deal",
}


@dataclass(frozen=True)
class IcpValue:
    """What the stated ideal customer is worth beside what it isn't.

    Attributes:
        sides: One row per attribute and side (good, bad, rest) with ``GROUP_COLUMNS``: for each of win_rate, deal_size,
            retention and ltv the value, its interval, the records behind it, whether those are few, and p and q of the
            difference from the good fit (Benjamini–Hochberg over every comparison made here).
        values: One row per attribute and value, commonest first, with the same columns: ``n_good`` and ``n_bad`` people
            who name it, p and q of the difference from the good fit as a whole, for a good value from all others.
        missing: One row per attribute that the CRM doesn't carry, with its cure.
        labels: Measure → what readers call it; lifetime value is the amount won so far where nothing recurs.
        definitions: Measure → how it is counted, over which days, and what is assumed.
        surprises: One row per value or side that beats the stated good fit beyond chance, the clearest first.
        n_compared: How many comparisons the correction is over.
        significance: The level of q from which a difference counts.
        minimum_n: Fewer records than this are few.
        sentence: The finding.
    """

    sides: pd.DataFrame
    values: pd.DataFrame
    missing: pd.DataFrame
    labels: Mapping[str, str]
    definitions: Mapping[str, str]
    surprises: pd.DataFrame
    n_compared: int
    significance: float
    minimum_n: int
    sentence: str


def measure_icp_value(company: Any, responses: Mapping[str, "Response"], survey: Survey, *, as_of: date) -> IcpValue:
    """Measure what each stated attribute is worth, per side and per value.

    Args:
        company: The opened company.
        responses: Respondent's id → answers; only of a closed round.
        survey: The survey's definition.
        as_of: The last day that counts.

    Returns:
        The comparison. A value is a good fit where at least half of the people who described the attribute name it so
        and fewer call it bad; sizes are cut where people's ranges begin and end. Empty where nobody has described
        anybody.
    """
    attributes = read_attributes(responses, survey)
    worth = Worth(company, as_of, find_closed_deals(company, as_of)) if attributes else None
    known, missing = {}, []
    for attribute in attributes:
        found = _Groups.build(worth, attribute)
        if found is not None:
            known[attribute.id] = found
            continue
        cure = say_cure(worth.company, attribute, has_deals=worth.closed is not None or worth.has_customers)
        told = {"attribute_id": attribute.id, "attribute": attribute.label, "stated": attribute.say()}
        missing.append({**told, "n_people": len(attribute.statements), "cure": cure})
    groupings = {f"{id}/{name}": groups for id, one in known.items() for name, groups in one.groupings.items()}
    measured = measure_worth(worth, groupings) if worth else {}
    sides, values = [], []
    for id, found in known.items():
        of_attribute = {name: measured[f"{id}/{name}"] for name in found.groupings}
        sides += found.list_sides(of_attribute)
        values += found.list_values(of_attribute)
    frames = _correct(sides, values, company)
    level = company.catalog.rules.significance
    surprises = _find_surprises(*frames, level)
    n = int(sum(frame[f"{measure}_p"].notna().sum() for frame in frames for measure in MEASURES))
    return IcpValue(
        sides=frames[0],
        values=frames[1],
        missing=pd.DataFrame(missing, columns=MISSING_COLUMNS),
        labels=worth.labels if worth else {},
        definitions=worth.definitions if worth else {},
        surprises=surprises,
        n_compared=n,
        significance=level,
        minimum_n=company.catalog.rules.minimum_n,
        sentence=_say(frames[0], surprises, missing, level, company.currency),
    )


@dataclass(frozen=True)
class _Groups:
    """One attribute with the value of each record, and what people say of each value."""

    attribute: Attribute
    records: Mapping[str, pd.Series]
    said: Mapping[str, tuple[str, int, int]]

    @classmethod
    def build(cls, worth: Worth, attribute: Attribute) -> "_Groups | None":
        """Look the attribute up on closed deals, customers and subscriptions; None where none carries it."""
        found = {name: find_values(worth.company, table, name, attribute) for name, table in worth.tables.items()}
        found = {name: values for name, values in found.items() if values is not None and values.notna().any()}
        if not found:
            return None
        cuts = find_cuts(attribute)
        if all(pd.api.types.is_numeric_dtype(values) for values in found.values()) and cuts:
            records = {name: cut_sizes(values, cuts) for name, values in found.items()}
            samples = dict(zip(cut_sizes(pd.Series([0.0, *cuts]), cuts), [0.0, *cuts], strict=True))
        else:
            records = {name: _group_texts(values, attribute) for name, values in found.items()}
            samples = {value: value for values in records.values() for value in values.dropna().unique()}
        return cls(attribute, records, {str(v): _judge(attribute, sample) for v, sample in samples.items()})

    @cached_property
    def shown(self) -> list[str]:
        """The values that stand alone: the commonest, and those that somebody named."""
        counts = pd.concat(list(self.records.values())).value_counts()
        ranked = sorted(((str(value), int(n)) for value, n in counts.items()), key=lambda pair: (-pair[1], pair[0]))
        common = {value for value, _ in ranked[:MOST_VALUES]}
        return [value for value, _ in ranked if value in common or sum(self.said[value][1:])]

    @cached_property
    def groupings(self) -> dict[str, Groups]:
        """The records by side, by value, and, for each value called good, all that bear another one."""
        by_side = {name: v.map({k: side for k, (side, *_) in self.said.items()}) for name, v in self.records.items()}
        by_value = {name: v.where(v.isin(self.shown)) for name, v in self.records.items()}
        found: dict[str, Groups] = {"side": by_side, "value": by_value}
        for value in self.shown:
            if self.said[value][0] == "good":
                others = {name: (v.notna() & (v != value)).map({True: OTHERS}) for name, v in self.records.items()}
                found[f"without {value}"] = others
        return found

    @property
    def told(self) -> dict[str, Any]:
        """The columns that every row of the attribute shares."""
        return {
            "attribute_id": self.attribute.id,
            "attribute": self.attribute.label,
            "of_buyer": self.attribute.of_buyer,
            "n_people": len(self.attribute.statements),
        }

    def list_sides(self, measured: Mapping[str, Mapping[str, Measured]]) -> list[dict[str, Any]]:
        """List good, bad and neither, the latter two compared with the good."""
        by_side = measured["side"]
        good, rows = by_side.get("good"), []
        for side in [side for side in SIDES if side in by_side]:
            row = {**self.told, "group": SIDES[side], "side": side, **by_side[side].as_row()}
            rows.append(row | (compare_worth(by_side[side], good) if good and side != "good" else {}))
        return rows

    def list_values(self, measured: Mapping[str, Mapping[str, Measured]]) -> list[dict[str, Any]]:
        """List the values, a good one compared with all others, any other with the good ones together."""
        rows = []
        for value in [value for value in self.shown if value in measured["value"]]:
            side, n_good, n_bad = self.said[value]
            mine = measured["value"][value]
            other = measured[f"without {value}"].get(OTHERS) if side == "good" else measured["side"].get("good")
            row = {**self.told, "group": value, "side": side, "n_good": n_good, "n_bad": n_bad, **mine.as_row()}
            rows.append(row | (compare_worth(mine, other) if other else {}))
        return rows


def _group_texts(values: pd.Series, attribute: Attribute) -> pd.Series:
    """Return values as text; a buyer's title by the words that people named, as titles hardly ever repeat."""
    texts = values.astype("str").str.strip().replace("", pd.NA)
    if not attribute.of_buyer:
        return texts
    named = list(dict.fromkeys(part for pair in attribute.pairs for text in pair for part in split_values(text)))
    by_text = {}
    for text in texts.dropna().unique():
        fits = [part for part in named if matches_attribute(attribute, text, part)]
        by_text[text] = max(fits, key=len) if fits else text
    mapped = texts.map(by_text)
    rare = mapped.value_counts()
    few = set(rare.index[MOST_VALUES:]) - set(named)
    return mapped.mask(mapped.isin(few), "(other)")


def _judge(attribute: Attribute, sample: Any) -> tuple[str, int, int]:
    """Say what people call a value: its side, and how many call it good and bad."""
    good = sum(bool(text) and matches_attribute(attribute, sample, text) for text, _ in attribute.pairs)
    bad = sum(bool(text) and matches_attribute(attribute, sample, text) for _, text in attribute.pairs)
    half = len(attribute.statements) / 2
    side = "good" if good >= half and good > bad else "bad" if bad >= half and bad > good else "rest"
    return side, good, bad


def _correct(
    sides: list[dict[str, Any]], values: list[dict[str, Any]], company: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Correct every p-value for the number of all comparisons, and mark what rests on few records."""
    frame = pd.DataFrame([*sides, *values], columns=GROUP_COLUMNS)
    numbers = [f"{measure}{part}" for measure in MEASURES for part in ("", "_low", "_high", "_n", "_other", "_p")]
    frame = frame.astype(dict.fromkeys([*numbers, "grr", "n_good", "n_bad"], "float64"))
    minimum = company.catalog.rules.minimum_n
    for measure in MEASURES:
        small = frame[f"{measure}_n"].fillna(0) < minimum
        frame[f"{measure}_is_small"] = small
        frame.loc[small, f"{measure}_p"] = np.nan
    columns = [f"{measure}_p" for measure in MEASURES]
    q = correct(frame[columns].to_numpy("float64").ravel()).reshape(len(frame), len(columns))
    for place, measure in enumerate(MEASURES):
        frame[f"{measure}_q"] = q[:, place]
    return frame.iloc[: len(sides)].reset_index(drop=True), frame.iloc[len(sides) :].reset_index(drop=True)


def _find_surprises(sides: pd.DataFrame, values: pd.DataFrame, level: float) -> pd.DataFrame:
    """List the sides and values that beat the stated good fit beyond chance, each by the measure that tells most."""
    rows = []
    goods = sides[sides["side"] == "good"].set_index("attribute_id")
    for kind, frame in (("side", sides), ("value", values)):
        for row in frame[(frame["side"] != "good") & frame["attribute_id"].isin(goods.index)].to_dict("records"):
            good = goods.loc[row["attribute_id"]]
            beats = [m for m in BETTER_ORDER if row[f"{m}_q"] < level and row[m] > good[m]]
            beats = [measure for measure in beats if not good[f"{measure}_is_small"]]
            if beats:
                told = {name: row[name] for name in SURPRISE_COLUMNS[:6]}
                parts = {part: row[f"{beats[0]}_{part}"] for part in ("low", "high", "n", "q")}
                mine = {"kind": kind, "measure": beats[0], "value": row[beats[0]], **parts}
                rows.append({**told, **mine, "good_value": good[beats[0]], "good_n": good[f"{beats[0]}_n"]})
    frame = pd.DataFrame(rows, columns=SURPRISE_COLUMNS)
    order = frame.assign(place=frame["measure"].map({measure: i for i, measure in enumerate(BETTER_ORDER)}))
    order = order.assign(is_value=frame["kind"] == "value").sort_values(["place", "is_value", "q"], kind="stable")
    return frame.loc[order.index].reset_index(drop=True)


def say_surprise(row: Mapping[Any, Any], currency: str) -> str:
    """Say in a sentence which part beats the stated good fit."""
    unit = MEASURES[str(row["measure"])]
    mine, theirs = (format_value(row[column], unit, currency=currency) for column in ("value", "good_value"))
    attribute = in_sentence(str(row["attribute"]))
    verb = VERBS[str(row["measure"])]
    if row["kind"] == "side":
        who = "call a bad fit" if row["side"] == "bad" else "name neither good nor bad"
        return f"Those whom people {who} by {attribute} {verb.format(mine)}, the good fit {theirs}"
    named = "which people call a bad fit" if row["side"] == "bad" else "which nobody named a good fit"
    if row["side"] == "rest" and row["n_good"]:
        named = f"which only {int(row['n_good'])} named a good fit"
    return f"{row['attribute']} {row['group']}, {named}: they {verb.format(mine)}, the good fit {theirs}"


def _say(sides: pd.DataFrame, surprises: pd.DataFrame, missing: Sequence[Any], level: float, currency: str) -> str:
    if sides.empty:
        none = "The CRM carries none of the attributes people describe"
        return none if missing else "Nobody has described the ideal customer yet"
    if len(surprises):
        return say_surprise(surprises.iloc[0].to_dict(), currency)
    goods = sides[sides["side"] == "good"].set_index("attribute_id")
    for row in sides[sides["side"] != "good"].to_dict("records"):
        for measure in BETTER_ORDER:
            if row[f"{measure}_q"] < level and row["attribute_id"] in goods.index:
                good = goods.loc[row["attribute_id"]]
                unit = MEASURES[measure]
                mine, theirs = (format_value(v, unit, currency=currency) for v in (good[measure], row[measure]))
                text = VERBS[measure].format(mine)
                other = "the bad fit" if row["side"] == "bad" else "the others"
                attribute = in_sentence(str(row["attribute"]))
                return f"The stated fit by {attribute} holds: good ones {text}, {other} {theirs}"
    return "What people call a good fit differs from the rest by no more than chance"
