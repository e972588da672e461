"""One pass through everything that a tenant has, account by account, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from guerdon.base.findings import Finding, Progress, unheard
from guerdon.base.ids import number_text
from guerdon.engine.audit.checkouts import Checkouts
from guerdon.engine.audit.guests import Guests
from guerdon.engine.audit.history import History, Place, SharedSums, Stored, stored_of
from guerdon.engine.audit.journal import Journal
from guerdon.engine.audit.merges import LOOSE_MERGES, LOOSE_MOVES, Merges
from guerdon.engine.audit.played.attempts import check_attempts
from guerdon.engine.audit.played.boards import check_boards
from guerdon.engine.audit.played.deeds import check_deeds
from guerdon.engine.audit.played.lines import check_lines
from guerdon.engine.audit.played.payouts import check_payouts
from guerdon.engine.audit.played.people import check_people_named
from guerdon.engine.audit.played.posts import check_posts
from guerdon.engine.audit.played.raffles import check_raffles
from guerdon.engine.audit.played.referrals import check_referrals
from guerdon.engine.audit.returns import LOOSE_RETURNS, Returning
from guerdon.engine.audit.tables import Tables, stray
from guerdon.engine.audit.versions import Versions
from guerdon.engine.replaying.facts import key_of
from guerdon.infra.tx import Tx
from guerdon.infra.walks import Walk
from guerdon.ledger.archives.audit import Month
from guerdon.ledger.audit import check_sums
from guerdon.ledger.log.audit import check_logs
from guerdon.members.accounts import AccountRow
from guerdon.members.audit import (
    Person,
    check_people,
    read_person,
    walk_accounts,
    walk_identities,
    walk_members,
    walk_names,
)
from guerdon.members.audit.people import Kept
from guerdon.members.crypto import Vault
from guerdon.programs.programs import list_programs
from guerdon.programs.version_audit import check_programs, list_counters

_PART = "accounts"
_REMEMBERED = 10_000
# An account's journal is numbered, and what posted nothing came before what posted from that number on.
_EVENTS = """
select e.account_id, e.event_id, e.member_id, e.type, e.source, e.id, e.order_id, e.channel, e.store,
    e.occurred_at, e.booked_at, e.version, e.late, e.first_seq, e.transactions, e.body, e.sealed, e.decision,
    e.program_id, k.program_id, k.source, k.id, k.order_id, k.body_hash, o.program_id, o.booked_at, o.notices
from events e
left join event_keys k on k.account_id = e.account_id and k.event_id = e.event_id
left join outbox o on o.account_id = e.account_id and o.event_id = e.event_id
order by e.account_id, e.first_seq, e.transactions > 0, e.event_id
"""
_LOOSE_KEYS = """
select account_id, event_id, source || ' ' || id from event_keys k
where not exists (select from events e where e.account_id = k.account_id and e.event_id = k.event_id)
order by 1, 2
"""
_LOOSE_OUTBOX = """
select account_id, event_id, '' from outbox o
where not exists (select from events e where e.account_id = o.account_id and e.event_id = o.event_id)
order by 1, 2
"""


class Counts:
    """What an audit went through."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.programs = self.events = self.transactions = self.entries = self.accounts = self.moved = 0
        self.archives: list[Month] = []
        """Months that moved into files, or are about to."""
        self.not_replayed: Counter[str] = Counter()
        """Accounts whose history could not be decided again, by the reason."""

    def add(self, other: Counts) -> None:
        """Add another tenant's.

        Args:
            other: its counts.
        """
        for name in ("programs", "events", "transactions", "entries", "accounts", "moved", "archives"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.not_replayed += other.not_replayed


class Audit:
    """Works one tenant's books out again."""

    def __init__(
        self,
        tx: Tx,
        vault: Vault,
        told: Progress = unheard,
        *,
        now: datetime | None = None,
        archives: Path | None = None,
    ) -> None:
        """Prepare an audit; nothing is read yet.

        Args:
            tx: bound to the tenant, repeatable read where others are writing.
            vault: the tenant's keys.
            told: hears how far it is.
            now: what open carts promise beyond it must be held; None for a sandbox, where clocks were set.
            archives: where the tenant's archives are, None where they are not at hand.
        """
        self.counts = Counts()
        self._archives = archives
        self._tx = tx
        self._vault = vault
        self._told = told
        self._now = now
        self._seen: set[tuple[str, str]] = set()

    def run(self) -> Iterator[Finding]:
        """Go through everything once.

        Yields:
            What does not hold, each row's part once.
        """
        for finding in self._findings():
            key = (finding.table, finding.key)
            if key not in self._seen:
                if len(self._seen) < _REMEMBERED:
                    self._seen.add(key)
                yield finding

    def _findings(self) -> Iterator[Finding]:
        tx = self._tx
        yield from check_programs(tx)
        yield from check_sums(tx, self._told)
        yield from check_logs(tx, self._told)
        for name, statement in (
            ("event_keys", _LOOSE_KEYS),
            ("outbox", _LOOSE_OUTBOX),
            ("order_returns", LOOSE_RETURNS),
            ("account_merges", LOOSE_MERGES),
            ("member_moves", LOOSE_MOVES),
        ):
            with tx.cursor(name=f"loose_{name}") as cursor:
                for account_id, event_id, more in cursor.execute(statement):
                    key = f"{key_of(account_id, event_id)} {more}".rstrip()
                    yield Finding("event_missing", name, key, "an event", "none", account_id)
        with closing(_Walked(tx, self._vault, self._now, self._archives)) as walked:
            moved = walked.place.journal.moved
            yield from moved.open_files(tx, [(one.program_id, one.key) for one in list_programs(tx)])
            yield from self._walk(walked)
            yield from check_attempts(tx, walked.place.versions)
            yield from check_posts(tx)
            yield from check_boards(tx, walked.place.versions, self._now)
            yield from check_raffles(tx, self._vault, walked.place.versions)
            yield from check_referrals(tx, walked.place.versions)
            yield from check_deeds(tx)
            yield from check_lines(tx, walked.place.shared)
            yield from check_payouts(tx, walked.place.versions)
            yield from check_people_named(tx, self._vault)
        self.counts.programs = tx.execute("select count(*) from programs").fetchall()[0][0]
        yield from _check_shared(tx, walked.place)

    def _walk(self, walked: _Walked) -> Iterator[Finding]:
        total: int = self._tx.execute("select count(*) from accounts").fetchall()[0][0]
        self._told(_PART, 0, total)
        yield from walked.guests()
        while walked.accounts.head is not None:
            yield from walked.account(self.counts)
            self._told(_PART, walked.accounts.count, total)
        yield from walked.rest()
        walked.count(self.counts)


class _Walked:
    """All walks of an audit, side by side."""

    def __init__(self, tx: Tx, vault: Vault, now: datetime | None, archives: Path | None) -> None:
        self.accounts = walk_accounts(tx)
        self.events = Walk(tx, "events", _EVENTS)
        self.members, self.identities, self.names = walk_members(tx), walk_identities(tx), walk_names(tx)
        versions = Versions()
        checkouts = Checkouts(tx, vault, versions, now)
        self.tables = Tables(tx, checkouts)
        merges = Merges(tx, vault)
        journal, returning = Journal(tx, archives), Returning(tx, versions, merges)
        self.place = Place(tx, vault, versions, journal, checkouts, returning, SharedSums(), merges)

    def close(self) -> None:
        journal = self.place.journal
        journal.close()
        for walk in (self.accounts, *self.strays):
            walk.close()

    @property
    def strays(self) -> tuple[Walk, ...]:
        return (self.events, self.members, self.identities, self.names, *self.tables.walks)

    def guests(self) -> Iterator[Finding]:
        """Go through the orders and checkouts of guests."""
        yield from self.place.checkouts.check_rows(0)
        guests = Guests(self.place)
        last = None
        for row in self.events.of(0):
            stored = stored_of(row)
            twice = _twice(last, stored)
            last = stored
            if twice is not None:
                yield twice
            else:
                yield from guests.check(stored)

    def account(self, counts: Counts) -> Iterator[Finding]:
        """Go through one account."""
        *fields, program_id = self.accounts.take()
        row = AccountRow(*fields)
        account_id = row.account_id
        for walk in self.strays:
            for one in walk.before(account_id):
                yield stray(walk, one)
        yield from self.place.journal.strays(account_id)
        people: dict[int, Person] = {
            one[1]: read_person(self.place.vault, one) for one in self.members.of(account_id)
        }
        kept = Kept(row, program_id, people, [*self.identities.of(account_id)], [*self.names.of(account_id)])
        yield from check_people(self.place.tx, self.place.vault, kept)
        yield from self.place.merges.check_heir(row, program_id)
        acted = self.place.merges.people_of(account_id, people)
        history = History(self.place, row, program_id, acted)
        last = None
        for event in self.events.of(account_id):
            stored = stored_of(event)
            twice = _twice(last, stored)
            last = stored
            if twice is not None:
                yield twice
            else:
                yield from history.check(stored)
        yield from self.place.journal.rest(account_id)
        yield from self.tables.check(history)
        if history.not_replayed:
            counts.not_replayed[history.not_replayed] += 1

    def rest(self) -> Iterator[Finding]:
        """Go by rows behind the last account."""
        for walk in self.strays:
            for one in walk.rest():
                yield stray(walk, one)
        yield from self.place.journal.strays(None)

    def count(self, counts: Counts) -> None:
        counts.accounts, counts.events = self.accounts.count, self.events.count
        counts.transactions = self.place.journal.transactions.count
        counts.entries = self.place.journal.entries.count
        counts.moved = self.place.journal.moved.checked
        counts.archives = self.place.journal.moved.months


def _twice(last: Stored | None, stored: Stored) -> Finding | None:
    """Tell of an event that two keys name."""
    event = stored.event
    if last is None or last.event.event_id != event.event_id:
        return None
    key = f"{key_of(event.account_id, event.event_id)} {stored.key.source} {stored.key.id}"
    return Finding("key_twice", "event_keys", key, "one key", "another one", event.account_id)


def _check_shared(tx: Tx, place: Place) -> Iterator[Finding]:
    shared = place.shared
    held: dict[tuple[int, str], Decimal] = {}
    yield from place.checkouts.check_shared(held)
    drawn = dict(shared.drawn)
    for program_id, counter, used, bound in list_counters(tx):
        key = (program_id, counter)
        sum_ = drawn.pop(key, Decimal(0)) + held.get(key, Decimal(0))
        shown_key = f"{number_text('prg', program_id)} {counter}"
        if key in shared.unsure:
            continue
        if not sum_ <= used <= sum_ + shared.slack.get(key, Decimal(0)):
            yield Finding(
                "counter_unlike_draws", "shared_counters", f"{shown_key} used", str(sum_), str(used)
            )
        bounds = shared.bounds.get(key, set()) | place.versions.bounds(tx, program_id, counter)
        if (bound is not None and bound not in bounds) or (bound is None and key in shared.bounds):
            shown = " or ".join(map(str, sorted(bounds))) or "none"
            yield Finding("counter_bound", "shared_counters", f"{shown_key} bound", shown, str(bound))
    for (program_id, counter), sum_ in drawn.items():
        if sum_ and (program_id, counter) not in shared.unsure:
            shown_key = f"{number_text('prg', program_id)} {counter}"
            yield Finding("counter_unlike_draws", "shared_counters", shown_key, str(sum_), "no row")


def count_ledger(tx: Tx) -> Counts:
    """Count what an audit of the ledger alone goes through.

    Args:
        tx: bound to the tenant.

    Returns:
        The counts.
    """
    counts = Counts()
    counts.programs, counts.accounts, counts.events, counts.transactions, counts.entries = tx.execute(
        "select (select count(*) from programs), (select count(*) from accounts),"
        " (select count(*) from events), (select count(*) from transactions), (select count(*) from entries)"
    ).fetchall()[0]
    return counts
