"""The one way of writing a definition that compares equal wherever it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal

from guerdon.rules.definition.campaigns import WEEKDAYS
from guerdon.rules.definition.document import Definition
from guerdon.rules.definition.effects import EffectPart
from guerdon.rules.definition.ladders import Ladder
from guerdon.rules.definition.scalars.part import Part, spellings
from guerdon.rules.definition.scalars.spans import Span
from guerdon.rules.definition.scalars.texts import Text
from guerdon.rules.definition.scalars.words import number_text
from guerdon.rules.definition.source.tree import join


def canonical_bytes(definition: Definition) -> bytes:
    """Write a definition canonically: sorted keys, defaults left out, numbers as normalised text.

    Args:
        definition: any definition.

    Returns:
        JSON in UTF-8, which loads to an equal definition. Only the tiers of a ladder keep their order.
    """
    return json.dumps(canonical_data(definition), ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def definition_hash(definition: Definition) -> str:
    """Name a definition by its content.

    Args:
        definition: any definition.

    Returns:
        SHA-256 of its canonical bytes, 64 hex digits.
    """
    return hashlib.sha256(canonical_bytes(definition)).hexdigest()


def canonical_data(value: object) -> object:
    """Turn a value of a definition into plain data.

    Args:
        value: a definition, a part of one, or a scalar.

    Returns:
        Dicts with sorted keys, lists, texts, booleans and None.
    """
    if isinstance(value, Part):
        return _part(value)
    if isinstance(value, Mapping):
        return {str(key): canonical_data(value[key]) for key in sorted(value)}
    if isinstance(value, tuple | list):
        return [_item(item) for item in value]
    if isinstance(value, frozenset):
        return [day for day in WEEKDAYS if day in value]
    if isinstance(value, Text):
        return dict(value.translations) if value.translations else value.plain
    return _scalar(value)


def readable_data(value: object) -> object:
    """Turn a value of a definition into plain data in the order in which people write it.

    Args:
        value: a definition, or a part of one.

    Returns:
        As `canonical_data`, with the keys of parts in the order of the models.
    """
    if isinstance(value, Part):
        return {key: readable_data(item) for key, item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): readable_data(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [
            {item.effect: readable_data(item)} if isinstance(item, EffectPart) else readable_data(item)
            for item in value
        ]
    return canonical_data(value)


def _part(part: Part) -> object:
    written = {key: canonical_data(value) for key, value in sorted(fields(part))}
    if isinstance(part, Ladder):
        written["tiers"] = {key: canonical_data(tier) for key, tier in part.tiers.items()}
    return written


def _item(value: object) -> object:
    written = canonical_data(value)
    return {value.effect: written} if isinstance(value, EffectPart) else written


def _scalar(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Span):
        return value.text
    if isinstance(value, Decimal | int):
        return number_text(Decimal(value))
    if isinstance(value, datetime | time | date):
        return value.isoformat()
    return str(value)


def fields(part: Part) -> Iterator[tuple[str, object]]:
    """List what a part says beyond its defaults.

    Args:
        part: any part of a definition.

    Yields:
        The key as documents spell it, and the value.
    """
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if field.is_required() or value != field.get_default(call_default_factory=True, validated_data={}):
            yield spellings(name, field)[0], value


def leaves(value: object, pointer: str = "") -> Iterator[tuple[str, object]]:
    """List the values that are no parts, maps or lists.

    Args:
        value: a definition, or a part of one.
        pointer: JSON pointer to it.

    Yields:
        Pointer and value, as far as they differ from the defaults.
    """
    if isinstance(value, Part):
        for key, item in fields(value):
            yield from leaves(item, join(pointer, key))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, join(pointer, str(key)))
    elif isinstance(value, tuple | list):
        for at, item in enumerate(value):
            below = join(pointer, at)
            yield from leaves(item, join(below, item.effect) if isinstance(item, EffectPart) else below)
    else:
        yield pointer, value
