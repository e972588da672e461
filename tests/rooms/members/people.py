"""People for the tests of the members' rooms."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from guerdon.base.errors import Problem
from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.members.enrolment import EnrolBatch, Enrolled, Newcomer, enrol
from guerdon.members.members import Desk
from guerdon.members.profiles import Profile, read_profile
from guerdon.rules.definition import Datum, load_definition
from tests.rooms.places import MASTER_KEY, NOW, make_chance, make_ids, make_tenant

DECLARED: Mapping[str, Datum] = load_definition("""
program: shop
currency: USD
timezone: UTC
wallets: {points: {unit: points}}
attributes:
  persona: {type: string, values: [student, traveller]}
  size: {type: int}
  weight: {type: decimal}
  subscribed: {type: bool}
  since: {type: date}
  pets: {type: list(string)}
  score: {type: decimal, values: ["1.50", "2"]}
  allergy: {type: string, personal: true}
  salary: {type: decimal, personal: true}
  seen: {type: timestamp}
""").attributes


@dataclass(frozen=True)
class Shop:
    """A program of a tenant, as a test uses it."""

    database: Database
    tenant_id: int
    vault: Vault
    program_id: int = 42

    @property
    def desk(self) -> Desk:
        return Desk(self.vault, self.program_id)

    @contextmanager
    def tx(self) -> Iterator[Tx]:
        with self.database.transaction(self.tenant_id) as tx:
            yield tx

    def batch(self, people: Sequence[Mapping[str, Any]], seed: int = 1) -> EnrolBatch:
        newcomers = [Newcomer(profile(person), NOW) for person in people]
        return EnrolBatch(self.vault, self.program_id, newcomers, make_ids(seed), make_chance(seed))

    def enrol(self, *people: Mapping[str, Any], seed: int = 1) -> list[Enrolled | Problem]:
        with self.tx() as tx:
            return enrol(tx, self.batch(people, seed))

    def one(self, **person: Any) -> Enrolled:
        # Each call draws cards of its own, or the second would begin by meeting the first one's.
        seed = zlib.crc32(repr(sorted(person.items())).encode())
        (answer,) = self.enrol(person, seed=seed)
        assert isinstance(answer, Enrolled)
        return answer


def make_shop(database: Database, key: str = "demo", program_id: int = 42) -> Shop:
    tenant_id = make_tenant(database, key)
    return Shop(database, tenant_id, Vault(MASTER_KEY, tenant_id), program_id)


def profile(person: Mapping[str, Any]) -> Profile:
    return read_profile(person, DECLARED, NOW.date())
