"""Friends who enrol with a code: whose it is, and whether friend and advocate look like one person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from guerdon.base.errors import Problem
from guerdon.circles.codes import find_inviters
from guerdon.circles.referrals import Referral
from guerdon.engine.commands import EnrolMember
from guerdon.engine.intake import Item
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.members.identities import member_ref
from guerdon.members.members import Desk, Member, find_member
from guerdon.members.profiles import Profile
from guerdon.rules.events import Event
from guerdon.rules.program import Program
from guerdon.rules.reading import SentEvent, read_event
from guerdon.rules.referrals.codes import UNKNOWN, read_code
from guerdon.rules.referrals.keys import is_offered
from guerdon.rules.referrals.reviewing import is_same_person, verdict_on
from guerdon.rules.referrals.telling import joined_event

_NOT_OFFERED: Final = Problem.at(
    "/referral_code", "referrals_not_offered", "nobody is invited to this program by a code"
)


class Entrance(Protocol):
    """Where friends come in."""

    @property
    def vault(self) -> Vault:
        """The tenant's keys."""

    @property
    def program_id(self) -> int:
        """The program that they join."""

    @property
    def program(self) -> Program:
        """The version that decides."""


class Invited(NamedTuple):
    """A newcomer whom somebody invited."""

    row: Referral
    told: tuple[SentEvent, Event] | None
    """The event by which the friend is invited; None where somebody has to look at it first."""


def find_invited(tx: Tx, place: Entrance, items: Sequence[Item]) -> dict[int, Invited]:
    """Find who invited newcomers; one whose code is nobody's is refused.

    Args:
        tx: bound to the tenant; newcomers are enrolled, and nothing is locked yet.
        place: where they come in.
        items: the commands of a batch, changed in place.

    Returns:
        By the newcomer's member id; who came by themselves is left out.
    """
    asked = {id(item): code for item in items if (code := _code_of(item, place.program)) is not None}
    if not asked:
        return {}
    inviters = find_inviters(tx, place.program_id, set(asked.values()))
    desk = Desk(place.vault, place.program_id)
    found = {}
    for item in items:
        code = asked.get(id(item))
        if code is None:
            continue
        number = inviters.get(code)
        advocate = find_member(tx, desk, member_ref(number)) if number is not None else None
        if advocate is None or item.member_id is None:
            item.problem = UNKNOWN
        else:
            found[item.member_id] = _invited(place.program, item, code, advocate)
    return found


def _code_of(item: Item, program: Program) -> str | None:
    command = item.job.command
    if not isinstance(command, EnrolMember) or not command.profile.referral_code:
        return None
    if item.problem is not None or item.job.settled is not None or not item.is_new:
        return None
    try:
        if not is_offered(program.definition):
            raise _NOT_OFFERED
        return read_code(command.profile.referral_code)
    except Problem as problem:
        item.problem = problem
        return None


def _invited(program: Program, item: Item, code: str, advocate: Member) -> Invited:
    command, member_id = item.job.command, item.member_id
    assert member_id is not None, "newcomers are enrolled"
    reasons = ["same_person"] if is_same_person(_newcomer(command.profile), _known(advocate)) else []
    verdict = verdict_on(program.definition.referral.review, reasons)
    joined_at = command.received_at
    row = Referral(
        item.account_id,
        member_id,
        code,
        advocate.account_id,
        advocate.member_id,
        joined_at,
        "joined" if verdict == "allow" else "held" if verdict == "hold" else "refused",
        reasons,
        told=verdict == "allow",
    )
    if verdict != "allow":
        return Invited(row, None)
    return Invited(row, read_event(joined_event(member_id, joined_at), program, joined_at, own=True))


def _newcomer(profile: Profile) -> dict[str, str]:
    birthday = profile.birthday.isoformat() if profile.birthday else ""
    return {"email": profile.email, "name": profile.name, "birthday": birthday}


def _known(member: Member) -> dict[str, str]:
    profile = member.profile
    return {"email": profile.email, "name": profile.name, "birthday": profile.birthday}


def facts_of(items: Sequence[Item], invited: Mapping[int, Invited]) -> Iterator[tuple[Item, Event | None]]:
    """List what is decided about the accounts of commands: with a friend's enrolment, the invitation too.

    Args:
        items: commands.
        invited: newcomers whom somebody invited, by member.

    Yields:
        Each command with what it comes with; None where that shows later.
    """
    for item in items:
        yield item, item.event
        one = invited.get(item.member_id or 0) if item.is_new else None
        if one is not None and one.told is not None:
            yield item, one.told[1]
