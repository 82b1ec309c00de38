"""Do people agree with each other? Spread of numbers, share of choices, overlap of lists, and words that differ."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.model.survey import Survey, SurveyField
from helpers.units import format_median, format_value

if TYPE_CHECKING:
    from helpers.answers.survey import Response

ANSWER_COLUMNS = [
    "question_id", "item", "tab", "question", "label", "type", "unit", "respondent", "team", "answer", "number",
]  # fmt: skip
AGREEMENT_COLUMNS = [
    "question_id", "item", "tab", "question", "label", "type", "unit", "n",
    "low", "median", "high", "mean", "cv", "entropy", "agreement", "commonest", "sentence", "measure",
]  # fmt: skip
DEFINITION_COLUMNS = ["term", "respondent", "team", "meaning", "words", "agreement", "n_same"]

BETWEEN_VALUES = r"\s*(?:;|,(?!\d{3}(?!\d)))\s*"
"""Between two values of a list; the comma of 2,000 is none."""

SAME_WORDS = 0.5
"""Two texts count as the same point once they share this part of their words that carry meaning."""

SMALL_WORDS = frozenset(
    "a an and are as at be by for from in into is it more of on or our than that the to we with".split()
)


def list_answers(survey: Survey, responses: Mapping[str, "Response"]) -> pd.DataFrame:
    """List every answer that was given.

    Args:
        survey: The survey's definition.
        responses: Respondent's id → answers; hand in only what may be seen (``Answers.visible_survey``).

    Returns:
        One row per question, item and respondent, with ``ANSWER_COLUMNS``, in the survey's order. A grid has one row
        per cell: ``question_id`` is ``grid.column`` and ``item`` the row's name; the rows' names themselves are one
        answer under the grid's own id where people could add rows. ``answer`` is text as a reader says it, ``number``
        the number in the question's unit (a share 0–1; an amount per month or quarter as a year's worth), missing for
        other types. Empty where nobody has answered.
    """
    rows: list[dict[str, Any]] = []
    for tab, field in survey.fields():
        for response in responses.values():
            value = response.values.get(field.id)
            if value is None:
                continue
            who = {"tab": tab.id, "respondent": response.name, "team": response.team}
            cells = _open_grid(field, value) if field.type == "grid" else [(field.id, "", field, value, 1.0)]
            for question_id, item, asked, cell, factor in cells:
                text, number = say_answer(asked, cell)
                number = None if number is None else number * factor
                label = asked.label if asked is field else f"{field.label} {asked.label}"
                short = asked.short or asked.label
                named = f"{short} ({item})" if item else short
                row = {"question_id": question_id, "item": item, "question": label, "label": named, "type": asked.type}
                rows.append({**who, **row, "unit": asked.unit, "answer": text, "number": number})
    frame = pd.DataFrame(rows, columns=ANSWER_COLUMNS)
    texts = [column for column in ANSWER_COLUMNS if column != "number"]
    return frame.astype({**dict.fromkeys(texts, "str"), "number": "float64"})


def say_answer(field: SurveyField, value: Any) -> tuple[str, float | None]:
    """Say an answer as text, and as a number where it is one.

    >>> say_answer(SurveyField(id="x", label="On track?", type="yes_no_unknown"), "unknown")
    ("Don't know", None)
    """
    if field.type in ("number", "currency"):
        return f"{value:g}" if abs(value) < 1e6 and value != int(value) else f"{value:.0f}", float(value)
    if field.allowed:
        chosen = value if isinstance(value, list | tuple) else [value]
        return "; ".join(field.allowed.get(str(item), str(item)) for item in chosen), None
    return ("; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)), None


def measure_agreement(answers: pd.DataFrame, survey: Survey, *, currency: str = "USD") -> pd.DataFrame:
    """Measure per question how far people agree.

    Args:
        answers: What ``list_answers`` returns.
        survey: The survey's definition.
        currency: The company's currency, for the sentences.

    Returns:
        One row per question and item answered by at least two people, strongest disagreement first, with
        ``AGREEMENT_COLUMNS``. ``agreement`` is 0–1: of numbers 1 − their coefficient of variation (never below 0), of
        choices the share of the commonest one, of lists the mean overlap of two people's lists (shared ÷ all). ``cv``
        is sample standard deviation ÷ mean; ``entropy`` is in bits, 0 where all chose alike; ``sentence`` is what
        people say and ``measure`` how far that agrees, in words. Texts have no row.

    Source: coefficient of variation, Shannon entropy and Jaccard overlap by their usual formulas.
    """
    fields = _compared_fields(survey)
    rows = []
    for (question_id, _), group in answers.groupby(["question_id", "item"], sort=False):
        field = fields.get(str(question_id))
        if field is None or len(group) < 2:
            continue
        first = group.iloc[0]
        shared = {column: first[column] for column in AGREEMENT_COLUMNS[:7]}
        rows.append({**shared, "n": len(group), **_measure(field, group, currency)})
    frame = pd.DataFrame(rows, columns=AGREEMENT_COLUMNS)
    numbers = ["low", "median", "high", "mean", "cv", "entropy", "agreement"]
    frame = frame.astype({column: "float64" for column in numbers})
    return frame.sort_values("agreement", kind="stable", ignore_index=True)


def compare_priorities(
    responses: Mapping[str, "Response"], survey: Survey, *, question: str = "top_priorities"
) -> dict[str, Any]:
    """Compare people's top three priorities.

    Two priorities count as the same where half of their words that carry meaning coincide; the texts are beside the
    number so that a reader can disagree.

    Returns:
        One record: ``n`` people, ``overlap`` (mean over pairs, 0–1), ``same_pairs`` (share of pairs who name the same
        ones), ``is_shared`` (everybody names the same ones), ``in_all`` and ``distinct`` (how many priorities),
        ``lists`` (name → priorities), ``references`` (published figures with their source) and ``sentence``. Numbers
        are None with fewer than two people.
    """
    lists = {r.name: list(r.values[question]) for r in responses.values() if r.values.get(question)}
    pairs = list(combinations(lists.values(), 2))
    references = [survey.references[name] for name in ("shared_priorities", "expected_agreement")]
    record: dict[str, Any] = {"n": len(lists), "lists": lists, "references": references}
    if not pairs:
        empty = dict.fromkeys(("overlap", "same_pairs", "is_shared", "in_all", "distinct"))
        return {**record, **empty, "sentence": "Fewer than two people have named their priorities."}
    overlaps = [overlap(first, second) for first, second in pairs]
    kinds = group_texts([text for texts in lists.values() for text in texts])
    holders = Counter(kind for texts in lists.values() for kind in {kinds[text] for text in texts})
    in_all = sum(count == len(lists) for count in holders.values())
    record |= {
        "overlap": sum(overlaps) / len(overlaps),
        "same_pairs": sum(value == 1 for value in overlaps) / len(overlaps),
        "is_shared": all(value == 1 for value in overlaps),
        "in_all": in_all,
        "distinct": len(holders),
    }
    whole = "Everybody names the same ones" if record["is_shared"] else _say_shared(in_all)
    distinct = f"{len(holders)} different {'priority' if len(holders) == 1 else 'priorities'}"
    return {**record, "sentence": f"{len(lists)} people name {distinct}. {whole}."}


def compare_definitions(responses: Mapping[str, "Response"], survey: Survey) -> pd.DataFrame:
    """Set side by side what people mean by MQL, SQL, customer and churn.

    Returns:
        One row per term and person who answered, the most disputed term first, with ``DEFINITION_COLUMNS``;
        ``agreement`` is the share of people who chose the commonest meaning, ``n_same`` how many chose this one, the
        person included. Empty where nobody answered.
    """
    rows = []
    tab = survey.tabs.get("definitions")
    for group in tab.groups if tab else ():
        choice = next(field for field in group.fields if field.type == "choice")
        own_words = next((field.id for field in group.fields if field.type != "choice"), "")
        given = [r for r in responses.values() if r.values.get(choice.id)]
        counts = Counter(r.values[choice.id] for r in given)
        share = max(counts.values()) / len(given) if given else None
        for r in given:
            meaning = choice.choices[r.values[choice.id]]
            words = r.values.get(own_words, "")
            told = (group.label, r.name, r.team, meaning, words, share, counts[r.values[choice.id]])
            rows.append(dict(zip(DEFINITION_COLUMNS, told, strict=True)))
    frame = pd.DataFrame(rows, columns=DEFINITION_COLUMNS)
    return frame.sort_values("agreement", kind="stable", ignore_index=True)


def overlap(
    first: Sequence[str], second: Sequence[str], *, group: Callable[[Iterable[str]], dict[str, int]] | None = None
) -> float:
    """Return how far two lists of texts overlap: shared ÷ all, 0–1; two empty lists overlap wholly.

    Texts are compared as people word them, or as ``group`` numbers them.

    >>> overlap(["Win the US", "Halve churn"], ["halve the churn", "Hire more AEs"])
    0.3333333333333333
    """
    left, kinds = list(first), (group or group_texts)([*first, *second])
    a, b = {kinds[text] for text in left}, {kinds[text] for text in second}
    return len(a & b) / len(a | b) if a | b else 1.0


def group_texts(texts: Iterable[str]) -> dict[str, int]:
    """Give texts that say the same one number: text → number of its group, in order of appearance."""
    groups: list[frozenset[str]] = []
    numbers: dict[str, int] = {}
    for text in texts:
        words = _words(text)
        scores = [len(words & known) / len(words | known) if words | known else 1.0 for known in groups]
        best = max(range(len(scores)), key=scores.__getitem__, default=None)
        if best is None or scores[best] < SAME_WORDS:
            groups.append(words)
            best = len(groups) - 1
        numbers[text] = best
    return numbers


def number_texts(texts: Iterable[str]) -> dict[str, int]:
    """Give texts that are the same but for capitals and spaces one number; ``<50`` and ``50+`` stay apart.

    >>> number_texts(["50+", "<50", "< 50"])
    {'50+': 0, '<50': 1, '< 50': 1}
    """
    kinds: dict[str, int] = {}
    return {text: kinds.setdefault("".join(text.casefold().split()), len(kinds)) for text in texts}


def _words(text: str) -> frozenset[str]:
    found = re.findall(r"[^\W_]+", text.casefold())
    kept = frozenset(word for word in found if word not in SMALL_WORDS)
    return kept or frozenset(found)


def _open_grid(field: SurveyField, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, SurveyField, Any, float]]:
    """Take a grid apart: question, item, what was asked, the answer, and what turns its number into a year's worth."""
    key, cells = field.columns[0], []
    names = [say_answer(key, row[key.id])[0] for row in rows]
    if not field.rows and not field.rows_from:
        cells.append((field.id, "", field, names, 1.0))
    for name, row in zip(names, rows, strict=True):
        for column in field.columns[1:]:
            if row.get(column.id) is not None:
                per = field.column(column.factor_from) if column.factor_from else None
                factor = per.factors.get(str(row.get(per.id)), 1.0) if per else 1.0
                cells.append((f"{field.id}.{column.id}", name, column, row[column.id], factor))
    return cells


def _compared_fields(survey: Survey) -> dict[str, SurveyField]:
    fields: dict[str, SurveyField] = {}
    for _, field in survey.fields():
        if field.compares:
            fields[field.id] = field
            fields |= {f"{field.id}.{column.id}": column for column in field.columns if column.compares}
    is_plain = {"text", "long_text"}
    return {id: field for id, field in fields.items() if field.type not in is_plain or field.is_list}


def _measure(field: SurveyField, group: pd.DataFrame, currency: str) -> dict[str, Any]:
    if field.type in ("number", "currency") and field.unit != "year":
        return _measure_numbers(field, group["number"].tolist(), currency)
    if field.is_list or field.type in ("ranked", "multiple_choice", "grid"):
        between = BETWEEN_VALUES if field.is_list else "; "
        lists = [[part for part in re.split(between, text) if part] for text in group["answer"]]
        return _measure_lists(lists, in_own_words=field.type == "ranked")
    return _measure_choices(group["answer"].tolist())


def _measure_numbers(field: SurveyField, numbers: list[float], currency: str) -> dict[str, Any]:
    series = pd.Series(numbers)
    mean, deviation = float(series.mean()), float(series.std())
    cv = 0.0 if deviation == 0 else math.inf if mean == 0 else deviation / abs(mean)
    low, high = float(series.min()), float(series.max())
    median = float(series.median())
    unit = field.unit or "count"
    said = [format_value(value, unit, currency=currency) for value in (low, high)]
    middle = format_median(median, unit, low=low, high=high, currency=currency)
    sentence = f"From {said[0]} to {said[1]}, median {middle}"
    if said[0] == said[1]:
        sentence = f"All say {said[0]}" if low == high else f"All say about {said[0]}"
    spread = "no spread" if cv == 0 else f"spread of {format_value(cv, 'share', digits=0)} around the mean"
    shape = {"low": low, "median": median, "high": high, "mean": mean, "cv": cv, "measure": spread}
    return {**shape, "agreement": max(0.0, 1 - cv), "commonest": "", "sentence": sentence}


def _measure_choices(texts: list[str]) -> dict[str, Any]:
    counts = Counter(texts)
    shares = [count / len(texts) for count in counts.values()]
    entropy = abs(sum(share * math.log2(share) for share in shares))
    ranked = sorted(counts.items(), key=lambda pair: -pair[1])
    sentence = ", ".join(f"{count} × {text}" for text, count in ranked)
    sentence = f"All say {texts[0]}" if len(counts) == 1 else sentence
    most = ranked[0][1]
    measure = f"{most} of {len(texts)} say the same" if most > 1 else f"{len(texts)} people, {len(texts)} answers"
    measure = "all say the same" if most == len(texts) else measure
    found = {"entropy": entropy, "agreement": max(shares), "commonest": ranked[0][0]}
    return {**found, "sentence": sentence, "measure": measure}


def _measure_lists(lists: list[list[str]], *, in_own_words: bool) -> dict[str, Any]:
    group = group_texts if in_own_words else number_texts
    overlaps = [overlap(first, second, group=group) for first, second in combinations(lists, 2)]
    mean = sum(overlaps) / len(overlaps)
    kinds = group([text for texts in lists for text in texts])
    holders = Counter(kind for texts in lists for kind in {kinds[text] for text in texts})
    in_all = sum(count == len(lists) for count in holders.values())
    sentence = (
        "All name the same" if mean == 1 else f"{len(holders)} different ones named; {_say_shared(in_all).lower()}"
    )
    names = {kind: text for text, kind in reversed(kinds.items())}
    top = names[holders.most_common(1)[0][0]] if holders else ""
    measure = f"two people share {format_value(mean, 'share', digits=0)} on average"
    measure = "all name the same" if mean == 1 else measure
    return {"agreement": mean, "commonest": top, "sentence": sentence, "measure": measure}


def _say_shared(in_all: int) -> str:
    return "Not one is named by all" if in_all == 0 else f"{in_all} {'is' if in_all == 1 else 'are'} named by all"
