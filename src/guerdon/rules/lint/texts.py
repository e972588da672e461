"""Texts that are missing in a language, and types that members cannot carry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guerdon.rules.definition import InactivePart, Text, inactive_parts, leaves
from guerdon.rules.lint.asked import Asked
from guerdon.rules.lint.findings import LintWarning

_NOT_CARRIED: Final = frozenset({"timestamp", "duration", "any"})


def missing_texts(asked: Asked) -> Iterator[LintWarning]:
    """Find texts that speak some of the program's languages and not all.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each text, with the languages that are missing.
    """
    definition = asked.definition
    for pointer, value in leaves(definition):
        if not isinstance(value, Text) or not value.translations:
            continue
        given = {language for language, _ in value.translations}
        missing = [language for language in definition.languages if language not in given]
        if missing:
            fallback = definition.languages[0]
            yield LintWarning(
                "text_missing",
                pointer,
                place_of(pointer),
                f"The text “{value.in_language(fallback, ())}” is missing in {', '.join(missing)}; "
                f"who reads these sees it in {fallback}.",
                "Add the text, or write it as one text where it is the same in all languages.",
            )


def uncarried_types(asked: Asked) -> Iterator[LintWarning]:
    """Find attributes of types that a member cannot carry yet.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each.
    """
    definition = asked.definition
    for key, datum in definition.attributes.items():
        if datum.type in _NOT_CARRIED:
            yield LintWarning(
                "attribute_type_unsupported",
                f"/attributes/{key}",
                f"attribute `{key}`",
                f"A member cannot carry values of the type {datum.type} yet, so `{key}` stays absent.",
                "Use `date` or `string`.",
            )


def not_active(asked: Asked) -> Iterator[LintWarning]:
    """List what is accepted and does nothing yet.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each such part.
    """
    segments = (
        InactivePart(f"/segments/{key}", f"{one.inactive}, so nobody belongs to this segment")
        for key, one in asked.program.segments.items()
        if one.inactive
    )
    for part in (*inactive_parts(asked.definition), *segments):
        yield LintWarning(
            "not_active_yet",
            part.pointer,
            place_of(part.pointer),
            f"Not active yet: {part.why}.",
            "It may stay: it is kept with the version, and will be live when the engine can do it.",
        )


def place_of(pointer: str) -> str:
    """Name the part of a definition that a pointer leads into.

    Args:
        pointer: JSON pointer.

    Returns:
        Text such as ``campaign `welcome` ``.
    """
    section, _, rest = pointer.removeprefix("/").partition("/")
    singular = {"quizzes": "quiz"}.get(section, section.removesuffix("s"))
    key = rest.partition("/")[0]
    return f"{singular} `{key}`" if key else f"`{section}`"
