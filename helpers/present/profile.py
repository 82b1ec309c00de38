"""The company's profile as it is shown: one sheet, on a page that prints on one side of A4, or in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from markupsafe import Markup

from helpers.analyses.consensus import Statement
from helpers.analyses.profile import Profile
from helpers.analyses.profile_sections import ProductLine
from helpers.present import pages
from helpers.present.display import Display
from helpers.present.sheet import PAPER, ROOMS, Room, Sheet, SheetSection, fit_letters, measure_sheet
from helpers.present.theme import TEMPLATES
from helpers.present.words import clean_text, count_of, prose_html, say_date, shorten

LEGEND = (
    "Counts such as 3 of 4 are people; n counts records. Blue is the CRM, bold where it says otherwise than people, "
    "beyond its interval."
)


def write_profile_page(profile: Profile) -> str:
    """Write the profile as a page of its own.

    Args:
        profile: What ``build_profile`` returned.

    Returns:
        HTML that needs no network and no script and prints on one side of A4; what people typed is escaped.
    """
    title = f"{shorten(profile.name, 80)}: company profile"
    return pages.render_page("profile.html.j2", title=title, sheet=lay_out(profile), prose=_prose, sheet_css=_style())


def show_profile(profile: Profile) -> Display:
    """Show the profile in a notebook or an app; its text holds every line of it, uncut."""
    html = pages.render_page("profile_sheet.html.j2", title="", sheet=lay_out(profile), prose=_prose)
    title = f"{clean_text(profile.name)} on one page: {_lower(profile.headline)}"
    return Display(
        title=title,
        subtitle=_say_when(profile),
        text="\n".join(_list_text(profile)),
        html=f"<style>{_style()}</style>{html}",
    )


def lay_out(profile: Profile) -> Sheet:
    """Lay the profile out on one side of paper: as much of each part as fits, the same for the same profile."""
    sheet = _lay_out(profile, ROOMS[0])
    for room in ROOMS:
        sheet = _lay_out(profile, room)
        if measure_sheet(sheet) <= PAPER:
            break
    return sheet


def _lay_out(profile: Profile, room: Room) -> Sheet:
    left = (
        _section("Whom we sell to", profile.icp, room.icp, room, "Nobody has described the ideal customer yet."),
        _section("How we sell", profile.motion, 3, room, "Nobody has named the GTM motion yet."),
        _section("This year's goal", profile.goal, 3, room, "Nobody has named this year's goal yet."),
        _section(
            "What our words mean", profile.definitions, 4, room, "Nobody has said what the words mean to them yet."
        ),
    )
    right = (
        _section("Top priorities, as worded", profile.priorities, room.some, room, "Nobody has named priorities yet."),
        _section("North star and primary KPIs", profile.kpis, room.kpis, room, "Nobody has named a KPI yet."),
        _section(
            "Where it hurts, to work on first", profile.focus, room.some, room, "Nobody has picked a focus area yet."
        ),
    )
    below = (
        _section(
            "What we must have heard, by stage", profile.evidence, room.some, room, "Nobody has written it down yet."
        ),
        _section("What the CRM holds", profile.crm, 4, replace(room, longest=110), "There are no exports yet."),
    )
    products = tuple(_cut_product(one, room) for one in profile.products[: room.products])
    hidden = len(profile.products) - len(products)
    return Sheet(
        name=fit_letters(profile.name, 50),
        when=_say_when(profile),
        headline=fit_letters(profile.headline, 110),
        is_closed=profile.is_closed,
        facts=tuple(_cut(one, replace(room, longest=40)) for one in profile.facts),
        positioning=profile.positioning and _cut(profile.positioning, replace(room, longest=4 * room.longest)),
        products=products,
        more_products=f"and {count_of(hidden, 'product')} more" if hidden else "",
        left=left if profile.is_closed else (),
        right=right if profile.is_closed else (),
        below=below if profile.is_closed else (),
        missing=tuple(fit_letters(one, 260) for one in profile.missing[:6]),
        legend=LEGEND
        if profile.is_closed
        else "Nothing of anybody's answers, and no number of the CRM, is on this page.",
    )


def _prose(text: str) -> Markup:
    """Escape a text and keep numbers with their units on one line."""
    return Markup(prose_html(text))


@cache
def _style() -> str:
    return (TEMPLATES / "profile.css").read_text(encoding="utf-8")


def _say_when(profile: Profile) -> str:
    people = count_of(profile.n_respondents, "person", "people") if profile.n_respondents else "nobody"
    return f"{say_date(profile.as_of)} · {people} answered"


def _section(title: str, lines: Sequence[Statement], most: int, room: Room, empty: str) -> SheetSection:
    hidden = len(lines) - most
    shown = tuple(_cut(one, room) for one in lines[:most])
    return SheetSection(title, shown, f"and {hidden} more" if hidden > 0 else "", empty)


def _cut(one: Statement, room: Room) -> Statement:
    """Cut a line to what its place on the sheet holds."""
    return replace(
        one,
        label=fit_letters(one.label, 34),
        text=fit_letters(one.text, room.longest),
        detail=fit_letters(one.detail, room.detail),
        basis=fit_letters(one.basis, 64),
        crm=fit_letters(one.crm, 74),
    )


def _cut_product(one: ProductLine, room: Room) -> ProductLine:
    cell = replace(room, longest=30)
    return replace(
        one,
        name=fit_letters(one.name, 34),
        description=fit_letters(one.description, room.detail),
        deal=one.deal and _cut(one.deal, cell),
        cycle=one.cycle and _cut(one.cycle, cell),
        sold=one.sold and _cut(one.sold, cell),
    )


def _list_text(profile: Profile) -> list[str]:
    """Every line of the profile as text, part by part."""
    lines: list[str] = []
    if profile.positioning:
        lines += [_say(profile.positioning)]
    parts = {
        "The company": profile.facts, "Whom we sell to": profile.icp, "How we sell": profile.motion,
        "This year's goal": profile.goal, "Focus areas picked": profile.focus, "Top priorities": profile.priorities,
        "North star and primary KPIs": profile.kpis, "What our words mean": profile.definitions,
        "Stage exit evidence": profile.evidence, "What the CRM holds": profile.crm,
    }  # fmt: skip
    for title, statements in parts.items():
        if statements:
            lines += ["", title, *(f"- {_say(one)}" for one in statements)]
    if profile.products:
        lines += ["", "What we sell"]
    for product in profile.products:
        told = [_say(one) for one in (product.deal, product.cycle, product.sold) if one]
        name = " ".join(clean_text(product.name).split())
        lines.append(f"- {shorten(name, 200)} ({product.basis}){': ' if told else ''}{'; '.join(told)}")
    if profile.missing:
        lines += ["", "What is missing", *(f"- {clean_text(one)}" for one in profile.missing)]
    return lines


def _say(one: Statement) -> str:
    label = f"{one.label}: " if one.label else ""
    parts = [f"{label}{one.text}", one.detail, f"({one.basis})" if one.basis else ""]
    parts += [f"CRM {one.crm}{', otherwise than people' if one.is_off else ''}" if one.crm else ""]
    parts += ["people differ" if one.is_disputed else ""]
    told = " · ".join(part for part in parts if part)
    return shorten(" ".join(clean_text(told).split()), 600)


def _lower(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}"
