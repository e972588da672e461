"""What all models of a definition share."""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, model_validator
from pydantic.fields import FieldInfo

from guerdon.rules.definition.problems import nearest_to, refusal


class Part(BaseModel):
    """A frozen map of a definition that knows all its keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, ser_json_inf_nan="null"
    )

    @model_validator(mode="before")
    @classmethod
    def _know_all_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        wrong = [key for key in data if key not in cls.model_fields and key not in cls.keys()]
        if wrong:
            raise unknown_keys(wrong, cls.keys())
        # A key that says `null` says what a left out key says.
        return {key: value for key, value in data.items() if value is not None}

    @classmethod
    def keys(cls) -> list[str]:
        """List the keys as documents spell them.

        Returns:
            The keys in the order of the model, synonyms after their key.
        """
        return [word for name, field in cls.model_fields.items() for word in spellings(name, field)]


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
    expected = ", ".join(known)
    nearest = [nearest_to(key, known) for key in wrong]
    return refusal("unknown_key", f"unknown key; known are {expected}", keys=wrong, nearest_keys=nearest, expected=expected)


def spelled_short(key: str) -> Any:
    """Make a validator that takes a lone text as a map with one key.

    Args:
        key: the key that the text stands for.

    Returns:
        A function for a `BeforeValidator`.
    """

    def widen(value: Any) -> Any:
        return {key: value} if isinstance(value, str) else value

    return widen


def listed(value: Any) -> Any:
    """Take a lone text as a list of one.

    Args:
        value: what stood in the document.

    Returns:
        A list where it was a text, else the value itself.
    """
    return [value] if isinstance(value, str) else value
