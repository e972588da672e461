"""Checks what a webhook brings, as Standard Webhooks signs it."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

_TOLERANCE_SECONDS = 300


class SignatureError(Exception):
    """Nobody who knows the secret sent this, or it is too old."""


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> dict[str, Any]:
    """Check a notice and read it; remember its `id`, for it may come twice.

    Args:
        secret: `whsec_…`, as subscribing gave it.
        headers: of the request; names in any case.
        body: of the request, byte for byte.
        now: seconds since 1970, else the clock's.

    Returns:
        The CloudEvent.

    Raises:
        SignatureError: where it is not to be believed.
    """
    sent = {name.lower(): value for name, value in headers.items()}
    stamp = sent.get("webhook-timestamp", "")
    if not stamp.isdecimal() or abs((time.time() if now is None else now) - int(stamp)) > _TOLERANCE_SECONDS:
        raise SignatureError("the notice is too old, or its clock is wrong")
    signed = f"{sent.get('webhook-id', '')}.{stamp}.".encode() + body
    digest = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, "sha256")
    expected = b"v1," + base64.b64encode(digest)
    if not any(
        hmac.compare_digest(expected, one.encode()) for one in sent.get("webhook-signature", "").split()
    ):
        raise SignatureError("the signature does not fit")
    return dict(json.loads(body))
