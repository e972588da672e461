"""Accounts that were merged beside their events: who went where, with what, and who stands for whom now."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.engine.audit.versions import Version
from guerdon.engine.events import StoredEvent
from guerdon.engine.replaying.facts import key_of
from guerdon.infra.tx import Tx
from guerdon.members.accounts import AccountRow
from guerdon.members.audit import Person
from guerdon.members.audit.moves import list_moves, load_moved
from guerdon.members.crypto import Vault
from guerdon.members.merging.moving import Edge, accounts_behind
from guerdon.rewards.merging import taken_over
from guerdon.rewards.redemptions import Redemption
from guerdon.rules.events import Event, LeaveFor, TakeIn
from guerdon.rules.leaving import contents_left
from guerdon.rules.state import AccountState, Shared, State
from guerdon.rules.step import exactly

LOOSE_MERGES = """
select m.account_id, m.left_event, '' from account_merges m
where not exists (
    select from events e
    where e.account_id = m.account_id and e.event_id = m.left_event and e.type = 'guerdon.leave'
)
union all
select m.into_account, m.arrived_event, '' from account_merges m
where not exists (
    select from events e
    where e.account_id = m.into_account and e.event_id = m.arrived_event and e.type = 'guerdon.take_in'
)
order by 1, 2
"""
LOOSE_MOVES = """
select v.account_id, v.event_id, v.member_id::text from member_moves v
where not exists (
    select from account_merges m where m.account_id = v.account_id and m.left_event = v.event_id
)
order by 1, 2
"""
_ROWS = """
select account_id, into_account, program_id, left_event, arrived_event, merged_at from account_merges
"""
_BODY = "select body from events where account_id = %s and event_id = %s"


class _Row(NamedTuple):
    """A merge as its table has it."""

    account_id: int
    into_account: int
    program_id: int
    left_event: UUID
    arrived_event: UUID
    merged_at: datetime


class Merges:
    """All merges of a tenant, which are few beside its accounts."""

    def __init__(self, tx: Tx, vault: Vault) -> None:
        """Read them.

        Args:
            tx: bound to the tenant.
            vault: the tenant's keys.
        """
        self._tx = tx
        self._vault = vault
        self._rows = {row[0]: _Row(*row) for row in tx.execute(_ROWS).fetchall()}
        self._edges = [Edge(one.account_id, one.into_account, one.merged_at) for one in self._rows.values()]
        self._arrived: tuple[int, set[int]] = (0, set())

    def heir_of(self, account_id: int) -> int | None:
        """Tell which account stands for one.

        Args:
            account_id: the account.

        Returns:
            The last one into which it went, None where it went nowhere.
        """
        seen: set[int] = set()
        one = account_id
        while (row := self._rows.get(one)) is not None and one not in seen:
            seen.add(one)
            one = row.into_account
        return one if seen else None

    def family(self, account_id: int) -> set[int]:
        """List the accounts whose orders may have come back at one, and those at which more of them may.

        Args:
            account_id: the account.

        Returns:
            Itself, all that went into it, and all into which it went.
        """
        found = {account_id}
        one = account_id
        while (row := self._rows.get(one)) is not None and row.into_account not in found:
            one = row.into_account
            found.add(one)
        return found | self.behind(account_id)

    def behind(self, account_id: int) -> set[int]:
        """List the accounts that went into one, directly or not.

        Args:
            account_id: the account.

        Returns:
            Those whose histories end in its.
        """
        return accounts_behind(account_id, self._edges) if self._edges else set()

    def arrived_at(self, account_id: int) -> list[Edge]:
        """List the merges that had led to an account by the event that the walk has come to.

        Args:
            account_id: whose events are gone through.

        Returns:
            Those into it so far, and all that lie behind them.
        """
        if not self._edges:
            return []
        whose, came = self._arrived
        direct = came if whose == account_id else set()
        behind = {one for each in direct for one in (each, *accounts_behind(each, self._edges))}
        return [edge for edge in self._edges if edge.account_id in behind]

    def people_of(self, account_id: int, now: Mapping[int, Person]) -> Mapping[int, Person]:
        """Add to the people of an account those who went on with it, as they acted for it.

        Args:
            account_id: the account.
            now: its members now.

        Returns:
            Everybody who acted in its history.
        """
        if account_id not in self._rows:
            return now
        return dict(sorted({**now, **load_moved(self._tx, self._vault, account_id)}.items()))

    def check_heir(self, row: AccountRow, program_id: int) -> Iterator[Finding]:
        """Compare who stands for an account with where it went, and who went on with it.

        Args:
            row: the account.
            program_id: its program.

        Yields:
            What does not hold.
        """
        merge = self._rows.get(row.account_id)
        if merge is not None:
            shown = number_text("acc", row.account_id)
            if merge.program_id != program_id:
                values = (program_id, merge.program_id)
                yield _finding("account_merges", row.account_id, f"{shown} program_id", values)
            yield from self._check_moves(merge, shown)
        heir = self.heir_of(row.account_id)
        if heir != row.merged_into:
            key = f"{number_text('acc', row.account_id)} merged_into"
            yield _finding("accounts", row.account_id, key, (_account(heir), _account(row.merged_into)))

    def _check_moves(self, merge: _Row, shown: str) -> Iterator[Finding]:
        expected = (merge.left_event, merge.into_account, merge.program_id)
        moves = list_moves(self._tx, merge.account_id)
        known = load_moved(self._tx, self._vault, merge.account_id)
        for one in moves:
            key = f"{shown} {number_text('mem', one.member_id)}"
            if (one.event_id, one.into_account, one.program_id) != expected:
                yield _finding("member_moves", merge.account_id, key, ("with the merge", "otherwise"))
            if one.member_id not in known:
                yield _finding("member_moves", merge.account_id, key, ("a member", "nobody"))
        if not any(one.role == "owner" for one in moves):
            yield _finding("member_moves", merge.account_id, f"{shown} role", ("an owner", "none"))

    def check_leaving(
        self,
        version: Version,
        event: tuple[StoredEvent, Event],
        state: AccountState,
        redemptions: Mapping[int, Redemption],
    ) -> Iterator[Finding]:
        """Compare what an account had when it left with what arrived.

        Args:
            version: that decided.
            event: with which it left, stored and read.
            state: the account before it left.
            redemptions: of the account then.

        Yields:
            What does not hold.
        """
        stored, fact = event
        command = fact.command
        assert isinstance(command, LeaveFor)
        yield from self._check_row(stored, command)
        arrived = self._taken_in(command)
        key = f"{key_of(stored.account_id, stored.event_id)} contents"
        if arrived is None:
            yield _finding("events", stored.account_id, key, ("an event that takes them in", "none"))
            return
        with exactly():
            contents = contents_left(version.program, State(state, None, Shared()), fact)
        for name, expected, found in (
            ("from_account", stored.account_id, arrived.from_account),
            ("left", str(stored.event_id), arrived.left),
            *(
                (one, getattr(contents, one), getattr(arrived.contents, one))
                for one in contents.__struct_fields__
            ),
        ):
            if expected != found:
                values = (_shown(expected), _shown(found))
                yield _finding("events", stored.account_id, f"{key} {name}", values)
        yield from _check_redemptions(stored, arrived, redemptions)

    def take_in(
        self, stored: StoredEvent, command: TakeIn, redemptions: dict[int, Redemption]
    ) -> Iterator[Finding]:
        """Let an account have the redemptions of one that went into it.

        Args:
            stored: the event with which it arrived.
            command: what it says.
            redemptions: of the account that stays, changed in place.

        Yields:
            What does not hold.
        """
        whose, came = self._arrived
        came = came if whose == stored.account_id else set()
        self._arrived = (stored.account_id, {*came, command.from_account})
        row = self._rows.get(command.from_account)
        if row is None or row.arrived_event != stored.event_id:
            key = f"{key_of(stored.account_id, stored.event_id)} from_account"
            yield _finding("account_merges", stored.account_id, key, ("a merge", "none"))
        for written in command.redemptions:
            try:
                one = taken_over(written, stored.account_id)
            except (msgspec.ValidationError, TypeError) as error:
                key = f"{key_of(stored.account_id, stored.event_id)} redemptions"
                yield _finding("events", stored.account_id, key, ("redemptions", type(error).__name__))
                return
            redemptions[one.redemption_id] = one

    def _check_row(self, stored: StoredEvent, command: LeaveFor) -> Iterator[Finding]:
        row = self._rows.get(stored.account_id)
        shown = number_text("acc", stored.account_id)
        if row is None:
            yield _finding("account_merges", stored.account_id, shown, ("a row", "none"))
            return
        for name, expected, found in (
            ("into_account", command.to_account, row.into_account),
            ("left_event", stored.event_id, row.left_event),
            ("arrived_event", command.arrives, str(row.arrived_event)),
            ("merged_at", stored.booked_at, row.merged_at),
        ):
            if expected != found:
                yield _finding("account_merges", stored.account_id, f"{shown} {name}", (expected, found))

    def _taken_in(self, command: LeaveFor) -> TakeIn | None:
        try:
            arrives = UUID(command.arrives)
            found = self._tx.execute(_BODY, (command.to_account, arrives)).fetchone()
            return read_taken_in(found[0]) if found is not None else None
        except (ValueError, msgspec.MsgspecError):
            return None


class _Own(msgspec.Struct):
    data: TakeIn


_OWN = msgspec.json.Decoder(_Own)


def read_taken_in(body: bytes) -> TakeIn:
    """Read the body of an event with which an account took another one in.

    Args:
        body: as stored.

    Returns:
        What arrived.

    Raises:
        ValueError: where it is none.
    """
    try:
        return _OWN.decode(zlib.decompress(body)).data
    except zlib.error as error:
        raise ValueError("a body that cannot be unpacked") from error


def _check_redemptions(
    stored: StoredEvent, arrived: TakeIn, redemptions: Mapping[int, Redemption]
) -> Iterator[Finding]:
    try:
        found = {one.redemption_id: one for each in arrived.redemptions for one in [taken_over(each, 0)]}
    except (msgspec.ValidationError, TypeError):
        found = {}
    wanted = {
        number: one._replace(origin_account=one.made_for, account_id=0) for number, one in redemptions.items()
    }
    for number in sorted(wanted.keys() | found.keys()):
        expected, there = wanted.get(number), found.get(number)
        if expected is not None and there is not None:
            # What was taken before steps were kept has those that came after.
            known = len(expected.steps) - len(there.steps)
            expected = expected._replace(steps=expected.steps[max(known, 0) :])
        if _plain(expected) != _plain(there):
            key = f"{key_of(stored.account_id, stored.event_id)} {number_text('red', number)}"
            yield _finding("events", stored.account_id, key, (_shown(expected), _shown(there)))


def _plain(one: Redemption | None) -> Any:
    return msgspec.to_builtins(one)


def _account(number: int | None) -> str:
    return number_text("acc", number) if number is not None else "none"


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 300 else f"{text[:300]}…"


def _finding(table: str, account_id: int, key: str, values: Sequence[Any]) -> Finding:
    return Finding("merge_unlike_events", table, key, str(values[0]), str(values[1]), account_id)
