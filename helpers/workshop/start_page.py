"""The app's plain pages, made without a kernel: the list of notebooks, the way in, and what stands in for a page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from helpers.present.pages import render_page

OWN_SCRIPT = "'unsafe-inline'"

MESSAGES: Mapping[str, tuple[str, str, str]] = {
    "uninvited": (
        "This page opens with a link of your own",
        "The link names nobody who is invited, or it has been withdrawn.",
        "Open the link that your facilitator gave you, or ask for a new one.",
    ),
    "facilitator_only": (
        "Only the facilitator can open this page",
        "It shows the CRM, and nobody sees that before the round is closed.",
        "Go on with your own answers.",
    ),
    "missing": (
        "There is no such page",
        "The address may have been cut off when it was copied.",
        "Open your link again.",
    ),
    "unreadable": (
        "The list of who is invited can't be read",
        "Everything that was saved is still there.",
        "Tell the facilitator to mend answers/.invitations.toml in the company's folder; .cache/app.log there names "
        "the line. Then every link works again.",
    ),
    "failed": (
        "This page can't be shown right now",
        "Everything that was saved is still there.",
        "Load the page again; where that doesn't help, tell the facilitator.",
    ),
}
"""Title, reason and next step of every page that stands in for another."""


@dataclass(frozen=True)
class NotebookLink:
    """One notebook as the list names it.

    Attributes:
        name: The file's name.
        number: Its two digits.
        label: Its name in words.
        question: What it answers.
        about: The sentence below its question.
    """

    name: str
    number: str
    label: str
    question: str
    about: str


def read_notebook_links(folder: Path) -> list[NotebookLink]:
    """Read the notebooks of a folder with the question of each.

    Args:
        folder: Where the notebooks lie.

    Returns:
        One link per numbered notebook, in their order.
    """
    from nbformat import read

    notebook_links = []
    for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        lines = [line.strip() for line in read(path, as_version=4).cells[0].source.splitlines() if line.strip()]
        question = lines[0].removeprefix("#").strip()
        answers = next((line for line in lines if line.startswith("**Answers**")), "")
        about = answers.removeprefix("**Answers**").strip()
        notebook_links.append(
            NotebookLink(path.name, path.stem[:2], _say_name(path.stem[3:]), question, about[:1].upper() + about[1:])
        )
    return notebook_links


def _say_name(stem: str) -> str:
    """Write a notebook's name in words.

    >>> _say_name("gtm_survey"), _say_name("root_cause_5m")
    ('GTM survey', 'Root cause 5M')
    """
    text = re.sub(r"\b(gtm|kpi|5m)\b", lambda match: match.group().upper(), stem.replace("_", " "))
    return text[:1].upper() + text[1:]


def write_start_page(notebook_links: list[NotebookLink], *, company: str, who: str, mark: str) -> str:
    """Write the page that the facilitator opens first: the workshop, then the notebooks.

    Args:
        notebook_links: The notebooks.
        company: What readers call the company.
        who: The name of the parameter that says whose the page is.
        mark: Whose it is.

    Returns:
        The whole page.
    """
    return render_page(
        "app/start.html.j2",
        title=f"{company}: Revenue Engine Diagnostic",
        company=company,
        workshop=f"/workshop?{who}={mark}",
        notebook_links=[{**vars(link), "href": f"/voila/render/{link.name}?{who}={mark}"} for link in notebook_links],
        mark=mark,
        scripts=OWN_SCRIPT,
    )


def write_redirect_page(target: str, *, company: str) -> str:
    """Write the page that a link leads to: it goes on by itself, and leaves the token behind.

    Args:
        target: Where to, without the token.
        company: What readers call the company.

    Returns:
        The whole page.
    """
    return render_page("app/redirect.html.j2", title=company, target=target, scripts=OWN_SCRIPT)


def write_message_page(kind: str, *, tries_again: bool = False, home: str = "") -> str:
    """Write a page that says why something isn't shown.

    Args:
        kind: One of ``MESSAGES``.
        tries_again: Ask once more from this page: a browser that comes from another site, such as a mail, holds back
            its cookie the first time.
        home: Where the person's own page is, to link it; empty where there is none.

    Returns:
        The whole page.
    """
    title, text, next_step = MESSAGES[kind]
    return render_page(
        "app/message.html.j2",
        title=title,
        text=text,
        next_step=next_step,
        home=home,
        tries_again=tries_again,
        scripts=OWN_SCRIPT if tries_again else "'none'",
    )
