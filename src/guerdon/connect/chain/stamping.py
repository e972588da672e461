"""Having heads stamped by a time-stamp authority, and files of such stamps."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence
from typing import Final

import msgspec
from cryptography import x509

from guerdon.base.errors import Problem
from guerdon.connect.chain import stamps
from guerdon.connect.chain.places import Authority
from guerdon.connect.chain.stamps import Stamp
from guerdon.rules.proofs.notes import Checkpoint, NoteKey, read_checkpoint

FORM: Final = "guerdon.stamp.v1"
_SECONDS: Final = 20.0
_ANSWER_BYTES: Final = 200_000
_NONCE_BITS: Final = 63
_HEADERS: Final = {"content-type": "application/timestamp-query", "accept": "application/timestamp-reply"}


class StampFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signed head and its stamp, to be kept somewhere else."""

    format: str
    checkpoint: str
    """The signed note."""
    token: str
    """What the authority signed, in base64."""


def ask(authority: Authority, checkpoint: Checkpoint) -> tuple[bytes, Stamp]:
    """Have a head stamped.

    Args:
        authority: by whom.
        checkpoint: the head.

    Returns:
        The token, and what it says.

    Raises:
        Problem: `authority_unreachable`, `stamp_refused`, `stamp_invalid` or `stamp_wrong`.
    """
    data = checkpoint.body.encode()
    nonce = secrets.randbits(_NONCE_BITS)
    token = stamps.read_response(_post(authority.url, stamps.request(data, nonce, authority.policy)))
    stamp = stamps.check(token, data, authority.certificates)
    if stamp.nonce != nonce:
        raise Problem("stamp_wrong", "the stamp answers another request")
    if authority.policy not in ("", stamp.policy):
        detail = f"the stamp was made under the policy {stamp.policy}, not {authority.policy}"
        raise Problem("stamp_wrong", detail)
    return token, stamp


def write_file(note: str, token: bytes) -> bytes:
    """Write a file of a stamp.

    Args:
        note: the signed head.
        token: its stamp.

    Returns:
        JSON.
    """
    return msgspec.json.encode(StampFile(FORM, note, base64.b64encode(token).decode())) + b"\n"


def check_file(
    data: bytes, keys: Sequence[NoteKey], trusted: Sequence[x509.Certificate]
) -> tuple[Checkpoint, Stamp]:
    """Check a file of a stamp with nothing but the file, the log's key and the authority's certificate.

    Args:
        data: the file.
        keys: that are trusted to have signed the head.
        trusted: certificates that are trusted to stamp.

    Returns:
        The head, and what the stamp says of it.

    Raises:
        Problem: `stamp_file_invalid` for what is no such file; `checkpoint_invalid`, `checkpoint_not_signed`,
            `stamp_invalid`, `stamp_wrong`.
    """
    try:
        file = msgspec.json.decode(data, type=StampFile)
        token = base64.b64decode(file.token, validate=True)
    except (msgspec.ValidationError, msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise Problem("stamp_file_invalid", f"this is no file of a stamp: {error}") from None
    if file.format != FORM:
        raise Problem.at("/format", "stamp_file_invalid", f"expected {FORM!r}, not {file.format[:40]!r}")
    checkpoint = read_checkpoint(file.checkpoint, keys)
    return checkpoint, stamps.check(token, checkpoint.body.encode(), trusted)


def _post(url: str, body: bytes) -> bytes:
    # Late, as it takes a tenth of a second and whoever checks a file asks nobody.
    import httpx2

    found = bytearray()
    try:
        with (
            httpx2.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream("POST", url, content=body, headers=_HEADERS) as response,
        ):
            for piece in response.iter_bytes():
                found += piece
                if len(found) > _ANSWER_BYTES:
                    raise _unreachable(f"answers more than {_ANSWER_BYTES:,} bytes")
            if response.status_code != httpx2.codes.OK:
                raise _unreachable(f"answers {response.status_code}")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise _unreachable(f"does not answer: {type(error).__name__}") from None
    return bytes(found)


def _unreachable(what: str) -> Problem:
    return Problem("authority_unreachable", f"the time-stamp authority {what}")
