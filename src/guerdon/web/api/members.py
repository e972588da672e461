"""Members: enrol, find, look up, list, change, erase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
import structlog
from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Fault, Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.circles.referrals import load_of
from guerdon.engine.answers import Answer
from guerdon.engine.commands import EnrolMember
from guerdon.engine.community.forgetting import forget_person
from guerdon.engine.sharing.making import trace
from guerdon.infra.tx import Tx
from guerdon.insight.segments import segments_of
from guerdon.members.identities import Kind, Ref, member_ref, normal_ref, parse_ref
from guerdon.members.members import (
    Desk,
    Member,
    get_member,
    list_members,
    patch_member,
    search_members,
)
from guerdon.members.privacy import Erasure
from guerdon.members.profiles import Profile, read_change, read_profile
from guerdon.rules.coupons.codes import fold
from guerdon.web.api.calls.call import Call, Paged, admitted, answer
from guerdon.web.api.calls.once import once
from guerdon.web.api.community.taking import Whose, author_of
from guerdon.web.api.shapes.events import ErrorPlace
from guerdon.web.api.shapes.members import ConsentShape, Erased, MemberLine, Members, MemberShape
from guerdon.web.api.standing import show_standing
from guerdon.web.outline import operation
from guerdon.wiring import Live

_LOG = structlog.get_logger(__name__)
ROUTER: Final = APIRouter(tags=["Members"])
Reading = Annotated[Call, Depends(admitted("members:read"))]
Writing = Annotated[Call, Depends(admitted("members:write"))]

_KINDS: Final[dict[str, Kind]] = {
    "email": "email",
    "phone": "phone",
    "card": "card",
    "external_id": "external",
}
_UNKNOWN_SHARE: Final = Fault("/share", "share_unknown", "no such share stands: it is mistyped, or has ended")
_NOT_COUNTED: Final = {
    "own": Fault("/share", "share_own", "this share is of the member's own account"),
    "late": Fault("/share", "share_late", "the member joined before, or longer than a day ago"),
}
_NOT_INVITED: Final = Fault(
    "/referral_code", "referral_code_unused", "a member already: nobody invites them any more"
)


class NewMember(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person to be enrolled."""

    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    name: str | None = None
    birthday: str | None = None
    """Such as `1990-02-28`."""
    language: str | None = None
    attributes: dict[str, Any] | None = None
    """As the program declares them."""
    consents: dict[str, bool] | None = None
    referral_code: str | None = None
    share: str | None = None
    """The code of the share that they came by."""


class EnrolledShape(MemberShape, frozen=True):
    """A member as enrolling answers."""

    warnings: Sequence[ErrorPlace] = ()
    """What of the call came to nothing, though they are enrolled."""


class MemberPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change about a member."""

    language: str | None = None
    attributes: dict[str, Any] | None = None
    """Null removes one; those that are not named stay."""
    consents: dict[str, bool] | None = None


class Lookup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An identity that should not stand in a URL: exactly one."""

    email: str | None = None
    phone: str | None = None
    card: str | None = None
    external_id: str | None = None
    ref: str | None = None


class _Kept(msgspec.Struct, frozen=True):
    """What an Idempotency-Key keeps: whom the answer was about, and nothing that names them."""

    member: str


@ROUTER.post(
    "/v1/programs/{program}/members",
    summary="Enrol a member",
    **operation(EnrolledShape, body=NewMember, status=201, also=[(200, EnrolledShape)]),
)
async def enrol(call: Writing, program: str) -> Response:
    """201 with the new member; 200 with who has that identity. A wrong `share` stands in `warnings`."""
    profile = await to_thread.run_sync(_read_profile, call, program)
    said = await call.ask(
        EnrolMember(
            tenant_id=call.tenant_id, program=program, received_at=call.now, once=call.once, profile=profile
        )
    )
    shown = await to_thread.run_sync(_enrolled, call, program, (said, profile))
    return answer(shown, 201 if said.created else 200)


def _enrolled(call: Call, program: str, what: tuple[Answer, Profile]) -> EnrolledShape:
    """Show who was enrolled, with what of the call came to nothing."""
    said, profile = what
    number = parse_number("mem", said.member) or 0
    found = [_trace(call, program, member_ref(number))]
    if profile.referral_code and not said.created:
        found.append(_unused(call, program, (number, profile.referral_code)))
    faults = [one for one in found if one is not None]
    for one in faults:
        _LOG.warning("enrolled_without", program=program, member=said.member, code=one.code)
    shown = _show_one(call, program, member_ref(number))
    warnings = [ErrorPlace(pointer=one.pointer, code=one.code, detail=one.detail) for one in faults]
    return EnrolledShape(**msgspec.structs.asdict(shown), warnings=warnings)


def _trace(call: Call, program: str, member: Ref) -> Fault | None:
    """Note by which share they came; one that is wrong keeps nobody from joining."""
    code = call.read(NewMember).share
    if not code:
        return None
    whose = Whose(call.premises, call.tenant_id, program, call.now)
    try:
        with call.transaction() as tx:
            return _NOT_COUNTED.get(trace(tx, author_of(tx, whose, member), code))
    except Problem as problem:
        if problem.code != "share_not_found":
            raise
        return _UNKNOWN_SHARE


def _unused(call: Call, program: str, what: tuple[int, str]) -> Fault | None:
    """Tell whether a code means nothing, as they are known; the same call again is no such thing."""
    number, typed = what
    with call.transaction() as tx:
        rows = load_of(tx, call.house.live(tx, program).program_id, [number])
    return None if any(one.code == fold(typed) for one in rows) else _NOT_INVITED


def _read_profile(call: Call, program: str) -> Profile:
    call.read(NewMember)
    with call.transaction() as tx:
        live = call.house.live(tx, program)
    # Attributes are typed by the definition, so the fields are read once more, with exact numbers.
    sent = {name: value for name, value in call.read_exact().items() if name != "share"}
    return read_profile(sent, live.program.definition.attributes, live.program.zone.day_of(call.now))


@ROUTER.post(
    "/v1/programs/{program}/members/lookup",
    summary="Find by an identity",
    **operation(MemberShape, body=Lookup),
)
def look_up(call: Reading, program: str) -> Response:
    """Finds by an identity that should not stand in a URL."""
    asked = call.read(Lookup)
    given = {name: value for name in Lookup.__struct_fields__ if (value := getattr(asked, name)) is not None}
    if len(given) != 1:
        raise Problem.at(
            "", "one_identity_expected", f"name exactly one of {', '.join(Lookup.__struct_fields__)}"
        )
    name, value = next(iter(given.items()))
    try:
        kind = _KINDS.get(name)
        ref = normal_ref(kind, value) if kind is not None else parse_ref(value)
    except Problem as problem:
        raise Problem.at(f"/{name}", problem.code, problem.detail) from None
    return answer(_show_one(call, program, ref))


@ROUTER.get("/v1/programs/{program}/members", summary="List or search members", **operation(Members))
def all_members(
    call: Reading, program: str, wanted: Paged, search: Annotated[str | None, Query(max_length=254)] = None
) -> Response:
    """Newest first; `search` takes an id, card, e-mail, phone, external id, or words of a name."""
    with call.transaction() as tx:
        desk = _desk(call, call.house.live(tx, program))
        if search is None or not search.strip():
            found = list_members(tx, desk, cursor=wanted.cursor, limit=wanted.limit)
        else:
            found = search_members(tx, desk, search, cursor=wanted.cursor, limit=wanted.limit)
    return answer(Members(data=[_line(member) for member in found.members], next=found.next))


@ROUTER.get("/v1/programs/{program}/members/{ref:path}", summary="One member", **operation(MemberShape))
def one_member(call: Reading, program: str, ref: str) -> Response:
    """`ref` is an id, or `card:…`, `email:…`, `phone:…`, `external:…`."""
    return answer(_show_one(call, program, parse_ref(ref)))


@ROUTER.patch(
    "/v1/programs/{program}/members/{ref:path}",
    summary="Change a member",
    **operation(MemberShape, body=MemberPatch),
)
def change(call: Writing, program: str, ref: str) -> Response:
    """Changes attributes, language and consents; what is not named stays as it is."""
    call.read(MemberPatch)
    meant = parse_ref(ref)

    def act(tx: Tx) -> tuple[int, _Kept]:
        live = call.house.live(tx, program)
        wanted = read_change(call.read_exact(), live.program.definition.attributes)
        changed = patch_member(tx, _desk(call, live), meant, wanted, call.now)
        return 200, _Kept(number_text("mem", changed.member_id))

    kept = msgspec.json.decode(once(call, act).body, type=_Kept)
    return answer(_show_one(call, program, parse_ref(kept.member)))


@ROUTER.delete("/v1/programs/{program}/members/{ref:path}", summary="Erase a person", **operation(Erased))
def erase(call: Writing, program: str, ref: str) -> Response:
    """Forgets the person: identities, profile and key. The account and its ledger stay and still add up."""
    meant = parse_ref(ref)

    def act(tx: Tx) -> tuple[int, Erased]:
        live = call.house.live(tx, program)
        erasure = Erasure(
            call.house.vault(call.tenant_id), live.program_id, meant, call.caller.actor, call.now
        )
        found = forget_person(tx, erasure, call.house.ids)
        member, account = number_text("mem", found.member_id), number_text("acc", found.account_id)
        return 200, Erased(id=member, account=account, erased_at=call.now)

    return once(call, act)


def _desk(call: Call, live: Live) -> Desk:
    return Desk(call.house.vault(call.tenant_id), live.program_id)


def _show_one(call: Call, program: str, ref: Ref) -> MemberShape:
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        member = get_member(tx, _desk(call, live), ref)
        standing = show_standing(tx, live.program, member.account_id, call.now)
        segments = segments_of(tx, live.program_id, live.program, member.account_id, call.now)
    profile = member.profile
    return MemberShape(
        id=number_text("mem", member.member_id),
        account=number_text("acc", member.account_id),
        card=profile.card,
        external_id=profile.external_id or None,
        email=profile.email or None,
        phone=profile.phone or None,
        name=profile.name or None,
        birthday=profile.birthday or None,
        language=member.language or None,
        role=member.role,
        joined_at=member.joined_at,
        attributes=member.all_attributes,
        consents={
            key: ConsentShape(given=one.given, at=one.at) for key, one in sorted(member.consents.items())
        },
        wallets=standing.wallets,
        tiers=standing.tiers,
        badges=standing.badges,
        segments=segments,
    )


def _line(member: Member) -> MemberLine:
    profile = member.profile
    return MemberLine(
        id=number_text("mem", member.member_id),
        account=number_text("acc", member.account_id),
        card=profile.card,
        external_id=profile.external_id or None,
        email=profile.email or None,
        phone=profile.phone or None,
        name=profile.name or None,
        language=member.language or None,
        role=member.role,
        joined_at=member.joined_at,
    )
