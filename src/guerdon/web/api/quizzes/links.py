"""Addresses at which a member takes a quiz without signing in: signed, for one quiz, for some time."""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from guerdon.base.errors import Problem
from guerdon.members.crypto import Vault

PATH: Final = "/play/quiz"
_KIND: Final = "quiz link"
_MARK_BYTES: Final = 24
_BAD: Final = Problem("link_not_found", "this address is not complete, or not ours")


class Link(NamedTuple):
    """What an address says."""

    tenant_id: int
    program: str
    member_id: int
    quiz: str
    expires_at: datetime


class _Said(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    tenant: int
    program: str
    member: int
    quiz: str
    until: int


def make_link(vault: Vault, tenant_id: int, whose: tuple[str, int, str], expires_at: datetime) -> str:
    """Make an address.

    Args:
        vault: the tenant's keys.
        tenant_id: the tenant.
        whose: program, member and quiz.
        expires_at: from this instant on it is good for nothing.

    Returns:
        A path.
    """
    program, member_id, quiz = whose
    said = _Said(tenant_id, program, member_id, quiz, int(expires_at.timestamp()))
    body = _written(msgspec.json.encode(said))
    return f"{PATH}/{body}.{_mark(vault, body)}"


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


def read_link(vault: Vault, token: str, now: datetime) -> Link:
    """Read an address that was made here.

    Args:
        vault: keys of the tenant that it names.
        token: the last part of the address.
        now: the instant, UTC.

    Returns:
        What it says.

    Raises:
        Problem: `link_not_found`, or `link_expired`.
    """
    said = _read(token)
    body, _, mark = token.partition(".")
    if not hmac.compare_digest(_mark(vault, body).encode(), mark.encode("utf-8", "replace")):
        raise _BAD
    expires_at = datetime.fromtimestamp(said.until, UTC)
    if now >= expires_at:
        raise Problem("link_expired", "this address was good until it ended; ask the shop for a new one")
    return Link(said.tenant, said.program, said.member, said.quiz, expires_at)


def _read(token: str) -> _Said:
    body = token.partition(".")[0]
    try:
        padded = body + "=" * (-len(body) % 4)
        said = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=_Said)
    except (msgspec.MsgspecError, binascii.Error, ValueError, RecursionError):
        raise _BAD from None
    if not (0 < said.tenant < 2**63 and 0 < said.member < 2**63 and 0 < said.until < 2**33):
        raise _BAD
    return said


def _mark(vault: Vault, body: str) -> str:
    return _written(vault.digest(_KIND, body)[:_MARK_BYTES])


def _written(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
