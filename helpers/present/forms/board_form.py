"""The board as a workshop fills it in: everybody's causes in one place, one's own to edit, all to vote on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ipywidgets import HBox, VBox

from helpers.analyses.board_evidence import BoardEvidence
from helpers.analyses.board_review import check_board, summarise_board
from helpers.answers.board_editing import UNTOLD, BoardEditor
from helpers.answers.board_files import keep_check
from helpers.answers.board_hiding import make_cleaner
from helpers.answers.board_records import read_whys, write_evidence, write_whys
from helpers.answers.board_rows import Place
from helpers.answers.edit_results import Saved
from helpers.errors import AnswersError
from helpers.model.board import BONE_LABELS, Board, Evidence
from helpers.model.board_action import EffectCheck
from helpers.present.cards import message_html
from helpers.present.forms.autosave import Autosave
from helpers.present.forms.board_state import Scene, describe_board, find_effect, sign
from helpers.present.forms.board_typing import read_text
from helpers.present.forms.cause_board import CauseBoard
from helpers.present.forms.save_status import SaveStatus
from helpers.present.forms.shared_layout import SharedLayout
from helpers.present.forms.style import style_widget

SAVES = "Everything is saved by itself"
FIELDS = {
    "text": "wording", "prediction": "prediction", "whys": "whys", "confidence": "confidence", "m": "M",
    "contribution": "share of the gap", "controllable": "in our hands", "evidence": "evidence",
}  # fmt: skip
Answer = dict[str, Any]


class BoardForm:
    """One person's window on the board.

    Args:
        editor: Keeps what is typed.
        scene: What the board is described with; its offers are what the data shows.
        gap: The gap in its unit; None where it isn't known.
        subtitle: What stands under the title.
        find_hiding: Returns what replaces names now; ``str`` where they are shown.
        find_effects: Returns what the data says by now of a board's actions; None keeps what the scene says.
    """

    def __init__(
        self,
        editor: BoardEditor,
        scene: Scene,
        *,
        gap: float | None = None,
        subtitle: str = "",
        find_hiding: Callable[[], Callable[[str], str]] = lambda: str,
        find_effects: Callable[[Board], Mapping[str, EffectCheck]] | None = None,
    ) -> None:
        self.editor, self.gap, self.subtitle = editor, gap, subtitle
        self._scene, self._find_hiding, self._find_effects = scene, find_hiding, find_effects
        self._judged = list_judged(editor.board)
        self._faulty: dict[Place, tuple[Any, str]] = {}
        self._last = self._on_disk = 0
        self._ids: dict[str, str] = {}
        whose = f"{editor.folder.resolve()}\n{editor.topic}".encode()
        self.board = CauseBoard(self.act, owner=hashlib.sha256(whose).hexdigest()[:24])
        self.status = SaveStatus(text=SAVES, is_kept=True)
        shared = SharedLayout()
        self.notice = shared.html("", "board-notice")
        self.widget = VBox([style_widget(), HBox([self.status]).add_class("board-status"), self.notice, self.board])
        for name in ("red", "board-form"):
            self.widget.add_class(name)
        self.autosave = Autosave(editor, self._saved, is_open=lambda: self.widget.comm is not None)
        self.show()
        self.autosave.watch()

    # ---- showing ----------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Show the board as it stands; the page keeps what somebody is just typing."""
        self._look_at_effects()
        board, scene = self.editor.board, self._look_at_names()
        asked: dict[str, Any] = {
            "gap": self.gap, "unit": scene.said.unit, "currency": scene.said.currency, "period": scene.period
        }  # fmt: skip
        self._ids = {sign(id): id for id in self._list_ids()}
        state = describe_board(
            board,
            scene,
            summary=summarise_board(board, **asked),
            faults=check_board(board, people=self._list_people(), **asked),
            subtitle=self.subtitle,
        )
        self.board.state = {
            **state,
            "undo": self.editor.last_step,
            "saved": self._on_disk,
            "is_disabled": bool(self.editor.problem),
            "typed": {_say_place(place): typed for place, (typed, _) in self._faulty.items()},
            "faults": {_say_place(place): fault for place, (_, fault) in self._faulty.items()},
            "conflicts": [self._describe_conflict(place) for place in self.editor.conflicts],
        }
        text = self.editor.problem
        self.notice.value = message_html("error", "Nothing can be saved", text) if text else ""

    def _look_at_effects(self) -> None:
        """Ask the data anew where an action, or what is kept, isn't what it was asked about."""
        judged = list_judged(self.editor.board)
        if self._find_effects is not None and judged != self._judged:
            self._scene = replace(self._scene, effects=self._find_effects(self.editor.board))
        self._judged = judged

    def _look_at_names(self) -> Scene:
        hide = self._find_hiding()
        if hide is str:
            return self._scene
        clean = make_cleaner(self.editor.board, hide)
        return replace(self._scene, hide=hide, clean=clean, people=())

    def _list_people(self) -> tuple[str, ...]:
        """Who may not be a cause: whoever was known when the form was opened, and who has written since."""
        authors = (one.author for one in self.editor.board.authors.values())
        return tuple(dict.fromkeys((*self._scene.people, *authors)))

    def _list_ids(self) -> list[str]:
        ids = [one.id for one in self._scene.offers]
        for one in self.editor.board.causes:
            ids += [one.id, *(item.id for item in (*one.actions, *one.comments, *one.cause.list_evidence()))]
        return [*ids, *(action.id for action in self.editor.board.loose_actions)]

    def _describe_conflict(self, place: Place) -> dict[str, Any]:
        conflict = self.editor.conflicts[place]
        kind, id, key = place
        cause = self.editor.board.find(id)
        about = "an action" if kind == "action" else "the problem"
        about = f"“{cause.cause.text}”" if cause else about
        return {
            "place": _say_place(place),
            "label": f"{FIELDS.get(key, key.replace('_', ' '))} of {about}",
            "mine": _say(conflict.mine),
            "theirs": "removed" if conflict.is_gone else _say(conflict.theirs),
            "is_gone": conflict.is_gone,
        }

    # ---- what the page asks for -------------------------------------------------------------------------------------

    def act(self, asked: Mapping[str, Any]) -> Answer:
        """Do one thing that the page asks for.

        Returns:
            ``error`` with what is wrong, ``open`` with the sign of what is to be opened, ``said`` with what was done.
        """
        acts: Mapping[str, Callable[[Mapping[str, Any]], Answer | None]] = {
            "set": self._set, "add": self._add, "take": self._take_offer, "remove": self._remove, "vote": self._vote,
            "comment": self._comment, "decide": self._decide, "action": self._add_action, "link": self._link,
            "unlink": self._unlink, "undo": self._undo, "refresh": self._refresh, "resolve": self._resolve,
            "check": self._keep_check,
        }  # fmt: skip
        act, number = acts.get(str(asked["op"])), asked.get("n")
        if isinstance(number, int):
            self._last = max(self._last, number)
        try:
            answer = (act(asked) if act else None) or {}
        except AnswersError as error:
            answer = {"error": _say_error(error)}
        if asked["op"] != "set":
            self._on_disk = self._last if not self.editor.is_dirty else self._on_disk
            self._tell(Saved("failed", answer["error"]) if "error" in answer and self.editor.problem else None)
            self.show()
        return answer

    def _set(self, asked: Mapping[str, Any]) -> Answer:
        kind, key = str(asked.get("kind")), str(asked.get("key"))
        id = "" if kind == "problem" else self._id(asked.get("t"))
        place = (kind, id, key)
        kpi = str(self.editor.read("action", id, "kpi") or "") if kind == "action" else ""
        whys = read_whys(self.editor.read("cause", id, "whys") or ()) if key == "whys" else ()
        typed = asked.get("value")
        value, fault = read_text(key, typed, self._scene.said, kpi=kpi, whys=whys)
        base: Any = UNTOLD
        if asked.get("again"):
            base = read_text(key, asked.get("base"), self._scene.said, kpi=kpi, whys=whys)[0]
        try:
            if not fault:
                self.editor.change(kind, id, key, value, base=base)
                if kind == "action":
                    self._keep_in_step(id, key, value)
        except AnswersError as error:
            fault = _say_error(error)
        if fault:
            self._faulty[place] = (typed, fault)
            self.show()
            return {"error": fault, "place": _say_place(place)}
        was_faulty = self._faulty.pop(place, None)
        self.status.show("saving")
        self.autosave.touch()
        if was_faulty:
            self.show()
        return {}

    def _keep_in_step(self, id: str, key: str, value: Any) -> None:
        """An action that was done on a day is done; one that is still to be done has no such day."""
        if key == "done_on" and value is not None and self.editor.read("action", id, "state") != "dropped":
            self.editor.change("action", id, "state", "done")
        elif key == "state" and value in ("planned", "doing"):
            self.editor.change("action", id, "done_on", None)
            self._faulty.pop(("action", id, "done_on"), None)

    def _add(self, asked: Mapping[str, Any]) -> Answer:
        text = str(asked.get("text") or "").strip()
        id = self.editor.add("cause", text=text, m=asked.get("m"), period=self._scene.period)
        return {"said": f"Added to {BONE_LABELS.get(str(asked.get('m')), 'the board')}", "added": sign(id)}

    def _take_offer(self, asked: Mapping[str, Any]) -> Answer:
        offer = self._offer(asked.get("t"))
        id = self.editor.add(
            "cause",
            text=offer.says,
            m=offer.m,
            period=self._scene.period,
            evidence=write_evidence((Evidence(offer.id, offer.says, self._scene.found),)),
            contribution=round(offer.cost) if offer.cost else None,
        )
        return {"open": sign(id), "said": "Made a cause of it: reword it, and ask why"}

    def _remove(self, asked: Mapping[str, Any]) -> Answer:
        self.editor.remove(str(asked.get("kind")), self._id(asked.get("t")))
        return {"said": "Removed"}

    def _vote(self, asked: Mapping[str, Any]) -> Answer | None:
        dots = asked.get("dots")
        self.editor.vote(self._id(asked.get("t")), dots if isinstance(dots, int) else 0)
        return None

    def _comment(self, asked: Mapping[str, Any]) -> Answer | None:
        self.editor.comment(self._id(asked.get("t")), str(asked.get("text") or ""))
        return None

    def _decide(self, asked: Mapping[str, Any]) -> Answer | None:
        given = {key: str(asked.get(key) or "") for key in ("state", "verdict")}
        self.editor.decide(self._id(asked.get("t")), **given)
        return None

    def _add_action(self, asked: Mapping[str, Any]) -> Answer:
        cause, kind = self._id(asked.get("t")), str(asked.get("kind"))
        found = self.editor.board.find(cause)
        rests_on = {one.id for one in found.cause.list_evidence()} if found else set()
        offer = next((one for one in self._scene.offers if one.id in rests_on and one.contain), None)
        text = (offer.contain if kind == "contain" else offer.prevent) if offer else ""
        id = self.editor.add("action", cause=cause, kind=kind, text=text)
        return {"focus": sign(id)}

    def _link(self, asked: Mapping[str, Any]) -> Answer | None:
        text = str(asked.get("text") or "").strip()
        if text:
            found = Evidence(text[:120], text if len(text) > 120 else "", self._scene.found)
        else:
            offer = self._offer(asked.get("e"))
            found = Evidence(offer.id, offer.says, self._scene.found)
        self._change_evidence(asked, lambda held: (*(one for one in held if one.id != found.id), found))
        return None

    def _unlink(self, asked: Mapping[str, Any]) -> Answer | None:
        gone = self._id(asked.get("e"))
        self._change_evidence(asked, lambda held: tuple(one for one in held if one.id != gone))
        return None

    def _change_evidence(self, asked: Mapping[str, Any], change: Callable[[Any], Any]) -> None:
        """Change the evidence of a cause, or of one of its answers to "why?" where the page names which."""
        id, why = self._id(asked.get("t")), asked.get("why")
        found = self.editor.board.find(id)
        if found is None:
            raise AnswersError("The cause isn't there any more.")
        if isinstance(why, int) and 0 <= why < len(found.cause.whys):
            whys = list(found.cause.whys)
            whys[why] = replace(whys[why], evidence=change(whys[why].evidence))
            self.editor.change("cause", id, "whys", write_whys(tuple(whys)))
        else:
            self.editor.change("cause", id, "evidence", write_evidence(change(found.cause.evidence)))
        self.autosave.save()

    def _undo(self, _: Mapping[str, Any]) -> Answer:
        self._faulty.clear()
        what = self.editor.undo()
        return {"said": f"Taken back: {what}" if what else "There is nothing to take back"}

    def _keep_check(self, asked: Mapping[str, Any]) -> Answer:
        """Keep what the data says of an action's effect with the action, whoever wrote it."""
        id = self._id(asked.get("t"))
        action = next((one for one in self.editor.board.actions if one.id == id), None)
        found = find_effect(action, self._scene) if action else None
        if found is None:
            raise AnswersError("There is nothing new to keep.")
        self.autosave.save()
        keep_check(self.editor.folder, self.editor.board, id, found)
        self.editor.refresh()
        return {"said": "Kept with the action"}

    def _refresh(self, _: Mapping[str, Any]) -> Answer:
        self.autosave.save()
        return {"said": "This is everything as of now"}

    def _resolve(self, asked: Mapping[str, Any]) -> Answer | None:
        place = next((one for one in self.editor.conflicts if _say_place(one) == asked.get("place")), None)
        if place:
            self.editor.resolve(place, "mine" if asked.get("keep") == "mine" else "theirs")
            self.autosave.save()
        return None

    # ---- saving -----------------------------------------------------------------------------------------------------

    def _saved(self, saved: Saved) -> None:
        if not self.editor.is_dirty and saved.status != "failed":
            self._on_disk = self._last
        self._tell(saved)
        self.show()

    def _tell(self, saved: Saved | None) -> None:
        if saved is not None and saved.status == "failed":
            self.status.show("failed", "see the message" if self.editor.problem else saved.message)
        elif self.editor.conflicts:
            self.status.show("conflict", "choose which of the two holds")
        elif self._faulty:
            n = len(self._faulty)
            fields = "1 field can't" if n == 1 else f"{n} fields can't"
            self.status.show("failed", f"{fields} be kept as typed; the rest is saved")
        elif saved is None or saved.status == "saved" or self.status.state in ("conflict", "saving", "failed"):
            self.status.show("saved", at=saved.at if saved and saved.at else self.editor.now())

    def _id(self, given: Any) -> str:
        if not isinstance(given, str) or given not in self._ids:
            raise AnswersError("That isn't on the board any more; somebody may have removed it.")
        return self._ids[given]

    def _offer(self, given: Any) -> BoardEvidence:
        id = self._id(given)
        found = next((one for one in self._scene.offers if one.id == id), None)
        if found is None:
            raise AnswersError("The data doesn't show that any more.")
        return found


def list_judged(board: Board) -> tuple[Any, ...]:
    """Return everything of a board on which it depends what the data says of its actions."""
    return tuple((one.cause.id, one.cause.state, one.cause.period, one.actions) for one in board.causes)


def _say_place(place: Place) -> str:
    kind, id, key = place
    return f"{kind}/{sign(id) if id else ''}/{key}"


def _say(value: Any) -> str:
    if value in (None, "", [], ()):
        return "blank"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " · ".join(
            str(one.get("text") or one.get("id")) if isinstance(one, Mapping) else str(one) for one in value
        )
    return str(value)


def _say_error(error: AnswersError) -> str:
    """Return an error as the page tells it, without the place that the reader is looking at anyway."""
    text = re.sub(r"^\[(?!answers/)[^\]]*\]\s*", "", str(error))
    return text[:1].upper() + text[1:]
