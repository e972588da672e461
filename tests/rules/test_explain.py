"""Explaining a stored decision: run again from what was stored, it is the same, with a reason for everything."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.rules.decision import Decision, Effect
from guerdon.rules.events import Event
from guerdon.rules.explain import explain, in_words
from guerdon.rules.orders import LineInput, OrderInput, read_order
from guerdon.rules.program import Program
from guerdon.rules.state import AccountState, MemberState, Shared, State
from guerdon.rules.step import exactly, step
from tests.rules.worlds import LIVES, Act, chance, compiled, documents, live

AT = datetime(2026, 3, 6, 23, tzinfo=UTC)
_STORED = msgspec.json.Decoder(Decision)


def stored(decision: Decision) -> Decision:
    """The decision as it comes back from storage."""
    return _STORED.decode(msgspec.json.encode(decision))


@settings(max_examples=150, deadline=None)
@given(document=documents(), acts=LIVES)
def test_what_was_stored_explains_what_was_done(document: dict[str, Any], acts: list[Act]) -> None:
    program = compiled(document)
    for _, event, _, decision in live(program, acts):
        if decision.problem_code:
            continue
        found = explain(program, event, stored(decision))
        assert found.differences == ()
        assert [one.campaign for one in found.outcomes] == [one.key for one in program.campaigns]
        acted = {one.campaign for one in found.outcomes if one.outcome == "acted"}
        assert (
            acted == {one.campaign for one in decision.effects if one.campaign} or event.command is not None
        )
        skipped = {one.campaign: one.reason for one in decision.skipped}
        told = {one.campaign: one.outcome for one in found.outcomes if one.outcome != "acted"}
        assert all(told[key] == reason for key, reason in skipped.items() if not key.startswith("metric:"))
        assert len(in_words(found)) == len(program.campaigns)
