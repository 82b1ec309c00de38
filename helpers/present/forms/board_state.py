"""What the board's control shows: everything in words, ids replaced by signs that say nobody's name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from helpers.analyses.board_evidence import BoardEvidence, find_new_evidence
from helpers.analyses.board_review import BoardSummary, is_of_period
from helpers.model.board import (
    BONE_LABELS,
    BONES,
    MILIEU,
    MOST_DOTS,
    MOST_WHYS,
    QUESTIONS,
    STATES,
    VERDICTS,
    Board,
    BoardCause,
    BoardFault,
    CauseComment,
    Evidence,
    ProblemStatement,
)
from helpers.model.board_action import ACTION_STATES, CHECK_VERDICTS, KINDS, Action, EffectCheck
from helpers.present import words
from helpers.present.forms.board_typing import BoardWords, say_effect, write_date, write_number
from helpers.units import format_value

BONE_HELP = {
    "people": "skills, load, ramp",
    "machinery": "routing, automation, tools",
    "material": "leads, deals, customers",
    "method": "process, hand-offs, speed",
    "measurement": "do we see it right?",
    MILIEU: "market, season",
}


LEAD = (
    "Go through all five before you conclude. Start with what the data found, or write what you have seen: one "
    "sentence about the system that could turn out to be wrong."
)


NO_NAMES = "Names are hidden here, so none is offered: type the owner's name yourself."


@dataclass(frozen=True)
class Scene:
    """Everything that the board is described with.

    Attributes:
        me: Whose window it is.
        period: The period in question; empty where none is.
        found: As of which day the data was read.
        offers: What the data shows.
        people: Names that an action's owner can have.
        effects: Action's id → what the data says by now of its effect, where that is worth keeping.
        said: Units and currency.
        has_milieu: Whether the sixth bone is switched on.
        hide: Returns the pseudonym of a name; the name itself where names are shown.
        clean: Takes names out of a text; the text itself where names are shown.
    """

    me: str
    period: str = ""
    found: date | None = None
    offers: tuple[BoardEvidence, ...] = ()
    people: Sequence[str] = ()
    effects: Mapping[str, EffectCheck] = field(default_factory=dict)
    said: BoardWords = field(default_factory=BoardWords)
    has_milieu: bool = False
    hide: Callable[[str], str] = str
    clean: Callable[[str], str] = str

    @property
    def hides_names(self) -> bool:
        """Whether names are hidden in this window, so that none can be offered."""
        return self.hide is not str

    def name(self, author: str) -> str:
        """Return how an author is called in this window."""
        return "You" if author.casefold() == self.me.casefold() else self.hide(author)

    def is_me(self, author: str) -> bool:
        """Tell whether an author is the window's own person."""
        return author.casefold() == self.me.casefold()

    def text(self, text: str, author: str) -> str:
        """Return a text as this window shows it; one's own as typed."""
        return text if self.is_me(author) else self.clean(text)


def sign(id: str) -> str:
    """Return the sign by which a page calls a cause, an action, a comment or a piece of evidence."""
    return hashlib.sha256(id.encode()).hexdigest()[:12]


def describe_board(
    board: Board, scene: Scene, *, summary: BoardSummary, faults: Iterable[BoardFault], subtitle: str
) -> dict[str, Any]:
    """Describe the board for its control; typing, conflicts and saving are laid over by the form."""
    faults = list(faults)
    causes = [one.cause for one in board.causes]
    fresh = find_new_evidence(scene.offers, causes)
    bones = (*BONES, MILIEU) if scene.has_milieu or any(cause.m == MILIEU for cause in causes) else BONES
    return {
        "title": words.keep_together(summary.title),
        "subtitle": subtitle,
        "lead": "" if causes else LEAD,
        "dots": {"used": board.count_dots(scene.me), "most": MOST_DOTS},
        "bones": [
            {
                "id": m,
                "label": BONE_LABELS[m],
                "help": BONE_HELP[m],
                "cards": [_card(one, scene, faults) for one in board.of_bone(m)],
                "offers": [_offer(one, scene) for one in fresh if one.m == m],
            }
            for m in bones
        ],
        "evidence": [_offer(one, scene) for one in scene.offers],
        "problem": _problem(board, scene),
        "rules": [_rule(fault, board, scene) for fault in faults],
        "words": {
            "states": list(STATES.items()),
            "verdicts": list(VERDICTS.items()),
            "kinds": list(KINDS.items()),
            "action_states": list(ACTION_STATES.items()),
            "bones": [[m, BONE_LABELS[m]] for m in bones],
            "kpis": scene.said.list_kpis(),
            "people": list(scene.people),
            "owner_hint": NO_NAMES if scene.hides_names else "",
            "slices": sorted({one.slice for one in scene.offers if one.slice not in ("", "all")}),
            "money": scene.said.currency if scene.said.unit == "currency" else "",
            "most_whys": MOST_WHYS,
        },
    }


def _card(one: BoardCause, scene: Scene, faults: Sequence[BoardFault]) -> dict[str, Any]:
    cause, said = one.cause, scene.said
    author = cause.author
    return {
        "t": sign(cause.id),
        "text": scene.text(cause.text, author),
        "m": cause.m,
        "author": scene.name(author),
        "is_mine": scene.is_me(author),
        "state": cause.state,
        "verdict": cause.verdict,
        "decided_by": scene.name(one.decided_by) if one.decided_by else "",
        "is_out": cause.is_out,
        "is_opinion": cause.is_opinion,
        "is_reopened": one.is_reopened,
        "is_earlier": not is_of_period(cause, scene.period),
        "period": cause.period,
        "money": "" if cause.contribution is None else format_value(
            cause.contribution, said.unit, currency=said.currency
        ),
        "dots": one.dots,
        "my_dots": sum(vote.dots for vote in one.votes if scene.is_me(vote.author)),
        "voters": [f"{scene.name(vote.author)} {vote.dots}" for vote in one.votes],
        "prediction": scene.text(cause.prediction, author),
        "whys": [
            {
                "text": scene.text(why.text, author),
                "evidence": [_evidence(item, scene, author) for item in why.evidence],
            }
            for why in cause.whys
        ],
        "evidence": [_evidence(item, scene, author) for item in cause.evidence],
        "confidence": write_number(cause.confidence, "share"),
        "contribution": write_number(cause.contribution, said.unit),
        "controllable": {True: "yes", False: "no"}.get(cause.controllable, ""),
        "comments": [_comment(item, scene) for item in one.comments],
        "actions": [_action(item, scene) for item in one.actions],
        "faults": [{"what": fault.what, "cure": fault.cure} for fault in faults if fault.about == cause.id],
    }  # fmt: skip


def _evidence(item: Evidence, scene: Scene, author: str) -> dict[str, Any]:
    now = next((one for one in scene.offers if one.id == item.id), None)
    says = (now.says if now else "") or item.says or item.id
    return {
        "t": sign(item.id),
        "says": words.keep_together(says if now else scene.text(says, author)),
        "note": _note(now, scene) if now else f"found {words.say_date(item.found)}" if item.found else "",
        "is_now": now is not None,
    }


def _offer(one: BoardEvidence, scene: Scene) -> dict[str, Any]:
    return {"t": sign(one.id), "says": words.keep_together(one.says), "note": _note(one, scene), "m": one.m}


def _note(one: BoardEvidence, scene: Scene) -> str:
    parts = []
    if one.money is not None:
        amount = words.say_change(one.money, scene.said.unit, currency=scene.said.currency)
        parts.append(f"{amount} of later revenue" if one.is_later else amount)
    if one.n:
        parts.append(words.say_n(one.n))
    return " · ".join(parts)


def _comment(item: CauseComment, scene: Scene) -> dict[str, Any]:
    return {
        "t": sign(item.id),
        "author": scene.name(item.author),
        "is_mine": scene.is_me(item.author),
        "text": scene.text(item.text, item.author),
        "at": item.at.isoformat() if item.at else "",
    }


def _action(item: Action, scene: Scene) -> dict[str, Any]:
    said, is_mine = scene.said, scene.is_me(item.author)
    unit = said.unit_of("expected_to", item.kpi)
    owner = item.owner if is_mine else scene.hide(item.owner)
    return {
        "t": sign(item.id),
        "kind": item.kind,
        "author": scene.name(item.author),
        "is_mine": is_mine,
        "text": scene.text(item.text, item.author),
        "owner": owner,
        "start": write_date(item.start),
        "due": write_date(item.due),
        "done_on": write_date(item.done_on),
        "effort": write_number(item.effort, "count"),
        "kpi": item.kpi,
        "effect": say_effect(item.kpi, item.expected_from, item.expected_to, said),
        "slice": scene.text(item.slice, item.author),
        "expected_from": write_number(item.expected_from, unit),
        "expected_to": write_number(item.expected_to, unit),
        "guard": item.guard,
        "pauses": scene.text(item.pauses, item.author),
        "state": "done" if item.is_done else item.state,
        "checks": [scene.clean(_check(one, item, said)) for one in item.checks],
        "effect_now": scene.clean(_check(now, item, said)) if (now := find_effect(item, scene)) else "",
    }


def find_effect(action: Action, scene: Scene) -> EffectCheck | None:
    """Return what the data says of an action's effect and the file doesn't hold yet; None where there is nothing."""
    now, last = scene.effects.get(action.id), action.checks[-1] if action.checks else None
    is_kept = now is not None and last is not None and (last.verdict, last.note) == (now.verdict, now.note)
    return None if is_kept else now


def _check(one: EffectCheck, action: Action, said: BoardWords) -> str:
    unit = said.unit_of("expected_to", action.kpi)
    value = format_value(one.value, unit, currency=said.currency) if one.value is not None else "not available"
    ending = "; opened again" if one.reopened else ""
    verdict = CHECK_VERDICTS.get(one.verdict, one.verdict)
    told = f"{words.say_date(one.day)}: {verdict}{ending}, {value} ({words.say_n(one.n)})"
    return words.keep_together(f"{told}. {one.note}" if one.note else told)


def _problem(board: Board, scene: Scene) -> dict[str, Any]:
    mine = next((one for one in board.problems if scene.is_me(one.author)), ProblemStatement())
    others = [one for one in board.problems if not scene.is_me(one.author)]
    return {
        "kpi": mine.kpi,
        "period": mine.period,
        "default_period": scene.period,
        "stated": [
            f"{scene.name(one.author)}: {scene.said.kpis.get(one.kpi, (one.kpi, ''))[0] or 'no KPI'}, "
            f"{one.period or 'no period'}"
            for one in others
            if one.kpi or one.period
        ],
        "rows": [
            {
                "id": id,
                "label": label,
                "cells": [
                    {
                        "key": f"{id}.{key}",
                        "mine": getattr(mine.rows[id], name) if id in mine.rows else "",
                        "others": [
                            f"{scene.name(one.author)}: {scene.clean(getattr(one.rows[id], name))}"
                            for one in others
                            if id in one.rows and getattr(one.rows[id], name)
                        ],
                    }
                    for key, name in (("is", "shows"), ("is_not", "spares"), ("difference", "difference"))
                ],
            }
            for id, label in QUESTIONS.items()
        ],
    }


def _rule(fault: BoardFault, board: Board, scene: Scene) -> dict[str, str]:
    about = board.find(fault.about)
    return {
        "what": scene.clean(fault.what),
        "where": scene.clean(fault.where),
        "cure": scene.clean(fault.cure),
        "about": sign(about.id) if about else "",
    }
