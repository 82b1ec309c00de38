"""What people say about a cascade, as a screen: choose a part, read its thread, answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ipywidgets import HTML, Button, Dropdown, HBox, Textarea, VBox

from helpers.answers.cascade_comments import GROUP, add_comment, read_comments, thread_comments
from helpers.answers.files import list_topics, stat_topic
from helpers.errors import AnswersError
from helpers.model.cascade import COMMENT_KINDS, Cascade, Comment
from helpers.present import words
from helpers.present.cards import message_html
from helpers.present.cascade_view import KIND_WORDS, levels_of, thread_html

NEW = ("A new matter", "")
LONGEST = 60
EMPTY = "Nobody has said anything about this yet."


class CascadeTalk:
    """Threads, and a place to add to them; what is said is kept for good in its author's own file.

    Args:
        folder: The company's folder.
        by: Who speaks.
        cascade: Returns the cascade as it stands.
        on_said: Called after a comment was kept.
    """

    def __init__(self, folder: Path, *, by: str, cascade: Callable[[], Cascade], on_said: Callable[[], None]) -> None:
        self._folder, self.by, self._cascade, self._on_said = Path(folder), by, cascade, on_said
        self._marks: Mapping[str, tuple[int, ...]] = {}
        self.comments: tuple[Comment, ...] = ()
        self._is_filling = False
        self.part = Dropdown(options=[("–", "")]).add_class("talk-part")
        self.thread = HTML().add_class("talk-thread")
        self.kind = Dropdown(options=[(kind, kind) for kind in COMMENT_KINDS]).add_class("pick")
        self.reply = Dropdown(options=[NEW]).add_class("talk-reply")
        self.text = Textarea(placeholder="Say it in a sentence").add_class("talk-text")
        self.say = Button(description="Say it").add_class("primary").add_class("talk-say")
        self.note = HTML()
        self.part.observe(lambda _: self._part_changed(), names="value")
        self.say.on_click(lambda _: self._say())
        answer = VBox(
            [
                HBox([self.kind, self.reply]).add_class("actions"),
                self.text,
                HBox([self.say, self.note]).add_class("actions"),
            ]
        )
        label = HTML('<p class="label">About</p>')
        self.widget = VBox([label, self.part, self.thread, answer.add_class("talk-answer")]).add_class("talk")
        if not self.refresh():
            self.show()

    def count(self) -> int:
        """Return how many comments there are."""
        return len(self.comments)

    def refresh(self) -> bool:
        """Look whether anybody said something; cheap where nobody did.

        Returns:
            Whether something is new.
        """
        marks = {topic: stat_topic(self._folder, topic) for topic in list_topics(self._folder, GROUP)}
        if marks == self._marks:
            return False
        self._marks = marks
        self.comments = read_comments(self._folder)[0]
        self.show()
        return True

    def show(self) -> None:
        """Show the parts there are and the thread of the one chosen; what is being typed stays."""
        self._is_filling = True
        counts: dict[str, int] = {}
        for one in self.comments:
            counts[one.on] = counts.get(one.on, 0) + 1
        parts = levels_of(self._cascade())
        parts |= {id: f"No longer there: {id}" for id in counts if id not in parts}
        options = [(f"{_short(name)}{f' ({counts[id]})' if id in counts else ''}", id) for id, name in parts.items()]
        options = _make_unique(options) or [("No part yet", "")]
        chosen = self.part.value
        if list(self.part.options) != options:
            self.part.options = options
        ids = [id for _, id in options]
        self.part.value = chosen if chosen in ids else next((id for id in ids if id in counts), ids[0])
        self._show_thread()
        self._is_filling = False

    def _part_changed(self) -> None:
        if not self._is_filling:
            self._show_thread()

    def _show_thread(self) -> None:
        thread = thread_comments(self.comments, self.part.value or "")
        self.thread.value = (
            f'<div class="cascade">{thread_html(thread)}</div>' if thread else f'<p class="note">{EMPTY}</p>'
        )
        replies = [(_short(f"To {one.author}: {one.text}"), one.id) for _, one in thread]
        options, chosen = _make_unique([NEW, *replies]), self.reply.value
        if list(self.reply.options) != options:
            self.reply.options = options
            self.reply.value = chosen if chosen in [id for _, id in options] else ""

    def _say(self) -> None:
        typed, on = self.text.value.strip(), self.part.value or ""
        if not typed or not on:
            self.note.value = f'<p class="fault">{"Type what you would say." if on else "Choose a part first."}</p>'
            return
        try:
            add_comment(self._folder, self.by, on=on, text=typed, kind=self.kind.value, reply_to=self.reply.value or "")
        except AnswersError as error:
            self.note.value = message_html("error", "Not kept", str(error))
            return
        self.text.value, self.note.value = "", f'<p class="n">Kept, as {KIND_WORDS[self.kind.value]}</p>'
        self.reply.value = ""
        self.refresh()
        self._on_said()


def _short(text: str) -> str:
    return words.shorten(" ".join(words.clean_text(text).split()), LONGEST)


def _make_unique(options: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Number labels that would be the same, since a list tells its options by their labels."""
    seen: dict[str, int] = {}
    made = []
    for label, value in options:
        seen[label] = seen.get(label, 0) + 1
        made.append((label if seen[label] == 1 else f"{label} · {seen[label]}", value))
    return made
