"""Lists of questions, steps, levels and prizes side by side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

from guerdon.rules.definition import EffectPart, canonical_data

NOUNS: Final = {
    "questions": "question",
    "answers": "answer",
    "steps": "step",
    "then": "step",
    "else_": "other step",
    "levels": "level",
    "prizes": "prize",
    "ladder": "rung",
    "exit": "exit",
}
"""What an item of a list is called, by the name of the list."""


@dataclass(frozen=True, slots=True)
class ItemChange:
    """One change in a list: places in the old and in the new list, None where there is none."""

    old: int | None
    new: int | None


def item_data(item: object) -> Any:
    """Turn an item of a list into plain data.

    Args:
        item: a part, an effect or a scalar.

    Returns:
        As documents write it.
    """
    return {item.effect: canonical_data(item)} if isinstance(item, EffectPart) else canonical_data(item)


def compare_items(before: Sequence[object], after: Sequence[object]) -> Iterator[ItemChange]:
    """Find what came, went and changed in a list.

    Args:
        before: the items as they were.
        after: the items as they will be.

    Yields:
        The changes; one without places where the same items stand in another order; none for equal lists.
    """
    old, new = [_written(one) for one in before], [_written(one) for one in after]
    if old == new:
        return
    if Counter(old) == Counter(new):
        yield ItemChange(None, None)
        return
    if len(old) == len(new):
        yield from (ItemChange(at, at) for at in range(len(old)) if old[at] != new[at])
        return
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, first, last, other_first, other_last in matcher.get_opcodes():
        if tag == "equal":
            continue
        left, right = list(range(first, last)), list(range(other_first, other_last))
        shared = min(len(left), len(right))
        yield from (ItemChange(*pair) for pair in zip(left[:shared], right[:shared], strict=True))
        yield from (ItemChange(at, None) for at in left[shared:])
        yield from (ItemChange(None, at) for at in right[shared:])


def _written(item: object) -> str:
    return json.dumps(item_data(item), sort_keys=True)
