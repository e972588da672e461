"""The language of engines among themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.engine.answers import Answer, Balance, Refusal
from guerdon.engine.commands import (
    CancelCheckout,
    Command,
    ConfirmCheckout,
    IngestEvent,
    Once,
    OpenCheckout,
    RedeemReward,
)
from guerdon.members.identities import Ref
from guerdon.rules.particulars import Covered
from guerdon.web.peers import wire
from guerdon.web.peers.wire import CARRIED, Frames, Kind, Told, TornFrameError

BASE: dict[str, Any] = {
    "tenant_id": 2**62 + 1,
    "program": "club",
    "received_at": datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC),
    "once": Once("POST /x", "k", b"\x00\xff" * 16),
}
MEMBER = Ref("email", "mira@example.com")
COMMANDS: list[Command] = [
    IngestEvent(raw=b'{"id":"\xe2\x82\xac"}', historical=True, enrol=True, **BASE),
    RedeemReward(
        member=MEMBER,
        reward="mug",
        quantity=3,
        choice="red",
        by="key",
        covers=Covered("o1", "1", "S"),
        **BASE,
    ),
    OpenCheckout(
        cart=b"{}", member=None, source="till", caller="k", id="c-1", ttl=timedelta(minutes=7), **BASE
    ),
    ConfirmCheckout(id="c-1", source="till", payments=b"[1]", member=MEMBER, **BASE),
    CancelCheckout(id="c-1", **BASE),
]
ANSWERS = [
    Answer(
        id="e1",
        status="applied",
        effects=[{"campaign": "base", "award": {"wallet": "points", "amount": "3.0"}}],
        skipped=[{"campaign": "x", "reason": "limit_reached"}],
        balances={"points": Balance("1", "2", "3", "4")},
        late=True,
        account="acc_1",
        member="mem_1",
        redemptions=[{"id": "red_1", "quantity": 2, "expires_at": BASE["received_at"]}],
        quote={"total": "4.00", "lines": [{"id": "1", "discounts": []}]},
    ),
    Answer(status="rejected", problem=Refusal("overloaded", "later", ({"pointer": "/x"},))),
]


def test_each_kind_that_is_carried_is_tried_here() -> None:
    assert {type(command) for command in COMMANDS} == set(CARRIED)


def test_commands_arrive_as_they_were_sent() -> None:
    sent = wire.asking([wire.pack(place + 7, command) for place, command in enumerate(COMMANDS)])
    ((kind, body),) = Frames().feed(sent)
    assert kind == Kind.ASK
    assert wire.read_asked(body) == list(enumerate(COMMANDS, 7))


def test_answers_arrive_as_they_were_told() -> None:
    ((kind, body),) = Frames().feed(wire.telling([Told(n, answer) for n, answer in enumerate(ANSWERS)]))
    assert kind == Kind.TELL
    arrived = wire.read_told(body)
    assert [told.number for told in arrived] == [0, 1]
    # What the caller is told is JSON: a time may arrive as its text.
    for told, answer in zip(arrived, ANSWERS, strict=True):
        assert msgspec.json.encode(told.answer) == msgspec.json.encode(answer)


@given(st.lists(st.tuples(st.sampled_from(list(Kind)), st.binary(max_size=40)), max_size=6), st.data())
def test_frames_are_found_however_the_stream_is_cut(said: list[tuple[Kind, bytes]], data: Any) -> None:
    stream = b"".join(wire.frame(kind, body) for kind, body in said)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    frames = Frames()
    found: list[tuple[int, bytes]] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += frames.feed(stream[start:end])
    assert found == [(int(kind), body) for kind, body in said]


@given(st.binary(max_size=60))
def test_what_is_no_frame_of_ours_is_refused_and_nothing_else_happens(noise: bytes) -> None:
    for read in (wire.read_asked, wire.read_told, wire.read_hello):
        try:
            read(noise)
        except TornFrameError:
            continue
    try:
        list(Frames().feed(noise))
    except TornFrameError:
        return


def test_a_frame_of_many_gigabytes_is_refused_before_it_is_read() -> None:
    with pytest.raises(TornFrameError):
        list(Frames().feed(b"\xff\xff\xff\xff\x02"))


@pytest.mark.parametrize("kind", [-1, len(CARRIED), 2**62])
def test_an_unknown_kind_of_command_is_refused(kind: int) -> None:
    command = msgspec.msgpack.encode(COMMANDS[-1])
    body = msgspec.msgpack.encode([[1, kind, msgspec.Raw(command)]])
    with pytest.raises(TornFrameError):
        wire.read_asked(body)


@pytest.mark.parametrize("body", [b"\x91" * 100_000, b"\x91\x92\x01\xa1\xff", b"\x82\xa6engine\xa1\xff"])
def test_depth_and_letters_that_are_none_are_refused(body: bytes) -> None:
    for read in (wire.read_asked, wire.read_told, wire.read_hello):
        with pytest.raises(TornFrameError):
            read(body)
