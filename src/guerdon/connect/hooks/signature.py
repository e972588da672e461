"""Signatures of other systems: HMAC-SHA-256 in a header, and a window where they sign the time as well."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec

from guerdon.base.errors import Problem

_NOT_YET: Final = datetime.min.replace(tzinfo=UTC)
_SECONDS: Final = re.compile(r"[0-9]{1,12}")
HeaderName = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9-]+$", min_length=1, max_length=100)]


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a system signs: HMAC-SHA-256 over the body, or over time and body."""

    header: HeaderName
    """Where the signature stands."""
    encoding: Literal["hex", "base64"] = "hex"
    prefix: Annotated[str, msgspec.Meta(max_length=20)] = ""
    """What stands before it, such as `sha256=`."""
    timestamp_header: HeaderName | None = None
    """Where the time stands, in Unix seconds; then `time.body` is signed."""
    tolerance_seconds: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 300
    """How far that time may be from now."""


def check_signature(
    how: Signature, secret: bytes, header: Callable[[str], str | None], body: bytes, now: datetime
) -> None:
    """Insist on a good signature.

    Args:
        how: how the system signs.
        secret: shared with it.
        header: name in lower case → value, or None.
        body: the exact bytes.
        now: the receiving instant.

    Raises:
        Problem: `signature_missing`, `signature_wrong` or `signature_too_old`.
    """
    sent = header(how.header.lower())
    if sent is None:
        raise Problem("signature_missing", f"this door wants a signature in the header {how.header}")
    signed = body
    stamp = None
    if how.timestamp_header is not None:
        stamp = header(how.timestamp_header.lower())
        if stamp is None:
            raise Problem(
                "signature_missing", f"this door wants the time in the header {how.timestamp_header}"
            )
        signed = stamp.encode("utf-8", "surrogatepass") + b"." + body
    if not hmac.compare_digest(_decoded(how, sent), hmac.digest(secret, signed, "sha256")):
        raise Problem("signature_wrong", "the signature is not that of this body with this door's secret")
    if stamp is not None and abs(now - _instant(stamp)) > timedelta(seconds=how.tolerance_seconds):
        detail = f"the signed time is more than {how.tolerance_seconds} seconds from now"
        raise Problem("signature_too_old", detail)


def _decoded(how: Signature, sent: str) -> bytes:
    text = sent.strip()
    if not text.startswith(how.prefix):
        return b""
    text = text[len(how.prefix) :]
    try:
        return bytes.fromhex(text) if how.encoding == "hex" else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _instant(stamp: str) -> datetime:
    if _SECONDS.fullmatch(stamp) is None:
        return _NOT_YET
    try:
        return datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return _NOT_YET
