"""The ideal customer people describe beside the deals that were won: which lie outside, and do those inside pay?"""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.icp_attributes import Attribute, find_values, matches_attribute, read_attributes
from helpers.analyses.too_large import is_too_large, say_too_large
from helpers.engine.doubt import wilson_interval
from helpers.model.survey import Survey
from helpers.units import format_value

if TYPE_CHECKING:
    from helpers.answers.survey import Response

DEAL_COLUMNS = [
    "deal_id", "name", "closed_at", "amount", "outcome", "is_recent_win",
    "attribute", "actual", "stated", "fit", "n_people", "n_outside",
]  # fmt: skip
SUMMARY_COLUMNS = [
    "attribute", "stated", "n_people", "n_recent", "recent_fit_share", "n_won", "won_fit_share",
    "win_rate_inside", "n_inside", "win_rate_outside", "n_outside",
    "deal_size_inside", "deal_size_outside", "sentence", "is_available", "cure",
]  # fmt: skip

ANY = "Every attribute"
"""The summary's row for deals judged by all attributes together."""


def check_icp_fit(
    company: Any, responses: Mapping[str, "Response"], survey: Survey, *, as_of: date, last: int = 20
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare the stated good and bad fit with the deals that were closed.

    A value fits for a person if it is among the good values named (or none were named) and not among the bad ones. A
    deal lies outside an attribute where more than half of the people who described that attribute would say so.

    Args:
        company: The opened company.
        responses: Respondent's id → answers; only of a closed round.
        survey: The survey's definition; its grids with a good and a bad fit are read, of companies and of buyers.
        as_of: The last day that counts.
        last: How many of the latest wins are looked at.

    Returns:
        Two frames. *Deals*: one row per closed new-business deal and attribute, latest first, with ``DEAL_COLUMNS``;
        ``fit`` is ``inside``, ``outside`` or ``unknown`` (the CRM doesn't say). *Summary*: one row per attribute, and
        one for every attribute together, with ``SUMMARY_COLUMNS``; shares 0–1 of the deals whose value is known, money
        in the company's currency. Where the CRM lacks an attribute ``is_available`` is False and ``cure`` says what to
        do. Both are empty where nobody has described the ICP.
    """
    attributes = read_attributes(responses, survey)
    if not attributes:
        return pd.DataFrame(columns=DEAL_COLUMNS), pd.DataFrame(columns=SUMMARY_COLUMNS)
    closed = find_closed_deals(company, as_of, last)
    parts, rows = [], []
    for attribute in attributes:
        actual = None if closed is None else find_values(company, closed, "deal", attribute)
        if actual is None:
            rows.append(_missing_row(attribute, say_cure(company, attribute, has_deals=closed is not None)))
            continue
        part = _judge(closed, actual, attribute).assign(attribute=attribute.label, stated=attribute.say())
        parts.append(part)
        rows.append(_summarise(part, attribute.label, company.currency))
    deals = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=DEAL_COLUMNS)
    if len(parts) > 1:
        rows.append(_summarise(_judge_together(deals), ANY, company.currency))
    return deals[DEAL_COLUMNS], pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def say_cure(company: Any, attribute: Attribute, *, has_deals: bool) -> str:
    """Say what to do where the CRM doesn't carry an attribute, or carries it on records too many to be fetched."""
    if not has_deals:
        return "Bring an export of deals with close date and outcome."
    if attribute.of_buyer and is_too_large(company, "contact"):
        return say_too_large(company, ("contact",))
    where = "the contact" if attribute.of_buyer else "the company or the deal"
    return f"Map a column of {where} to {attribute.id} in company.toml."


def list_offending_deals(deals: pd.DataFrame) -> pd.DataFrame:
    """List the latest wins that lie outside the stated ICP.

    Returns:
        One row per deal, latest first: deal_id, its name (missing where the export has none), closed_at, amount, and
        why, such as ``Employees 30 (stated: 100+)``.
    """
    outside = deals[deals["is_recent_win"].astype(bool) & (deals["fit"] == "outside")]
    columns = ["deal_id", "name", "closed_at", "amount", "why"]
    if outside.empty:
        return pd.DataFrame(columns=columns)
    why = outside["attribute"] + " " + outside["actual"] + " (stated: " + outside["stated"] + ")"
    grouped = outside.assign(why=why).groupby("deal_id", sort=False)
    first = dict.fromkeys(("name", "closed_at", "amount"), "first")
    listed = grouped.agg({**first, "why": "; ".join}).reset_index()[columns]
    return listed.sort_values("closed_at", ascending=False, kind="stable", ignore_index=True)


def find_closed_deals(company: Any, as_of: date, last: int = 20) -> pd.DataFrame | None:
    """Return the closed deals of new business up to a day, latest first; None where the exports can't tell them.

    Returns:
        The rows of the deals with ``is_recent_win``: whether it is one of the latest ``last`` wins.
    """
    deals = company.tables.get("deal")
    if deals is None or not {"closed_at", "outcome", "amount"} <= set(deals.columns):
        return None
    seen = deals["outcome"].isin(["won", "lost"]) & (deals["closed_at"] < pd.Timestamp(as_of) + pd.Timedelta(days=1))
    if "is_new_business" in deals:
        seen &= deals["is_new_business"].fillna(True).astype(bool)
    closed = deals[seen].sort_values(["closed_at", "id"], ascending=False, ignore_index=True)
    won = closed["outcome"] == "won"
    return closed.assign(is_recent_win=won & (won.cumsum() <= last))


def _judge(closed: pd.DataFrame, actual: pd.Series, attribute: Attribute) -> pd.DataFrame:
    verdicts, people = {}, attribute.pairs
    for value in actual.dropna().unique():
        verdicts[value] = sum(
            bool(good and not matches_attribute(attribute, value, good))
            or bool(bad and matches_attribute(attribute, value, bad))
            for good, bad in people
        )
    n_outside = actual.map(verdicts)
    fit = (
        pd.Series("inside", index=closed.index)
        .mask(n_outside > len(people) / 2, "outside")
        .mask(actual.isna(), "unknown")
    )
    return pd.DataFrame(
        {
            "deal_id": closed["id"],
            "name": closed["name"] if "name" in closed else pd.Series(pd.NA, index=closed.index, dtype="str"),
            "closed_at": closed["closed_at"],
            "amount": closed["amount"],
            "outcome": closed["outcome"],
            "is_recent_win": closed["is_recent_win"],
            "actual": [_show(value) for value in actual],
            "fit": fit.astype("str"),
            "n_people": len(people),
            "n_outside": n_outside.fillna(0).astype("int64"),
        }
    )


def _judge_together(deals: pd.DataFrame) -> pd.DataFrame:
    fits = deals.groupby("deal_id", sort=False)["fit"].agg(set)
    together = fits.map(
        lambda found: "outside" if "outside" in found else "unknown" if "unknown" in found else "inside"
    )
    first = deals.drop_duplicates("deal_id").set_index("deal_id")
    return first.assign(fit=together, stated="", n_people=deals["n_people"].max()).reset_index()


def _summarise(part: pd.DataFrame, label: str, currency: str) -> dict[str, Any]:
    known = part[part["fit"] != "unknown"]
    won = known[known["outcome"] == "won"]
    recent = known[known["is_recent_win"].astype(bool)]
    row: dict[str, Any] = {
        "attribute": label,
        "stated": part["stated"].iloc[0] if len(part) else "",
        "n_people": int(part["n_people"].max()) if len(part) else 0,
        "n_recent": len(recent),
        "recent_fit_share": _share(recent["fit"] == "inside"),
        "n_won": len(won),
        "won_fit_share": _share(won["fit"] == "inside"),
        "is_available": True,
        "cure": "",
    }
    for side in ("inside", "outside"):
        deals = known[known["fit"] == side]
        row |= {
            f"win_rate_{side}": _share(deals["outcome"] == "won"),
            f"n_{side}": len(deals),
            f"deal_size_{side}": won.loc[won["fit"] == side, "amount"].mean(),
        }
    return row | {"sentence": _say_fit(row, label, currency)}


def _say_fit(row: Mapping[str, Any], label: str, currency: str) -> str:
    if not row["n_recent"]:
        return f"None of the latest wins has a known value of {label.lower()}"
    outside = round((1 - row["recent_fit_share"]) * row["n_recent"])
    stated = f" ({row['stated']})" if row["stated"] else ""
    wins = f"{outside} of the last {row['n_recent']} wins"
    text = f"{wins} lie outside what people call a good fit by {label.lower()}{stated}"
    if row["n_inside"] and row["n_outside"]:
        low, high = wilson_interval(row["win_rate_outside"] * row["n_outside"], row["n_outside"])
        inside, out = (format_value(row[f"win_rate_{side}"], "share") for side in ("inside", "outside"))
        differs = "" if not low <= row["win_rate_inside"] <= high else ", no clear difference"
        text += f"; win rate inside {inside}, outside {out}{differs}"
    return text


def _missing_row(attribute: Attribute, cure: str) -> dict[str, Any]:
    return {
        "attribute": attribute.label,
        "stated": attribute.say(),
        "n_people": len(attribute.statements),
        "n_recent": 0,
        "n_won": 0,
        "n_inside": 0,
        "n_outside": 0,
        "sentence": f"The CRM doesn't say {attribute.label.lower()}",
        "is_available": False,
        "cure": cure,
    }


def _share(mask: pd.Series) -> float | None:
    return float(mask.mean()) if len(mask) else None


def _show(value: Any) -> str:
    if pd.isna(value):
        return ""
    return f"{value:,.0f}" if isinstance(value, float) else str(value)
