"""Enrolling: an identity belongs to one member, in a batch, between batches and between processes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from guerdon.base.errors import Problem
from guerdon.base.ids import IdMaker
from guerdon.infra.db import Database
from guerdon.infra.tx import Tx, set_tenant
from guerdon.members.accounts import load_accounts
from guerdon.members.enrolment import Enrolled, enrol
from guerdon.members.identities import is_made_card, normal_ref
from guerdon.members.members import get_member
from tests.rooms.members.people import Shop
from tests.rooms.places import NOW

TABLES = ("accounts", "members", "identities", "name_words")


def count(tx: Tx) -> list[int]:
    query = " union all ".join(f"select count(*) from {table}" for table in TABLES)  # noqa: S608 - of the test
    return [row[0] for row in tx.execute(query.encode())]


def test_everything_told_is_kept(shop: Shop) -> None:
    person: dict[str, Any] = {
        "external_id": "a-1",
        "email": "Ada@Example.org",
        "phone": "+12125550199",
        "name": "Ada Lovelace",
        "birthday": "1815-12-10",
        "language": "en",
        "attributes": {"persona": "student", "weight": "71.50", "salary": "12.30"},
        "consents": {"sms": True},
    }
    ada = shop.one(**person)
    assert ada.is_new
    assert ada.account_id != ada.member_id
    with shop.tx() as tx:
        member = get_member(tx, shop.desk, normal_ref("email", "ada@example.org"))
        account = load_accounts(tx, shop.program_id, [ada.account_id])[ada.account_id]
    assert (member.account_id, member.member_id, member.role) == (ada.account_id, ada.member_id, "owner")
    told = member.profile
    assert (told.external_id, told.email, told.phone, told.name, told.birthday) == (
        "a-1",
        "Ada@Example.org",
        "+12125550199",
        "Ada Lovelace",
        "1815-12-10",
    )
    assert is_made_card(told.card)
    assert (member.joined_at, member.language) == (NOW, "en")
    assert {name: str(value) for name, value in member.all_attributes.items()} == {
        "persona": "student",
        "weight": "71.50",
        "salary": "12.30",
    }
    assert set(member.attributes) == {"persona", "weight"}
    assert (member.consents["sms"].given, member.consents["sms"].at) == (True, NOW)
    assert (account.kind, account.members, account.next_seq, account.last_occurred_at) == (
        "person",
        1,
        1,
        None,
    )
    assert len(account.salt) == 16


def test_a_known_identity_brings_the_known_member_back_unchanged(shop: Shop) -> None:
    ada = shop.one(email="ada@example.org", name="Ada")
    again = shop.one(email="ADA@example.org", phone="+12125550199", name="Eve")
    assert again == replace(ada, is_new=False)
    with shop.tx() as tx:
        member = get_member(tx, shop.desk, normal_ref("email", "ada@example.org"))
        assert (member.profile.name, member.profile.phone) == ("Ada", "")
    assert shop.one(phone="+12125550199").is_new, "what a stranger said about Ada was not believed"


def test_a_batch_is_as_if_one_came_after_the_other(shop: Shop) -> None:
    answers = shop.enrol(
        {"email": "a@example.org"},
        {"email": "A@example.org", "phone": "+10000001"},
        {"phone": "+10000001"},
        {"email": "a@example.org", "phone": "+10000001"},
        {},
        {},
    )
    first, same, phone, conflict, nobody, nobody_else = answers
    assert isinstance(first, Enrolled)
    assert isinstance(phone, Enrolled)
    assert isinstance(nobody, Enrolled)
    assert isinstance(nobody_else, Enrolled)
    assert same == replace(first, is_new=False)
    assert phone.is_new
    assert phone.member_id != first.member_id
    assert isinstance(conflict, Problem)
    assert conflict.code == "identity_conflict"
    assert [fault.pointer for fault in conflict.faults] == ["/email", "/phone"]
    assert nobody.is_new
    assert nobody.member_id != nobody_else.member_id
    with shop.tx() as tx:
        # Four people: each has a card and an id, two have one identity more; nobody told a name.
        assert count(tx) == [4, 4, 10, 0]


def test_conflict_with_what_was_there_before_stores_nothing(shop: Shop) -> None:
    shop.one(email="a@example.org")
    shop.one(external_id="b")
    (answer,) = shop.enrol({"email": "a@example.org", "external_id": "b", "phone": "+10000001"})
    assert isinstance(answer, Problem)
    assert [fault.pointer for fault in answer.faults] == ["/external_id", "/email"]
    with shop.tx() as tx:
        assert count(tx)[:3] == [2, 2, 6]


def test_programs_are_apart(shop: Shop) -> None:
    other = replace(shop, program_id=43)
    assert shop.one(email="a@example.org").member_id != other.one(email="a@example.org").member_id


def test_an_empty_batch(shop: Shop) -> None:
    assert shop.enrol() == []


def test_a_card_that_exists_is_drawn_anew(shop: Shop) -> None:
    first = shop.enrol({"email": "a@example.org"}, seed=9)
    second = shop.enrol({"email": "b@example.org"}, seed=9)
    cards = set()
    for answer, email in ((first[0], "a@example.org"), (second[0], "b@example.org")):
        assert isinstance(answer, Enrolled)
        with shop.tx() as tx:
            cards.add(get_member(tx, shop.desk, normal_ref("email", email)).profile.card)
    assert len(cards) == 2
    with shop.tx() as tx:
        assert count(tx)[:3] == [2, 2, 6], "the first try left nothing"


def test_an_id_that_exists_stops_the_batch(shop: Shop) -> None:
    still = IdMaker(lambda: 1_800_000_000_000, lambda _: 0)
    batch = replace(shop.batch([{"email": "a@example.org"}]), ids=still)
    with shop.tx() as tx:
        tx.execute(
            "insert into accounts (account_id, program_id, kind, created_at, salt)"
            " values (%s, 42, 'person', %s, '')",
            (IdMaker(lambda: 1_800_000_000_000, lambda _: 0).number(), NOW),
        )
    with pytest.raises(RuntimeError, match="taken"), shop.tx() as tx:
        enrol(tx, batch)
    with shop.tx() as tx:
        assert count(tx)[1:] == [0, 0, 0]


def _enrol_in_threads(shop: Shop, batches: Sequence[Sequence[dict[str, Any]]]) -> list[list[Enrolled]]:
    results: list[list[Enrolled]] = [[] for _ in batches]
    errors: list[BaseException] = []
    ready = threading.Barrier(len(batches))

    def run(place: int) -> None:
        try:
            batch = shop.batch(batches[place], seed=100 + place)
            with shop.database.connect() as tx:
                set_tenant(tx, shop.tenant_id)
                ready.wait(10)
                answers = enrol(tx, batch)
            results[place] = [answer for answer in answers if isinstance(answer, Enrolled)]
        except BaseException as error:  # noqa: BLE001 - told to the main thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(batches))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    return results


def test_many_enrol_the_same_people_at_once(shop: Shop) -> None:
    people = [{"email": f"p{n}@example.org", "name": f"Person {n}"} for n in range(20)]
    results = _enrol_in_threads(shop, [people if place % 2 else people[::-1] for place in range(6)])
    by_email: dict[str, set[int]] = {}
    for place, answers in enumerate(results):
        assert len(answers) == 20
        asked = people if place % 2 else people[::-1]
        for person, answer in zip(asked, answers, strict=True):
            by_email.setdefault(person["email"], set()).add(answer.member_id)
    assert [len(ids) for ids in by_email.values()] == [1] * 20
    assert sum(answer.is_new for answers in results for answer in answers) == 20
    with shop.tx() as tx:
        assert count(tx)[:3] == [20, 20, 60]


def test_who_waits_for_the_same_identity_gets_the_member_that_was_made(shop: Shop) -> None:
    second: list[Any] = []
    with shop.database.connect() as slow, shop.database.connect() as quick:
        set_tenant(slow, shop.tenant_id)
        set_tenant(quick, shop.tenant_id)
        (first,) = enrol(slow, shop.batch([{"email": "a@example.org"}], seed=1))
        batch = shop.batch([{"external_id": "new"}, {"email": "a@example.org", "phone": "+10000001"}], seed=2)
        waiting = threading.Thread(target=lambda: second.extend(enrol(quick, batch)))
        waiting.start()
        _until_it_waits(shop.database, quick.info.backend_pid)
        slow.commit()
        waiting.join(30)
        quick.commit()
    assert isinstance(first, Enrolled)
    assert second[1] == replace(first, is_new=False)
    assert second[0].is_new
    with shop.tx() as tx:
        assert count(tx)[:3] == [2, 2, 6], "the phone of the second was let go"


def test_who_waits_for_one_that_is_rolled_back_is_enrolled(shop: Shop) -> None:
    second: list[Any] = []
    with shop.database.connect() as slow, shop.database.connect() as quick:
        set_tenant(slow, shop.tenant_id)
        set_tenant(quick, shop.tenant_id)
        enrol(slow, shop.batch([{"email": "a@example.org"}], seed=1))
        batch = shop.batch([{"email": "a@example.org"}], seed=2)
        waiting = threading.Thread(target=lambda: second.extend(enrol(quick, batch)))
        waiting.start()
        _until_it_waits(shop.database, quick.info.backend_pid)
        slow.rollback()
        waiting.join(30)
        quick.commit()
    assert second[0].is_new


def _until_it_waits(database: Database, pid: int) -> None:
    query = "select count(*) > 0 from pg_locks where pid = %s and not granted"
    pause = threading.Event()
    with database.connect() as tx:
        for _ in range(500):
            row = tx.execute(query, (pid,)).fetchone()
            tx.rollback()
            if row == (True,):
                return
            pause.wait(0.02)
    raise AssertionError("the other connection does not wait for a lock")
