"""Checkouts and what they hold, beside what they promised and the events that ended them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.engine.audit.cards import check_held
from guerdon.engine.audit.versions import Versions
from guerdon.engine.checkouts.promise import read_promise, stamped
from guerdon.engine.checkouts.rows import CheckoutRow
from guerdon.engine.events import StoredEvent
from guerdon.infra.tx import Tx
from guerdon.infra.walks import Row, Walk
from guerdon.members.crypto import Vault
from guerdon.rules.cards.paying import card_holds
from guerdon.rules.checkout import promised_holds
from guerdon.rules.decision import Shortfall
from guerdon.rules.events import Capture
from guerdon.rules.state import Hold

_ROW = """c.source, c.id, c.checkout_id, c.account_id, c.member_id, c.status, c.version, c.quoted_at,
    c.expires_at, c.changed_at, c.opened_by, c.order_id, c.promised, c.sealed, c.event_id"""
_WIDTH = len(CheckoutRow._fields)
_CHECKOUTS = f"""
select c.account_id, c.program_id, {_ROW}, e.event_id
from checkouts c left join events e on e.account_id = c.account_id and e.event_id = c.event_id
order by c.account_id, c.checkout_id
"""  # noqa: S608 - a list of columns of ours
_HOLDS = f"""
select h.account_id, h.checkout_id, h.kind, h.name, h.amount, h.expires_at, h.program_id, {_ROW}
from account_holds h left join checkouts c on c.program_id = h.program_id and c.checkout_id = h.checkout_id
order by h.account_id, h.checkout_id, h.kind, h.name
"""  # noqa: S608 - a list of columns of ours
_SHARED = f"""
select h.program_id, h.checkout_id, h.counter, h.amount, h.expires_at, {_ROW}
from shared_holds h left join checkouts c on c.program_id = h.program_id and c.checkout_id = h.checkout_id
order by h.program_id, h.checkout_id, h.counter
"""  # noqa: S608 - a list of columns of ours
_CONFIRMED = f"""
select {_ROW} from checkouts c where c.account_id = %s and c.checkout_id = %s
"""  # noqa: S608 - a list of columns of ours
_ENDED = f"""
select {_ROW} from checkouts c where c.program_id = %s and c.source = %s and c.id = %s
"""  # noqa: S608 - a list of columns of ours
_SHARED_ROW = 5
_HELD_ROW = 7
_SKEW = timedelta(minutes=5)
"""So far may the clock of whoever let go of what had lapsed be ahead of ours."""
NEVER = datetime.max.replace(tzinfo=UTC)


class Held(NamedTuple):
    """What the open carts of an account hold."""

    units: Mapping[str, int]
    """By wallet, in its scale."""
    uses: Mapping[str, Decimal]
    """By counter of the account's own."""


class Checkouts:
    """Walks through checkouts and holds, account by account; those of guests come first."""

    def __init__(self, tx: Tx, vault: Vault, versions: Versions, now: datetime | None) -> None:
        """Begin.

        Args:
            tx: bound to the tenant.
            vault: the tenant's keys.
            versions: the versions that priced.
            now: what ends later must still be held; None where nobody knows how far the tenant's clocks went.
        """
        self._tx, self._vault, self._versions = tx, vault, versions
        self._held_until = now + _SKEW if now is not None else NEVER
        self._binding: dict[UUID, tuple[Hold, ...]] = {}
        """What open carts of the account that is looked at must hold now, by checkout."""
        self.rows = Walk(tx, "checkouts", _CHECKOUTS)
        self.holds = Walk(tx, "account_holds", _HOLDS)

    @property
    def walks(self) -> tuple[Walk, ...]:
        """Both of them."""
        return self.rows, self.holds

    def check_rows(self, account_id: int, program_id: int | None = None) -> Iterator[Finding]:
        """Compare an account's checkouts with their stamps and their ends.

        Args:
            account_id: whose; 0 for those of guests.
            program_id: the account's program, None for guests.

        Yields:
            What does not hold.
        """
        self._binding.clear()
        for _, program, *fields, event_id in self.rows.of(account_id):
            row = CheckoutRow(*fields)
            if account_id and row.expires_at > self._held_until:
                promised = self._promised(program, tuple(fields)) or ()
                self._binding[row.checkout_id] = tuple(one for one in promised if one.kind != "shared")
            yield from self._check_cards(row)
            stamp = "that of the row" if self._is_stamped(program, row) else "another"
            differences = [
                ("program_id", program_id if program_id is not None else program, program),
                ("stamp", "that of the row", stamp),
                ("event_id", row.event_id, event_id),
                ("status", row.status == "confirmed", row.event_id is not None),
            ]
            for name, expected, found in differences:
                if expected != found:
                    yield _finding("checkouts", account_id, f"{row.checkout_id} {name}", (expected, found))

    def _check_cards(self, row: CheckoutRow) -> Iterator[Finding]:
        promised = _promise_of(row) if row.status == "open" and row.expires_at > self._held_until else None
        if promised is not None and promised.cards:
            wanted = card_holds(promised.cards, str(row.checkout_id), row.expires_at)
            yield from check_held(self._tx, row.checkout_id, wanted)

    def check_holds(self, account_id: int, report: Callable[[Finding], None]) -> Held:
        """Compare what open carts hold of an account's own with what they promised.

        Args:
            account_id: whose.
            report: told of what does not hold.

        Returns:
            What they hold.
        """
        units: dict[str, int] = {}
        uses: dict[str, Decimal] = {}
        for checkout_id, rows in groupby(self.holds.of(account_id), key=lambda row: row[1]):
            there = list(rows)
            self._binding.pop(checkout_id, None)
            for _, _, kind, name, amount, *_ in there:
                if kind == "units":
                    units[name] = units.get(name, 0) + int(amount)
                elif kind == "use":
                    uses[name] = uses.get(name, Decimal(0)) + amount
            for finding in self._check_held(account_id, checkout_id, there):
                report(finding)
        for checkout_id, missing in self._binding.items():
            for one in missing:
                key = f"{checkout_id} {one.kind} {one.name}"
                report(_finding("account_holds", account_id, key, ("a hold", "none")))
        return Held(units, uses)

    def _check_held(self, account_id: int, checkout_id: UUID, there: list[Row]) -> Iterator[Finding]:
        program_id = there[0][_HELD_ROW - 1]
        promised = self._promised(program_id, there[0][_HELD_ROW:], account_id)
        wanted = {(one.kind, one.name): one for one in promised or () if one.kind != "shared"}
        for _, _, kind, name, amount, expires_at, program, *_ in there:
            one = wanted.pop((kind, name), None)
            expected = None if one is None else (one.amount, one.expires_at, program_id)
            found = (amount, expires_at, program)
            if expected != found:
                key = f"{checkout_id} {kind} {name}"
                yield _finding("account_holds", account_id, key, (_shown(expected), _shown(found)))
        for kind, name in wanted:
            # All of an account's holds of one checkout end at once.
            yield _finding("account_holds", account_id, f"{checkout_id} {kind} {name}", ("a hold", "none"))

    def check_shared(self, held: dict[tuple[int, str], Decimal]) -> Iterator[Finding]:
        """Compare what open carts hold of shared counters with what they promised.

        Args:
            held: filled with what is held, by program and counter.

        Yields:
            What does not hold.
        """
        with self._tx.cursor(name="walk_shared_holds") as cursor:
            rows: Iterable[Row] = cursor.execute(_SHARED)
            for (program_id, checkout_id), of_one in groupby(rows, key=lambda row: row[:2]):
                there = list(of_one)
                promised = self._promised(program_id, there[0][_SHARED_ROW:]) or ()
                wanted = {one.name: (one.amount, one.expires_at) for one in promised if one.kind == "shared"}
                for _, _, counter, amount, expires_at, *_ in there:
                    key = (program_id, counter)
                    held[key] = held.get(key, Decimal(0)) + amount
                    if wanted.get(counter) != (amount, expires_at):
                        place = f"{number_text('prg', program_id)} {counter} {checkout_id}"
                        expected, found = _shown(wanted.get(counter)), _shown((amount, expires_at))
                        yield Finding("shared_holds_unlike_checkouts", "shared_holds", place, expected, found)

    def check_ending(self, stored: StoredEvent, taken: Capture) -> Iterator[Finding]:
        """Compare an event with the checkout that it confirmed.

        Args:
            stored: the event.
            taken: what it took.

        Yields:
            What does not hold.
        """
        found = self._tx.execute(_CONFIRMED, (stored.account_id, UUID(taken.checkout))).fetchall()
        if len(found) != 1:
            yield _finding("checkouts", stored.account_id, taken.checkout, ("a row", "none"))
            return
        row = CheckoutRow(*found[0])
        promised = _promise_of(row)
        # What was lost by then was named in the event, and no longer promised.
        lost = {number for number, _ in taken.gone}
        first = None if promised is None else [one for one in promised.coupons if one not in lost]
        plain = {"coupons": (), "gone": (), "only_reports": False, "cards": (), "tiers": {}}
        for name, expected, there in (
            ("status", "confirmed", row.status),
            ("event_id", stored.event_id, row.event_id),
            ("member_id", stored.member_id, row.member_id),
            ("changed_at", stored.booked_at, row.changed_at),
            ("version", taken.version, row.version),
            ("coupons", list(taken.coupons), first),
            ("cards", _named(taken), _named(promised)),
            (
                "promised",
                msgspec.structs.replace(taken, **plain),
                promised and msgspec.structs.replace(promised, **plain),
            ),
        ):
            if expected != there:
                yield _finding("checkouts", stored.account_id, f"{taken.checkout} {name}", (expected, there))

    def check_ended(
        self, program_id: int, stored: StoredEvent, ended: Iterable[Shortfall]
    ) -> Iterator[Finding]:
        """Compare an order with the checkouts of others that it says it ended, as far as they are kept.

        Args:
            program_id: of which program.
            stored: the event that paid the order.
            ended: what its decision says.

        Yields:
            What does not hold.
        """
        for one in ended:
            for fields in self._tx.execute(_ENDED, (program_id, stored.source, one.name)).fetchall():
                row = CheckoutRow(*fields)
                found = (row.status, row.order_id, row.account_id != stored.account_id)
                expected = ("cancelled", stored.order_id, True)
                if found != expected:
                    key = f"{row.checkout_id} ended"
                    yield _finding("checkouts", row.account_id, key, (_shown(expected), _shown(found)))

    def _is_stamped(self, program_id: int, row: CheckoutRow) -> bool:
        return stamped(self._vault, program_id, row).promised == row.promised

    def _promised(self, program_id: int, fields: Row, holder: int | None = None) -> tuple[Hold, ...] | None:
        """Work out what a checkout must hold while it is open; None where it is not, or is damaged.

        Of whoever buys, or of the account that is named, which may be a gift card's.
        """
        if fields[0] is None:
            return None
        row = CheckoutRow(*fields[:_WIDTH])
        promised = _promise_of(row) if row.status == "open" else None
        version = self._versions.find(self._tx, program_id, row.version)
        if promised is None or version is None:
            return None
        if holder is not None and holder != row.account_id:
            return card_holds(promised.cards, str(row.checkout_id), row.expires_at).get(holder, ())
        day = version.program.zone.day_of(row.quoted_at)
        try:
            return promised_holds(version.program, promised, (row.member_id, day), row.expires_at)
        except KeyError:
            return None


def _promise_of(row: CheckoutRow) -> Capture | None:
    try:
        return read_promise(row).capture
    except (msgspec.MsgspecError, zlib.error, UnicodeDecodeError):
        # Its stamp tells that something is wrong with it.
        return None


def _named(promised: Capture | None) -> list[tuple[int, str, int]]:
    """List what gift cards were to pay."""
    return [(one.account, one.wallet, one.units) for one in promised.cards] if promised is not None else []


def _shown(values: tuple[Any, ...] | None) -> str:
    return "none" if values is None else " ".join(map(str, values))


def _finding(table: str, account_id: int, key: str, values: tuple[Any, Any]) -> Finding:
    code = "holds_unlike_checkouts" if table == "account_holds" else "checkouts_unlike_events"
    place = f"{number_text('acc', account_id)} {key}"
    return Finding(code, table, place, str(values[0]), str(values[1]), account_id)
