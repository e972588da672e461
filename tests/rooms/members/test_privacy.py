"""A person's rights: everything told on request, and nothing left after erasure."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.members.accounts import load_accounts
from guerdon.members.identities import member_ref, normal_ref
from guerdon.members.members import find_member, list_members, list_of_account, search_members
from guerdon.members.privacy import Erasure, erase_member, export_member
from guerdon.members.standing import StandingChanges, Wanted, load_standing, write_standing
from guerdon.members.states import load_members
from guerdon.programs.audit import list_acts
from guerdon.rules.state import Bucket
from tests.rooms.conftest import superuser
from tests.rooms.members.people import Shop
from tests.rooms.places import NOW, make_ids

ADA: dict[str, Any] = {
    "external_id": "customer-8831",
    "email": "Ada.Lovelace@Example.org",
    "phone": "+1 212 555 0199",
    "name": "Ada Lovelace-Byron",
    "birthday": "1985-12-10",
    "language": "rm-vallader",
    "attributes": {"persona": "traveller", "size": 7382910465, "allergy": "hazelnut", "salary": "74921.55"},
    "consents": {"zeppelin_news": True},
}
TRACES = [
    "customer-8831",
    "ada.lovelace",
    "Ada.Lovelace",
    "example.org",
    "2125550199",
    "555 0199",
    "Lovelace",
    "lovelace",
    "Byron",
    "1985-12-10",
    "12-10",
    "vallader",
    "traveller",
    "7382910465",
    "hazelnut",
    "74921.55",
    "zeppelin",
]


def _everything(server: EmbeddedPostgres, shop: Shop) -> str:
    """Write out each row of each table of the database, whoever it belongs to."""
    name = str(conninfo_to_dict(shop.database.conninfo)["dbname"])
    with superuser(server, name) as connection:
        tables = connection.execute(
            "select oid::regclass::text from pg_class"
            " where relnamespace = 'guerdon'::regnamespace and relkind in ('r', 'p')"
        ).fetchall()
        rows: list[str] = []
        for (table,) in tables:
            query = sql.SQL("select t::text from {} t").format(sql.Identifier(*table.split(".")))
            rows += [row[0] for row in connection.execute(query)]
    return "\n".join(rows)


def _traces(everything: str) -> list[str]:
    folded = everything.lower()
    return [trace for trace in TRACES if trace in everything or trace.encode().hex() in folded]


def test_only_what_is_plain_by_design_can_be_read_before(server: EmbeddedPostgres, shop: Shop) -> None:
    shop.one(**ADA)
    assert _traces(_everything(server, shop)) == ["12-10", "vallader", "traveller", "7382910465", "zeppelin"]


def test_erasure_leaves_no_trace(server: EmbeddedPostgres, shop: Shop) -> None:
    ada = shop.one(**ADA)
    bob = shop.one(name="Bob Lovel", email="bob@bobs.place")
    with shop.tx() as tx:
        card = find_member(tx, shop.desk, member_ref(ada.member_id))
        assert card is not None
        write_standing(tx, shop.program_id, _counted(ada.account_id))
        erasure = Erasure(shop.vault, shop.program_id, normal_ref("email", ADA["email"]), "key:gk_a", NOW)
        erased = erase_member(tx, erasure, make_ids(5))
    assert (erased.account_id, erased.member_id) == (ada.account_id, ada.member_id)

    everything = _everything(server, shop)
    assert [trace for trace in _traces(everything) if trace != "lovelace"] == []
    assert card.profile.card not in everything
    digests = [
        shop.vault.digest("email", "ada.lovelace@example.org"),
        shop.vault.digest("card", card.profile.card),
    ]
    assert [digest.hex() in everything for digest in digests] == [False, False]
    assert str(ada.account_id) in everything, "the account and what it counted stay"
    with shop.tx() as tx:
        assert load_standing(tx, Wanted([ada.account_id], ["spend@1"]))[ada.account_id].buckets
        assert find_member(tx, shop.desk, member_ref(ada.member_id)) is None
        assert list_of_account(tx, shop.desk, ada.account_id) == []
        assert [one.member_id for one in list_members(tx, shop.desk).members] == [bob.member_id]
        assert [one.member_id for one in search_members(tx, shop.desk, "lov").members] == [bob.member_id]
        owner = load_members(tx, [ada.account_id], []).owners[ada.account_id]
        assert owner.open_key(shop.vault) is None
        assert (owner.state.birthday, owner.state.language, owner.state.attributes) == ("", "", {})
        assert load_accounts(tx, shop.program_id, [ada.account_id])[ada.account_id].members == 0
        (act,) = list_acts(tx)
        assert (act.act.action, act.act.object) == ("member.erased", number_text("mem", ada.member_id))


def test_who_was_erased_is_not_there_and_may_come_back_as_somebody_else(shop: Shop) -> None:
    ada = shop.one(**ADA)
    erasure = Erasure(shop.vault, shop.program_id, member_ref(ada.member_id), "key:gk_a", NOW)
    with shop.tx() as tx:
        erase_member(tx, erasure, make_ids())
        with pytest.raises(Problem, match="member_not_found"):
            erase_member(tx, erasure, make_ids(2))
        with pytest.raises(Problem, match="member_not_found"):
            export_member(tx, shop.desk, member_ref(ada.member_id))
    again = shop.one(**ADA)
    assert again.is_new
    assert again.account_id != ada.account_id


def test_everything_is_told_on_request(shop: Shop) -> None:
    ada = shop.one(**ADA)
    with shop.tx() as tx:
        write_standing(tx, shop.program_id, _counted(ada.account_id))
        told = export_member(tx, shop.desk, normal_ref("external", ADA["external_id"]))
    text = json.dumps(told, default=str)
    assert told["id"] == number_text("mem", ada.member_id)
    assert told["account"] == number_text("acc", ada.account_id)
    assert told["identities"]["email"] == ADA["email"]
    assert told["identities"]["card"]
    assert told["metrics"] == [{"metric": "spend@1", "on": "2026-11-01", "total": "129.9", "count": 2}]
    assert told["badges"] == {"trailblazer": NOW.isoformat()}
    assert told["consents"] == {"zeppelin_news": {"given": True, "at": NOW.isoformat()}}
    folded = [
        ADA["name"],
        ADA["birthday"],
        ADA["language"],
        ADA["phone"],
        "hazelnut",
        "74921.55",
        "7382910465",
    ]
    assert [trace for trace in folded if trace not in text] == []


def _counted(account_id: int) -> StandingChanges:
    return StandingChanges(
        buckets=[(account_id, "spend@1", date(2026, 11, 1), Bucket(Decimal("129.90"), 2))],
        badges=[(account_id, "trailblazer", NOW)],
    )
