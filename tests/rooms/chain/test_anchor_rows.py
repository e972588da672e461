"""Rows of anchors are held against the head they tell of, with nobody asked."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from guerdon.connect.chain import stamps, stored
from guerdon.connect.chain.checking import check_anchors
from guerdon.connect.chain.signing import Key, Wish, read_sent
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.ledger import log
from guerdon.rules.proofs.notes import read_unsigned
from tests.databases import superuser
from tests.rooms.chain.authority import Authority
from tests.rooms.engine.conftest import NOW, TENANT, World, world
from tests.rooms.ledger.test_log import busy, keep_log, program_of

__all__ = ["world"]

PLACE = "rfc3161:tsa.example/stamp"


def test_a_signed_transaction_is_read_back_and_no_other_is() -> None:
    chance, raw = random.Random(7), b""
    for _ in range(12):
        key = Key(chance.getrandbits(255) + 1)
        nonce, tip, fee, gas = (chance.getrandbits(40) + 1 for _ in range(4))
        data = chance.randbytes(chance.choice([0, 4, 100, 300]))
        wish = Wish(chance.choice([1, 31337]), nonce, tip, fee, gas, chance.randbytes(20), data)
        raw = key.sign(wish).raw
        assert read_sent(raw) == (wish, key.address)
        for _ in range(6):
            damaged = bytearray(raw)
            damaged[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
            try:
                assert read_sent(bytes(damaged)) != (wish, key.address)
            except ValueError:
                continue
    for nothing in (b"", b"\x02", b"\x02\xc0", raw[:-1], raw + b"\x00", b"\x01" + raw[1:]):
        with pytest.raises(ValueError, match=r"transaction|signature"):
            read_sent(nothing)


def test_a_stamp_is_of_its_head_and_says_when(
    world: World, server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = Authority(tmp_path_factory.mktemp("authority") / "one")
    busy(world, people=2, orders=2)
    keep_log(world)
    with world.database.transaction(TENANT) as tx:
        assert stored.ask_due(tx, PLACE, timedelta(0), NOW) == 1
        row = stored.find_last(tx, program_of(world), PLACE)
        signed = log.find_last_signed(tx, program_of(world))
        assert row is not None
        assert signed is not None
        body = read_unsigned(signed.note).body.encode()
        token = stamps.read_response(authority.reply(stamps.request(body, 2**40)))
        stamp = stamps.read(token, body)
        stored.note_stamped(tx, row, token, stamp.at, stamp.at)
        assert list(check_anchors(tx)) == []
    middle = "length(token) / 2"
    damages = {
        f"token = set_byte(token, {middle}, (get_byte(token, {middle}) + 1) % 256)": "token",
        "token = null": "state",
        "stamped_at = stamped_at + interval '1 second'": "stamped_at",
        "final_at = asked_at - interval '1 second'": "final_at",
        "nonce = 3": "nonce",
        "root = sha256(root)": "root",
        "state = 'passed', final_at = null, place = 'somewhere'": "place",
    }
    with superuser(server, world.database.name) as connection:
        connection.autocommit = False
        for damage, name in damages.items():
            connection.execute("set local session_replication_role = replica")
            connection.execute("alter table guerdon.anchors drop constraint if exists anchors_check2")
            connection.execute(f"update guerdon.anchors set {damage}".encode())  # noqa: S608 - damages of ours
            connection.execute(f"set local role guerdon_app; set local guerdon.tenant = '{TENANT}'".encode())
            connection.execute("set local search_path = guerdon")
            found = list(check_anchors(connection))
            connection.rollback()
            assert {one.key.rpartition(" ")[2] for one in found} >= {name}, damage
            assert {one.table for one in found} == {"anchors"}
