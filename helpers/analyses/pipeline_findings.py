"""What the pipeline walk, the push rate and the adoption reports come down to, and what is kept of them."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from helpers.analyses.adoption import Adoption
from helpers.analyses.finding import Finding
from helpers.analyses.pipeline_walk import WALK_COLUMNS, PipelineWalk
from helpers.analyses.push_rate import PushRates
from helpers.analyses.slicing_filters import plan_cuts
from helpers.analyses.what_if import WhatIf
from helpers.engine.journeys import build_journeys
from helpers.units import format_value, open_sentence, spell_out

NOTEBOOK = "03_kpi_slicing"
USUAL_CUTS = ("source", "owner", "region", "product")
GREW = 1.25
"""A list that grew by this factor over its Mondays is told."""


def choose_pipeline_cuts(company: Any, by: Sequence[str] = (), *, as_of: Any = None) -> list[str]:
    """Return the cuts of the pipeline: those asked for that deals carry, else the usual ones.

    Args:
        company: The company.
        by: Cuts asked for; those that name what deals don't carry are left out.
        as_of: The last day that counts.

    Returns:
        At most two usual cuts where nothing is left; none without deals.
    """
    if "deal" not in company.tables:
        return []
    journeys = build_journeys(company, as_of=as_of)
    aliases = {name: id for id, one in company.partitions.items() for name in one.aliases}
    carried = set(journeys.records["deal"].codes)
    known = {*carried, *(name for name, id in aliases.items() if id in carried)}
    kept = [name for name in by if all(part in known for cut in plan_cuts([name]) for part in cut)]
    # People come last: the first cut is drawn large and named in a title.
    return kept or sorted([name for name in USUAL_CUTS if name in known][:2], key=lambda name: name == "owner")


def tabulate_pipeline(walks: Sequence[PipelineWalk], rates: PushRates, adoption: Adoption) -> dict[str, pd.DataFrame]:
    """Return the tables that a report keeps: pipeline_walk, pipeline_walk_records, push_rate, adoption, its records."""
    told = [walk for walk in walks if walk.is_told]
    empty = pd.DataFrame(columns=WALK_COLUMNS)
    records = [walk.records.assign(scope=walk.scope) for walk in told]
    return {
        "pipeline_walk": pd.concat([walk.frame for walk in told], ignore_index=True) if told else empty,
        "pipeline_walk_records": pd.concat(records, ignore_index=True) if told else walks[0].records,
        "push_rate": rates.frame,
        "adoption": adoption.table,
        "adoption_records": adoption.records,
    }


def find_pipeline(walk: PipelineWalk, rates: PushRates, adoption: Adoption, currency: str) -> list[Finding]:
    """Return the findings: what was pushed out, and lists that are long and grow."""
    return [*_find_pushed(walk, currency), *_find_lists(adoption)]


def find_what_if(answer: WhatIf) -> list[Finding]:
    """Return what the scenario that moves most would bring."""
    if not answer.is_told or not answer.outcomes["change_deals"].any():
        return []
    return [
        Finding(
            answer.headline,
            kpi="revenue_won" if answer.has_money else "deals_won",
            slice=_find_moved(answer),
            evidence={"definition": " ".join(answer.notes), "n": int(answer.slices["n"].sum())},
            next_step=f"{answer.needs_sentence}."
            if answer.needs_sentence
            else "Decide which of the moves to try first.",
            notebook=NOTEBOOK,
        )
    ]


def _find_moved(answer: WhatIf) -> str:
    """Return the slice that the headline is about."""
    names = [str(name) for name in answer.slices["slice"]]
    said = [name for name in names if answer.headline.startswith(f"{open_sentence(spell_out(name))} with ")]
    return (said or names)[0]


def _find_pushed(walk: PipelineWalk, currency: str) -> list[Finding]:
    if not walk.is_told or walk.scope != "due":
        return []
    total = walk.total.set_index("step")
    pushed, opening = total.loc["pushed_out"], total.loc["opening"]
    if not pushed["deals"] or not opening["deals"]:
        return []
    what = format_value(abs(float(pushed["amount"])), "currency", currency=currency) if walk.has_money else "a part"
    return [
        Finding(
            f"{what} of the pipeline due in {walk.period.label} was pushed out of it: {int(pushed['deals'])} deals, "
            f"against {int(total.loc['won', 'deals'])} that were won",
            kpi="push_rate",
            evidence={"n": int(opening["deals"]), "period": walk.period.label, "definition": " ".join(walk.notes)},
            next_step="Go through the pushed deals: keep those whose buyer named the new date, and close the others.",
            notebook=NOTEBOOK,
        )
    ]


def _find_lists(adoption: Adoption) -> list[Finding]:
    found = []
    for one in adoption.told:
        start = int(one.trend["n"].iloc[0])
        grows = one.has_trend and one.n > max(start * GREW, start + 2)
        if one.n and (one is adoption.longest or grows):
            way = f", up from {start:,} on the first of {len(one.trend) - 1} Mondays" if grows else ""
            share = format_value(one.n / one.among, "share")
            found.append(
                Finding(
                    f"{one.report.label}: {one.n:,} of {one.among:,} {one.report.object}s ({share}){way}",
                    evidence={
                        "n": one.among,
                        "definition": one.report.wanted,
                        "period": format_value(adoption.as_of, "date"),
                    },
                    next_step=one.report.cure,
                    notebook=NOTEBOOK,
                    severity="bad",
                )
            )
    return found
