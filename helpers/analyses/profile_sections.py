"""The parts of the company's profile: what people say together of each, and the CRM's word beside it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from helpers.analyses.consensus import (
    Statement,
    agree_choice,
    agree_number,
    agree_values,
    pick_rows,
    rank_counts,
)
from helpers.analyses.data_health import headline_health
from helpers.analyses.discovery_findings import count_trackable
from helpers.analyses.survey_review import SurveyReview
from helpers.model.survey import Survey
from helpers.units import format_value

POSITION = ("buyer", "need", "product", "category", "benefit", "alternative", "differentiator")


@dataclass(frozen=True)
class ProductLine:
    """One product: what it is, what a deal brings and how long it takes, as people say and as the CRM says."""

    name: str
    description: str
    basis: str
    deal: Statement | None
    cycle: Statement | None
    sold: Statement | None


@dataclass(frozen=True)
class Known:
    """What people and CRM say, by question and item.

    Attributes:
        answers: Question and item → everybody's answers, as ``list_answers`` tells them.
        gut: Question and item → its comparison with the CRM.
        asked: How many people have answered anything.
        currency: The company's currency.
    """

    answers: Mapping[tuple[str, str], Sequence[Mapping[Any, Any]]]
    gut: Mapping[tuple[str, str], Mapping[Any, Any]]
    asked: int
    currency: str

    def texts(self, question_id: str) -> list[str]:
        """Return what people answered to a question, as texts."""
        return [str(row["answer"]) for row in self.answers.get((question_id, ""), ())]

    def state(self, question_id: str, *, item: str = "", label: str = "") -> Statement | None:
        """State one question: what people say together, and the CRM beside it where it can tell."""
        rows = self.answers.get((question_id, item), ())
        if not rows:
            return None
        named = label or str(rows[0]["label"])
        if rows[0]["type"] in ("number", "currency"):
            numbers = [row["number"] for row in rows]
            said = agree_number(named, numbers, rows[0]["unit"], currency=self.currency, asked=self.asked)
        else:
            said = agree_choice(named, [str(row["answer"]) for row in rows], asked=self.asked)
        row = self.gut.get((question_id, item))
        return _beside_crm(said, row, self.currency) if said and row and row["is_available"] else said


def index_known(review: SurveyReview, currency: str) -> Known:
    """Look up a closed round's answers and comparisons by question and item."""
    answers: dict[tuple[str, str], list[Mapping[Any, Any]]] = {}
    for row in review.answers.to_dict("records"):
        answers.setdefault((row["question_id"], row["item"]), []).append(row)
    gut = {(row["question_id"], row["item"]): row for row in review.gut.to_dict("records")}
    return Known(answers, gut, review.n_respondents, currency)


def build_facts(known: Known) -> tuple[Statement, ...]:
    """State what the company is: employees, founded, CRM and since when, active customers."""
    wanted = ("employees", "founded", "crm", "crm_adopted", "active_customers")
    return tuple(found for id in wanted if (found := known.state(id)))


def _beside_crm(said: Statement, row: Mapping[Any, Any], currency: str) -> Statement:
    n = "" if row["crm_n"] != row["crm_n"] else f" (n {row['crm_n']:,.0f})"
    if row["check"] == "on_track":
        crm = f"{row['crm_also']}: {format_value(row['crm_value'], 'share')} of what should be won by now{n}"
    elif row["check"] == "leading_value":
        crm = f"{row['crm_also']} {format_value(row['crm_value'], 'share')} of closed revenue{n}"
    elif row["crm_value"] != row["crm_value"]:
        return said
    else:
        value = format_value(row["crm_value"], str(row["unit"] or "count"), currency=currency)
        also = [
            f"{name} {format_value(number, str(row['unit']), currency=currency)}" for name, number in row["crm_marks"]
        ]
        before = "year before " if row["check"] == "goal_history" else ""
        crm = f"{before}{value}{n}" + (f"; {', '.join(also)}" if also else "")
    return Statement(said.label, said.text, said.basis, crm, said.is_disputed, bool(row["is_off"]), said.detail)


def build_products(known: Known, responses: Mapping[str, Any]) -> tuple[ProductLine, ...]:
    """List what is sold, the products that most people name first."""
    rows = pick_rows(responses.values(), "products")
    counts = Counter(str(row["name"]) for row in rows)
    people = sum(bool(response.values.get("products")) for response in responses.values())
    described: dict[str, str] = {}
    for row in rows:
        described.setdefault(str(row["name"]), str(row.get("description", "")))
    return tuple(
        ProductLine(
            name=name,
            description=described[name],
            basis=f"{count} of {people}",
            deal=known.state("products.average_deal", item=name, label="Deal"),
            cycle=known.state("products.cycle_days", item=name, label="Cycle"),
            sold=known.state("products.motion", item=name, label="Sold"),
        )
        for name, count in counts.most_common()
    )


def build_positioning(responses: Mapping[str, Any]) -> Statement | None:
    """Take the fullest wording of one person; wordings of several people can't be mixed."""
    wordings = []
    for response in responses.values():
        parts = {part: str(response.values.get(f"position_{part}", "")).strip(" .") for part in POSITION}
        if any(parts.values()):
            wordings.append((sum(map(bool, parts.values())), response.name, parts))
    if not wordings:
        return None
    _, name, parts = max(wordings, key=lambda wording: wording[0])
    n = len(wordings)
    basis = f"as {name} words it; {n} people worded it" if n > 1 else f"as {name} words it, nobody else did"
    return Statement("Positioning", write_positioning(parts), basis, is_disputed=n > 1)


def write_positioning(parts: Mapping[str, str]) -> str:
    """Write the positioning statement from its parts; what is missing is left out.

    >>> write_positioning({"buyer": "dispatchers", "need": "replan by hand", "product": "Planner", "category": "aid"})
    'For dispatchers who replan by hand, Planner is an aid.'
    """
    said = {part: parts.get(part, "") for part in POSITION}
    opening = " ".join(f"{word} {said[part]}" for word, part in (("For", "buyer"), ("who", "need")) if said[part])
    claim = said["product"] or "our product"
    article = "an" if said["category"][:1].lower() in set("aeiou") else "a"
    claim += f" is {article} {said['category']}" if said["category"] else ""
    claim += f" that {said['benefit']}" if said["benefit"] else ""
    first = f"{opening}, {claim}." if opening else f"{claim[:1].upper()}{claim[1:]}."
    if not said["differentiator"]:
        return first
    unlike = f"Unlike {said['alternative']}, it" if said["alternative"] else "It"
    return f"{first} {unlike} {said['differentiator']}."


def build_icp(survey: Survey, review: SurveyReview, responses: Mapping[str, Any]) -> tuple[Statement, ...]:
    """State who fits and who doesn't, attribute by attribute, beside the latest wins."""
    found = []
    for grid in ("business_fit", "buyer_fit"):
        rows = pick_rows(responses.values(), grid)
        for id, label in survey.field(grid).column("attribute").choices.items():
            own = [row for row in rows if row["attribute"] == id]
            good = agree_values(label, [str(row.get("good_fit", "")) for row in own], asked=review.n_respondents)
            bad = agree_values(label, [str(row.get("bad_fit", "")) for row in own], asked=review.n_respondents)
            if good or bad:
                found.append(_join_fit(label, good, bad, review))
    return tuple(found)


def _join_fit(label: str, good: Statement | None, bad: Statement | None, review: SurveyReview) -> Statement:
    base = good or bad
    told = review.icp[(review.icp["attribute"] == label) & review.icp["is_available"].astype(bool)]
    crm, is_off = "", False
    if len(told) and int(told.iloc[0]["n_recent"]):
        row = told.iloc[0]
        inside = round(float(row["recent_fit_share"]) * int(row["n_recent"]))
        crm = f"{inside} of the last {int(row['n_recent'])} wins fit"
        is_off = inside * 2 < int(row["n_recent"])
    unwanted = f"not {bad.text}" if bad and good else ""
    text = good.text if good else f"not {bad.text}" if bad else ""
    return Statement(label, text, base.basis if base else "", crm, bool(base and base.is_disputed), is_off, unwanted)


def build_motion(known: Known) -> tuple[Statement, ...]:
    """State how revenue is won, what else brings some, and how it is split in reports."""
    main = known.state("primary_motion", label="Main GTM motion")
    others = known.texts("motions_used")
    counts = Counter(part.split(": ")[0] for text in others for part in text.split("; "))
    also = [f"{name} ({count} of {len(others)})" for name, count in counts.most_common()]
    more = Statement("Also brings revenue", ", ".join(also), f"{len(others)} answered") if also else None
    category = known.state("revenue_category", label="Revenue is split by")
    return tuple(found for found in (main, more, category) if found)


def build_goal(known: Known) -> tuple[Statement, ...]:
    """State this year's goal, its net-new share, and whether the year is on track."""
    wanted = (("revenue_goal", "Revenue goal"), ("net_new_share", "From net-new business"), ("on_track", "On track?"))
    return tuple(found for id, label in wanted if (found := known.state(id, label=label)))


def build_focus(responses: Mapping[str, Any]) -> tuple[Statement, ...]:
    """List the focus areas that people picked, the most frequent first."""
    filled = [r for r in responses.values() if any(len(row) > 1 for row in r.values.get("focus_areas", ()))]
    rows = pick_rows(filled, "focus_areas")
    picked = Counter(str(row["area"]) for row in rows if row.get("is_picked") == "yes")
    issue = Counter(str(row["area"]) for row in rows if row.get("is_issue") == "yes")
    return tuple(
        Statement("", area, f"picked by {count} of {len(filled)}, an issue for {issue[area]}")
        for area, count in picked.most_common()
    )


def build_kpis(known: Known, responses: Mapping[str, Any]) -> tuple[Statement, ...]:
    """State the north star, and list the primary KPIs with their cuts."""
    star = agree_choice("North star", known.texts("north_star_metric"), asked=known.asked)
    rows = pick_rows(responses.values(), "primary_kpis")
    people = sum(bool(response.values.get("primary_kpis")) for response in responses.values())
    counts = Counter(str(row["kpi"]) for row in rows)
    cuts: dict[str, list[str]] = {}
    for row in rows:
        named = [str(row[f"partition_{i}"]) for i in range(1, 5) if row.get(f"partition_{i}")]
        cuts.setdefault(str(row["kpi"]), []).extend(named)
    details = {kpi: f"by {', '.join(dict.fromkeys(found))}" for kpi, found in cuts.items() if found}
    return tuple(found for found in (star, *rank_counts(dict(counts.most_common()), people, details)) if found)


def build_definitions(review: SurveyReview) -> tuple[Statement, ...]:
    """State what each word means, or that it is disputed."""
    found = []
    for term, rows in review.definitions.groupby("term", sort=False):
        said = agree_choice(str(term), rows["meaning"].tolist(), asked=review.n_respondents)
        if said:
            found.append(said)
    return tuple(found)


def build_evidence(responses: Mapping[str, Any]) -> tuple[Statement, ...]:
    """List what must have been heard before a deal leaves a stage, by the stage's chance."""
    stages: dict[str, list[Mapping[str, Any]]] = {}
    for row in pick_rows(responses.values(), "stage_exit"):
        if row.get("heard"):
            stages.setdefault(str(row["stage"]).casefold(), []).append(row)
    people = sum(bool(response.values.get("stage_exit")) for response in responses.values())
    found = []
    for rows in stages.values():
        first = rows[0]
        said = [row["probability"] for row in rows if row.get("probability") is not None]
        chance = f" ({format_value(median(said), 'share')})" if said else ""
        kept = next((str(row["field"]) for row in rows if row.get("field")), "")
        detail = f"kept in {kept}" if kept else "kept nowhere"
        basis = f"{len(rows)} of {people}"
        found.append(
            Statement(f"{first['stage']}{chance}", str(first["heard"]), basis, is_disputed=len(rows) > 1, detail=detail)
        )
    return tuple(sorted(found, key=lambda one: one.label.partition("(")[2].rjust(6)))


def build_crm(company: Any, discovery: Any | None) -> tuple[Statement, ...]:
    """State since when the CRM has records, how sound they are, and how far the wanted fields are there."""
    found = []
    deals = company.tables.get("deal")
    if deals is not None and len(deals):
        earliest = deals["created_at"].min()
        since = (
            f"deals since {format_value(earliest.date(), 'date')}" if earliest == earliest else "deals without dates"
        )
        found.append(Statement("Records", since, f"{len(deals):,} deals"))
    if len(company.inputs):
        found.append(Statement("Data health", headline_health(company.inputs, company.issues), ""))
    score = getattr(discovery, "score", None)
    if score is not None and company.tables:
        wanted = discovery.matrix[discovery.matrix["is_wanted"]]
        lights = Counter(wanted["light"])
        half = lights["adoption_needed"]
        basis = f"{count_trackable(discovery.matrix)} of {len(wanted)} wanted secondary KPIs, {half} more count a half"
        found.append(Statement("Discovery coverage", format_value(score, "share", digits=0), basis))
    return tuple(found)
