"""The address at which a friend is received, and the sign by which it is known when they followed it."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime
from typing import Final, NamedTuple

from guerdon.members.crypto import Vault
from guerdon.rules.compiling import span_of
from guerdon.rules.program import Program
from guerdon.wiring import MAIN_TENANT

PATH: Final = "/r"
_MARK_BYTES: Final = 18
_LONGEST: Final = 200


class Followed(NamedTuple):
    """A link that somebody followed."""

    code: str
    """Letters without a dash."""
    at: datetime
    """When, UTC, in whole seconds."""


def counts_until(program: Program, followed: Followed) -> datetime:
    """Tell how long a link that was followed counts.

    Args:
        program: says how long after following it somebody counts as invited.
        followed: the link.

    Returns:
        The first instant at which it counts no more, UTC.
    """
    return program.zone.after(followed.at, span_of(program.definition.referral.window))


def invite_path(tenant: str, program: str, code: str) -> str:
    """Give the path of a member's own link.

    Args:
        tenant: the tenant's key; it is said where it is not the usual one.
        program: the program's key.
        code: letters without a dash.

    Returns:
        A path.
    """
    return f"{PATH}/{program}/{code}" + ("" if tenant == MAIN_TENANT else f"?t={tenant}")


def kept_sign(vault: Vault, program: str, followed: Followed) -> str:
    """Write what a browser keeps of a link that was followed.

    Args:
        vault: the tenant's keys.
        program: the program's key.
        followed: the link.

    Returns:
        Letters that no cookie and no address has to escape.
    """
    said = f"{followed.code}.{int(followed.at.timestamp())}"
    return f"{said}.{_mark(vault, program, said)}"


def read_sign(vault: Vault, program: str, kept: str) -> Followed | None:
    """Read what a browser kept.

    Args:
        vault: the tenant's keys.
        program: the program's key.
        kept: as it came.

    Returns:
        The link; None for what was not written here.
    """
    said, _, mark = kept[:_LONGEST].rpartition(".")
    code, _, seconds = said.partition(".")
    if not hmac.compare_digest(_mark(vault, program, said).encode(), mark.encode("utf-8", "replace")):
        return None
    return Followed(code, datetime.fromtimestamp(int(seconds), UTC))


def _mark(vault: Vault, program: str, said: str) -> str:
    digest = vault.digest("invitation followed", f"{program}/{said}")[:_MARK_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
