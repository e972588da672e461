"""Addresses of pages that a member opens without signing in: signed, for one purpose, for some time."""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from guerdon.base.errors import Problem
from guerdon.members.crypto import Vault

_MARK_BYTES: Final = 24
_BAD: Final = Problem("link_not_found", "this address is not complete, or not ours")


class Purpose(NamedTuple):
    """What addresses lead to."""

    path: str
    """What stands before the token."""
    kind: str
    """What it is signed as: a token for one purpose is none for another."""


QUIZ: Final = Purpose("/play/quiz", "quiz link")
PAGE: Final = Purpose("/me", "page link")
RECEIPT: Final = Purpose("/receipt", "receipt link")


class Link(NamedTuple):
    """What an address says."""

    tenant_id: int
    program: str
    member_id: int
    about: str
    """Which quiz of theirs, or which donation, as people see its id; empty where it is for neither."""
    made_at: datetime
    """UTC, in whole milliseconds."""
    expires_at: datetime
    """From this instant on it is good for nothing; UTC, in whole seconds."""


class _Said(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    tenant: int
    program: str
    member: int
    about: str
    made: int
    until: int


def make_link(vault: Vault, purpose: Purpose, link: Link) -> str:
    """Make an address.

    Args:
        vault: the tenant's keys.
        purpose: what it leads to.
        link: what it says; instants are cut to what it keeps of them.

    Returns:
        A path.
    """
    made = int(link.made_at.timestamp() * 1000)
    until = int(link.expires_at.timestamp())
    said = _Said(link.tenant_id, link.program, link.member_id, link.about, made, until)
    body = _written(msgspec.json.encode(said))
    return f"{purpose.path}/{body}.{_mark(vault, purpose, body)}"


def tenant_of_link(token: str) -> int:
    """Tell whose keys an address must be signed with; nothing is checked yet.

    Args:
        token: the last part of the address.

    Returns:
        The tenant.

    Raises:
        Problem: `link_not_found`.
    """
    return _read(token).tenant


def read_link(vault: Vault, purpose: Purpose, token: str, now: datetime) -> Link:
    """Read an address that was made here.

    Args:
        vault: keys of the tenant that it names.
        purpose: what it must be for.
        token: the last part of the address.
        now: the instant, UTC.

    Returns:
        What it says.

    Raises:
        Problem: `link_not_found`, or `link_expired`.
    """
    said = _read(token)
    body, _, mark = token.partition(".")
    if not hmac.compare_digest(_mark(vault, purpose, body).encode(), mark.encode("utf-8", "replace")):
        raise _BAD
    expires_at = datetime.fromtimestamp(said.until, UTC)
    if now >= expires_at:
        raise Problem("link_expired", "this address was good until it ended; ask the shop for a new one")
    seconds, thousandths = divmod(said.made, 1000)
    made_at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=thousandths * 1000)
    return Link(said.tenant, said.program, said.member, said.about, made_at, expires_at)


def _read(token: str) -> _Said:
    body = token.partition(".")[0]
    try:
        padded = body + "=" * (-len(body) % 4)
        said = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=_Said)
    except (msgspec.MsgspecError, binascii.Error, ValueError, RecursionError):
        raise _BAD from None
    numbers = (said.tenant, said.member, said.made // 1000, said.until)
    if not all(0 < one < 2**63 for one in numbers[:2]) or not all(0 < one < 2**33 for one in numbers[2:]):
        raise _BAD
    return said


def _mark(vault: Vault, purpose: Purpose, body: str) -> str:
    return _written(vault.digest(purpose.kind, body)[:_MARK_BYTES])


def _written(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
