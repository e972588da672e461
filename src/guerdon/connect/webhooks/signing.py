"""Signatures of Standard Webhooks 1.0: HMAC-SHA-256 over id, timestamp and body."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

_MARK: Final = "whsec_"
_SECRET_BYTES: Final = 32
_MESSAGE: Final = "msg_"


def make_secret(random_bytes: Callable[[int], bytes]) -> bytes:
    """Make a secret.

    Args:
        random_bytes: n → n unguessable bytes.

    Returns:
        32 bytes.
    """
    return random_bytes(_SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """Write a secret as libraries take it.

    Args:
        secret: its bytes.

    Returns:
        `whsec_` and base64.
    """
    return _MARK + base64.b64encode(secret).decode("ascii")


def message_text(message_id: UUID) -> str:
    """Write a message's id as it is sent.

    Args:
        message_id: the id.

    Returns:
        `msg_` and 32 hexadecimal digits.
    """
    return _MESSAGE + message_id.hex


def parse_message(text: str) -> UUID | None:
    """Read back what `message_text` wrote.

    Args:
        text: what was typed.

    Returns:
        The id, None where the text is none.
    """
    digits = text.removeprefix(_MESSAGE)
    if text == digits or len(digits) != 32 or set(digits) - set("0123456789abcdef"):
        return None
    return UUID(digits)


def sign(secrets: Sequence[bytes], message: str, now: datetime, body: bytes) -> dict[str, str]:
    """Sign a message.

    Args:
        secrets: the endpoint's; more than one while one takes the other's place.
        message: its id, the same each time it is sent.
        now: when it is sent.
        body: the exact bytes that are sent.

    Returns:
        The three headers.
    """
    stamp = str(int(now.timestamp()))
    signed = f"{message}.{stamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(secret, signed, "sha256")) for secret in secrets)
    return {
        "webhook-id": message,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join("v1," + one.decode("ascii") for one in signatures),
    }
