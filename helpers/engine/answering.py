"""Answer a question: every KPI through every lens, with everything that is needed counted together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from helpers.engine.aggregates import Aggregate, Answers, Need, Spread
from helpers.engine.counting import PLANNERS, Cells, Plan, find_maturities, plan_measure
from helpers.engine.local_evaluator import evaluate_journeys
from helpers.engine.pipeline import measure_coverage, measure_pipeline_conversion, measure_push, measure_stock
from helpers.engine.ratios import divide, find_halves, plan_ratio
from helpers.engine.recurring import measure_retention
from helpers.engine.slicing import Lens, Question, find_codes
from helpers.engine.timeline import FAR, to_date
from helpers.model.kpi import Kpi

AT_ONCE = 40_000_000
"""Up to this many numbers are asked for at once."""

ON_STATES = {
    "stock": measure_stock,
    "push": measure_push,
    "pipeline_conversion": measure_pipeline_conversion,
}
"""Kinds of measure that are told from what stood on a day, not from events."""

ON_RULES = {"coverage": measure_coverage, "retention": measure_retention}
"""Likewise, and from what the company itself says: its targets, its products, its rules."""


@dataclass(frozen=True)
class Stack:
    """Lenses that were answered together: their slices are numbered through, one lens after the other.

    Attributes:
        lenses: The lenses.
        places: Place of each among the lenses that were asked for.
        offsets: Number of each lens's first slice.
    """

    lenses: tuple[Lens, ...]
    places: np.ndarray
    offsets: np.ndarray


@dataclass(frozen=True)
class Block:
    """Cells of one KPI on one basis, through some lenses.

    Attributes:
        kpi: The KPI.
        rank: Place of the basis among the KPI's.
        stack: The lenses.
        cells: The cells; their slices are those of the stack.
    """

    kpi: Kpi
    rank: int
    stack: Stack
    cells: Cells


Allows = Callable[[Kpi, Lens], bool]


def answer(company, question: Question, kpis: Sequence[Kpi], lenses: Sequence[Lens], allows: Allows) -> list[Block]:
    """Compute KPIs through lenses.

    Args:
        company: The opened company.
        question: What was asked.
        kpis: The KPIs.
        lenses: The lenses of that question.
        allows: Tells whether a KPI may be cut by a lens.

    Returns:
        Blocks of cells, those of a KPI in no particular order; none where the data can't tell.
    """
    jobs: dict[tuple, list[int]] = {}
    blocks = []
    for i, kpi in enumerate(kpis):
        mine = [place for place, lens in enumerate(lenses) if allows(kpi, lens)]
        if is_counted(company, kpi):
            for plans, places in _plan(company, kpi, question, lenses, mine):
                for rank, plan in enumerate(plans):
                    jobs.setdefault((i, rank, plan), []).extend(places)
        else:
            for place in mine:
                blocks += _measure_state(company, kpi, lenses[place], place)
    for batch in _split(jobs, lenses, len(question.axis) + 1):
        blocks += _answer_batch(question, kpis, lenses, batch)
    return blocks


def _plan(
    company, kpi: Kpi, question: Question, lenses: Sequence[Lens], places: Sequence[int]
) -> list[tuple[list[Plan], list[int]]]:
    """Plan a KPI once for all lenses that the same objects carry."""
    groups: dict[frozenset[str], list[int]] = {}
    for place in places:
        groups.setdefault(lenses[place].carriers, []).append(place)
    plans = []
    for carriers, found in groups.items():
        key = ("plans", kpi.id, carriers, frozenset(question.filters))
        if key not in question.known:
            question.known[key] = _plan_kpi(company, kpi, question, lenses[found[0]].by)
        plans.append((question.known[key], found))
    return plans


def is_counted(company, kpi: Kpi) -> bool:
    """Tell whether a KPI is counted from events alone."""
    if kpi.measure.kind != "ratio":
        return kpi.measure.kind in PLANNERS
    return all(half.measure.kind in PLANNERS for half in find_halves(company.catalog, kpi))


def _plan_kpi(company, kpi: Kpi, question: Question, by: tuple[str, ...]) -> list[Plan]:
    if kpi.measure.kind != "ratio":
        return plan_measure(kpi.measure, kpi.basis, question, by)
    halves = find_halves(company.catalog, kpi)
    return plan_ratio(kpi, [plan_measure(half.measure, half.basis, question, by) for half in halves])


Job = tuple[tuple[int, int, Plan], list[int]]


def _split(jobs: Mapping[tuple, list[int]], lenses: Sequence[Lens], width: int) -> list[list[Job]]:
    """Group the jobs so that not too much is asked at once: most questions are one batch."""
    needs = {need for _, _, plan in jobs for need in plan.needs}
    wide = {place for place, lens in enumerate(lenses) if lens.is_sparse}
    batches: list[list[Job]] = []
    room = 0.0
    begun: dict[int, int] = {}
    for place, lens in enumerate(lenses):
        if place in wide:
            continue
        size = float(lens.n_slices) * width * len(needs)
        if not begun or room + size > AT_ONCE:
            room = 0.0
            batches.append([])
        room += size
        begun[place] = len(batches) - 1
    for job, places in jobs.items():
        split: dict[int, list[int]] = {}
        for place in places:
            if place in wide:
                batches.append([(job, [place])])
            else:
                split.setdefault(begun[place], []).append(place)
        for number, found in split.items():
            batches[number].append((job, found))
    return [batch for batch in batches if batch]


def _answer_batch(question: Question, kpis: Sequence[Kpi], lenses: Sequence[Lens], jobs: Sequence[Job]) -> list[Block]:
    results = question.evaluator.evaluate(question, _gather_needs(lenses, jobs))
    results = results if isinstance(results, Answers) else Answers(results)
    find_maturities(question, [plan.waits for (_, _, plan), _ in jobs if plan.waits is not None])
    stacks: dict[tuple[int, ...], Stack] = {}
    stacked: dict[tuple, np.ndarray | Spread] = {}
    blocks = []
    for (i, rank, plan), places in jobs:
        key = tuple(places)
        if key not in stacks:
            stacks[key] = stack_lenses([lenses[place] for place in places], places)
        for need in plan.needs:
            if (need, key) not in stacked:
                stacked[need, key] = _join(results, need, stacks[key])
        cells = plan.finish(question, {need: stacked[need, key] for need in plan.needs})
        blocks.append(Block(kpis[i], rank, stacks[key], cells))
    return blocks


def _gather_needs(lenses: Sequence[Lens], jobs: Sequence[Job]) -> dict[Lens, tuple[Need, ...]]:
    """Return what is needed through every lens, each combination of partitions once."""
    asking: dict[tuple[str, ...], tuple[Lens, list[int]]] = {}
    for number, (_, places) in enumerate(jobs):
        for place in places:
            asking.setdefault(lenses[place].by, (lenses[place], []))[1].append(number)
    needs: dict[tuple[int, ...], tuple[Need, ...]] = {}
    asked = {}
    for lens, numbers in asking.values():
        key = tuple(numbers)
        if key not in needs:
            needs[key] = tuple(dict.fromkeys(need for number in numbers for need in jobs[number][0][2].needs))
        asked[lens] = needs[key]
    return asked


def stack_lenses(lenses: Sequence[Lens], places: Sequence[int]) -> Stack:
    """Number the slices of lenses through."""
    ends = np.cumsum([0, *(lens.n_slices for lens in lenses)])
    return Stack(tuple(lenses), np.asarray(places), ends[:-1])


def _join(results: Answers, need: Need, stack: Stack) -> np.ndarray | Spread:
    """Put the answers of a stack's lenses one after the other."""
    names = [lens.by for lens in stack.lenses]
    if isinstance(need, Aggregate):
        return results.join(need, names)
    parts = [results[need, by] for by in names]
    moved = [part.slices + offset for part, offset in zip(parts, stack.offsets.tolist(), strict=True)]
    rest = (np.concatenate([getattr(part, name) for part in parts]) for name in ("periods", "days", "n"))
    return Spread(np.concatenate(moved), *rest)


def _measure_state(company, kpi: Kpi, lens: Lens, place: int) -> list[Block]:
    """Compute a KPI that is told from what stood on a day; that needs the records themselves."""
    if kpi.measure.kind == "ratio":
        return _measure_ratio(company, kpi, lens, place)
    local = find_local_lens(company, lens)
    if local is None:
        return []
    if kpi.measure.kind in ON_RULES:
        cells = ON_RULES[kpi.measure.kind](kpi.measure, local, company)
    else:
        cells = ON_STATES[kpi.measure.kind](kpi.measure, local)
    stack = stack_lenses([local], [place])
    return [Block(kpi, rank, stack, one) for rank, one in enumerate(cells)]


def _measure_ratio(company, kpi: Kpi, lens: Lens, place: int) -> list[Block]:
    """Divide where one of the halves stood on a day."""
    halves = [
        answer(company, lens.question, [half], [lens], lambda *_: True) for half in find_halves(company.catalog, kpi)
    ]
    if not all(halves):
        return []
    top, bottom = (blocks[0] for blocks in halves)
    ours, theirs = (block.stack.lenses[0] for block in (bottom, top))
    cells = top.cells
    if ours.question is not theirs.question:
        names = {name: i for i, name in enumerate(ours.names(np.arange(ours.n_slices)).tolist())}
        there = np.array([names.get(name, -1) for name in theirs.names(cells.slices).tolist()], int)
        cells = replace(cells, slices=there)
    return [
        Block(kpi, 0, replace(bottom.stack, places=np.array([place])), divide(kpi, cells, bottom.cells, ours.question))
    ]


def find_local_lens(company, lens: Lens) -> Lens | None:
    """Return a lens over records in memory: the same one, or where the records lie elsewhere, over the deals' side.

    None where the partitions aren't carried there.
    """
    question = lens.question
    if getattr(company, "warehouse", None) is None:
        return lens
    outline = question.outline
    key = "local"
    if key not in question.cache:
        as_of = None if outline.as_of == FAR else to_date(outline.as_of)
        from helpers.engine.warehouse.evaluators import open_journeys

        evaluator = evaluate_journeys(open_journeys(company, as_of))
        labels = evaluator.outline.labels
        filters = {
            id: tuple(find_codes(labels[id], outline.labels[id][list(codes)]) if id in labels else ())
            for id, codes in question.filters.items()
        }
        question.cache[key] = Question(
            evaluator,
            question.axis,
            filters,
            question.horizon,
            question.confidence,
            question.maturity,
            question.fiscal_year_start,
        )
    local = question.cache[key]
    if not set(lens.by) <= set(local.outline.labels):
        return None
    return Lens(local, lens.by, lens.shown_as)
