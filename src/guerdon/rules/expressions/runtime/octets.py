"""Bytes at run time."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from guerdon.rules.expressions.errors import Failure


def as_bytes(value: Any) -> bytes:
    """Insist on bytes.

    Args:
        value: anything.

    Returns:
        The same, if it is bytes.

    Raises:
        Failure: `missing_value`, `wrong_type`.
    """
    if isinstance(value, bytes):
        return value
    if value is None:
        raise Failure("missing_value", "the value is absent here; expected bytes")
    raise Failure("wrong_type", "expected bytes")


def to_bytes(value: Any) -> bytes:
    """Turn a text into its bytes of UTF-8.

    Args:
        value: a text, or bytes, which stay as they are.

    Returns:
        The bytes.

    Raises:
        Failure: `missing_value`, `wrong_type`, `bad_argument`.
    """
    if not isinstance(value, str):
        return as_bytes(value)
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Failure("bad_argument", "bytes() cannot write half a character") from error


def to_text(value: bytes) -> str:
    """Read bytes as UTF-8.

    Args:
        value: bytes.

    Returns:
        The text.

    Raises:
        Failure: `bad_argument`.
    """
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Failure("bad_argument", "these bytes are not a text in UTF-8") from error


def encoded(value: bytes) -> str:
    """Write bytes in base 64.

    Args:
        value: bytes.

    Returns:
        Text of the standard alphabet, padded.
    """
    return base64.b64encode(value).decode("ascii")


def decoded(text: str) -> bytes:
    """Read base 64.

    Args:
        text: of the standard alphabet; padding may be left out.

    Returns:
        The bytes.

    Raises:
        Failure: `bad_argument`.
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Failure("bad_argument", "this text is not base 64") from error
