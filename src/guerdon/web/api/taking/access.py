"""Access tokens: the public key by which shops check them, and a call that checks one for them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import parse_number
from guerdon.rewards.access import Access, Signer
from guerdon.rewards.redemptions import get_redemption
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.shapes import Answered
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Rewards"])
Reading = Annotated[Call, Depends(admitted("redemptions:read"))]


class AccessKeys(Answered, frozen=True):
    """Public keys of a program, as a JSON Web Key Set."""

    keys: list[dict[str, str]]


class Checking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token that somebody showed."""

    token: Annotated[str, msgspec.Meta(max_length=2_000)]


class Checked(Answered, frozen=True):
    """What a token is good for."""

    good: bool
    reason: str | None
    """Why not: `access_token_invalid`, `access_not_yet`, `access_over`, `redemption_used` or
    `redemption_cancelled`."""
    account: str | None = None
    reward: str | None = None
    redemption: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def signer(call: Call, program: str) -> Signer:
    """Give what signs a program's access tokens.

    Args:
        call: of which tenant.
        program: the program's key.

    Returns:
        The signer.
    """
    return Signer(call.house.vault(call.tenant_id).digest, program)


@ROUTER.get(
    "/v1/programs/{program}/access/keys",
    summary="The public key of access tokens",
    **operation(AccessKeys),
)
def access_keys(call: Reading, program: str) -> Response:
    """A shop keeps it and checks tokens by itself, without asking."""
    with call.transaction() as tx:
        call.house.live(tx, program)
    return answer(AccessKeys(keys=[signer(call, program).public()]))


@ROUTER.post(
    "/v1/programs/{program}/access/check",
    summary="Check an access token",
    **operation(Checked, body=Checking),
)
def check_access(call: Reading, program: str) -> Response:
    """Beside the signature and the days it knows whether the access was given back or used up."""
    asked = call.read(Checking)
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        try:
            access = signer(call, program).read(asked.token)
        except Problem as problem:
            return answer(Checked(good=False, reason=problem.code))
        row = get_redemption(tx, live.program_id, parse_number("red", access.redemption) or 0)
    reason = f"redemption_{row.status}" if not row.is_open else _why_not(access, call.now)
    told: dict[str, Any] = access._asdict()
    del told["program"]
    return answer(Checked(good=not reason, reason=reason or None, **told))


def _why_not(access: Access, now: datetime) -> str:
    if access.starts_at is not None and now < access.starts_at:
        return "access_not_yet"
    return "access_over" if access.ends_at is not None and now >= access.ends_at else ""
