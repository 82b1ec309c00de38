"""The survey on paper: what the form asks, printed where nobody is there to fill it in."""

from __future__ import annotations

from html import escape

from helpers.model.survey import YES_NO_UNKNOWN, Survey, SurveyField, SurveyTab
from helpers.present.display import Display
from helpers.present.words import count_of

KINDS = {
    "text": "a few words",
    "long_text": "a few sentences",
    "number": "a number",
    "currency": "an amount",
    "choice": "choose one",
    "multiple_choice": "choose any",
    "yes_no_unknown": "choose one",
    "ranked": "the most important first",
    "grid": "one row each",
}
UNITS = {"share": "in %", "days": "in days", "year": "a year", "count": "", "currency": ""}


def show_questionnaire(survey: Survey, *, currency: str = "USD", is_open: bool = False) -> Display:
    """Print the whole survey.

    Args:
        survey: The survey's definition.
        currency: ISO code in which amounts are asked for.
        is_open: Whether the tabs are unfolded, as where nobody has answered yet.

    Returns:
        A display: every tab, group and question with its help, example and choices. Nobody's answers are in it.
    """
    tabs = list(survey.tabs.values())
    core = [tab for tab in tabs if tab.is_core]
    asked = sum(len(tab.fields) for tab in tabs)
    title = f"{survey.label}: {count_of(asked, 'question')} on {count_of(len(tabs), 'tab')}"
    minutes = sum(tab.minutes for tab in core)
    subtitle = f"The first {len(core)} tabs take about {minutes} minutes; a star marks what is needed"
    html = [f'<p class="title">{escape(title)}</p><p class="subtitle">{escape(subtitle)}</p>']
    text = [survey.introduction]
    html.append(f'<p class="note">{escape(" ".join(survey.introduction.split()))}</p>')
    about = f"About you: {'; '.join(_say_about(field) for field in survey.respondent)}"
    html.append(f'<p class="note">{escape(about)}</p>')
    text.append(about)
    for number, tab in enumerate(tabs, start=1):
        html.append(_tab_html(tab, number, currency, is_open))
        text += ["", *_tab_text(tab, number, currency)]
    return Display(title=title, subtitle=subtitle, text="\n".join(text), html="".join(html))


def describe_kind(field: SurveyField, currency: str = "USD") -> str:
    """Say in words how a question is answered.

    >>> describe_kind(SurveyField(id="cycle", label="Cycle", type="number", unit="days"))
    'a number, in days'
    """
    extra = UNITS.get(field.unit, "")
    if field.type == "currency":
        extra = currency
    elif field.type in ("ranked", "multiple_choice"):
        extra = f"at most {field.maximum_items}"
    elif field.is_list:
        extra = "several with commas"
    return f"{KINDS[field.type]}{', ' + extra if extra else ''}"


def _tab_html(tab: SurveyTab, number: int, currency: str, is_open: bool) -> str:
    parts = [
        f'<details class="more"{" open" if is_open else ""}><summary>{number}. {escape(tab.label)} '
        f'<span class="n">{tab.minutes} min · {count_of(len(tab.fields), "question")}</span></summary>'
        f'<p class="subtitle">{escape(tab.description)}</p>'
    ]
    for group in tab.groups:
        rows = "".join(_field_html(field, currency) for field in group.fields)
        help = f'<p class="note">{escape(group.help)}</p>' if group.help else ""
        widths = (("Question", 36), ("How to answer", 40), ("Example", 24))
        heads = "".join(f'<th style="width:{width}%">{name}</th>' for name, width in widths)
        head = f"<thead><tr>{heads}</tr></thead>"
        parts.append(
            f'<p class="title" style="font-size:14px;margin-top:16px">{escape(group.label)}</p>{help}'
            f'<div class="frame"><table style="table-layout:fixed">{head}<tbody>{rows}</tbody></table></div>'
        )
    return f"{''.join(parts)}</details>"


def _field_html(field: SurveyField, currency: str) -> str:
    star = ' <span class="is-accent" title="needed">*</span>' if field.required else ""
    help = f'<br><span class="n">{escape(field.help)}</span>' if field.help else ""
    how = escape(_say_how(field, currency)).replace("\n", "<br>")
    return (
        f'<tr><th scope="row">{escape(field.label)}{star}{help}</th><td>{how}</td>'
        f'<td class="n">{escape(_find_example(field))}</td></tr>'
    )


def _say_about(field: SurveyField) -> str:
    """Say what is asked about the person, on one line: it is no question of the survey and isn't counted as one."""
    choices = f" ({' / '.join(field.allowed.values())})" if field.allowed else ""
    return f"{field.label[:1].lower()}{field.label[1:]}{' *' if field.required else ''}{choices}"


def _tab_text(tab: SurveyTab, number: int, currency: str) -> list[str]:
    lines = [f"{number}. {tab.label} ({tab.minutes} min): {tab.description}"]
    for group in tab.groups:
        lines.append(f"   {group.label}{': ' + group.help if group.help else ''}")
        for field in group.fields:
            example = _find_example(field)
            lines.append(f"   - {field.label}{' *' if field.required else ''}")
            lines.append(f"     {_say_how(field, currency)}".replace("\n", "\n     "))
            lines += [f"     e.g. {example}"] if example else []
    return lines


def _say_how(field: SurveyField, currency: str) -> str:
    if field.type == "grid":
        columns = "\n".join(_say_column(column, currency) for column in field.columns)
        rows = ", ".join(str(row[field.key]) for row in field.rows)
        return f"One row each, with\n{columns}" + (f"\nRows: {rows}" if rows else "")
    if field.allowed:
        mark = "○" if field.type != "multiple_choice" else "□"
        gap = "\n" if len(field.allowed) > len(YES_NO_UNKNOWN) else "\u2003"
        return gap.join(f"{mark} {label}" for label in field.allowed.values())
    how = describe_kind(field, currency)
    return how[:1].upper() + how[1:]


def _say_column(column: SurveyField, currency: str) -> str:
    how = " / ".join(column.allowed.values()) or describe_kind(column, currency)
    return f"– {column.label}{' *' if column.required else ''} ({how})"


def _find_example(field: SurveyField) -> str:
    if field.type != "grid":
        return field.example
    return " · ".join(column.example for column in field.columns if column.example)
