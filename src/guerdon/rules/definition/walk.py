"""Walking over the values of a definition in the shape that documents have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from guerdon.rules.definition.effects import EffectPart
from guerdon.rules.definition.part import Part, spellings
from guerdon.rules.definition.tree import join


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
