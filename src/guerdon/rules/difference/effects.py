"""Effects of campaigns read aloud, and what changed in a list of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any, Final, Literal

from guerdon.rules.definition import (
    Award,
    Badge,
    Discount,
    EffectPart,
    Gift,
    Grant,
    Message,
    Multiply,
    Redeem,
    Step,
    canonical_data,
    number_text,
)
from guerdon.rules.difference.voice import (
    Voice,
    amount_of,
    as_words,
    coded,
    condition,
    expiry,
    listed,
    span,
)

_OF: Final = {
    "order": "the order",
    "lines": "the lines",
    "cheapest": "the cheapest one",
    "dearest": "the dearest one",
    "shipping": "the shipping",
}


@dataclass(frozen=True, slots=True)
class EffectChange:
    """One change in a list of effects."""

    kind: Literal["added", "removed", "changed"]
    place: int | None
    """Index in the new list, in the old one for what is removed; None for the whole list."""
    words: str
    """What follows the campaign's name, without a full stop."""
    before: EffectPart | None = None
    after: EffectPart | None = None


def _award(one: Award, voice: Voice) -> tuple[str, str]:
    said = voice.units(one.wallet, amount_of(one.amount))
    if one.pending is not None:
        said += ", to be spent at once" if one.pending.is_zero else f", to be spent after {span(one.pending)}"
    if one.expires is not None:
        said += f", kept {expiry(one.expires)}"
    return "gives", said


def _multiply(one: Multiply, voice: Voice) -> tuple[str, str]:
    of = f" of {listed([coded(key) for key in one.of])}" if one.of else ""
    if one.where is not None:
        of += f" {condition(one.where).replace('when', 'where', 1)}"
    adds = ", bonuses added up" if one.combine == "add" else ""
    return f"multiplies {voice.units(one.wallet)}{of} by", f"{amount_of(one.by)}{adds}"


def _redeem(one: Redeem, voice: Voice) -> tuple[str, str]:
    until = f" while {coded(one.while_)}" if one.while_ is not None else ""
    return "takes the reward", f"{voice.reward(one.reward)}{until} and pays for it"


def _size(one: Discount | Step, voice: Voice) -> str:
    if one.amount is not None:
        return f"{voice.money(one.amount)} off"
    if one.price is not None:
        return f"whatever is above {voice.money(one.price)} off"
    return f"{number_text(one.percent or Decimal(0))} % off"


def _step(one: Step, discount: Discount, voice: Voice) -> str:
    by_spend = discount.by in (None, "spend")
    start = voice.money(one.from_) if by_spend else f"{number_text(one.from_)} pieces"
    return f"{_size(one, voice)} {_OF[discount.of]} from {start}"


def _discount(one: Discount, voice: Voice) -> tuple[str, str]:
    said = listed([_step(step, one, voice) for step in one.steps or ()])
    if not said:
        said = f"{_size(one, voice)} {_OF[one.of]}"
    if one.count is not None:
        said += f", {one.count} each time"
    if one.by == "line_quantity":
        said += ", line by line"
    if one.where is not None:
        said += f" {condition(one.where).replace('when', 'where', 1)}"
    said += _times(one)
    if one.at_most is not None:
        said += f", at most {voice.money(one.at_most)}"
    return "takes", said


def _times(one: Discount) -> str:
    said = ""
    if one.every is not None:
        said = f", for every {one.every}" if one.of == "lines" else f", one in every {one.every}"
    if one.buy is not None:
        said = f", for every {one.buy.quantity} bought"
        if one.buy.where is not None:
            said += f" {condition(one.buy.where).replace('when', 'where', 1)}"
    return said if one.repeat is None else f"{said}, {one.repeat} times at most"


def _gift(one: Gift, voice: Voice) -> tuple[str, str]:
    worth = f", worth {voice.money(one.worth)} each" if one.worth is not None else ""
    return "adds for free", f"{one.quantity} × {one.sku}{worth}"


_SAID: Final[dict[type[EffectPart], Callable[[Any, Voice], tuple[str, str]]]] = {
    Award: _award,
    Multiply: _multiply,
    Redeem: _redeem,
    Grant: lambda one, voice: ("grants the reward", voice.reward(one.reward)),
    Badge: lambda one, _: ("gives the badge", as_words(one.badge).capitalize()),
    Discount: _discount,
    Gift: _gift,
    Message: lambda one, _: ("sends the message", coded(one.message)),
}


def effect_words(effect: EffectPart, voice: Voice) -> str:
    """Read an effect aloud.

    Args:
        effect: the effect.
        voice: of its definition.

    Returns:
        A verb and what follows it, such as `gives 100 points`.
    """
    return " ".join(_SAID[type(effect)](effect, voice))


def compare_effects(
    before: tuple[Sequence[EffectPart], Voice], after: tuple[Sequence[EffectPart], Voice]
) -> Iterator[EffectChange]:
    """Find what changed in a list of effects.

    Args:
        before: the effects as they were, and the voice of their definition.
        after: the effects as they will be, and the voice of their definition.

    Yields:
        The changes; none exactly where both lists say the same.
    """
    old, new = [_written(one) for one in before[0]], [_written(one) for one in after[0]]
    if old == new:
        return
    if Counter(old) == Counter(new):
        yield EffectChange("changed", None, "does the same things in another order")
        return
    if [one.effect for one in before[0]] == [one.effect for one in after[0]]:
        spans = [(at, at + 1, at, at + 1) for at in range(len(old)) if old[at] != new[at]]
    else:
        matcher = SequenceMatcher(None, old, new, autojunk=False)
        spans = [where for tag, *where in matcher.get_opcodes() if tag != "equal"]  # type: ignore[misc]
    for first, last, other_first, other_last in spans:
        yield from _replaced(before, after, range(first, last), range(other_first, other_last))


def _written(effect: EffectPart) -> str:
    return json.dumps([effect.effect, canonical_data(effect)], sort_keys=True)


def _replaced(
    before: tuple[Sequence[EffectPart], Voice],
    after: tuple[Sequence[EffectPart], Voice],
    old: range,
    new: range,
) -> Iterator[EffectChange]:
    """Pair effects of one kind that stand in the same stretch; the rest came or went."""
    left = list(old)
    for place in new:
        effect = after[0][place]
        pair = next((at for at in left if before[0][at].effect == effect.effect), None)
        if pair is None:
            yield EffectChange("added", place, f"also {effect_words(effect, after[1])}", None, effect)
            continue
        left.remove(pair)
        words = _instead(before[0][pair], before[1], effect, after[1])
        yield EffectChange("changed", place, words, before[0][pair], effect)
    for place in left:
        effect = before[0][place]
        yield EffectChange("removed", place, f"no longer {effect_words(effect, before[1])}", effect)


def _instead(before: EffectPart, old: Voice, after: EffectPart, new: Voice) -> str:
    was_verb, was = _SAID[type(before)](before, old)
    verb, becomes = _SAID[type(after)](after, new)
    if (verb, becomes) == (was_verb, was):
        return f"{verb} {becomes}, written as {_written(after)} instead of {_written(before)}"
    if verb != was_verb:
        return f"{verb} {becomes}, where it {was_verb} {was} now"
    return f"{verb} {instead(becomes, was)}"


def instead(after: str, before: str) -> str:
    """Say one value instead of another, without saying a shared unit twice.

    Args:
        after: the new value in words.
        before: the old value in words.

    Returns:
        Text such as `150 points instead of 100`.
    """
    number, _, unit = after.partition(" ")
    was, _, same = before.partition(" ")
    if unit and unit == same and number[:1].isdecimal() and was[:1].isdecimal():
        of, comma, rest = unit.partition(",")
        return f"{number} {of} instead of {was}{' %' if of.startswith('%') else ''}{comma}{rest}"
    return f"{after}{',' if ', ' in after else ''} instead of {before}"
