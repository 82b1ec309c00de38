"""The catalog: every definition of one company, read, laid over the shipped ones, checked and looked up by id."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from helpers.errors import DefinitionError, QuestionError, suggest
from helpers.model.bowtie import Stage, read_stages
from helpers.model.definition import DEFINITIONS, merge, read_record, read_toml
from helpers.model.dimension import Dimension
from helpers.model.kpi import Kpi
from helpers.model.rules import Rules

OVERRIDABLE = ("stages", "kpis", "dimensions", "rules", "funnel")
"""The tables of ``company.toml`` that change definitions."""


@dataclass(frozen=True)
class Catalog:
    """The definitions by which one company is computed.

    Attributes:
        stages: Id → stage, in the order of the bow-tie.
        kpis: Id → KPI, in the order in which they are shown.
        dimensions: Id → what is said of a partition.
        rules: The thresholds.
        questions: Question (``who``, ``where``) → last words of columns' names that tell it.
        existing_business: Labels (lower case) of deal types that mean business with an existing customer.
    """

    stages: Mapping[str, Stage]
    kpis: Mapping[str, Kpi]
    dimensions: Mapping[str, Dimension]
    rules: Rules
    existing_business: frozenset[str]
    conversion_template: Mapping[str, Any] = field(default_factory=dict)
    questions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def kpi(self, id: str) -> Kpi:
        """Return a KPI.

        Raises:
            QuestionError: There is none of that id; the text says which is near.
        """
        if id in self.kpis:
            return self.kpis[id]
        raise QuestionError(f"KPI '{id}' is unknown.{suggest(id, self.kpis)} The glossary lists them all.")

    def conversion(self, from_stage: str, to_stage: str) -> Kpi:
        """Return the conversion between two stages, made from the template where none is defined.

        Raises:
            QuestionError: One of the stages is unknown.
        """
        for stage in (from_stage, to_stage):
            if stage not in self.stages:
                raise QuestionError(f"stage '{stage}' is unknown.{suggest(stage, self.stages)}")
        id = f"{from_stage}_to_{to_stage}"
        return self.kpis.get(id) or _make_conversion(self.conversion_template, self.stages, from_stage, to_stage)

    def conversions_between(self, stages: Iterable[str]) -> list[Kpi]:
        """Return the conversions from each of the given stages to the next one, in the bow-tie's order."""
        there = [id for id in self.stages if id in set(stages)]
        return [self.conversion(a, b) for a, b in pairwise(there)]

    def glossary(self) -> list[dict[str, str]]:
        """Return one record per KPI with id, label, alias, description, formula, unit, basis, owner and source."""
        return [
            {
                "id": kpi.id,
                "label": kpi.label,
                "alias": kpi.alias,
                "description": kpi.description,
                "formula": kpi.formula,
                "unit": kpi.unit,
                "direction": kpi.direction,
                "basis": ", ".join(kpi.basis),
                "owner": kpi.owner,
                "source": kpi.source,
            }
            for kpi in self.kpis.values()
        ]


def load_catalog(overrides: Mapping[str, Any] | None = None, *, folder: Path = DEFINITIONS) -> Catalog:
    """Read the shipped definitions and lay a company's own over them.

    Args:
        overrides: The tables ``stages``, ``kpis``, ``dimensions``, ``rules`` and ``funnel`` of ``company.toml``.
        folder: Where the shipped definitions lie.

    Raises:
        DefinitionError: A definition is incomplete, contradicts another one, or names a stage that doesn't exist.
    """
    own = dict(overrides or {})
    unknown = [key for key in own if key not in OVERRIDABLE]
    if unknown:
        hint = suggest(unknown[0], OVERRIDABLE)
        raise DefinitionError(f"[company.toml, {unknown[0]}] no definition of that kind exists.{hint}")
    bowtie, kpi_file = read_toml(folder / "bowtie.toml"), read_toml(folder / "kpis.toml")
    rule_file, dimension_file = read_toml(folder / "rules.toml"), read_toml(folder / "dimensions.toml")

    stages = read_stages(merge(bowtie["stages"], own.get("stages", {})), order=own.get("funnel", {}).get("stages", ()))
    template = kpi_file["conversion_template"]
    kpis = _read_kpis(merge(kpi_file["kpis"], own.get("kpis", {})), stages, kpi_file)
    dimensions = {
        id: read_record(
            Dimension,
            {"id": id, "label": _words(id), **table},
            file="dimensions.toml",
            key=f"dimensions.{id}",
        )
        for id, table in merge(dimension_file["dimensions"], own.get("dimensions", {})).items()
    }
    rules = read_record(Rules, merge(rule_file["rules"], own.get("rules", {})), file="rules.toml", key="rules")
    existing = frozenset(label.casefold() for label in rule_file["deal_types"]["existing"])
    questions = {question: tuple(words) for question, words in dimension_file["questions"].items()}
    return Catalog(stages, kpis, dimensions, rules, existing, template, questions)


def _read_kpis(tables: Mapping[str, Any], stages: Mapping[str, Stage], templates: Mapping[str, Any]) -> dict[str, Kpi]:
    kpis = {
        id: read_record(Kpi, {"id": id, **table}, file="kpis.toml", key=f"kpis.{id}") for id, table in tables.items()
    }
    kept = {id: kpi for id, kpi in kpis.items() if _stages_named(kpi) <= set(stages)}
    for first, second in pairwise(stages):
        id = f"{first}_to_{second}"
        if id not in kept and stages[second].object != "subscription":
            kept[id] = _make_conversion(templates["conversion_template"], stages, first, second)
    for stage in stages.values():
        if stage.object == "deal" and not stage.volume:
            kept[stage.id] = _make_volume(templates["volume_template"], stage)
    durations = [
        _make_duration(templates["duration_template"], stages, kpi)
        for kpi in kept.values()
        if kpi.measure.kind == "conversion" and stages[kpi.measure.from_stage].object != "session"
    ]
    kept.update({kpi.id: kpi for kpi in durations})
    _check_kpis(kept)
    return kept


def _stages_named(kpi: Kpi) -> set[str]:
    return {getattr(kpi.measure, name) for name in ("stage", "from_stage", "to_stage") if hasattr(kpi.measure, name)}


def _check_kpis(kpis: Mapping[str, Kpi]) -> None:
    by_label: dict[str, str] = {}
    for kpi in kpis.values():
        other = by_label.setdefault(kpi.label.casefold(), kpi.id)
        if other != kpi.id:
            raise DefinitionError(
                f"[kpis.toml, kpis.{kpi.id}.label] '{kpi.label}' is already the label of '{other}'. Give each its own."
            )
        if kpi.measure.kind == "ratio":
            for part in (kpi.measure.numerator, kpi.measure.denominator):
                if part not in kpis:
                    hint = suggest(part, kpis)
                    raise DefinitionError(f"[kpis.toml, kpis.{kpi.id}.measure] KPI '{part}' is unknown.{hint}")


def _make_conversion(template: Mapping[str, Any], stages: Mapping[str, Stage], from_stage: str, to_stage: str) -> Kpi:
    words = {"from_label": stages[from_stage].label, "to_label": stages[to_stage].label}
    filled = {key: value.format(**words) if isinstance(value, str) else value for key, value in template.items()}
    measure = {"kind": "conversion", "from_stage": from_stage, "to_stage": to_stage}
    deal_like = {stages[from_stage].object, stages[to_stage].object} & {"deal", "customer"}
    if deal_like:
        measure["business"] = "new"
    id = f"{from_stage}_to_{to_stage}"
    return read_record(Kpi, {"id": id, "measure": measure, **filled}, file="kpis.toml", key="conversion_template")


def _make_duration(template: Mapping[str, Any], stages: Mapping[str, Stage], conversion: Kpi) -> Kpi:
    first, second = stages[conversion.measure.from_stage], stages[conversion.measure.to_stage]
    words = {
        "from_label": first.label,
        "to_label": second.label,
        "from_singular": first.singular,
        "to_singular": second.singular,
    }
    filled = {key: value.format(**words) if isinstance(value, str) else value for key, value in template.items()}
    measure = {
        "kind": "duration",
        "from_stage": first.id,
        "to_stage": second.id,
        "statistic": "median",
        "business": conversion.measure.business,
    }
    id = f"{first.id}_{second.id}_days"
    return read_record(Kpi, {"id": id, "measure": measure, **filled}, file="kpis.toml", key="duration_template")


def _make_volume(template: Mapping[str, Any], stage: Stage) -> Kpi:
    words = {"label": stage.label, "singular": stage.singular}
    filled = {key: value.format(**words) if isinstance(value, str) else value for key, value in template.items()}
    measure = {"kind": "volume", "stage": stage.id}
    return read_record(Kpi, {"id": stage.id, "measure": measure, **filled}, file="kpis.toml", key="volume_template")


def _words(id: str) -> str:
    return id.replace("_", " ").capitalize()
