"""One account's events, each read, compared with what stands beside it, and decided again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.engine.audit.cards import CardHistory, check_paid, check_payment, check_refund, check_refunds
from guerdon.engine.audit.checkouts import Checkouts
from guerdon.engine.audit.journal import Journal
from guerdon.engine.audit.merges import Merges
from guerdon.engine.audit.replay import Decided, Replay, Told
from guerdon.engine.audit.returns import Returning
from guerdon.engine.audit.versions import Version, Versions
from guerdon.engine.counting.recount import Counting, count_from_events
from guerdon.engine.events import Before, StoredEvent
from guerdon.engine.replaying.facts import (
    Fact,
    KeyRow,
    event_key,
    fact_differences,
    is_own,
    read_fact,
)
from guerdon.engine.returns.choosing import settled
from guerdon.engine.showing.notices import notices_of
from guerdon.infra.tx import Tx
from guerdon.infra.walks import Row
from guerdon.members.accounts import AccountRow
from guerdon.members.audit import Person
from guerdon.members.crypto import Vault
from guerdon.rewards.redemptions import Redemption, Status, step_of
from guerdon.rules.decision import Decision
from guerdon.rules.events import (
    BlockCard,
    Event,
    LeaveFor,
    PayWithCard,
    RefundCard,
    ReturnOrder,
    Send,
    TakeIn,
    Use,
    asked_by,
)
from guerdon.rules.program import Program
from guerdon.rules.reading import RETURNS
from guerdon.rules.state import AccountState

_EVENT = len(StoredEvent._fields)
_KEY = len(KeyRow._fields)
ERASED = "after erasure"
UNRECORDED = "metrics read what is known about people"


class SharedSums:
    """What the accounts drew from the counters that they share."""

    def __init__(self) -> None:
        """Begin with nothing drawn."""
        self.drawn: dict[tuple[int, str], Decimal] = {}
        self.slack: dict[tuple[int, str], Decimal] = {}
        """How much more may have been given back: by takings that were never counted."""
        self.bounds: dict[tuple[int, str], set[Decimal]] = {}
        self.unsure: set[tuple[int, str]] = set()
        """Counters that accounts drew from whose history cannot be decided again."""

    def add(self, program_id: int, decided: Decided) -> None:
        """Count what a decision drew.

        Args:
            program_id: whose counters.
            decided: what it came to again.
        """
        for counter, amount in decided.takings.items():
            key = (program_id, counter)
            if counter in decided.bounds and amount:
                self.drawn[key] = self.drawn.get(key, Decimal(0)) + amount
                self.bounds.setdefault(key, set()).add(decided.bounds[counter])


class Place(NamedTuple):
    """Where an audit goes on."""

    tx: Tx
    vault: Vault
    versions: Versions
    journal: Journal
    checkouts: Checkouts
    returning: Returning
    shared: SharedSums
    merges: Merges


class Stored(NamedTuple):
    """A row of the walk through events."""

    event: StoredEvent
    program_id: int
    key: KeyRow
    outbox: tuple[Any, ...]
    """Program, booked instant and notices of its outbox row; three None where it was told already."""


def stored_of(row: Row) -> Stored:
    """Take a row of the walk apart.

    Args:
        row: as selected.

    Returns:
        The event and what stands beside it.
    """
    return Stored(
        StoredEvent(*row[:_EVENT]),
        row[_EVENT],
        KeyRow(*row[_EVENT + 1 : _EVENT + 1 + _KEY]),
        row[_EVENT + 1 + _KEY :],
    )


class History:
    """Goes through one account's events in the order in which they were booked."""

    def __init__(self, place: Place, row: AccountRow, program_id: int, people: Mapping[int, Person]) -> None:
        """Begin before the first event.

        Args:
            place: where the audit goes on.
            row: the account.
            program_id: its program.
            people: its members.
        """
        self.place = place
        self.row = row
        self.program_id = program_id
        self.people = people
        self.replay = Replay(place.vault, row, {key: one.state for key, one in people.items()})
        self.card = CardHistory(row)
        self.next_seq = 1
        self.redemptions: dict[int, Redemption] = {}
        self.not_replayed = ""
        """Why the history cannot be decided again, or nothing."""
        self.loose: str = ""
        """Why metrics, and the tiers that follow from them, may come out otherwise, or nothing."""
        self._last_version = 1
        self._drew: dict[int, set[str]] = {}
        self._is_erased = any(one.erased_at is not None for one in people.values())

    def check(self, stored: Stored) -> Iterator[Finding]:
        """Go on by one event.

        Args:
            stored: the next one.

        Yields:
            What does not hold.
        """
        event = stored.event
        try:
            decision = event.decided
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield self._differs(event, ("decision", "a decision", type(error).__name__))
            return
        version = self.place.versions.find(self.place.tx, self.program_id, event.version)
        if version is None:
            yield self._differs(event, ("version", "a version of the program", event.version))
            return
        self._last_version = event.version
        yield from self._check_row(stored, decision)
        yield from self.place.returning.check_row(event, decision)
        yield from self.place.journal.check(self.row, self.program_id, event, decision)
        self.next_seq = event.first_seq + len(decision.transactions)
        # Only what comes back asks how redemptions stood; who takes many should not pay for that each time.
        before = dict(self.redemptions) if event.type in RETURNS else self.redemptions
        self._book(event, decision)
        try:
            fact = self._read(version, event, before)
        except Problem as problem:
            yield self._differs(event, ("body", "what was decided upon", problem.code))
            return
        self._sign(fact.event, decision)
        for difference in fact_differences(event, stored.key, fact, self.program_id):
            yield self._differs(event, difference)
        yield from self.place.checkouts.check_ended(self.program_id, event, decision.ended)
        taken = fact.event.captured
        if taken is not None:
            yield from self.place.checkouts.check_ending(event, taken)
            yield from check_paid(self.place.tx, event, taken)
            version = self.place.versions.pinned(self.place.tx, self.program_id, event.version, taken.version)
            if version is None:
                yield self._differs(event, ("capture", "a version of the program", taken.version))
                return
        yield from self._follow(version, event, fact, decision)

    def _count_anew(self, number: int, before: StoredEvent | None) -> None:
        """Count metrics from the beginning where a version defined some that were not counted before."""
        version = self.place.versions.find(self.place.tx, self.program_id, number)
        row, since = self.row, version.metrics_since if version is not None else 0
        has_past = self.replay.state.last_booked_at is not None and row.kind != "card"
        if version is None or not has_past or self.replay.metrics_version >= since:
            return
        counting = Counting(self.place.vault, version.program, self._recorded, since, read_fact)
        until = Before(before.first_seq, before.transactions, before.event_id) if before is not None else None
        found = count_from_events(self.place.tx, counting, [row], until)
        self.replay.count_anew(number, found[row.account_id])

    def _recorded(self, number: int) -> Program:
        program = self._priced(number)
        if program is None:
            raise Problem("version_not_found", "the version that decided is not there")
        return program

    def check_counted(self) -> Iterator[Finding]:
        """Compare up to which version the account says that its metrics are counted.

        It may be more than the last decision's: idle accounts are counted as well.

        Yields:
            A finding where there is no such version, or where a later one has decided.
        """
        found, least = self.row.metrics_version, self.replay.metrics_version
        exists = found == 0 or self.place.versions.find(self.place.tx, self.program_id, found) is not None
        is_known = self.row.kind != "card" and not self.not_replayed
        if not exists or (is_known and found < least):
            key = f"{number_text('acc', self.row.account_id)} metrics_version"
            yield Finding(
                "accounts_unlike_replay", "accounts", key, str(least), str(found), self.row.account_id
            )

    def endings(self) -> list[AccountState]:
        """Give the states in which the account may stand now.

        Returns:
            The one after the last event, or those after a tick that was not worth an event.
        """
        self._count_anew(self.row.metrics_version, None)
        state, at = self.replay.state, self.row.last_booked_at
        if at is None or (state.last_booked_at is not None and at <= state.last_booked_at):
            return [state]
        endings = []
        number = self._last_version
        while (version := self.place.versions.find(self.place.tx, self.program_id, number)) is not None:
            ending = self.replay.after_tick(version, at)
            endings += [ending] if ending is not None else []
            number += 1
        return endings or [state]

    def _priced(self, number: int) -> Program | None:
        version = self.place.versions.find(self.place.tx, self.program_id, number)
        return version.program if version is not None else None

    def _read(self, version: Version, event: StoredEvent, before: Mapping[int, Redemption]) -> Fact:
        fact = read_fact(version.program, event, self._key_of(event), self._priced)
        if isinstance(fact.event.command, ReturnOrder):
            statuses: dict[int, str] = {number: one.status for number, one in before.items()}
            known = (self._key_of, {**statuses, **self._spent_cards(event)}, before)
            fact = self.place.returning.with_order(event, self.program_id, fact, known)
        return fact

    def _spent_cards(self, event: StoredEvent) -> dict[int, str]:
        """Name the gift cards that money had moved on by then: that stands in their own accounts."""
        returned = event.decided.returned
        return {
            one.redemption_id: "used"
            for one in (returned.undone if returned is not None else ())
            if one.kept == "redemption_used"
            and one.redemption_id is not None
            and (made := self.redemptions.get(one.redemption_id)) is not None
            and made.kind == "gift_card"
        }

    def _key_of(self, event: StoredEvent) -> Any:
        person = self.people.get(event.member_id) if event.member_id is not None else None
        return person.key if person is not None else None

    def _check_row(self, stored: Stored, decision: Decision) -> Iterator[Finding]:
        event = stored.event
        knows = event.member_id is None or event.member_id in self.people
        columns = [
            ("program_id", self.program_id, stored.program_id),
            ("version", decision.version, event.version),
            ("late", decision.late, event.late),
            ("transactions", len(decision.transactions), event.transactions),
            ("first_seq", self.next_seq, event.first_seq),
            ("member_id", "a member of the account", "a member of the account" if knows else event.member_id),
        ]
        if not is_own(event) or event.type == "member.enrolled":
            columns.append(("member_id", "who acted", "who acted" if event.member_id else "nobody"))
        for difference in columns:
            if difference[1] != difference[2]:
                yield self._differs(event, difference)
        yield from check_outbox(stored, decision)

    def _book(self, event: StoredEvent, decision: Decision) -> None:
        """Keep what the tables of redemptions must say."""
        for one in decision.redemptions:
            numbered = enumerate(decision.transactions, event.first_seq)
            seqs = [seq for seq, posted in numbered if posted.redemption_id == one.redemption_id]
            self.redemptions[one.redemption_id] = Redemption(
                event.account_id,
                one.redemption_id,
                event.member_id,
                event.event_id,
                one.reward,
                one.kind,
                one.quantity,
                one.price,
                seqs,
                one.code,
                one.campaign,
                one.choice,
                decision.version,
                "issued",
                event.booked_at,
                one.expires_at,
                event.booked_at,
                "",
                msgspec.to_builtins(one.particulars),
                [step_of("issued", event.booked_at)],
            )
        for one in decision.chosen:
            taken = self.redemptions.get(one.redemption_id)
            if taken is not None:
                self.redemptions[one.redemption_id] = settled(taken, one, event.booked_at)
        ended: dict[int, Status] = dict.fromkeys(decision.cancelled, "cancelled")
        ended.update(dict.fromkeys(decision.restored, "issued"))
        ended.update(dict.fromkeys(decision.used, "used"))
        for redemption_id, status in ended.items():
            taken = self.redemptions.get(redemption_id)
            if taken is not None:
                self.redemptions[redemption_id] = taken.moved(status, event.booked_at)

    def _note(self, event: StoredEvent, noted: Use | Send) -> Iterator[Finding]:
        taken = self.redemptions.get(noted.redemption_id)
        if taken is None or not taken.is_open or _is_said_again(noted, taken):
            yield self._differs(event, ("redemption", "one that was issued", taken and taken.status))
            return
        if isinstance(noted, Send):
            taken = taken.moved("sent", event.booked_at, noted.by, noted.tracking)
        else:
            taken = taken.moved("used", event.booked_at, noted.by)
        self.redemptions[noted.redemption_id] = taken

    def _sign(self, fact: Event, decision: Decision) -> None:
        """Note who asked for what a decision did to redemptions."""
        by = asked_by(fact)
        made = (one.redemption_id for one in (*decision.redemptions, *decision.chosen))
        for number in (*made, *decision.cancelled):
            taken = self.redemptions.get(number)
            if by and taken is not None:
                *earlier, last = taken.steps
                self.redemptions[number] = taken._replace(steps=[*earlier, {**last, "by": by}])

    def _decide(
        self, version: Version, event: StoredEvent, fact: Fact, decision: Decision
    ) -> Iterator[Finding]:
        told = Told(event.event_id, event.member_id, fact, decision, event.decision)
        self._count_anew(event.version, event)
        try:
            decided = self.replay.decide(version, told)
        except (ArithmeticError, ValueError, LookupError, AssertionError) as error:
            # No event that was ever decided makes the step fail; a damaged one may.
            yield self._differs(event, ("decision", "what can be decided again", type(error).__name__))
            return
        excuse = self._excuse(version, event, fact)
        if not decided.agrees and not self.not_replayed:
            self.not_replayed = excuse or self.loose
            if not self.not_replayed:
                yield self._differs(event, _where_unlike(decided.decision, decision))
        self._add_up(decided, decision)

    def _follow(
        self, version: Version, event: StoredEvent, fact: Fact, decision: Decision
    ) -> Iterator[Finding]:
        """Let an event change what is known of redemptions, of a gift card, or of the account's state."""
        command = fact.event.command
        self.card.note(fact.event)
        if isinstance(command, PayWithCard):
            yield from check_payment(self.place.tx, self.program_id, event, command.checkout)
        if isinstance(command, RefundCard):
            yield from check_refund(self.place.tx, event, command)
        yield from check_refunds(self.place.tx, event, decision.returned)
        if isinstance(command, LeaveFor):
            yield from self._leave(version, event, fact)
        if isinstance(command, TakeIn):
            yield from self.place.merges.take_in(event, command, self.redemptions)
        if isinstance(command, Use | Send):
            yield from self._note(event, command)
        elif not isinstance(command, BlockCard):
            yield from self._decide(version, event, fact, decision)

    def _leave(self, version: Version, event: StoredEvent, fact: Fact) -> Iterator[Finding]:
        """Let all that the account has go, after looking at what arrived of it."""
        if not self.not_replayed:
            leaving = self.place.merges.check_leaving(
                version, (event, fact.event), self.replay.state, self.redemptions
            )
            yield from leaving
        self.redemptions.clear()

    def _excuse(self, version: Version, event: StoredEvent, fact: Fact) -> str:
        """Say why this decision may come out otherwise although nobody touched it, or nothing."""
        lost = not fact.is_whole
        if version.counts_by_people:
            self.loose = UNRECORDED
        elif lost and event.type in version.counts_sealed:
            self.loose = ERASED
        return ERASED if lost or (self._is_erased and version.reads_birthdays) else ""

    def _add_up(self, decided: Decided, decision: Decision) -> None:
        shared = self.place.shared
        shared.add(self.program_id, decided)
        for counter in decided.bounds:
            key = (self.program_id, counter)
            if self.not_replayed:
                shared.unsure.add(key)
            amount = decided.takings.get(counter)
            given_back = amount is not None and amount < 0 and not decision.left
            if given_back and not any(counter in self._drew.get(one, ()) for one in decision.cancelled):
                # The limit is younger than the taking: what was given back depends on others.
                shared.slack[key] = shared.slack.get(key, Decimal(0)) - (amount or 0)
        for one in decision.redemptions:
            self._drew[one.redemption_id] = set(decided.takings)

    def _differs(self, event: StoredEvent, difference: tuple[str, Any, Any]) -> Finding:
        name, expected, found = difference
        key = f"{event_key(event)} {name}"
        return Finding("events_unlike_replay", "events", key, str(expected), str(found), event.account_id)


def _is_said_again(noted: Use | Send, taken: Redemption) -> bool:
    return isinstance(noted, Send) and taken.status == "sent" and noted.tracking in ("", taken.tracking)


def check_outbox(stored: Stored, decision: Decision) -> Iterator[Finding]:
    """Compare what waits to be told of an event with what was decided on it.

    Args:
        stored: the event and its row of the outbox.
        decision: what was decided.

    Yields:
        What does not hold.
    """
    event, (program_id, booked_at, notices) = stored.event, stored.outbox
    if notices is None:
        return
    names = notices_of(event.type, decision)
    for name, expected, found in (
        ("program_id", stored.program_id, program_id),
        ("booked_at", event.booked_at, booked_at),
        ("notices", names, notices),
    ):
        if expected != found:
            key = f"{event_key(event)} {name}"
            yield Finding("outbox_unlike_events", "outbox", key, str(expected), str(found), event.account_id)


def _where_unlike(again: Decision, stored: Decision) -> tuple[str, Any, Any]:
    """Name the first part in which two decisions differ."""
    for name in ("problem_code", *Decision.__struct_fields__):
        expected, found = getattr(again, name), getattr(stored, name)
        if expected != found and msgspec.json.encode(expected) != msgspec.json.encode(found):
            return f"decision.{name}", _short(expected), _short(found)
    return "decision", "the decision again", "another"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 300 else f"{text[:300]}…"
