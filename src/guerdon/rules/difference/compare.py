"""The walk over two definitions side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from guerdon.rules.definition import (
    Campaign,
    Definition,
    DescribedPart,
    EffectPart,
    Ladder,
    Part,
    PersonalGoal,
    Signal,
    Tier,
    Wait,
    canonical_data,
    join,
    spellings,
)
from guerdon.rules.difference.effects import compare_effects, instead
from guerdon.rules.difference.entries import news, saying, subject
from guerdon.rules.difference.items import NOUNS, ItemChange, compare_items, item_data
from guerdon.rules.difference.sections import item_words
from guerdon.rules.difference.voice import Voice, as_words, coded, plainly

_ABSENT: Final = object()
_WHOSE: Final = {"friend": "for the friend"}
Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a new definition changes."""

    section: str
    """Where it stands, such as `campaigns`; `program` for what belongs to no section."""
    pointer: str
    """JSON pointer, into the new definition; into the old one for what is removed."""
    kind: Kind
    sentence: str
    """For people, to be read aloud."""
    before: Any
    """What stood there, as plain data; None for what is new."""
    after: Any
    """What stands there now, as plain data; None for what is removed."""


def compare(
    before: Definition | None, after: Definition, languages: Sequence[str] = ()
) -> tuple[Change, ...]:
    """Say what a new definition changes.

    Args:
        before: the definition that is live, or None for a new program.
        after: the new definition.
        languages: the reader's languages for names of tiers, rewards and units, before the program's own.

    Returns:
        The changes in the order of the sections, then by key; none exactly where both say the same.
    """
    new = Voice(after, languages)
    if before is None:
        empty = Definition(program=after.program, name=after.name, currency=after.currency,
                           timezone=after.timezone, languages=after.languages)  # fmt: skip
        money, days = f"reckoned in {after.currency}", f"with the days of {after.timezone}"
        sentence = f"New program {new.text(after.name)}, {money}, {days}."
        first = Change("program", "", "added", sentence, None, after.program)
        return (first, *_Walk(Voice(empty, languages), new).whole(empty, after))
    return tuple(_Walk(Voice(before, languages), new).whole(before, after))


_SUBJECTS: Final = {"referral": "The referral", "community": "The community", "sharing": "Sharing"}
"""What is said of one part of the whole document."""


class _Walk:
    def __init__(self, old: Voice, new: Voice) -> None:
        self.old = old
        self.new = new

    def whole(self, before: Definition, after: Definition) -> Iterator[Change]:
        for name in type(after).model_fields:
            old, new = getattr(before, name), getattr(after, name)
            if _same(old, new):
                continue
            if isinstance(new, Part):
                about = _SUBJECTS.get(name) or f"The setting {coded(name)}"
                yield from self.fields(name, about, old, new, f"/{name}")
            elif isinstance(new, Mapping):
                yield from self.section(name, old, new)
            else:
                yield self.field("program", "The program", (type(after), name, f"/{name}"), (old, new))

    def section(self, section: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
        for key in sorted(before.keys() | after.keys()):
            pointer = join(f"/{section}", key)
            old, new = before.get(key, _ABSENT), after.get(key, _ABSENT)
            if old is _ABSENT or new is _ABSENT:
                yield self.came_or_went(section, key, pointer, (old, new))
            elif not _same(old, new):
                yield from self.entry(section, key, pointer, (old, new))

    def came_or_went(self, section: str, key: str, pointer: str, pair: tuple[Any, Any]) -> Change:
        old, new = pair
        if new is _ABSENT:
            about = subject(section, key, old, self.old)
            return Change(section, pointer, "removed", f"{about} is removed.", canonical_data(old), None)
        about = subject(section, key, new, self.new).removeprefix("The ")
        sentence = f"New {about[:1].lower()}{about[1:]}{news(new, self.new)}."
        return Change(section, pointer, "added", sentence, None, canonical_data(new))

    def entry(self, section: str, key: str, pointer: str, pair: tuple[Any, Any]) -> Iterator[Change]:
        old, new = pair
        about = subject(section, key, old, self.old)
        yield from self.fields(section, about, old, new, pointer)
        if isinstance(new, Ladder):
            yield from self.tiers(key, pointer, old.tiers, new.tiers)

    def fields(self, section: str, about: str, old: Any, new: Any, pointer: str) -> Iterator[Change]:
        for name, field in type(new).model_fields.items():
            pair = (getattr(old, name), getattr(new, name))
            if _same(*pair) or (isinstance(new, Ladder) and name == "tiers"):
                continue
            below = join(pointer, spellings(name, field)[0])
            yield from self.value(section, about, (type(new), name, below), pair)

    def value(
        self, section: str, about: str, where: tuple[type[Part], str, str], pair: tuple[Any, Any]
    ) -> Iterator[Change]:
        part, name, pointer = where
        lists = _lists(part, name, pair)
        if lists is not None and all(isinstance(item, EffectPart) for items in lists for item in items):
            of = about if name in ("then", "prize") else _inside(about, _WHOSE.get(name) or coded(name))
            yield from self.effects(section, of, pointer, lists)
        elif lists is not None:
            yield from self.items(section, about, (name, pointer), lists)
        elif issubclass(part, DescribedPart) and type(pair[0]) is type(pair[1]) and _is_inside(pair[1]):
            yield from self.fields(section, _inside(about, coded(name)), *pair, pointer)
        else:
            yield self.field(section, about, where, pair)

    def items(
        self, section: str, about: str, where: tuple[str, str], pair: tuple[Sequence[Any], Sequence[Any]]
    ) -> Iterator[Change]:
        name, pointer = where
        noun = NOUNS.get(name, as_words(name))
        for one in compare_items(*pair):
            old = pair[0][one.old] if one.old is not None else _ABSENT
            new = pair[1][one.new] if one.new is not None else _ABSENT
            if old is _ABSENT and new is _ABSENT:
                data = [[item_data(item) for item in items] for items in pair]
                yield Change(section, pointer, "changed", f"{about} has each {noun} in another order.", *data)
            elif new is _ABSENT:
                sentence = f"{about} no longer has this {noun}: {item_words(old, self.old)}."
                yield Change(section, join(pointer, one.old or 0), "removed", sentence, item_data(old), None)
            elif old is _ABSENT:
                sentence = f"{about} has a new {noun}: {item_words(new, self.new)}."
                yield Change(section, join(pointer, one.new or 0), "added", sentence, None, item_data(new))
            else:
                yield from self.item(
                    section, _inside(about, f"{noun} {(one.new or 0) + 1}"), pointer, (one, old, new)
                )

    def item(
        self, section: str, about: str, pointer: str, change: tuple[ItemChange, Any, Any]
    ) -> Iterator[Change]:
        one, old, new = change
        below = join(pointer, one.new or 0)
        if type(old) is type(new) and not isinstance(new, EffectPart | Signal):
            yield from self.fields(section, about, old, new, below)
            return
        was, becomes = item_words(old, self.old), item_words(new, self.new)
        if was == becomes:
            was, becomes = (coded(json.dumps(item_data(item), ensure_ascii=False)) for item in (old, new))
        sentence = f"{about} is now: {becomes}, instead of: {was}."
        yield Change(section, below, "changed", sentence, item_data(old), item_data(new))

    def field(
        self, section: str, about: str, where: tuple[type[Part], str, str], pair: tuple[Any, Any]
    ) -> Change:
        part, name, pointer = where
        verb, read = saying(part, name)
        was, becomes = read(pair[0], self.old), read(pair[1], self.new)
        if was == becomes:
            was, becomes = plainly(pair[0]), plainly(pair[1])
        begin = about.removesuffix(",") if verb.startswith(":") else f"{about} "
        sentence = f"{begin}{verb} {instead(becomes, was)}."
        return Change(section, pointer, "changed", sentence, *map(canonical_data, pair))

    def effects(
        self, section: str, about: str, pointer: str, pair: tuple[Sequence[EffectPart], Sequence[EffectPart]]
    ) -> Iterator[Change]:
        for one in compare_effects((pair[0], self.old), (pair[1], self.new)):
            below = pointer if one.place is None else join(pointer, one.place)
            data = [_effect_data(effect) for effect in (one.before, one.after)]
            if one.place is None:
                data = [[_effect_data(effect) for effect in effects] for effects in pair]
            yield Change(section, below, one.kind, f"{about} {one.words}.", *data)

    def tiers(
        self, ladder: str, pointer: str, before: Mapping[str, Tier], after: Mapping[str, Tier]
    ) -> Iterator[Change]:
        # Tiers stand from low to high, and what is gone stands where it stood.
        gone = [key for key in before if key not in after]
        for key in (*gone, *after):
            below = join(f"{pointer}/tiers", key)
            old, new = before.get(key, _ABSENT), after.get(key, _ABSENT)
            if old is _ABSENT or new is _ABSENT:
                change = self.came_or_went("ladders", key, below, (old, new))
                where = f" on the ladder {coded(ladder)}"
                yield _with_place(change, where)
            elif isinstance(old, Tier):
                yield from self.fields("ladders", subject("ladders", key, old, self.old), old, new, below)


def _same(old: Any, new: Any) -> bool:
    return bool(_data(old) == _data(new))


def _data(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_data(item) for item in value]
    return _effect_data(value) if isinstance(value, EffectPart) else canonical_data(value)


def _effect_data(effect: EffectPart | None) -> Any:
    return None if effect is None else {effect.effect: canonical_data(effect)}


def _with_place(change: Change, where: str) -> Change:
    name, colon, rest = change.sentence.partition(" from " if change.kind == "added" else " is removed")
    return Change(change.section, change.pointer, change.kind, f"{name}{where}{colon}{rest}", change.before,
                  change.after)  # fmt: skip


def _lists(part: type[Part], name: str, pair: tuple[Any, Any]) -> tuple[Sequence[Any], Sequence[Any]] | None:
    """Take two lists of parts; a prize that is left out is an empty list."""
    old, new = pair
    if name == "prize":
        old, new = old or (), new or ()
    if not (isinstance(old, tuple) and isinstance(new, tuple)):
        return None
    known = issubclass(part, DescribedPart) or (issubclass(part, Campaign) and name == "then")
    return (old, new) if known and all(isinstance(item, Part) for item in (*old, *new)) else None


def _inside(about: str, where: str) -> str:
    return f"{about.removesuffix(',')}, {where},"


def _is_inside(value: object) -> bool:
    """Tell parts that are told field by field from those that are read aloud as a whole."""
    return isinstance(value, DescribedPart) and not isinstance(value, Signal | Wait | PersonalGoal)
