"""The survey as data: tabs, groups and fields that people fill in, and what the CRM can answer of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field as Setting

from helpers.errors import DefinitionError, QuestionError, suggest
from helpers.model.definition import DEFINITIONS, Definition, read_record, read_toml
from helpers.model.dimension import Question

FieldType = Literal[
    "text", "long_text", "number", "currency", "choice", "multiple_choice", "yes_no_unknown", "ranked", "grid"
]
FIELD_TYPES = FieldType.__args__  # type: ignore[attr-defined]
YES_NO_UNKNOWN = {"yes": "Yes", "no": "No", "unknown": "Don't know"}

Check = Literal["value", "on_track", "goal_history", "new_business_share", "leading_value", "partition", "icp_fit"]


class CrmLink(Definition):
    """What the CRM knows of a question.

    Attributes:
        check: How answer and CRM are compared: ``value`` beside a KPI; the others are named after what they check.
        kpi: The KPI beside the answer.
        basis: Its basis; empty takes the KPI's usual one.
        take: The latest period that is over, the last four quarters (``year``), or the whole history (``all``).
        by: The partition whose value a grid's row names.
        goal: The question that holds the goal, where being on track is checked.
        also: Further KPIs shown beside it, such as median and 90th percentile beside a mean.
    """

    check: Check = "value"
    kpi: str = ""
    basis: str = ""
    take: Literal["latest", "year", "all"] = "latest"
    by: str = ""
    goal: str = ""
    also: tuple[str, ...] = ()


class SurveyField(Definition):
    """One question, or one column of a grid.

    Attributes:
        id: Unique in the survey (a column's: in its grid); the key under which answers are kept.
        label: The question as asked.
        short: What a chart calls it; the label where empty.
        help: What to think of when answering, in one or two sentences.
        example: An answer as somebody might give it.
        type: One of ``FIELD_TYPES``.
        unit: Of a number: count, share (kept 0–1, typed in %), days, ratio, year; of choices: none.
        required: Whether the tab counts as done without it.
        choices: Id → label.
        suggestions: Answers offered while typing; others are allowed.
        minimum: The smallest number allowed.
        maximum: The largest one.
        maximum_items: How many choices or ranked items may be given.
        maximum_rows: How many rows a grid may have.
        columns: A grid's columns; the first one names the row.
        rows: Rows that a grid starts with; they can't be removed.
        rows_from: ``secondaries``: the grid's rows are generated from the primary KPIs and their partitions.
        can_add_rows: Whether rows can be added.
        part_of: For a preset grid: the group headings of its rows, by the row's key.
        crm: What the CRM can say to it.
        is_list: Whether a text holds several values with commas between them.
        factors: Of a choice: its id → how many times a number beside it comes in a year.
        factor_from: Of a grid's number: the column whose factor turns it into a year's worth, so that amounts per month
            and per year can be compared.
        compares: Whether agreement between people is measured (texts are only shown side by side).
    """

    id: str
    label: str
    short: str = ""
    help: str = ""
    example: str = ""
    type: FieldType
    unit: str = ""
    required: bool = False
    choices: Mapping[str, str] = Setting(default_factory=dict)
    suggestions: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    maximum_items: int = 20
    maximum_rows: int = 60
    columns: tuple["SurveyField", ...] = ()
    rows: tuple[Mapping[str, str], ...] = ()
    rows_from: Literal["", "secondaries"] = ""
    can_add_rows: bool = True
    part_of: Mapping[str, str] = Setting(default_factory=dict)
    crm: CrmLink | None = None
    is_list: bool = False
    factors: Mapping[str, float] = Setting(default_factory=dict)
    factor_from: str = ""
    compares: bool = True

    @property
    def allowed(self) -> Mapping[str, str]:
        """What may be chosen: id → label; empty where anything may be typed."""
        return YES_NO_UNKNOWN if self.type == "yes_no_unknown" else self.choices

    @property
    def key(self) -> str:
        """The column that names a grid's rows; empty for any other field."""
        return self.columns[0].id if self.columns else ""

    def column(self, id: str) -> "SurveyField":
        """Return a grid's column.

        Raises:
            QuestionError: There is none of that id.
        """
        for column in self.columns:
            if column.id == id:
                return column
        hint = suggest(id, [column.id for column in self.columns])
        raise QuestionError(f"column '{id}' of '{self.id}' is unknown.{hint}")


@dataclass(frozen=True)
class SurveyGroup:
    """Fields that belong together on a tab."""

    id: str
    label: str
    help: str
    fields: tuple[SurveyField, ...]


@dataclass(frozen=True)
class SurveyTab:
    """One tab: a screen's worth of the survey.

    Attributes:
        id: The TOML table in which its answers are kept.
        label: What the rail shows.
        description: What it is about, in a sentence.
        minutes: How long it takes.
        is_core: Whether it belongs to the four tabs that everybody fills in.
        groups: Its groups in order.
    """

    id: str
    label: str
    description: str
    minutes: int
    is_core: bool
    groups: tuple[SurveyGroup, ...]

    @property
    def fields(self) -> tuple[SurveyField, ...]:
        """Every field of the tab, in order."""
        return tuple(field for group in self.groups for field in group.fields)


@dataclass(frozen=True)
class Survey:
    """The whole survey.

    Attributes:
        label: Its name.
        introduction: What people read before they begin.
        tabs: Id → tab, in the order in which they are filled in.
        respondent: What is asked about the person; the answers stand in the table ``respondent``.
        references: Published figures shown beside the group's own, each with value, label and source.
    """

    label: str
    introduction: str
    tabs: Mapping[str, SurveyTab]
    respondent: tuple[SurveyField, ...]
    references: Mapping[str, Mapping[str, Any]]

    def fields(self) -> Iterator[tuple[SurveyTab, SurveyField]]:
        """Go through every question with its tab, in order."""
        for tab in self.tabs.values():
            for field in tab.fields:
                yield tab, field

    def field(self, id: str) -> SurveyField:
        """Return a question.

        Raises:
            QuestionError: There is none of that id.
        """
        known = {field.id: field for _, field in self.fields()}
        if id in known:
            return known[id]
        raise QuestionError(f"question '{id}' is unknown.{suggest(id, known)}")


class PrimaryColumn(Definition):
    """One of the object matrix's columns: a primary KPI and the object that carries it."""

    kpi: str
    object: str


class WantedField(Definition):
    """A field that the object should carry, by the question that it answers."""

    id: str
    label: str
    question: Question
    objects: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    effort: Literal["small", "medium", "large"] = "medium"
    lets: str = ""


class CopyWanted(Definition):
    """A field that is wanted on another object than the one it is filled in on."""

    dimension: str
    from_object: str
    to_object: str
    reason: str = ""


class DiscoveryRules(Definition):
    """What the KPI discovery matrix holds before anybody has said anything, and its own thresholds.

    Attributes:
        primaries: The columns of the object matrix, in order.
        listed: The primaries of the generated list where the survey names none.
        wanted: The fields that a revenue engine usually needs.
        copies: Fields to be copied between objects.
        recent_days: What counts as lately filled.
        conflict_share: Share of contradicting records above which neither object is trusted.
        owner_fill: Fill rate of one owner's records below which a field is not adopted everywhere.
        minimum_values: A field with fewer distinct values can't cut anything.
        time_words: Words by which people name a cut by time.
        effort_weight: Effort → weight in the ranking.
    """

    primaries: tuple[PrimaryColumn, ...]
    listed: tuple[str, ...]
    wanted: tuple[WantedField, ...]
    copies: tuple[CopyWanted, ...] = ()
    recent_days: int = 90
    conflict_share: float = 0.1
    owner_fill: float = 0.7
    minimum_values: int = 2
    time_words: tuple[str, ...] = ("month", "quarter", "week", "year")
    effort_weight: Mapping[str, float] = Setting(default_factory=lambda: {"small": 1.0, "medium": 2.0, "large": 4.0})


def load_survey(folder: Path = DEFINITIONS / "survey") -> Survey:
    """Read the survey's definition.

    Args:
        folder: Where ``survey.toml`` and one file per tab lie.

    Raises:
        DefinitionError: A tab, group or field is incomplete, unknown or named twice.
    """
    main = read_toml(folder / "survey.toml")
    tabs = {id: _read_tab(id, folder) for id in main["tabs"]}
    respondent = tuple(
        _read_field(id, table, file="survey.toml", key=f"respondent.{id}") for id, table in main["respondent"].items()
    )
    survey = Survey(main["label"], main["introduction"].strip(), tabs, respondent, main["references"])
    seen: dict[str, str] = {}
    for tab, field in survey.fields():
        if seen.setdefault(field.id, tab.id) != tab.id:
            raise DefinitionError(f"[{tab.id}.toml] field '{field.id}' is also in {seen[field.id]}.toml. Rename one.")
    return survey


def generate_secondaries(primaries: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """List every primary KPI × partition that the survey's KPI tab names.

    Args:
        primaries: The rows of the grid ``primary_kpis``.

    Returns:
        One record per secondary KPI: ``secondary`` (``Opportunities by Source``), ``kpi`` and ``partition``, in
        the order typed; a pair named twice is listed once.

    >>> generate_secondaries([{"kpi": "Leads", "partition_1": "Owner", "partition_3": "Source"}])[1]["secondary"]
    'Leads by Source'
    """
    rows: dict[str, dict[str, str]] = {}
    for primary in primaries:
        for number in range(1, 5):
            partition = str(primary.get(f"partition_{number}") or "").strip()
            kpi = str(primary.get("kpi") or "").strip()
            if kpi and partition:
                secondary = f"{kpi} by {partition}"
                rows.setdefault(secondary.casefold(), {"secondary": secondary, "kpi": kpi, "partition": partition})
    return list(rows.values())


def load_discovery_rules(folder: Path = DEFINITIONS / "survey") -> DiscoveryRules:
    """Read what the KPI discovery matrix starts from.

    Raises:
        DefinitionError: The file is incomplete or holds an unknown key.
    """
    tables = read_toml(folder / "discovery.toml")
    return read_record(DiscoveryRules, tables["discovery"], file="discovery.toml", key="discovery")


def _read_tab(id: str, folder: Path) -> SurveyTab:
    file = f"{id}.toml"
    table = read_toml(folder / file).get(id)
    if table is None:
        raise DefinitionError(f"[{file}] the table [{id}] is missing. Add it.")
    own, groups = _split(table)
    read = tuple(_read_group(group_id, group, file=file, key=f"{id}.{group_id}") for group_id, group in groups.items())
    for name in ("label", "description", "minutes"):
        if name not in own:
            raise DefinitionError(f"[{file}, {id}.{name}] this key is missing. Add it.")
    return SurveyTab(id, own["label"], own["description"], int(own["minutes"]), own.get("is_core", True), read)


def _read_group(id: str, table: Mapping[str, Any], *, file: str, key: str) -> SurveyGroup:
    own, fields = _split(table)
    if "label" not in own:
        raise DefinitionError(f"[{file}, {key}.label] this key is missing. Add it.")
    read = tuple(_read_field(name, field, file=file, key=f"{key}.{name}") for name, field in fields.items())
    return SurveyGroup(id, own["label"], own.get("help", ""), read)


def _read_field(id: str, table: Mapping[str, Any], *, file: str, key: str) -> SurveyField:
    table = dict(table)
    columns = [{"id": name, **column} for name, column in table.pop("columns", {}).items()]
    field = read_record(SurveyField, {"id": id, **table, "columns": columns}, file=file, key=key)
    if field.type in ("choice", "multiple_choice") and not field.choices:
        raise DefinitionError(f"[{file}, {key}.choices] this key is missing: nothing can be chosen. Add choices.")
    if (field.type == "grid") != bool(field.columns):
        raise DefinitionError(f"[{file}, {key}.columns] columns belong to a grid, and a grid needs them. Correct it.")
    return field


def _split(table: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    own = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    return own, {key: value for key, value in table.items() if isinstance(value, Mapping)}
