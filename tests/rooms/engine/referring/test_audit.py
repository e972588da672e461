"""Rows of invitations that were changed behind the engine's back are found."""

from __future__ import annotations

import pytest

from guerdon.engine.audit.run import Audit
from guerdon.infra.db import Database
from tests.rooms.engine.conftest import TENANT
from tests.rooms.engine.referring.conftest import Club

CHANGES = {
    "update referral_completions set friends = 7": "referral_event",
    "update referral_completions set net = net + 1": "referral_event",
    "update referral_completions set advocate_id = advocate_id + 1": "referral_event",
    "update referral_completions set happened_at = happened_at + interval '1 s'": "referral_event",
    "update referral_completions set completed_at = completed_at - interval '1 s'": "referral_event",
    "update referral_completions set state = 'reversed'": "referral_event",
    "update referral_completions set state = 'refused'": "referral_event",
    "delete from referral_completions": "referral_missing",
    "update referrals set told = false": "referral_missing",
    "update referrals set state = 'refused', told = false": "referral_event",
    "delete from referrals": "referral_missing",
}


def test_each_change_is_found(club: Club, database: Database) -> None:
    anna = club.enrol("anna")
    club.enrol("ben", referral_code=club.code(anna))
    club.buys("ben", "40.00", "o1")
    club.settle()
    club.audit()
    for change, code in CHANGES.items():
        with database.transaction(TENANT) as tx:
            assert tx.execute(change).rowcount == 1
            found = {one.code for one in Audit(tx, club.loop.vault(TENANT), now=club.now).run()}
            assert code in found, change
            tx.rollback()
    club.audit()


@pytest.mark.parametrize("told", [True, False])
def test_an_event_that_counted_and_has_no_row_is_found(club: Club, database: Database, told: bool) -> None:
    anna = club.enrol("anna")
    club.enrol("ben", referral_code=club.code(anna))
    club.buys("ben", "40.00", "o1")
    if told:
        club.settle()
    with database.transaction(TENANT) as tx:
        tx.execute("delete from referral_completions")
        found = {one.code for one in Audit(tx, club.loop.vault(TENANT), now=club.now).run()}
        assert "referral_counts" in found
        tx.rollback()
