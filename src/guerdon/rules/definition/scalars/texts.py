"""Texts that people read, in one language or in several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from guerdon.rules.definition.scalars.problems import refusal, shown

MAX_TEXT = 2000
LANGUAGE_PATTERN = r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}"
_LANGUAGE = re.compile(LANGUAGE_PATTERN)


@dataclass(frozen=True, slots=True)
class Text:
    """A text for people: one for all languages, or one for each."""

    plain: str
    """The text where it is the same in all languages, else nothing."""
    translations: tuple[tuple[str, str], ...] = ()
    """Language and text, sorted by language."""

    def in_language(self, wanted: str, fallbacks: Sequence[str]) -> str:
        """Choose the text for a reader.

        Args:
            wanted: the reader's language, such as `bn` or `en-GB`.
            fallbacks: the program's languages, the first one first.

        Returns:
            The text in the wanted language, else in its base language, else in the first fallback there is.
        """
        if not self.translations:
            return self.plain
        known = dict(self.translations)
        for language in (wanted, wanted.partition("-")[0], *fallbacks):
            if language in known:
                return known[language]
        return self.translations[0][1]

    @classmethod
    def read(cls, value: object) -> Text:
        """Read a text.

        Args:
            value: text, or a map of language → text.

        Returns:
            The text.

        Raises:
            PydanticCustomError: `expected_text`, `empty_text`, `text_too_long`, `bad_language`.
        """
        if isinstance(value, Text):
            return value
        if isinstance(value, dict) and value:
            return cls("", tuple(sorted((_language(key), _words(item, key)) for key, item in value.items())))
        return cls(_words(value))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.read)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]}


def _words(value: object, key: object = None) -> str:
    context = {} if key is None else {"key": key}
    if not isinstance(value, str):
        detail = f"a text, or a map of language to text, was expected, not {shown(value)}"
        raise refusal("expected_text", detail, **context)
    if not value.strip():
        raise refusal("empty_text", "a text was expected, and it is empty", **context)
    if len(value) > MAX_TEXT:
        raise refusal("text_too_long", f"a text has at most {MAX_TEXT} characters", **context)
    return str(value)


def _language(value: object) -> str:
    if isinstance(value, str) and _LANGUAGE.fullmatch(value):
        return str(value)
    detail = f"a language such as en or pt-BR was expected, not {shown(value)}"
    raise refusal("bad_language", detail, key=value)


def _language_item(value: object) -> str:
    if isinstance(value, str) and _LANGUAGE.fullmatch(value):
        return str(value)
    raise refusal("bad_language", f"a language such as en or pt-BR was expected, not {shown(value)}")


Language = Annotated[
    str,
    BeforeValidator(_language_item),
    WithJsonSchema({"type": "string", "pattern": f"^{LANGUAGE_PATTERN}$"}),
]


class ShortText:
    """Takes a lone text, in one language or in several, as a map with one key."""

    def __init__(self, key: str) -> None:
        """Make the annotation.

        Args:
            key: the key that a lone text stands for.
        """
        self.key = key

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._widen, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        languages = {
            "type": "object",
            "patternProperties": {f"^{LANGUAGE_PATTERN}$": {"type": "string"}},
            "minProperties": 1,
        }
        return {"anyOf": [{"type": "string"}, handler(schema), languages]}

    def _widen(self, value: Any) -> Any:
        if isinstance(value, str):
            return {self.key: value}
        if (
            isinstance(value, dict)
            and value
            and self.key not in value
            and all(map(_LANGUAGE.fullmatch, value))
        ):
            return {self.key: value}
        return value
