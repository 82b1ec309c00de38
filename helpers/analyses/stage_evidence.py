"""Stage evidence used: open deals that stand at a stage, or have left it, without what must have been heard."""

import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.engine.history import rewind_deals
from helpers.engine.journeys import build_journeys
from helpers.units import format_value

if TYPE_CHECKING:
    from helpers.answers.survey import Response

QUESTION = "stage_exit"
STATEMENT_COLUMNS = ["person", "team", "typed", "stage", "probability", "heard", "field", "column", "hint"]
SUMMARY_COLUMNS = [
    "stage", "place", "probability", "crm_probability", "heard", "field", "column", "state", "n_people", "differing",
    "n_open", "n_at", "n_beyond", "n_without", "n_without_at", "n_without_beyond", "money_without", "money_beyond",
    "cure",
]  # fmt: skip
DEAL_COLUMNS = [
    "deal_id", "name", "owner", "stage", "amount", "days_in_stage", "expected_close", "missing", "n_missing",
    "is_beyond",
]  # fmt: skip

STATES = {
    "checked": "checked",
    "no_field": "nobody says where it is written down",
    "not_exported": "not in the export",
    "unknown_stage": "no such stage in the CRM",
    "closed_stage": "the deal is closed at this stage",
}
NOT_FIELDS = {"source_file", "source_row", "outcome", "stage_id", "is_new_business"}
NEAR = 0.6


@dataclass(frozen=True)
class StageEvidence:
    """What the CRM holds of the evidence that people ask for.

    Attributes:
        summary: One row per stage that people named, in the CRM's order: the probability and the evidence most of them
            named, the CRM's own ``crm_probability``, the ``column`` of the deals that holds the evidence and the
            ``state`` of the check; open deals ``n_at`` the stage and ``n_beyond`` it, those of them without the
            evidence, and their amounts. ``differing`` says who said otherwise.
        deals: One row per open deal that lacks evidence of its stage or of one before, those that have moved on without
            it first, then by amount: ``missing`` in words, ``days_in_stage`` where the history tells.
        statements: One row per person and stage: what was typed, the stage and the column that it means, and a
            ``hint`` where neither was found.
        n_open: Open deals on the last day.
        sentence: The finding.
    """

    summary: pd.DataFrame
    deals: pd.DataFrame
    statements: pd.DataFrame
    n_open: int
    sentence: str

    @property
    def is_checked(self) -> bool:
        """Whether the export carries the evidence of at least one stage."""
        return bool((self.summary["state"] == "checked").any())


def review_stage_evidence(company: Any, responses: Mapping[str, "Response"], *, as_of: date) -> StageEvidence:
    """Look for the evidence that people ask for on the deals that are open.

    Args:
        company: The opened company.
        responses: Respondent's id → answers; only of a closed round.
        as_of: The last day that counts; stage and amount are those of that day, the evidence is today's value.

    Returns:
        The review. Where several people name a field for one stage, the one that most of them name is checked, and the
        others are told in ``differing``; fields that equally many name are all asked for, as far as the export carries
        them.
    """
    stages = _list_stages(company)
    fields = _name_fields(company)
    statements = _read_statements(responses, stages, fields)
    stages = _order_by_chance(company, stages, statements)
    deals = _list_open(company, as_of)
    places = {stage: place for place, stage in enumerate(stages)}
    at = deals["stage"].map(places)
    rows, lacking = [], []
    for stage, said in _group(statements):
        row, missing = _check_stage(company, stage, said, deals, at, places)
        rows.append(row)
        lacking += missing
    rows.sort(key=lambda row: (row["place"] is None, row["place"] or 0))
    summary = pd.DataFrame(rows, columns=SUMMARY_COLUMNS)
    numbers = dict.fromkeys(("probability", "crm_probability", "money_without", "money_beyond"), "float64")
    summary = summary.astype(numbers)
    listed = _list_deals(company, deals, at, lacking, as_of)
    currency = company.currency
    return StageEvidence(summary, listed, statements, len(deals), _say(summary, listed, len(deals), currency))


def _list_open(company: Any, as_of: date) -> pd.DataFrame:
    """Return the deals open on a day as they stood then, those without a create date too."""
    deals = company.tables.get("deal")
    if deals is None or "stage" not in deals:
        return pd.DataFrame(columns=["id", "stage", "amount"])
    then = rewind_deals(deals, build_journeys(company).history, as_of)
    return then[then["outcome"] == "open"].reset_index(drop=True)


def _list_stages(company: Any) -> list[str]:
    """Return the labels of the stages in which a deal is open, in order."""
    told = [stage.label for stage in company.settings.deal_stages if stage.stage not in ("won", "lost")]
    deals = company.tables.get("deal")
    if told or deals is None or "stage" not in deals:
        return told
    still_open = deals[deals["outcome"] == "open"]
    if "probability" in still_open and still_open["probability"].notna().any():
        return still_open.groupby("stage")["probability"].mean().sort_values(kind="stable").index.astype(str).tolist()
    return still_open["stage"].dropna().drop_duplicates().astype(str).tolist()


def _order_by_chance(company: Any, stages: list[str], statements: pd.DataFrame) -> list[str]:
    """Put stages in the order of the chances people see in them, where the CRM has none and people name one each."""
    chances = statements.groupby("stage")["probability"].median().dropna()
    known = [_crm_probability(company, stage) for stage in stages]
    if any(one is not None for one in known) or not set(stages) <= set(chances.index):
        return stages
    return sorted(stages, key=lambda stage: float(chances[stage]))


def _name_fields(company: Any) -> dict[str, str]:
    """Return what people may call the deal's columns: canonical name, the CRM's own header, a partition's label."""
    deals = company.tables.get("deal")
    if deals is None:
        return {}
    columns = [column for column in deals.columns if column not in NOT_FIELDS and not column.endswith("_current_value")]
    names: dict[str, str] = {}
    mapping = company.mapping[company.mapping["object"] == "deal"]
    for header, field in zip(mapping["column"], mapping["field"], strict=True):
        if isinstance(header, str) and header and field in columns:
            names.setdefault(_fold(header), field)
    for partition in company.partitions.values():
        column = partition.objects.get("deal")
        if column in columns:
            names |= {_fold(name): column for name in (partition.id, partition.label, *partition.aliases)}
    return names | {_fold(column): column for column in columns}


def _read_statements(
    responses: Mapping[str, "Response"], stages: Sequence[str], fields: Mapping[str, str]
) -> pd.DataFrame:
    known = {_fold(stage): stage for stage in stages}
    rows = []
    for response in responses.values():
        for row in response.values.get(QUESTION, ()):
            typed, field = str(row.get("stage") or "").strip(), str(row.get("field") or "").strip()
            if not typed:
                continue
            stage, column = known.get(_fold(typed), ""), fields.get(_fold(field), "") if field else ""
            rows.append(
                {
                    "person": response.name,
                    "team": response.team,
                    "typed": typed,
                    "stage": stage,
                    "probability": row.get("probability"),
                    "heard": str(row.get("heard") or "").strip(),
                    "field": field,
                    "column": column,
                    "hint": _hint(typed, stage, known) or _hint(field, column, fields),
                }
            )
    frame = pd.DataFrame(rows, columns=STATEMENT_COLUMNS)
    return frame.astype({"probability": "float64"})


def _hint(typed: str, found: str, names: Mapping[str, str]) -> str:
    """Say what was probably meant by a name that was not found; empty where it was, or nothing is near."""
    if not typed or found:
        return ""
    near = get_close_matches(_fold(typed), list(names), n=1, cutoff=NEAR)
    return f"Did you mean '{names[near[0]]}'?" if near else ""


def _group(statements: pd.DataFrame) -> list[tuple[str, list[dict[Hashable, Any]]]]:
    """Put together what people say of one stage, whatever they call it; a stage that is none stands for itself."""
    groups: dict[str, list[dict[Hashable, Any]]] = {}
    for row in statements.to_dict("records"):
        groups.setdefault(row["stage"] or _fold(row["typed"]), []).append(row)
    return list(groups.items())


def _check_stage(
    company: Any,
    stage: str,
    said: list[dict[Hashable, Any]],
    deals: pd.DataFrame,
    at: pd.Series,
    places: Mapping[str, int],
) -> tuple[dict[str, Any], list[tuple[Hashable, str, str, bool]]]:
    """Check one stage: its row of the summary, and per deal without the evidence what is missing."""
    chosen, differing = _choose_fields(said)
    state, cure = _judge_state(company, said, chosen)
    row: dict[str, Any] = {
        "stage": said[0]["stage"] or said[0]["typed"],
        "place": places.get(stage),
        "probability": pd.Series([one["probability"] for one in said], dtype="float64").median(),
        "crm_probability": _crm_probability(company, stage),
        "heard": _most_common([str(one["heard"]) for one in said]),
        "field": " and ".join(field for field, _ in chosen),
        "column": ", ".join(column for _, column in chosen if column),
        "state": state,
        "n_people": len({one["person"] for one in said}),
        "differing": differing,
        "cure": cure,
    }
    if stage not in places:
        counts = dict.fromkeys(("n_open", "n_at", "n_beyond", "n_without", "n_without_at", "n_without_beyond"), 0)
        return {**row, **counts}, []
    reached = at >= places[stage]
    beyond = at > places[stage]
    row |= {"n_open": int(reached.sum()), "n_at": int((reached & ~beyond).sum()), "n_beyond": int(beyond.sum())}
    if state != "checked":
        return row | dict.fromkeys(("n_without", "n_without_at", "n_without_beyond"), None), []
    missing = pd.Series(False, index=deals.index)
    found = []
    for field, column in [pair for pair in chosen if pair[1]]:
        is_empty = reached & _is_blank(deals[column])
        missing |= is_empty
        found += [(index, stage, field, bool(beyond[index])) for index in deals.index[is_empty]]
    amount = deals["amount"].astype("float64") if "amount" in deals else pd.Series(0.0, index=deals.index)
    row |= {
        "n_without": int(missing.sum()),
        "n_without_at": int((missing & ~beyond).sum()),
        "n_without_beyond": int((missing & beyond).sum()),
        "money_without": amount[missing].sum(min_count=min(int(missing.sum()), 1)),
        "money_beyond": amount[missing & beyond].sum(min_count=min(int((missing & beyond).sum()), 1)),
    }
    return row, found


def _choose_fields(said: list[dict[Hashable, Any]]) -> tuple[list[tuple[str, str]], str]:
    """Return the fields that most people name, each with its column, and who names others."""
    by_field: dict[str, list[dict[Hashable, Any]]] = {}
    for one in said:
        if one["field"]:
            by_field.setdefault(str(one["column"]) or _fold(one["field"]), []).append(one)
    if not by_field:
        return [], ""
    most = max(len({one["person"] for one in ones}) for ones in by_field.values())
    chosen, differing = [], []
    for ones in by_field.values():
        people = list(dict.fromkeys(str(one["person"]) for one in ones))
        if len(people) == most:
            chosen.append((str(ones[0]["field"]), str(ones[0]["column"])))
        if len(by_field) > 1:
            differing.append(f"{ones[0]['field']} ({', '.join(people)})")
    return chosen, "; ".join(differing)


def _judge_state(company: Any, said: list[dict[Hashable, Any]], chosen: list[tuple[str, str]]) -> tuple[str, str]:
    """Say whether a stage can be checked, and what to do where it can't."""
    first = said[0]
    hint = next((f" {one['hint']}" for one in said if one["hint"]), "")
    if not first["stage"]:
        closing = {_fold(stage.label) for stage in company.settings.deal_stages if stage.stage in ("won", "lost")}
        if _fold(first["typed"]) in closing:
            return "closed_stage", "Name the stage before it: evidence is asked for while a deal is open."
        return "unknown_stage", f"No stage of the CRM is called '{first['typed']}'.{hint}"
    if not chosen:
        return "no_field", "Add a field to the deal that holds what was heard, and name it in the survey."
    absent = [field for field, column in chosen if not column]
    if absent:
        named = " and ".join(f"'{field}'" for field in absent)
        cure = f"Export the deal's field {named}, or add it to the CRM and make it required at this stage."
        return "not_exported" if len(absent) == len(chosen) else "checked", f"{cure}{hint}"
    return "checked", ""


def _crm_probability(company: Any, stage: str) -> float | None:
    return next((one.probability for one in company.settings.deal_stages if one.label == stage), None)


def _most_common(texts: Sequence[str]) -> str:
    named = Counter(text for text in texts if text)
    return named.most_common(1)[0][0] if named else ""


def _is_blank(values: pd.Series) -> pd.Series:
    blank = values.isna()
    return blank | (values.astype("str").str.strip() == "") if pd.api.types.is_string_dtype(values.dtype) else blank


def _list_deals(
    company: Any,
    deals: pd.DataFrame,
    at: pd.Series,
    lacking: Sequence[tuple[Hashable, str, str, bool]],
    as_of: date,
) -> pd.DataFrame:
    by_deal: dict[Hashable, list[tuple[str, str, bool]]] = {}
    for index, stage, field, is_beyond in lacking:
        by_deal.setdefault(index, []).append((stage, field, is_beyond))
    if not by_deal:
        return pd.DataFrame(columns=DEAL_COLUMNS)
    chosen = deals.loc[list(by_deal)]
    days = _days_in_stage(company, chosen, at.loc[chosen.index], as_of)
    rows = []
    for index, deal in zip(chosen.index, chosen.to_dict("records"), strict=True):
        missing = sorted(by_deal[index], key=lambda one: not one[2])
        rows.append(
            {
                "deal_id": deal["id"],
                "name": deal.get("name"),
                "owner": deal.get("owner"),
                "stage": deal["stage"],
                "amount": deal.get("amount"),
                "days_in_stage": days[index],
                "expected_close": deal.get("closed_at"),
                "missing": "; ".join(dict.fromkeys(f"{field} ({stage})" for stage, field, _ in missing)),
                "n_missing": len(missing),
                "is_beyond": any(is_beyond for _, _, is_beyond in missing),
            }
        )
    frame = pd.DataFrame(rows, columns=DEAL_COLUMNS).astype({"amount": "float64", "days_in_stage": "Int64"})
    order = frame.assign(first=~frame["is_beyond"], money=-frame["amount"].fillna(0))
    order = order.sort_values(["first", "money", "deal_id"], kind="stable")
    return frame.loc[order.index].reset_index(drop=True)


def _days_in_stage(company: Any, deals: pd.DataFrame, at: pd.Series, as_of: date) -> pd.Series:
    """Return since how many days each deal stands where it stands; missing where no history tells."""
    end = pd.Timestamp(as_of)
    created = deals.get("created_at", pd.Series(pd.NaT, index=deals.index))
    since = created.where(at == 0)
    changes = company.tables.get("deal_history")
    if changes is not None and len(changes):
        moves = changes[(changes["field"] == "stage") & (changes["changed_at"] < end + pd.Timedelta(days=1))]
        last = moves.groupby("deal_id")["changed_at"].max()
        since = deals["id"].map(last).fillna(since)
    return (end - since.dt.normalize()).dt.days.astype("Int64")


def _say(summary: pd.DataFrame, listed: pd.DataFrame, n_open: int, currency: str) -> str:
    if summary.empty:
        return "Nobody has said yet what must be heard at which stage"
    if not (summary["state"] == "checked").any():
        fields = sum(summary["state"].isin(["no_field", "not_exported"]))
        if not fields:
            return "None of the stages that people named is one at which the CRM's deals stand open"
        return (
            f"The evidence of {fields} of {len(summary)} stages can't be looked up: the export carries no field for it"
        )
    moved = listed[listed["is_beyond"].astype("bool")] if len(listed) else listed
    if len(moved):
        money = format_value(float(moved["amount"].sum()), "currency", currency=currency)
        worth = f", worth {money}," if moved["amount"].notna().any() else ""
        verb = "has" if len(moved) == 1 else "have"
        return f"{len(moved):,} of {n_open:,} open deals{worth} {verb} moved on without what must have been heard"
    if len(listed):
        verb = "stands" if len(listed) == 1 else "stand"
        return (
            f"{len(listed):,} of {n_open:,} open deals {verb} at a stage whose evidence is still missing; none moved on"
        )
    return "Every open deal carries the evidence of the stages that it has passed"


def _fold(text: Any) -> str:
    return re.sub(r"[^\w]+", " ", str(text).casefold().replace("_", " ")).strip()
