"""Deeds as API, console and members' pages send and judge them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.engine.answers import Answer
from guerdon.engine.deeds.telling import event_of, telling
from guerdon.engine.telling.pages import GONE
from guerdon.infra.tx import Tx
from guerdon.members.crypto import MemberKey
from guerdon.members.identities import Found, member_ref, resolve
from guerdon.members.states import load_members
from guerdon.programs.audit import Act, record
from guerdon.rewards.deeds.photos import DeedPhoto, keep_photo
from guerdon.rewards.deeds.queue import Deed, State, add, decide, get, mark_told
from guerdon.rules.reading import read_event
from guerdon.web.api.deeds.photos import deed_photo_path
from guerdon.web.api.deeds.shapes import DeedShape
from guerdon.wiring import House, Live

_PURPOSE = "deed photo"


class Said(NamedTuple):
    """What somebody says was done."""

    type: str
    time: datetime
    data: Mapping[str, Any]
    photo: str | None
    receipt: str | None
    picture: DeedPhoto | None = None
    """A photo that was sent along; it is kept here, and its address is our own."""


def send(tx: Tx, house: House, place: tuple[int, Live], who: tuple[Found, str, datetime], said: Said) -> Deed:
    """Let a deed wait for approval.

    Args:
        tx: bound to the tenant.
        house: keys and numbers.
        place: the tenant and the program.
        who: whose deed it is, who sends it, and when, UTC.
        said: what was done.

    Returns:
        The deed, waiting.

    Raises:
        Problem: `unknown_event_type`, `evidence_not_asked`, `evidence_missing`, `evidence_personal`,
            `deeds_too_many`, `receipt_used`, `member_erased`, and what is wrong with time and data.
    """
    tenant_id, live = place
    found, actor, now = who
    kind = live.program.definition.events.get(said.type)
    if kind is None:
        raise Problem.at("/type", "unknown_event_type", "the program does not declare such events")
    if kind.evidence == "none":
        raise Problem.at("/type", "evidence_not_asked", "nobody has to approve this; send it to `…/events`")
    if kind.evidence == "required" and not (said.photo or said.receipt or said.picture):
        raise Problem.at("/photo", "evidence_missing", "a photo's address or a receipt's number shows it")
    if any(one.personal for one in kind.data.values()):
        raise Problem.at("/type", "evidence_personal", "what waits for approval carries no personal data")
    member = load_members(tx, [found.account_id], [found.member_id]).by_id[found.member_id]
    key = member.open_key(house.vault(tenant_id))
    if key is None:
        raise Problem("member_erased", "this member was erased")
    deed_id, address = house.ids.number(), said.photo
    if said.picture is not None:
        address = deed_photo_path(house.vault(tenant_id), live.program_id, deed_id)
    deed = Deed(
        live.program_id,
        deed_id,
        found.member_id,
        said.type,
        said.time,
        said.data,
        key.seal(_PURPOSE, address.encode()) if address else None,
        said.receipt,
        "waiting",
        now,
        actor,
    )
    # What the engine would refuse later is refused now.
    read_event(event_of(deed), live.program, now, own=True)
    add(tx, deed)
    if said.picture is not None:
        keep_photo(tx, key, (live.program_id, deed_id), said.picture)
    return deed


def judge(tx: Tx, house: House, what: tuple[int, int | None, State], who: tuple[str, str, datetime]) -> Deed:
    """Approve or refuse a deed; the trail says who did.

    Args:
        tx: bound to the tenant.
        house: identifiers.
        what: the program's number, the deed's, and `approved` or `refused`.
        who: who decides, why, and when, UTC.

    Returns:
        The deed as it stands.

    Raises:
        Problem: `deed_not_found` or `deed_decided`.
    """
    program_id, deed_id, state = what
    actor, reason, now = who
    deed = get(tx, program_id, deed_id, to_change=True)
    after = decide(tx, deed, state, (actor, reason), now)
    if deed.state == "waiting":
        detail = {"type": deed.type, "member": number_text("mem", deed.member_id), "reason": reason}
        record(tx, Act(now, actor, f"deed.{state}", deed.name, program_id, detail), house.ids)
    return after


def settle(house: House, place: tuple[int, str], deed: Deed, now: datetime) -> Answer | None:
    """Tell the engine of an approved deed; what goes wrong is done by the next tick.

    Args:
        house: database and engine.
        place: the tenant, and the program's key.
        deed: as it stands.
        now: the instant, UTC.

    Returns:
        What it brought; None for what is not approved, or could not be told yet.
    """
    if deed.state != "approved":
        return None
    said = house.engine.submit(telling(deed, place, now)).result(60)
    if said.problem is not None and said.problem.code not in GONE:
        return None
    if not deed.told:
        with house.database.transaction(place[0]) as tx:
            mark_told(tx, deed)
    return said


def show_deed(tx: Tx, house: House, tenant_id: int, deed: Deed, said: Answer | None = None) -> DeedShape:
    """Show a deed.

    Args:
        tx: bound to the tenant.
        house: keys.
        tenant_id: whose.
        deed: as it stands.
        said: what it brought, where that is known.

    Returns:
        What the API answers.
    """
    photo = None
    if deed.photo is not None:
        photo = _photo_of(tx, house, tenant_id, deed)
    return DeedShape(
        id=deed.name,
        member=number_text("mem", deed.member_id),
        type=deed.type,
        time=deed.occurred_at,
        data=json.loads(json.dumps(dict(deed.data))),
        photo=photo,
        receipt=deed.receipt,
        state=deed.state,
        sent_at=deed.sent_at,
        sent_by=deed.sent_by,
        decided_at=deed.decided_at,
        decided_by=deed.decided_by,
        reason=deed.reason or None,
        effects=None if said is None else said.effects,
    )


def _photo_of(tx: Tx, house: House, tenant_id: int, deed: Deed) -> str | None:
    """Open the picture's address; whoever was erased took the key along."""
    ref, vault = member_ref(deed.member_id), house.vault(tenant_id)
    found = resolve(tx, vault, deed.program_id, [ref]).get(ref)
    if found is None or deed.photo is None:
        return None
    member = load_members(tx, [found.account_id], [found.member_id]).by_id.get(found.member_id)
    key = member.open_key(vault) if member is not None else None
    return None if key is None else address_of(key, deed)


def address_of(key: MemberKey, deed: Deed) -> str:
    """Read where the picture of a deed is.

    Args:
        key: the member's own.
        deed: as it stands.

    Returns:
        Its address; empty where it has none.
    """
    return key.open(_PURPOSE, deed.photo).decode() if deed.photo is not None else ""
