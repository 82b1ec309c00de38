"""A cascade as a page shows it: goals down to people with actual and plan, checks, pay, and what people said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.cascade import sum_up_pay
from helpers.answers.cascade_comments import thread_comments
from helpers.model.cascade import LEVEL_WORDS, WHOLE, Cascade, CascadeGoal
from helpers.present import theme, words
from helpers.present.charts.x_matrix import EMPTY, show_x_matrix
from helpers.present.display import Display, show_message, show_table
from helpers.present.tables import light_html, plain_table

if TYPE_CHECKING:
    from helpers.analyses.cascade import CascadeReview

MOST_ROWS = 12
KIND_WORDS = {"proposal": "proposes", "question": "asks", "answer": "answers", "agreed": "agrees"}
STATUS_WORDS = {"bad": "○ to mend", "caution": "◐ to look at", "good": "● met", "none": "– can't be told"}
CHECK_WORDS = {"link": "linked", "reach": "reached together", "load": "load", "dates": "dates"}
HEADS = ("What", "Owner", "KPI and period", "Plan", "Due by now", "Actual", "State", "Comments")
NUMBER_HEADS = (*HEADS[3:6], HEADS[-1])
CHANGE_NOTE = (
    "A tactic's actual is how its KPI changed since it began against as many periods before; "
    "other things moved it, too."
)


def list_views(review: CascadeReview, *, subtitle: str = "", currency: str = "USD") -> list[Display]:
    """List every view of a cascade in the order in which a page shows them; one message where there is none."""
    if review.is_empty:
        return [show_message("empty", *EMPTY)]
    told = {"subtitle": subtitle, "currency": currency}
    views = [show_cascade(review, **told), show_x_matrix(review, **told), show_checks(review, subtitle=subtitle)]
    if len(review.pay):
        views.append(show_pay(review, **told))
    return [*views, show_comments(review)]


def show_cascade(review: CascadeReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show the cascade from company goals down to people: owner, plan, what was due, actual, state and comments.

    Args:
        review: The cascade as measured and checked.
        subtitle: Company, period, last day.
        currency: ISO code of the company's currency.

    Returns:
        A display with one part per company goal, the first one open; a message where there is no cascade.
    """
    if review.is_empty:
        return show_message("empty", *EMPTY)
    html = f'<style>{_css()}</style><p class="title">{words.prose_html(review.title)}</p>'
    html += f'<p class="subtitle">{words.prose_html(subtitle)}</p>' if subtitle else ""
    if review.cascade.n_set_aside:
        n = words.count_of(review.cascade.n_set_aside, "record")
        told = f"◐ {n} of answers/cascade.toml set aside; 00_start_here names line and cure."
        html += f'<p class="note is-caution">{told}</p>'
    tree = _Tree(review, currency)
    html += "".join(tree.draw_part(goal, is_open=not place) for place, goal in enumerate(tree.tops))
    html += tree.draw_rest() + f'<p class="note">{escape(CHANGE_NOTE)}</p>'
    table = _list_plan(review)
    return Display(
        title=review.title, subtitle=subtitle, text=plain_table(table), html=f'<div class="cascade">{html}</div>'
    )


def show_checks(review: CascadeReview, *, subtitle: str = "", is_whole: bool = False) -> Display:
    """Show the checks of a cascade, what isn't met first; with ``is_whole`` those that are met, too."""
    if review.is_empty:
        return show_message("empty", *EMPTY)
    checks = review.checks if is_whole else review.alarms
    n, items = len(review.alarms), review.alarms["id"].nunique()
    met = len(review.checks[review.checks["status"] == "good"])
    if checks.empty:
        return show_message("good", f"The cascade holds together: all {met} checks are met")
    verb = "needs" if items == 1 else "need"
    title = f"{words.count_of(items, 'part')} of the cascade {verb} mending; {met} checks are met"
    table = pd.DataFrame(
        {
            "status": [STATUS_WORDS[status] for status in checks["status"]],
            "what": [
                f"{LEVEL_WORDS[level]}: {name}" for level, name in zip(checks["level"], checks["title"], strict=True)
            ],
            "check": [CHECK_WORDS.get(check, check) for check in checks["check"]],
            "message": [words.clean_text(text) for text in checks["message"]],
            "cure": checks["cure"].replace("", "–").to_list(),
        }
    )
    labels = {"status": "State", "what": "What", "check": "Check", "message": "What is the case", "cure": "What to do"}
    note = "" if n else "Nothing has to be mended."
    return show_table(table, title=title, subtitle=subtitle, labels=labels, note=note)


def show_pay(review: CascadeReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show per person what of the variable pay has been earned so far, beside what the plan pays for the same time."""
    if review.is_empty:
        return show_message("empty", *EMPTY)
    pay = sum_up_pay(review.pay, review.cascade)
    if pay.empty:
        cure = "Add targets with a weight, and each person's variable pay."
        return show_message("empty", "Nobody carries a target yet", "Targets tie a goal to a person.", cure)
    earned, plan = pay["earned"].sum(), pay["at_plan"].sum()
    said = [words.say_value(float(value), "currency", currency=currency) for value in (earned, plan)]
    title = f"{said[0]} of variable pay earned so far, where the plan pays {said[1]} for the same time"
    table = pay[["name", "department", "targets", "attainment", "variable_pay", "at_plan", "earned"]]
    labels = {
        "name": "Who", "department": "Department", "targets": "Targets", "attainment": "Reached of what was due",
        "variable_pay": "A year at 100 %", "at_plan": "At plan so far", "earned": "Earned so far",
    }  # fmt: skip
    units = dict.fromkeys(("variable_pay", "at_plan", "earned"), "currency") | {"attainment": "share"}
    missing = int(pay["unknown"].sum())
    return show_table(
        table,
        title=title,
        subtitle=subtitle,
        labels=labels,
        units=units,
        currency=currency,
        note=_say_rule(review, missing),
    )


def show_targets(review: CascadeReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show every person's targets: shared or their own, weight, plan, actual, and the pay earned by each."""
    if review.is_empty or review.pay.empty:
        return show_message("empty", *(EMPTY if review.is_empty else ("Nobody carries a target yet",)))
    pay = review.pay
    table = pd.DataFrame(
        {
            "name": pay["name"].to_list(),
            "target": pay["title"].to_list(),
            "kind": ["shared" if shared else "own" for shared in pay["is_shared"]],
            "weight": pay["weight"].to_list(),
            "due": [_say(row, "due", currency) for row in pay.to_dict("records")],
            "actual": [_say(row, "actual", currency) for row in pay.to_dict("records")],
            "n": pay["n"].to_list(),
            "state": pay["state"].to_list(),
            "earned": pay["earned"].to_list(),
        }
    )
    labels = {"name": "Who", "due": "Due by now", "earned": "Earned so far"}
    units = {"weight": "share", "earned": "currency"}
    n = words.count_of(len(table), "target")
    title = f"{n} of {words.count_of(pay['person'].nunique(), 'person', 'people')}"
    return show_table(
        table, title=title, subtitle=subtitle, labels=labels, units=units, currency=currency, marks={"state": "light"}
    )


def show_comments(review: CascadeReview, *, on: str = "") -> Display:
    """Show what people said, thread by thread; of one goal, tactic or person where ``on`` names it."""
    ids = [on] if on else list(dict.fromkeys(one.on for one in review.comments))
    threads = {id: thread_comments(review.comments, id) for id in ids}
    n = sum(len(thread) for thread in threads.values())
    if not n:
        cure = "Choose a goal or a tactic in the form and say what you propose, ask or agree to."
        return show_message("empty", "Nobody has commented yet", "What is said is kept for good, by author.", cure)
    open_questions = sum(_is_open(thread) for thread in threads.values())
    title = f"{words.count_of(n, 'comment')} on {words.count_of(len(threads), 'part')} of the cascade"
    title += (
        f"; {words.count_of(open_questions, 'thread')} without an answer or agreement yet" if open_questions else ""
    )
    html, text = "", []
    for id, thread in threads.items():
        name = words.clean_text(review.cascade.name_of(id))
        gone = "" if review.cascade.kind_of(id) else " (no longer in the cascade)"
        html += f'<section><p class="name">{words.prose_html(name)}{gone}</p>{thread_html(thread)}</section>'
        text.append(f"{name}{gone}")
        for depth, one in thread:
            said = words.clean_text(one.text)
            text.append(
                f"{'  ' * (depth + 1)}{_when(one)} {words.clean_text(one.author)} {KIND_WORDS[one.kind]}: {said}"
            )
    heading = f'<style>{_css()}</style><p class="title">{words.prose_html(title)}</p>'
    return Display(title=title, text="\n".join(text), html=f'<div class="cascade">{heading}{html}</div>')


def thread_html(thread: Sequence[tuple[int, Any]]) -> str:
    """Write a thread: each comment with author, kind, day and text, answers indented under what they answer."""
    lines = []
    for depth, one in thread:
        head = (
            f"<b>{words.prose_html(one.author)}</b> {KIND_WORDS[one.kind]} <span class='n'>{escape(_when(one))}</span>"
        )
        kind = "agreed" if one.kind == "agreed" else "said"
        text = "<br>".join(words.prose_html(line) for line in one.text.splitlines())
        lines.append(f'<li class="{kind}" style="margin-left:{min(depth, 6) * 20}px"><p>{head}</p><p>{text}</p></li>')
    return f'<ul class="thread">{"".join(lines)}</ul>'


class _Tree:
    """Parts of the page: a company goal each, with what stands below it."""

    def __init__(self, review: CascadeReview, currency: str) -> None:
        self.review, self.cascade, self.currency = review, review.cascade, currency
        self.rows = {row["id"]: row for row in review.plan.to_dict("records")}
        self.drawn: set[str] = set()
        self.tops = self.cascade.of_level("company")
        self.top_ids = {goal.id for goal in self.tops}

    def draw_part(self, goal: CascadeGoal, *, is_open: bool) -> str:
        """Draw a company goal and, folded below it, everything that serves it and nothing nearer."""
        self.drawn.add(goal.id)
        body = "".join(self._people_row(goal, 0)) + "".join(self._rows_below(goal.id, 0))
        row, above = self.rows[goal.id], [self.cascade.name_of(id) for id in goal.serves if id in self.cascade.goals]
        for_what = f'<span class="n">for {words.prose_html(words.join_words(above))}</span>' if above else ""
        actual, due = (_say(row, name, self.currency) for name in ("actual", "due"))
        stands = words.prose_html(f"{actual} of {due} due by now" if not row["reason"] else row["reason"])
        owner = words.prose_html(row["owner"]) if row["owner"] else '<span class="is-bad">▲ nobody owns it</span>'
        head = f"<b>{words.prose_html(goal.title)}</b> {light_html(row['state'])} <span>{stands}</span> "
        head += f"<span class='n'>{owner}</span> {for_what}{self._said(goal.id)}"
        table = _table(body) if body else '<p class="note">▲ Nobody works on it yet.</p>'
        opened, note = " open" if is_open else "", _note_html(goal.note, "p")
        return f'<details class="part"{opened}><summary>{head}</summary>{note}{table}</details>'

    def draw_rest(self) -> str:
        """Draw what serves no company goal: long-term goals as such, and what hangs in the air."""
        far = [self._row(goal, 0, "Long-term goal") for goal in self.cascade.of_level("long_term")]
        own = [id for id, target in self.cascade.targets.items() if not target.is_shared]
        people = [self._row_of(id, f"Own target of {self.rows[id]['owner']}", 0) for id in own]
        left = [*self.cascade.of_level("department"), *self.cascade.tactics.values()]
        lone = [
            self._row(item, 0, LEVEL_WORDS[self.cascade.kind_of(item.id)]) for item in left if item.id not in self.drawn
        ]
        parts = (("Hangs in the air", lone), ("People's own targets", people), ("Long-term goals", far))
        return "".join(
            f'<details class="part"><summary><b>{name}</b> <span class="n">{len(rows)}</span></summary>'
            f"{_table(''.join(rows))}</details>"
            for name, rows in parts
            if rows
        )

    def _rows_below(self, id: str, depth: int) -> list[str]:
        rows = []
        for item in self.cascade.served_by(id):
            if item.id in self.drawn or item.id in self.top_ids:
                continue
            self.drawn.add(item.id)
            if isinstance(item, CascadeGoal):
                rows.append(self._row(item, depth, item.department or "Department"))
                rows += self._people_row(item, depth + 1)
                rows += self._rows_below(item.id, depth + 1)
            else:
                rows.append(self._row(item, depth, "Tactic"))
        return rows

    def _people_row(self, goal: CascadeGoal, depth: int) -> list[str]:
        carried = [target for target in self.cascade.targets.values() if target.goal == goal.id]
        if not carried:
            return []
        shares = ["" if one.weight is None else f" {words.say_value(one.weight, 'share')}" for one in carried]
        said = [f"{self.cascade.name_of(one.person)}{share}" for one, share in zip(carried, shares, strict=True)]
        told = f'<span class="n">Carried by</span> {words.prose_html(", ".join(said))}'
        return [f'<tr class="people"><td colspan="{len(HEADS)}" style="padding-left:{depth * 20}px">{told}</td></tr>']

    def _row(self, item: Any, depth: int, kind: str) -> str:
        return self._row_of(item.id, kind, depth)

    def _row_of(self, id: str, kind: str, depth: int) -> str:
        row = self.rows[id]
        kpi = self.review.ruler.catalog.kpis.get(row["kpi"])
        label = kpi.label if kpi else row["kpi"] or "no KPI"
        where = "" if row["dimension"] == WHOLE else f", {row['slice']}"
        name = f'<span class="n">{words.prose_html(kind)}</span><br>{words.prose_html(row["title"])}'
        name += _note_html(_notes(self.cascade).get(id, ""), "div")
        owner = words.prose_html(row["owner"]) if row["owner"] else '<span class="is-bad">▲ nobody</span>'
        period = f'<span class="n">{words.prose_html(row["period"] or "no period")}</span>'
        about = f"{words.prose_html(label + where)}<br>{period}"
        is_change = row["level"] == "tactic"
        numbers = "".join(
            f'<td class="number">{words.prose_html(_say(row, column, self.currency, is_change=is_change))}{extra}</td>'
            for column, extra in (("plan", ""), ("due", ""), ("actual", _say_n(row)))
        )
        state = (
            light_html(row["state"])
            if not row["reason"]
            else f'<span class="n">{words.prose_html(row["reason"])}</span>'
        )
        cells = (
            f'<th scope="row" style="padding-left:{depth * 20}px">{name}</th><td>{owner}</td><td>{about}</td>{numbers}'
        )
        n = int(row["comments"])
        return f'<tr>{cells}<td>{state}</td><td class="number">{n or ""}</td></tr>'

    def _said(self, id: str) -> str:
        n = int(self.rows[id]["comments"]) if id in self.rows else 0
        return f'<span class="n">{words.count_of(n, "comment")}</span>' if n else ""


def _table(body: str) -> str:
    heads = "".join(f'<th scope="col"{" class=number" if head in NUMBER_HEADS else ""}>{head}</th>' for head in HEADS)
    return f'<div class="frame"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'


def _say(row: Mapping[Any, Any], column: str, currency: str, *, is_change: bool = False) -> str:
    value, unit = row[column], row["unit"]
    if words.is_missing(value):
        return "–"
    if is_change and unit == "share":
        return f"{float(value) * 100:+.1f} points".replace("-", "−")
    digits = 0 if unit == "count" else None
    sign = "+" if is_change and value > 0 else ""
    return f"{sign}{words.say_value(float(value), unit, currency=currency, digits=digits)}"


def _say_n(row: Mapping[Any, Any]) -> str:
    if words.is_missing(row["actual"]):
        return ""
    small = "few: " if row["is_small"] else ""
    young = ", still young" if row["is_immature"] else ""
    return f'<br><span class="n">{small}n {int(row["n"]):,}{young}</span>'


def _say_rule(review: CascadeReview, missing: int) -> str:
    rule = review.cascade.pay
    low, floor, cap, most = (
        words.say_value(value, "share") for value in (rule.threshold, rule.pay_at_threshold, rule.cap, rule.pay_at_cap)
    )
    told = (
        f"Nothing below {low} of the target, {floor} of the money at {low}, then linear to 100 % at the target and on "
        f"to {most} at {cap}. A target under way counts with the part that was due by now."
    )
    own = sum(target.rule is not None for target in review.cascade.targets.values())
    told += f" {words.count_of(own, 'target')} with a rule of its own." if own else ""
    return told + (f" {words.count_of(missing, 'target')} can't be paid yet for lack of a number." if missing else "")


def _is_open(thread: Sequence[tuple[int, Any]]) -> bool:
    return bool(thread) and not any(one.kind in ("agreed", "answer") for _, one in thread)


def _when(one: Any) -> str:
    return words.say_value(one.at, "date") if one.at else "no date"


def _notes(cascade: Cascade) -> dict[str, str]:
    """Return id → what people noted on a goal or tactic, where they did."""
    items = [*cascade.goals.values(), *cascade.tactics.values()]
    return {item.id: item.note for item in items if item.note.strip()}


def _note_html(note: str, tag: str) -> str:
    lines = "<br>".join(words.prose_html(words.clean_text(line)) for line in note.strip().splitlines())
    return f'<{tag} class="note">{lines}</{tag}>' if lines else ""


def _list_plan(review: CascadeReview) -> pd.DataFrame:
    columns = ["level", "title", "owner", "kpi", "period", "plan", "due", "actual", "state", "n", "reason", "comments"]
    table = review.plan[columns].copy()
    table["level"] = [LEVEL_WORDS[level] for level in table["level"]]
    notes = _notes(review.cascade)
    return table.assign(note=[words.clean_text(notes.get(id, "")) for id in review.plan["id"]]) if notes else table


def _css() -> str:
    return (theme.TEMPLATES / "cascade.css").read_text(encoding="utf-8")


def levels_of(cascade: Cascade) -> dict[str, str]:
    """Return id → what a reader calls each goal, tactic, person and target, in the order of the cascade."""
    ids = [goal.id for level in ("company", "department", "long_term") for goal in cascade.of_level(level)]
    ids += [*cascade.tactics, *cascade.people, *cascade.targets]
    return {id: f"{LEVEL_WORDS[cascade.kind_of(id)]}: {cascade.name_of(id)}" for id in ids}
