"""The one way of writing a definition that compares equal wherever it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal

from guerdon.rules.definition.campaigns import WEEKDAYS
from guerdon.rules.definition.document import Definition
from guerdon.rules.definition.effects import EffectPart
from guerdon.rules.definition.ladders import Ladder
from guerdon.rules.definition.part import Part
from guerdon.rules.definition.spans import Span
from guerdon.rules.definition.texts import Text
from guerdon.rules.definition.walk import fields
from guerdon.rules.definition.words import number_text


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
