"""Folding and rolling up give what counting record by record gives, whatever the records and however they are cut."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.engine import folding, local_evaluator, roll_up, slicing
from helpers.engine.aggregates import Aggregate, Durations, Event, Histogram, Step
from helpers.engine.folding import fold_records
from helpers.engine.journeys import Journeys, Records
from helpers.engine.local_evaluator import LocalEvaluator, SlicedRecords
from helpers.engine.slicing import Lens, Question
from helpers.engine.timeline import NO_DAY, PeriodAxis
from tests.engine.plain_evaluator import count_plainly, read_answer

STAGES = ("lead", "mql", "won")
SIZES = {"country": 5, "region": 3, "owner": 4, "tier": 1}
WHERE = (("owner", ("owner 0", "owner 2", "nobody")),)


def make_records(rng: np.random.Generator, n: int, *, weighted: bool = False, sizes=None) -> Records:
    """Return records whose stages come in any order or not at all; the region mostly follows from the country."""
    sizes = sizes or SIZES
    reached = {}
    for stage in STAGES:
        days = np.where(rng.random(n) < 0.3, NO_DAY, rng.integers(-5, 45, n)).astype(np.int32)
        reached[stage, "all"] = days
        reached[stage, "new"] = (
            days if stage == "lead" else np.where(rng.random(n) < 0.3, NO_DAY, days).astype(np.int32)
        )
    codes = {id: rng.integers(0, size, n).astype(np.int32) for id, size in sizes.items()}
    if "region" in codes and rng.random() < 0.7:
        codes["region"] = codes["country"] % sizes["region"]
    known = rng.random(n) < 0.6
    cents = np.where(known, rng.integers(-100_000, 10_000_000, n), 0)
    weight = rng.integers(0, 500, n).astype(float) if weighted else None
    return Records("deal", n, reached, {"amount": cents}, {"amount": known}, codes, weight=weight)


def make_question(records: Records, axis: PeriodAxis, filters=None, sizes=None) -> Question:
    """Return a question about nothing but these records."""
    labels = {
        id: np.array([*(f"{id} {i}" for i in range(size - 1)), "(blank)"], dtype="O")
        for id, size in (sizes or SIZES).items()
    }
    homes = dict.fromkeys(STAGES, "deal")

    class History:
        outcome = np.zeros(records.n, int)

    journeys = Journeys({"deal": records}, labels, homes, 0, 40, 40, 40, History, None)
    return Question(LocalEvaluator(journeys), axis, filters or {}, None, 0.9, 0.9)


def list_needs() -> list:
    """Return every kind of need there is."""
    events = [
        Event("deal", stage, business, where)
        for stage in STAGES
        for business in ("all", "new")
        for where in ((), WHERE)
    ]
    steps = [None, Step("lead", "mql"), Step("mql", "won", "new", "all", within=7)]
    needs = [Aggregate(event, step) for event in events for step in steps]
    needs += [Aggregate(event, step, "amount", power) for event in events[::3] for step in steps for power in (0, 1, 2)]
    return [*needs, *(Histogram(event, step) for event in events[::2] for step in steps[1:])]


NEEDS = list_needs()
LENSES = [(), *((id,) for id in SIZES), *permutations(SIZES, 2), ("owner", "tier", "country"), ("region", "region")]


def make_axis(n: int) -> PeriodAxis:
    starts = np.arange(n, dtype=np.int64) * 10
    return PeriodAxis("month", starts, starts + 9)


def check(records: Records, question: Question, needs, lenses, *, rel: float = 1e-12) -> None:
    """Compare every answer with the plain count."""
    laid = [Lens(question, by) for by in lenses]
    found = question.evaluator.evaluate(question, {lens: needs for lens in laid})
    for lens in laid:
        for need in needs:
            expected = count_plainly(records, question.axis, need, lens.by, question.outline.labels, question.filters)
            got = read_answer(found[need, lens.by], lens)
            if isinstance(need, Aggregate) and need.power == 2:
                assert got == pytest.approx(expected, rel=rel), (need, lens.by)
            else:
                assert got == expected, (need, lens.by)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_folding_equals_counting_record_by_record(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6), label="seed"))
    records = make_records(rng, data.draw(st.sampled_from([0, 1, 7, 40]), label="n"), weighted=data.draw(st.booleans()))
    needs = data.draw(st.lists(st.sampled_from(NEEDS), min_size=1, max_size=8, unique=True), label="needs")
    lenses = data.draw(st.lists(st.sampled_from(LENSES), min_size=1, max_size=6, unique=True), label="lenses")
    filters = data.draw(
        st.dictionaries(st.sampled_from(["country", "owner"]), st.sampled_from([(), (0,), (1, 2)]), max_size=2),
        label="filters",
    )
    question = make_question(records, make_axis(data.draw(st.sampled_from([0, 1, 4]), label="periods")), filters)
    check(records, question, needs, lenses)


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (folding, "MOST_STATES", 4),
        (folding, "JOINED", 2),
        (folding, "SPARSE_SHARE", 1.1),
        (local_evaluator, "DENSE_STATES", 0),
        (local_evaluator, "DENSE_STATES", 60),
        (local_evaluator, "CHUNK", 3),
        (roll_up, "TOGETHER", 0),
        (roll_up, "TOGETHER", 10**9),
        (roll_up, "CELLS_PER_RECORD", 0),
        (roll_up, "CELLS_PER_RECORD", 10**9),
        (slicing, "DENSE_CELLS", 0),
        (slicing, "DENSE_CELLS", 30),
    ],
    ids=lambda value: str(getattr(value, "__name__", value)),
)
def test_every_limit_leads_to_the_same_cells(monkeypatch, module, name, value):
    monkeypatch.setattr(module, name, value)
    records = make_records(np.random.default_rng(3), 60)
    check(records, make_question(records, make_axis(3)), NEEDS[::3], LENSES)
    check(records, make_question(records, make_axis(3), {"country": (0, 1)}), NEEDS[1::5], LENSES)


def test_two_partitions_of_five_thousand_values_are_counted_by_what_occurs():
    """25 million slices: only those that occur are numbered; compared with pandas' own groups."""
    rng, sizes, n = np.random.default_rng(5), {"account": 5_000, "campaign": 5_000, "region": 3}, 4_000
    records = make_records(rng, n, sizes={"country": 3, **sizes})
    question = make_question(records, make_axis(2), sizes={"country": 3, **sizes})
    lens, need = Lens(question, ("account", "campaign")), Aggregate(Event("deal", "lead"))
    assert lens.is_sparse
    found = read_answer(question.evaluator.evaluate(question, {lens: [need]})[need, lens.by], lens)
    frame = pd.DataFrame({**records.codes, "day": records.reached["lead", "all"]})
    frame = frame[(frame["day"] != NO_DAY) & (frame["day"] <= 19)]
    frame["column"] = np.where(frame["day"] < 0, 0, frame["day"] // 10 + 1)
    expected = frame.groupby(["account", "campaign", "column"]).size()
    assert found == {((a, c), column): size for (a, c, column), size in expected.items()}


@pytest.mark.parametrize("weighted", [False, True])
def test_answers_add_up_over_parts_of_the_records(weighted):
    records = make_records(np.random.default_rng(9), 50, weighted=weighted)
    question = make_question(records, make_axis(3))
    needs = [need for need in NEEDS if isinstance(need, Aggregate)][::4]
    lenses = [Lens(question, by) for by in LENSES]
    whole = question.evaluator.evaluate(question, {lens: needs for lens in lenses})
    added: dict = {}
    for rows in np.array_split(np.arange(50), 4):
        part = Records(
            "deal", len(rows),
            {key: days[rows] for key, days in records.reached.items()},
            {"amount": records.cents["amount"][rows]}, {"amount": records.known["amount"][rows]},
            {id: codes[rows] for id, codes in records.codes.items()},
            weight=None if records.weight is None else records.weight[rows],
        )  # fmt: skip
        fold = fold_records(part, question.axis, needs, question.outline.labels)
        sliced = SlicedRecords(part, question.outline.labels).slice(fold, {lens: needs for lens in lenses}, None, 4)
        for key, answer in sliced.items():
            added[key] = added.get(key, 0) + answer
    for key, answer in whole.items():
        np.testing.assert_allclose(added[key], answer, rtol=1e-12, err_msg=str(key))


def test_durations_are_counted_over_all_records_whatever_the_filters():
    records = make_records(np.random.default_rng(4), 80)
    question = make_question(records, make_axis(3), {"country": (0,)})
    asked = Durations("deal", Step("lead", "won"))
    spread = question.evaluator.count_durations(question, [asked])[asked]
    start, stop = records.reached["lead", "all"], records.reached["won", "all"]
    took = (stop - start)[(start != NO_DAY) & (stop != NO_DAY) & (stop >= start)]
    assert dict(zip(spread.days.tolist(), spread.n.tolist(), strict=True)) == pd.Series(took).value_counts().to_dict()


def test_a_partition_that_follows_from_another_is_never_counted_beside_it():
    """The region follows from the country: one block holds both, and every lens is rolled up from it."""
    codes = {"country": np.array([0, 1, 2, 3, 0, 3]), "region": np.array([0, 0, 1, 1, 0, 1])}
    hierarchy = roll_up.find_hierarchy(codes, {"country": 4, "region": 2})
    assert hierarchy.maps["country", "region"].tolist() == [0, 0, 1, 1]
    assert ("region", "country") not in hierarchy.maps
    lenses = [(), ("country",), ("region",), ("region", "country"), ("country", "region")]
    plan = roll_up.plan_blocks(lenses, hierarchy, n=6, size=1)
    assert plan.blocks == (("country",),)
    cells = np.array([[2], [1], [1], [2]])
    assert roll_up.roll_up(cells, plan.routes["region",]).tolist() == [[3], [3]]
    both = roll_up.roll_up(cells, plan.routes["region", "country"])
    assert both.ravel().tolist() == [2, 1, 0, 0, 0, 0, 1, 2]
