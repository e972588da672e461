"""Enrolling the newcomers of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from guerdon.base.errors import Problem
from guerdon.base.ids import Chance, IdMaker
from guerdon.engine.commands import EnrolMember, IngestEvent
from guerdon.engine.intake import Item
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.members.enrolment import EnrolBatch, Enrolled, Newcomer, enrol
from guerdon.members.identities import Ref
from guerdon.members.profiles import Profile

NOBODY_KNOWN = Problem.at("/subject", "member_not_found", "no member is known by this reference")


class Entrance(Protocol):
    """Where newcomers are enrolled."""

    @property
    def vault(self) -> Vault:
        """The tenant's keys."""

    @property
    def program_id(self) -> int:
        """The program that they join."""

    @property
    def ids(self) -> IdMaker:
        """Maker of identifiers."""


def enrol_newcomers(tx: Tx, place: Entrance, items: Sequence[Item]) -> None:
    """Enrol who asks for it, before any account is locked.

    Args:
        tx: bound to the tenant.
        place: where they are enrolled.
        items: the commands of a batch, changed in place.
    """
    newcomers: list[tuple[Item, Newcomer]] = []
    for item in items:
        command = item.job.command
        if item.problem is not None or item.job.settled is not None:
            continue
        if isinstance(command, EnrolMember):
            newcomers.append((item, Newcomer(command.profile, command.received_at)))
        elif isinstance(command, IngestEvent) and item.ref is not None and not item.account_id:
            profile = _bare_profile(item.ref)
            if profile is None or item.event is None:
                item.problem = NOBODY_KNOWN
                continue
            newcomers.append((item, Newcomer(profile, item.event.booked_at)))
    if not newcomers:
        return
    # Cards must not be guessable, so their seed is not one that is stored.
    chance = Chance(place.vault.random_bytes(32))
    batch = EnrolBatch(place.vault, place.program_id, [one for _, one in newcomers], place.ids, chance)
    for (item, _), answer in zip(newcomers, enrol(tx, batch), strict=True):
        _set_enrolled(item, answer)


def _bare_profile(ref: Ref) -> Profile | None:
    if ref.kind == "external":
        return Profile(identities=(ref,), external_id=ref.value)
    if ref.kind == "email":
        return Profile(identities=(ref,), email=ref.value)
    if ref.kind == "phone":
        return Profile(identities=(ref,), phone=ref.value)
    return None


def _set_enrolled(item: Item, answer: Enrolled | Problem) -> None:
    if isinstance(answer, Problem):
        item.problem = answer
        return
    item.account_id, item.member_id, item.is_new = answer.account_id, answer.member_id, answer.is_new
