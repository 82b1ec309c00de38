"""Is anybody at fault, or is it what came to them? Every step that people work, adjusted, all judged together.

People before the deal are compared on the records that they work, people who close on win rate and deal size, each with
their like. However many people and steps are looked at, error control covers all of them at once, so that among two
hundred small books nobody is ranked by noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

import pandas as pd

from helpers.analyses.adjusted import (
    ABOVE,
    BELOW,
    SMALL,
    WITHIN,
    Adjusted,
    adjust_rates,
    describe_cleared,
    find_cleared,
)
from helpers.analyses.change import correct
from helpers.analyses.fair_sizes import SIZE_KPI, adjust_sizes
from helpers.analyses.finding import Finding
from helpers.analyses.roles import find_roles, name_role
from helpers.analyses.too_large import is_too_large, say_too_large
from helpers.engine.journeys import build_journeys
from helpers.periods import MONTHS_IN, Period
from helpers.units import format_value, in_sentence

STEP_COLUMNS = [
    "kpi", "label", "role", "n_people", "n_judged", "n", "rate", "unit", "adjusted_for", "spread", "spread_p",
    "n_below", "n_above", "n_cleared", "statement",
]  # fmt: skip
LEAST_IN_ROLE = 3
NOTEBOOK = "05_root_cause_5m"


@dataclass(frozen=True)
class Fairness:
    """Hold the comparisons of everybody's steps.

    Attributes:
        steps: One row per step and role: kpi, label, role, n_people, n_judged, n (records), rate (of all; a deal size
            in currency), unit, adjusted_for (labels), spread (what people differ by beyond mix and chance), spread_p
            (how likely chance makes as much; NaN for deal sizes), n_below, n_above, n_cleared, statement.
        comparisons: The comparisons in the same order; q-values and verdicts hold over all of them together.
        start: First day of the records compared.
        end: Last day.
        n_people: How many people are compared anywhere.
        why_not: Why nobody can be compared.
        left_out: Which records could not be read one by one, so that their steps are missing; empty where all could.
    """

    steps: pd.DataFrame
    comparisons: tuple[Adjusted, ...]
    start: date
    end: date
    n_people: int
    why_not: str = ""
    left_out: str = ""


def review_fairness(
    company, *, period: Period, history: Sequence[Period], as_of: date, by: str = "owner", minimum_n: int | None = None
) -> Fairness:
    """Compare everybody with what came to them, at every step that people work.

    Args:
        company: The opened company.
        period: The period in question.
        history: All periods up to it; a year of them is compared, because of one alone hardly anybody has enough.
        as_of: The last day that counts.
        by: The partition that names people.
        minimum_n: Fewer records are shown and not judged (half of that for deal sizes); at most 20 by default.

    Returns:
        Win rate and deal size of those who close, each conversion before the deal of those who work it; per role where
        at least three people share one. Partitions known only with the outcome are never compared.
    """
    per_year = 12 // MONTHS_IN[period.grain] if period.grain in MONTHS_IN else 1
    within = [one for one in history if one.end <= period.end][-per_year:] or [period]
    start, end = within[0].start, period.end
    least = minimum_n or min(company.catalog.rules.minimum_n, 20)
    question = {"start": start, "end": end, "as_of": as_of, "by": by}
    if by not in company.partitions or company.partitions[by].known == "outcome":
        why_not = "Nobody's records can be told: map the owner of deals or contacts, known before they are decided."
        return Fairness(pd.DataFrame(columns=STEP_COLUMNS), (), start, end, 0, why_not)
    too_large = tuple(one for one in ("contact", "deal") if is_too_large(company, one))
    left_out = say_too_large(company, too_large) if too_large else ""
    found: list[Adjusted | None] = []
    for role in _list_roles(company):
        for kpi in _list_steps(company, as_of, by):
            found.append(adjust_rates(company, **question, kpi=kpi, role=role, minimum_n=least))
        if "deal" not in too_large:
            found.append(adjust_sizes(company, **question, role=role, minimum_n=max(least // 2, 5)))
    told = _correct_together([one for one in found if one is not None and len(one.frame) > 1])
    if not told:
        why_not = left_out or "No step has two people with records that go on and records that don't. Map the owner."
        return Fairness(pd.DataFrame(columns=STEP_COLUMNS), (), start, end, 0, why_not, left_out)
    steps = pd.DataFrame([_sum_up(company, one) for one in told], columns=STEP_COLUMNS)
    people = {name for one in told for name in one.frame["who"]}
    return Fairness(steps, tuple(told), start, end, len(people), "", left_out)


def _list_roles(company) -> list[str]:
    """Return the roles that at least three people share, or one empty role for everybody."""
    people = company.tables.get("person")
    if people is None or not find_roles(company):
        return [""]
    counts = people["role"].dropna().value_counts()
    return sorted(str(role) for role, n in counts.items() if n >= LEAST_IN_ROLE) or [""]


def _list_steps(company, as_of: date, by: str) -> list[str]:
    """Return the win rate and the conversions between neighbouring stages before the deal, of records at hand."""
    journeys = build_journeys(company, as_of=as_of)
    stages = [id for id in company.catalog.stages if id in journeys.homes]
    pairs = set(pairwise(stages))
    steps = []
    for id, kpi in company.catalog.kpis.items():
        measure = kpi.measure
        if measure.kind == "conversion" and (measure.from_stage, measure.to_stage) in pairs and not measure.where:
            home = journeys.homes[measure.from_stage]
            if home == "contact" and not is_too_large(company, home) and by in journeys.records[home].codes:
                steps.append((stages.index(measure.from_stage), id))
    has_win_rate = "win_rate" in company.catalog.kpis and not is_too_large(company, "deal")
    return [id for _, id in sorted(steps)] + (["win_rate"] if has_win_rate else [])


def _correct_together(comparisons: list[Adjusted]) -> list[Adjusted]:
    """Judge everybody at every step under one error control."""
    if not comparisons:
        return []
    p_values = pd.concat([one.frame["p_value"].where(one.frame["verdict"] != SMALL) for one in comparisons])
    q_values, told, at = correct(p_values.to_numpy()), [], 0
    for one in comparisons:
        frame = one.frame.assign(q_value=q_values[at : at + len(one.frame)])
        at += len(frame)
        beyond = frame["q_value"] <= 0.05
        frame.loc[frame["verdict"].isin([BELOW, ABOVE]) & ~beyond, "verdict"] = WITHIN
        told.append(replace(one, frame=frame))
    return told


def _sum_up(company, one: Adjusted) -> dict:
    """Sum up one comparison in a row."""
    verdicts = one.frame["verdict"]
    labels = [company.partitions[id].label for id in one.adjusted_for]
    below, above = int((verdicts == BELOW).sum()), int((verdicts == ABOVE).sum())
    return {
        "kpi": one.kpi,
        "label": one.label,
        "role": one.role,
        "n_people": len(one.frame),
        "n_judged": int((verdicts != SMALL).sum()),
        "n": int(one.frame["n"].sum()),
        "rate": one.rate,
        "unit": "currency" if one.kpi == SIZE_KPI else "share",
        "adjusted_for": ", ".join(in_sentence(label) for label in labels),
        "spread": one.spread,
        "spread_p": one.spread_p,
        "n_below": below,
        "n_above": above,
        "n_cleared": len(find_cleared(one)),
        "statement": _describe_step(one, below, above),
    }


def _describe_step(one: Adjusted, below: int, above: int) -> str:
    """Say what a comparison shows of the system, without a name."""
    people = name_role(one.role)
    judged = int((one.frame["verdict"] != SMALL).sum())
    if not judged:
        return f"None of the {len(one.frame)} {people} has enough records to be judged alone{_say_spread(one)}"
    if below or above:
        parts = [f"{n} of {judged} {way}" for n, way in ((below, "below"), (above, "above")) if n]
        return (
            f"{' and '.join(parts)} what the mix gives, beyond chance: look at what they share (ramp, load, territory, "
            "coaching)"
        )
    if one.dispersion > 1:
        return f"{judged} {people} differ {one.dispersion:.1f} times as much as chance makes; none stands out"
    return f"What {judged} {people} differ by is mix and chance"


def _say_spread(one: Adjusted) -> str:
    if pd.isna(one.spread_p):
        return ""
    if one.spread_p <= 0.05:
        return "; together they differ more than chance makes, so look at what goes with it (territory, load, ramp)"
    return "; together they differ by no more than chance makes"


def list_cleared(fairness: Fairness, currency: str = "USD") -> pd.DataFrame:
    """List by name who is cleared: their raw number stands out, and what came to them explains it.

    Returns:
        One row per person and step: who, label, unit, n, actual, rate (of all), expected (of such records with
        anybody), statement.
    """
    rows = []
    for one in fairness.comparisons:
        unit = "currency" if one.kpi == SIZE_KPI else "share"
        for _, row in find_cleared(one).iterrows():
            statement = describe_cleared(row, one) if unit == "share" else _clear_size(row, one, currency)
            rows.append(
                (row["who"], one.label, unit, row["n"], row["raw_rate"], one.rate, row["expected_rate"], statement)
            )
    return pd.DataFrame(rows, columns=["who", "label", "unit", "n", "actual", "rate", "expected", "statement"])


def _clear_size(row: pd.Series, one: Adjusted, currency: str) -> str:
    amounts = (row["raw_rate"], one.rate, row["expected_rate"])
    raw, whole, fair = (format_value(amount, "currency", currency=currency) for amount in amounts)
    return (
        f"{row['who']} is cleared: what came to them, not what they did with it. Their {row['n']} won deals brought "
        f"{raw} on average against {whole} for all, and such deals bring {fair} with anybody"
    )


def describe_fairness(fairness: Fairness, currency: str = "USD") -> str:
    """Say in one or two sentences what the comparisons show, by name only of who is cleared."""
    if fairness.steps.empty:
        return fairness.why_not
    below = int(fairness.steps["n_below"].sum())
    steps, people = len(fairness.steps), fairness.n_people
    looked = f"{people} people at {steps} {'step' if steps == 1 else 'steps'}"
    if below:
        where = fairness.steps.loc[fairness.steps["n_below"] > 0, "label"].unique()
        said = (
            f"Of {looked}, {below} {'lies' if below == 1 else 'lie'} below what the mix gives, in "
            f"{' and '.join(in_sentence(label) for label in where)}: a question of ramp, load, territory or coaching"
        )
    else:
        said = f"Of {looked}, nobody lies below what came to them"
    cleared = list_cleared(fairness, currency)
    return f"{said}. {cleared['statement'].iloc[0]}" if len(cleared) else said


def find_in_fairness(fairness: Fairness, *, currency: str = "USD") -> list[Finding]:
    """Turn the comparisons into findings: who is cleared, and which step's people need help.

    Args:
        fairness: As made by ``review_fairness``.
        currency: The company's currency.
    """
    found = []
    for row in list_cleared(fairness, currency).to_dict("records"):
        found.append(
            Finding(
                headline=row["statement"],
                evidence={"n": int(row["n"]), "definition": f"{row['label']}, {fairness.start} to {fairness.end}"},
                next_step="Look at how records are handed out before anybody is judged",
                notebook=NOTEBOOK,
                severity="good",
            )
        )
    for step in fairness.steps[fairness.steps["n_below"] > 0].to_dict("records"):
        found.append(
            Finding(
                headline=f"{step['label']}: {step['statement']}",
                kpi=step["kpi"],
                evidence={"n": step["n"], "definition": f"Adjusted for {step['adjusted_for'] or 'nothing'}"},
                next_step="Ask what these people share that the others don't: start date, load, territory, leader",
                notebook=NOTEBOOK,
                severity="note",
            )
        )
    return found
