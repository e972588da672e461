"""Orders of guests: nothing is decided about them but what their checkouts held of shared counters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.findings import Finding
from guerdon.engine.audit.cards import check_paid, check_refunds
from guerdon.engine.audit.history import Place, Stored, check_outbox
from guerdon.engine.audit.replay import Replay, Told
from guerdon.engine.audit.versions import Version
from guerdon.engine.events import pack_decision
from guerdon.engine.replaying.facts import Fact, fact_differences, key_of, read_fact
from guerdon.members.accounts import AccountRow
from guerdon.rules.capturing import for_guest
from guerdon.rules.decision import Decision
from guerdon.rules.events import ReturnOrder
from guerdon.rules.program import Program


class Guests:
    """Goes through the orders of guests one by one; none depends on another."""

    def __init__(self, place: Place) -> None:
        """Begin.

        Args:
            place: where the audit goes on.
        """
        self._place = place

    def check(self, stored: Stored) -> Iterator[Finding]:
        """Go on by one order.

        Args:
            stored: the next one.

        Yields:
            What does not hold.
        """
        event, place = stored.event, self._place
        nobody = Decision(version=event.version)
        differences: list[tuple[str, Any, Any]] = []
        decided = nobody if event.decision == pack_decision(nobody) else None
        version = place.versions.find(place.tx, stored.program_id, event.version)
        if version is None:
            differences.append(("version", "a version of the program", event.version))
        else:
            try:
                fact = read_fact(
                    version.program, event, None, lambda one: self._priced(stored.program_id, one)
                )
                differences = fact_differences(event, stored.key, fact, stored.program_id)
                if isinstance(fact.event.command, ReturnOrder):
                    yield from place.returning.check_row(event, event.decided)
                    fact = place.returning.with_order(
                        event, stored.program_id, fact, (lambda _: None, {}, {})
                    )
                    decided = self._again(stored, fact, version)
                    yield from check_refunds(place.tx, event, (decided or nobody).returned)
                if fact.event.captured is not None:
                    yield from place.checkouts.check_ending(event, fact.event.captured)
                    yield from check_paid(place.tx, event, fact.event.captured)
                    decided = self._decide(stored, fact)
            except Problem as problem:
                differences.append(("body", "an order", problem.code))
        nothing = (event.member_id, event.late, event.first_seq, event.transactions, event.sealed)
        if nothing != (None, False, 0, 0, None):
            differences.append(("its columns", "nothing decided about a guest", "something"))
        if decided is None:
            differences.append(("decision", "what a guest's order takes", "another"))
        for name, expected, found in differences:
            key = f"{key_of(0, event.event_id)} {name}"
            yield Finding("events_unlike_replay", "events", key, str(expected), str(found))
        yield from check_outbox(stored, decided or nobody)

    def _priced(self, program_id: int, number: int) -> Program | None:
        version = self._place.versions.find(self._place.tx, program_id, number)
        return version.program if version is not None else None

    def _decide(self, stored: Stored, fact: Fact) -> Decision | None:
        """Decide again what a guest's order took of shared counters; None where it is another decision."""
        event, place, taken = stored.event, self._place, fact.event.captured
        assert taken is not None
        version: Version | None = place.versions.pinned(
            place.tx, stored.program_id, event.version, taken.version
        )
        return self._again(stored, fact, version) if version is not None else None

    def _again(self, stored: Stored, fact: Fact, version: Version) -> Decision | None:
        event, place = stored.event, self._place
        try:
            told = event.decided
            asked = fact._replace(event=for_guest(fact.event), again=None)
            nobody = AccountRow(0, "person", event.booked_at, None, None, 1, 0, b"")
            replay = Replay(place.vault, nobody, {})
            decided = replay.decide(version, Told(event.event_id, None, asked, told, event.decision))
        except (msgspec.MsgspecError, UnicodeDecodeError, ArithmeticError, ValueError, LookupError):
            return None
        place.shared.add(stored.program_id, decided)
        return decided.decision if decided.agrees else None
