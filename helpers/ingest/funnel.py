"""What became of deals: outcome, stage of the bow-tie, kind of business; all told, none guessed silently."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from helpers.ingest.recognition import read_synonyms
from helpers.ingest.settings import DealStage
from helpers.ingest.values import normalise_key
from helpers.issues import IssueLog

OPEN_STAGE = "opportunity"
"""The stage of the bow-tie at which a deal stands that is neither won nor lost, unless its label says otherwise."""


def label_key(label: str) -> str:
    """Return what stage labels are compared by: case and outer blanks don't count."""
    return str(label).strip().casefold()


def recognise_outcome(label: str) -> str:
    """Tell by a stage's label alone whether it closes a deal.

    >>> [recognise_outcome(label) for label in ["Closed Won", "Lost - no budget", "Wonder", "Contract sent"]]
    ['won', 'lost', 'open', 'open']
    """
    outcomes = read_synonyms()["outcomes"]
    words = " ".join("".join(sign if sign.isalnum() else " " for sign in label.casefold()).split())
    for outcome in ("won", "lost"):
        for known in outcomes[outcome]:
            plain = " ".join("".join(sign if sign.isalnum() else " " for sign in known.casefold()).split())
            if words == plain or words.startswith(f"{plain} ") or normalise_key(label) == normalise_key(known):
                return outcome
            if len(plain.split()) > 1 and f" {plain} " in f" {words} ":
                return outcome
    return "open"


def name_stages(deals: pd.DataFrame, said: Mapping[str, str], *, order: Sequence[str] = ()) -> list[DealStage]:
    """List the deal stages of an export in order, each with its stage of the bow-tie.

    Args:
        deals: The deals with ``stage`` and, where the CRM tells them, ``is_won``, ``is_lost``, ``is_closed``,
            ``outcome`` and ``probability``.
        said: Label key → stage id, what a person has said.
        order: Labels in order, where the export tells one.

    Returns:
        One stage per distinct label: open ones by probability, then by the order given, then as they appear; won and
        lost last.
    """
    if "stage" not in deals:
        return []
    labels = list(dict.fromkeys(deals["stage"].dropna()))
    flags = outcome_by_flags(deals)
    position = {label_key(label): number for number, label in enumerate(order)}
    found = []
    for number, label in enumerate(labels):
        there = deals["stage"].eq(label).fillna(False)
        stage = said.get(label_key(label)) or _guess_stage(label, flags[there])
        probability = _mean_probability(deals, there, stage)
        rank = ({"won": 1, "lost": 2}.get(stage, 0), probability or 0.0, position.get(label_key(label), len(position)))
        found.append(((*rank, number), DealStage(label=label, stage=stage, probability=probability)))
    return [stage for _, stage in sorted(found, key=lambda pair: pair[0])]


def _guess_stage(label: str, flags: pd.Series) -> str:
    known = flags.dropna()
    if len(known):
        outcome = known.mode().iloc[0]
        return OPEN_STAGE if outcome == "open" else str(outcome)
    outcome = recognise_outcome(label)
    return OPEN_STAGE if outcome == "open" else outcome


def _mean_probability(deals: pd.DataFrame, there: pd.Series, stage: str) -> float | None:
    if stage in {"won", "lost"}:
        return 1.0 if stage == "won" else 0.0
    if "probability" not in deals:
        return None
    values = scale_probability(deals["probability"])[there].dropna()
    return round(float(values.median()), 4) if len(values) else None


def scale_probability(values: pd.Series) -> pd.Series:
    """Bring probabilities to 0–1; a column with values above 1 holds percentages."""
    return values / 100 if len(values.dropna()) and values.max() > 1 else values


def outcome_by_flags(deals: pd.DataFrame) -> pd.Series:
    """Tell outcomes by the CRM's own flags: won, lost, open, or missing where they say nothing."""
    outcome = pd.Series(pd.NA, index=deals.index, dtype="str")
    if "outcome" in deals:
        told = {value: recognise_outcome(value) for value in deals["outcome"].dropna().unique()}
        outcome = deals["outcome"].map(told).astype("str")
    if "is_closed" in deals:
        is_open = deals["is_closed"].eq(False).fillna(False)
        outcome = outcome.mask(is_open, "open")
        if "is_won" in deals:
            lost = deals["is_closed"].eq(True).fillna(False) & deals["is_won"].eq(False).fillna(False)
            outcome = outcome.mask(lost, "lost")
    if "is_lost" in deals:
        outcome = outcome.mask(deals["is_lost"].eq(True).fillna(False), "lost")
    if "is_won" in deals:
        outcome = outcome.mask(deals["is_won"].eq(True).fillna(False), "won")
    return outcome


def tell_outcomes(deals: pd.DataFrame, stages: Iterable[DealStage], log: IssueLog) -> pd.DataFrame:
    """Give every deal its outcome, stage of the bow-tie and probability.

    Args:
        deals: The deals.
        stages: What ``company.toml`` says of each stage label; it goes before flags, and flags before labels.
        log: Takes labels that nobody has placed yet.

    Returns:
        The deals with ``outcome`` (won, lost, open), ``stage_id`` and ``probability`` (0–1, missing where unknown).
    """
    placed = {label_key(stage.label): stage for stage in stages}
    deals = deals.copy()
    stage = deals["stage"] if "stage" in deals else pd.Series(pd.NA, index=deals.index, dtype="str")
    keys = {label: label_key(label) for label in stage.dropna().unique()}
    said = stage.map({label: placed[key].stage for label, key in keys.items() if key in placed}).astype("str")
    flags = outcome_by_flags(deals)
    guessed = stage.map({label: recognise_outcome(label) for label in keys}).astype("str")
    by_stage = said.where(said.isna() | said.isin(["won", "lost"]), "open")
    outcome = by_stage.fillna(flags).fillna(guessed).fillna("open")
    _log_new_labels(deals, [label for label, key in keys.items() if key not in placed], bool(placed), log)
    open_id = said.where(said.notna() & ~said.isin(["won", "lost"]), OPEN_STAGE)
    deals["outcome"] = outcome.astype("str")
    deals["stage_id"] = outcome.where(outcome.isin(["won", "lost"]), open_id).astype("str")
    deals["probability"] = _tell_probability(deals, stage, keys, placed)
    return deals


def _tell_probability(
    deals: pd.DataFrame, stage: pd.Series, keys: Mapping[str, str], placed: Mapping[str, DealStage]
) -> pd.Series:
    by_label = {label: placed[key].probability for label, key in keys.items() if key in placed}
    by_stage = pd.to_numeric(stage.map({label: value for label, value in by_label.items() if value is not None}))
    own = scale_probability(deals["probability"]) if "probability" in deals else pd.Series(float("nan"), deals.index)
    closed = deals["outcome"].map({"won": 1.0, "lost": 0.0})
    return by_stage.fillna(own).where(closed.isna(), closed).astype("float64")


def _log_new_labels(deals: pd.DataFrame, labels: Sequence[str], is_said: bool, log: IssueLog) -> None:
    for label in labels if is_said else ():
        there = deals.index[deals["stage"].eq(label).fillna(False)]
        guess = recognise_outcome(label)
        stage = OPEN_STAGE if guess == "open" else guess
        told = "1 deal stands" if len(there) == 1 else f"{len(there):,} deals stand"
        log.add(
            file=str(deals.at[there[0], "source_file"]),
            row=int(deals.at[there[0], "source_row"]),
            column="stage",
            code="new_stage_label",
            severity="warning",
            value=label,
            message=f"{told} in a stage that company.toml does not place; it is taken as {guess}",
            cure=f'Add it in its order to company.toml: [[deal_stages]]\nlabel = "{label}"\nstage = "{stage}"',
        )


def tell_new_business(deals: pd.DataFrame, existing: frozenset[str]) -> pd.Series:
    """Tell which deals are new business: all but those whose type says renewal, upsell and the like; blank is new.

    Args:
        deals: The deals, with ``type`` where the CRM has it.
        existing: Labels in lower case that mean an existing customer.
    """
    if "type" not in deals:
        return pd.Series(True, index=deals.index, dtype="bool")
    keys = {normalise_key(label) for label in existing}
    values = {value: normalise_key(value) in keys for value in deals["type"].dropna().unique()}
    return ~deals["type"].map(values).fillna(False).astype("bool")
