"""A cascade and what people say about it without anybody's name: in slices by owner, in ids and in texts too."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from helpers.answers.cascade_comments import order_comments
from helpers.answers.pseudonyms import choose_pseudonyms
from helpers.model.cascade import Cascade, Comment

PERSONAL = ("owner", "manager")
"""Partitions whose values are people."""


def hide_cascade(cascade: Cascade, comments: Iterable[Comment], *, salt: str) -> tuple[Cascade, tuple[Comment, ...]]:
    """Replace people by the pseudonyms under which the exports know them.

    Args:
        cascade: As read.
        comments: As read.
        salt: Something of the company's own, as for its exports.

    Returns:
        Both without names. Ids of people, targets and comments, which are made of names, are numbered; a name in a
        text is replaced where it is that of a person of the cascade or of somebody who commented.
    """
    listed, hide = order_comments(comments), choose_pseudonyms({}, salt=salt)
    names = {person.name for person in cascade.people.values()} | {one.author for one in listed}
    names |= {item.slice for item in _items(cascade) if item.dimension in PERSONAL}
    clean = _make_cleaner({name for name in names if name.strip()}, hide)
    people = {id: f"person-{number}" for number, id in enumerate(cascade.people, start=1)}
    ids = people | {id: f"target-{number}" for number, id in enumerate(cascade.targets, start=1)}

    def mask(item: Any, **more: Any) -> Any:
        own = {"slice": hide(item.slice)} if item.dimension in PERSONAL else {}
        return replace(item, title=clean(item.title), **own, **more)

    def own(item: Any) -> Any:
        return mask(item, owner=people.get(item.owner, ""), note=clean(item.note))

    hidden = replace(
        cascade,
        goals={id: own(goal) for id, goal in cascade.goals.items()},
        tactics={id: own(tactic) for id, tactic in cascade.tactics.items()},
        people={people[id]: replace(one, id=people[id], name=hide(one.name)) for id, one in cascade.people.items()},
        targets={
            ids[id]: mask(target, id=ids[id], person=people.get(target.person, ""))
            for id, target in cascade.targets.items()
        },
        correlations=tuple(
            replace(
                one,
                from_id=ids.get(one.from_id, one.from_id),
                to_id=ids.get(one.to_id, one.to_id),
                note=clean(one.note),
            )
            for one in cascade.correlations
        ),
    )
    return hidden, _hide_comments(listed, ids, hide, clean)


def _hide_comments(
    comments: tuple[Comment, ...], ids: Mapping[str, str], hide: Callable[[str], str], clean: Callable[[str], str]
) -> tuple[Comment, ...]:
    new = {one.id: f"comment-{number}" for number, one in enumerate(comments, start=1)}
    return tuple(
        replace(
            one,
            id=new[one.id],
            author=hide(one.author),
            on=ids.get(one.on, one.on),
            text=clean(one.text),
            reply_to=new.get(one.reply_to, ""),
        )
        for one in comments
    )


def _items(cascade: Cascade) -> list[Any]:
    return [*cascade.goals.values(), *cascade.tactics.values(), *cascade.targets.values()]


def _make_cleaner(names: set[str], hide: Callable[[str], str]) -> Callable[[str], str]:
    ordered = sorted(names, key=lambda name: (-len(name), name))

    def clean(text: str) -> str:
        for name in ordered:
            text = text.replace(name, hide(name))
        return text

    return clean
