"""What may be handed over, and where its account lies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from guerdon.base.ids import number_text
from guerdon.engine.answers import Answer
from guerdon.engine.commands import (
    AdjustBalance,
    CancelCheckout,
    Command,
    ConfirmCheckout,
    IngestEvent,
    Once,
    OpenCheckout,
    RedeemReward,
)
from guerdon.members.identities import Ref
from guerdon.web.peers.accounts import KnownAccounts, names_of

BASE: dict[str, Any] = {"tenant_id": 1, "program": "club", "received_at": datetime(2026, 11, 21, tzinfo=UTC)}
MEMBER = Ref("external", "m1")
ONCE = Once("POST /", "k", b"")


def opened(**more: Any) -> OpenCheckout:
    return OpenCheckout(**{**BASE, "cart": b"{}", "member": MEMBER, "id": "c1", **more})


@pytest.mark.parametrize(
    "command",
    [
        IngestEvent(raw=b'{"subject": "m1", "id": "e1"}', bulk=True, **BASE),
        IngestEvent(raw=b'{"subject": "m1", "id": "e1"}', own=True, **BASE),
        IngestEvent(raw=b'{"id": "e1"}', **BASE),
        IngestEvent(raw=b'{"subject": 7}', **BASE),
        IngestEvent(raw=b"{", **BASE),
        IngestEvent(raw=b"\xff", **BASE),
        IngestEvent(raw=b"[" * 5_000, **BASE),
        RedeemReward(member=MEMBER, reward="mug", **BASE),
        AdjustBalance(account_id=1, wallet="points", amount=1, reason="gift", once=ONCE, **BASE),
        opened(member=None),
    ],
    ids=lambda command: type(command).__name__,
)
def test_what_could_be_done_twice_or_is_about_nobody_stays_here(command: Command) -> None:
    assert names_of(command) == ()


def test_one_member_has_one_name_within_a_program_only() -> None:
    event = IngestEvent(raw=b'{"id": "e1", "subject": "m1"}', **BASE)
    again = IngestEvent(raw=b'{"subject":"m1","id":"e2","data":{"subject":"m9"}}', **BASE)
    assert len(names_of(event)) == 1
    assert names_of(event) == names_of(again)
    elsewhere = IngestEvent(raw=event.raw, **{**BASE, "program": "shop"})
    others = IngestEvent(raw=event.raw, **{**BASE, "tenant_id": 2})
    assert len({names_of(event), names_of(elsewhere), names_of(others)}) == 3
    assert len(names_of(RedeemReward(member=MEMBER, reward="mug", once=ONCE, **BASE))) == 1


def test_a_checkout_is_found_by_who_opened_it_until_it_ends() -> None:
    known = KnownAccounts()
    for ending in (ConfirmCheckout(id="c1", **BASE), CancelCheckout(id="c1", **BASE)):
        assert known.find(names_of(ending)[0]) is None
    known.learn(names_of(opened()), Answer(status="applied", account=number_text("acc", 77)))
    for ending in (ConfirmCheckout(id="c1", **BASE), CancelCheckout(id="c1", **BASE)):
        assert known.find(names_of(ending)[0]) == 77
    assert known.find(names_of(ConfirmCheckout(id="c1", source="till", **BASE))[0]) is None


def test_an_answer_about_nobody_teaches_nothing() -> None:
    known = KnownAccounts()
    for account in ("", "mem_1", "acc_", "acc_nonsense"):
        known.learn((5,), Answer(status="applied", account=account))
    assert known.find(5) is None


def test_what_is_asked_for_stays_and_the_rest_is_forgotten() -> None:
    known = KnownAccounts(kept=10)
    said = Answer(status="applied", account=number_text("acc", 3))
    for name in range(500):
        known.learn((name,), said)
        assert known.find(0) == 3
    assert known.find(1) is None
    assert known.find(499) == 3
    assert sum(known.find(name) is not None for name in range(500)) <= 20
