"""Texts that know where they stood, and the texts of expressions among them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from guerdon.rules.definition.scalars.problems import refusal, shown


class Word(str):
    """A scalar of a document as it was written, with the place where it stood."""

    pointer: str

    def __new__(cls, text: str, pointer: str = "") -> Word:
        """Make a word.

        Args:
            text: the scalar's text.
            pointer: JSON pointer to it.
        """
        made = super().__new__(cls, text)
        made.pointer = pointer
        return made


class ExpressionText(Word):
    """The text of an expression and where it stands; it is compiled elsewhere."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.read)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": ["string", "number", "boolean"], "description": "an expression in CEL"}

    @classmethod
    def read(cls, value: object) -> ExpressionText:
        """Take a scalar as an expression.

        Args:
            value: text, or an exact number.

        Returns:
            The expression's text.

        Raises:
            PydanticCustomError: `expected_expression`, `empty_expression`.
        """
        if isinstance(value, ExpressionText):
            return value
        if isinstance(value, Decimal | int) and not isinstance(value, bool):
            value = number_text(Decimal(value))
        if not isinstance(value, str):
            raise refusal("expected_expression", f"an expression was expected, not {shown(value)}")
        if not value.strip():
            raise refusal("empty_expression", "an expression was expected, and the text is empty")
        return cls(value, getattr(value, "pointer", ""))


def number_text(value: Decimal) -> str:
    """Write a number in its one canonical way.

    Args:
        value: a finite number.

    Returns:
        Plain digits without exponent, trailing zeros or a negative zero.
    """
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
