"""Access tokens: given for a quarter of an hour, checked by shops or here, and the keys that sign them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.looking.accesses import Entry, load_entries
from guerdon.engine.looking.offers import Looker
from guerdon.infra.tx import Tx
from guerdon.members.identities import Found, Ref, member_ref, parse_ref, resolve
from guerdon.programs.audit import Act, record
from guerdon.rewards.access import Access, Signer
from guerdon.rewards.access_keys import load_signer, rotate_access_key
from guerdon.rewards.redemptions import get_redemption
from guerdon.web.api.access.shapes import (
    AccessKeys,
    AccessKeyShape,
    Asking,
    Checked,
    Checking,
    Entries,
    EntryShape,
    Rotating,
)
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.calls.once import once
from guerdon.web.api.taking.shown import in_first_language
from guerdon.web.outline import operation
from guerdon.wiring import Live

ROUTER: Final = APIRouter(tags=["Rewards"])
Reading = Annotated[Call, Depends(admitted("redemptions:read"))]
Writing = Annotated[Call, Depends(admitted("redemptions:write"))]
Rotator = Annotated[Call, Depends(admitted("keys:write"))]
_KEYS: Final = "/v1/programs/{program}/access/keys"


def signer_of(tx: Tx, call: Call, live: Live) -> Signer:
    """Give what signs a program's access tokens and tickets.

    Args:
        tx: bound to the tenant.
        call: of which tenant, and when.
        live: the program.

    Returns:
        The signer.
    """
    vault = call.house.vault(call.tenant_id)
    return load_signer(tx, vault.digest, (live.program_id, live.program.key), call.now)


@ROUTER.get(_KEYS, summary="The public keys of access tokens", **operation(AccessKeys))
def access_keys(call: Reading, program: str) -> Response:
    """The same as at `/access/{tenant}/{program}/keys.json`, which needs no key."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        return answer(AccessKeys(keys=signer_of(tx, call, live).public()))


@ROUTER.post(
    _KEYS,
    summary="Give access tokens a new key",
    **operation(AccessKeyShape, body=Rotating, status=201),
)
def rotate(call: Rotator, program: str) -> Response:
    """The new key signs from now on. What others signed is good for `overlap_hours` (720), tickets too."""
    asked = call.read(Rotating) if call.body.strip() else Rotating()

    def act(tx: Tx) -> tuple[int, AccessKeyShape]:
        live = call.house.live(tx, program)
        made = rotate_access_key(tx, live.program_id, timedelta(hours=asked.overlap_hours), call.now)
        detail = {"number": made.number, "overlap_hours": asked.overlap_hours}
        place = f"program:{program}"
        what = Act(call.now, call.caller.actor, "access_key.rotated", place, live.program_id, detail)
        record(tx, what, call.house.ids)
        kid = signer_of(tx, call, live).public()[-1]["kid"]
        return 201, AccessKeyShape(number=made.number, kid=kid, since=made.since, ends_at=made.ends_at)

    return once(call, act)


@ROUTER.post(
    "/v1/programs/{program}/members/{ref}/access",
    summary="Access tokens of a member",
    **operation(Entries, body=Asking),
)
def give(call: Writing, program: str, ref: str) -> Response:
    """A token for each access that the member has now; ask again before it is over."""
    asked = call.read(Asking) if call.body.strip() else Asking()
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        if asked.reward is not None:
            _check_reward(live, asked.reward)
        found = _find(tx, call, live, parse_ref(ref))
        if found is None:
            raise Problem("member_not_found", "nobody here is meant by this reference")
        entries = load_entries(tx, _looker(live, found), call.now)
        holder = _Holder(live, found, signer_of(tx, call, live))
    shown = [
        _shown(call, holder, key, entry)
        for key, entry in entries.items()
        if asked.reward in (None, key) and entry.reason != "reward_not_for_member"
    ]
    return answer(Entries(data=shown, next=None))


@ROUTER.post(
    "/v1/programs/{program}/access/check",
    summary="Check an access token",
    **operation(Checked, body=Checking),
)
def check_access(call: Reading, program: str) -> Response:
    """Beside the signature it knows whether the access was given back or lost since the token was written."""
    asked = call.read(Checking)
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        try:
            access = signer_of(tx, call, live).read(asked.token)
        except Problem as problem:
            return answer(Checked(good=False, reason=problem.code))
        entry = _entry_of(tx, call, live, access)
    over = "access_token_expired" if access.ends_at is not None and call.now >= access.ends_at else ""
    reason = entry.reason or over
    return answer(
        Checked(
            good=not reason,
            reason=reason or None,
            account=access.account,
            member=access.member,
            reward=access.reward,
            redemption=access.redemption or None,
            sku=access.sku or None,
            collection=access.collection or None,
            expires_at=access.ends_at,
            ends_at=entry.ends_at,
        )
    )


class _Holder(NamedTuple):
    live: Live
    found: Found
    signer: Signer


def _shown(call: Call, holder: _Holder, key: str, entry: Entry) -> EntryShape:
    program = holder.live.program
    written = program.definition.rewards[key]
    redemption = None if entry.redemption_id is None else number_text("red", entry.redemption_id)
    token = expires_at = None
    if not entry.reason:
        access = Access(
            program.key,
            number_text("acc", holder.found.account_id),
            number_text("mem", holder.found.member_id),
            key,
            redemption or "",
            written.sku or "",
            written.collection or "",
            entry.ends_at,
        )
        token, expires_at = holder.signer.sign(access, call.now)
    return EntryShape(
        reward=key,
        name=in_first_language(program, written.name) or key,
        sku=written.sku,
        collection=written.collection,
        token=token,
        expires_at=expires_at,
        reason=entry.reason or None,
        redemption=redemption,
        ends_at=entry.ends_at,
    )


def _entry_of(tx: Tx, call: Call, live: Live, access: Access) -> Entry:
    """Tell how the access that a token was written for stands now."""
    number = parse_number("red", access.redemption)
    if number is not None:
        row = get_redemption(tx, live.program_id, number)
        if not row.is_open:
            return Entry(f"redemption_{row.status}", number, row.fixed.ends_at)
    found = _find(tx, call, live, member_ref(parse_number("mem", access.member) or 0))
    entries: Mapping[str, Entry] = {}
    if found is not None:
        entries = load_entries(tx, _looker(live, found), call.now)
    # Of who left, or of a reward that the program has no more, nobody has an access.
    return entries.get(access.reward, Entry("access_lost", None, None))


def _check_reward(live: Live, key: str) -> None:
    reward = live.program.rewards.get(key)
    if reward is None:
        raise Problem("reward_not_found", "there is no such reward")
    if reward.kind != "access":
        raise Problem.at("/reward", "not_an_access", "only rewards of the kind access have tokens")


def _find(tx: Tx, call: Call, live: Live, ref: Ref) -> Found | None:
    return resolve(tx, call.house.vault(call.tenant_id), live.program_id, [ref]).get(ref)


def _looker(live: Live, found: Found) -> Looker:
    return Looker(live.program_id, live.program, found.account_id, found.member_id)
