"""What all models of a definition share."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar, Final

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from guerdon.rules.definition.scalars.meant import key_meant
from guerdon.rules.definition.scalars.problems import listing, refusal

MAX_WRONG: Final = 20


class Part(BaseModel):
    """A frozen map of a definition that knows all its keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )
    filled_in: ClassVar[frozenset[str]] = frozenset()
    """Required fields that documents may leave out, as the part around fills them in."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        made = handler.resolve_ref_schema(handler(schema))
        properties: dict[str, Any] = made.get("properties", {})
        for name, field in cls.model_fields.items():
            first, *synonyms = spellings(name, field)
            properties.update({synonym: properties[first] for synonym in synonyms if first in properties})
        made["required"] = [name for name in made.get("required", []) if name not in cls.filled_in]
        return made

    @model_validator(mode="before")
    @classmethod
    def _know_all_keys(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, dict):
            return data
        known = cls.spelled_keys()
        # Code writes `from_` where documents write `from`; the loader gives a context, code does not.
        also: Collection[str] = cls.model_fields if info.context is None else ()
        wrong = [key for key in data if key not in known and key not in also]
        if wrong:
            raise unknown_keys(wrong, known)
        # A key that says `null` says what a left out key says.
        return {key: value for key, value in data.items() if value is not None}

    @classmethod
    def spelled_keys(cls) -> list[str]:
        """List the keys as documents spell them.

        Returns:
            The keys in the order of the model, synonyms after their key.
        """
        return [word for name, field in cls.model_fields.items() for word in spellings(name, field)]


class DescribedPart(Part):
    """A part whose changes are told field by field, also where it stands inside another part."""


def spellings(name: str, field: FieldInfo) -> list[str]:
    """List how documents may spell a field.

    Args:
        name: the field's name in the model.
        field: the field.

    Returns:
        The canonical spelling first, then the synonyms.
    """
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return [str(choice) for choice in alias.choices]
    return [alias] if isinstance(alias, str) else [name]


def unknown_keys(wrong: list[str], known: list[str]) -> Exception:
    """Make the error about keys that a map does not have.

    Args:
        wrong: the keys that were written.
        known: the keys that exist.

    Returns:
        The error for a validator to raise, with the nearest known key of each.
    """
    expected = listing(known)
    wrong = wrong[:MAX_WRONG]
    nearest = [key_meant(key, known) for key in wrong]
    detail = f"unknown key; known are {expected}"
    return refusal("unknown_key", detail, keys=wrong, nearest_keys=nearest, expected=expected)


OF_A_FIELD: Final = frozenset({"title", "description", "default"})
"""What a schema says of a key and not of its value."""
LONE_KEY: Final = "x-lone-key"
"""Marks in a raw schema the key whose value stands alone; `json_schema` puts the key's own schema there."""


class Short:
    """Takes a lone text as a map with one key, in documents and in the JSON Schema."""

    def __init__(self, key: str, *, is_number: bool = False) -> None:
        """Make the annotation.

        Args:
            key: the key that a lone text stands for.
            is_number: whether that text is a number, which JSON writes without quotes.
        """
        self.key = key
        self.types = ["number", "string"] if is_number else "string"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._widen, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": self.types, LONE_KEY: self.key}, handler(schema)]}

    def _widen(self, value: Any) -> Any:
        return {self.key: value} if isinstance(value, str) else value


class Listed:
    """Takes a lone text as a list of one, in documents and in the JSON Schema."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._widen, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        whole = handler(schema)
        one = {name: word for name, word in whole.get("items", {}).items() if name not in OF_A_FIELD}
        return {"anyOf": [one or {"type": "string"}, whole]}

    def _widen(self, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class AnyOf:
    """Publishes alternatives that may overlap, as the key that tells them apart may be left out."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        made: dict[str, Any] = dict(handler(schema))
        return {"anyOf": made["oneOf"]} if "oneOf" in made else made
