"""What an account's events made of it, beside the tables that say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.engine.audit.cards import walk_cards
from guerdon.engine.audit.checkouts import Checkouts, Held
from guerdon.engine.audit.history import History
from guerdon.infra.tx import Tx
from guerdon.infra.walks import Row, Walk
from guerdon.ledger.audit import walk_lots, walk_wallets
from guerdon.members.audit import walk_badges, walk_buckets, walk_counters, walk_progress, walk_tiers
from guerdon.rewards.audit import walk_codes, walk_redemptions
from guerdon.rewards.redemptions import Redemption
from guerdon.rules.state import AccountState, WalletState

# Codes that `check_sums` gives the same rows, so that one damage is told once.
_CODES = {"wallets": "wallets_unlike_lots", "lots": "lots_unlike_entries"}
_KEY_COLUMNS = {
    "wallets": 1,
    "lots": 3,
    "metric_buckets": 2,
    "account_counters": 1,
    "tiers": 1,
    "badges": 1,
    "challenge_progress": 1,
}
_COUNTED = ("metric_buckets", "tiers", "challenge_progress")
_REDEMPTION = len(Redemption._fields)


Rows = Mapping[Any, tuple[Any, ...]]
"""By key: what else a row says."""


class Tables:
    """Walks through the tables that hold where accounts stand."""

    def __init__(self, tx: Tx, checkouts: Checkouts) -> None:
        """Begin.

        Args:
            tx: bound to the tenant.
            checkouts: what open carts hold.
        """
        self.checkouts = checkouts
        self.standing = {
            walk.table: walk
            for walk in (
                walk_wallets(tx),
                walk_lots(tx),
                walk_buckets(tx),
                walk_counters(tx),
                walk_tiers(tx),
                walk_badges(tx),
                walk_progress(tx),
            )
        }
        self.redemptions = walk_redemptions(tx)
        self.codes = walk_codes(tx)
        self.cards = walk_cards(tx)

    @property
    def walks(self) -> tuple[Walk, ...]:
        """All of them."""
        return (*self.standing.values(), self.redemptions, self.codes, self.cards, *self.checkouts.walks)

    def check(self, history: History) -> Iterator[Finding]:
        """Compare one account's rows with its history.

        Args:
            history: gone through to its end.

        Yields:
            What does not hold.
        """
        account_id = history.row.account_id
        rows: dict[str, Rows] = {}
        for table, walk in self.standing.items():
            width = _KEY_COLUMNS[table]
            rows[table] = {row[1 : 1 + width]: row[1 + width :] for row in walk.of(account_id)}
        told: list[Finding] = [*self.checkouts.check_rows(account_id, history.program_id)]
        held = self.checkouts.check_holds(account_id, told.append)
        yield from told
        endings = (_with_held(state, held) for state in history.endings())
        found = min((_unlike_state(history, state, rows) for state in endings), key=len)
        if history.loose and any(one.table in _COUNTED for one in found):
            found = [one for one in found if one.table not in _COUNTED]
            history.not_replayed = history.not_replayed or history.loose
            yield from found
        elif not history.not_replayed:
            yield from found
        yield from history.check_counted()
        yield from self._check_redemptions(history)
        cards = self.cards.of(account_id)
        yield from history.card.check(history.place.vault, history.program_id, cards)

    def _check_redemptions(self, history: History) -> Iterator[Finding]:
        account_id, shown = history.row.account_id, number_text("acc", history.row.account_id)
        wanted = dict(history.redemptions)
        for row in self.redemptions.of(account_id):
            found, program_id = Redemption(*row[:_REDEMPTION]), row[_REDEMPTION]
            key = f"{shown} {number_text('red', found.redemption_id)}"
            made = wanted.pop(found.redemption_id, None)
            if made is None:
                yield _finding("redemptions", account_id, key, ("none", "a row"))
                continue
            # What was taken before steps were kept has those that came after.
            known = len(made.steps) - len(found.steps)
            made = made._replace(steps=made.steps[max(known, 0) :])
            for name, expected, there in (
                ("program_id", history.program_id, program_id),
                *zip(Redemption._fields, made, found, strict=True),
            ):
                if expected != there:
                    yield _finding("redemptions", account_id, f"{key} {name}", (expected, there))
        for redemption_id in wanted:
            key = f"{shown} {number_text('red', redemption_id)}"
            yield _finding("redemptions", account_id, key, ("a row", "none"))
        yield from self._check_codes(history)

    def _check_codes(self, history: History) -> Iterator[Finding]:
        account_id = history.row.account_id
        wanted = {
            (one.redemption_id, one.code): (history.program_id,)
            for one in history.redemptions.values()
            if one.code
        }
        rows = {row[1:3]: row[3:] for row in self.codes.of(account_id)}
        yield from _unlike(account_id, "coupon_codes", wanted, rows)


def _with_held(state: AccountState, held: Held) -> AccountState:
    """Count what open carts hold as wallets and counters do."""
    if not (held.units or held.uses):
        return state
    wallets, counters = dict(state.wallets), dict(state.counters)
    for key, units in held.units.items():
        wallets[key] = msgspec.structs.replace(wallets.get(key, WalletState(lots=())), held=units)
    for counter, amount in held.uses.items():
        counters[counter] = counters.get(counter, Decimal(0)) + amount
    return msgspec.structs.replace(state, wallets=wallets, counters=counters)


def _standing(state: AccountState, program_id: int) -> dict[str, dict[Any, tuple[Any, ...]]]:
    return {
        "wallets": {
            (key,): (
                one.available,
                one.pending,
                one.held,
                one.changes_at,
                one.idle_expires_at,
                one.debt,
                program_id,
            )
            for key, one in state.wallets.items()
        },
        "lots": {
            (key, lot.available_at, lot.expires_at): (lot.remaining,)
            for key, one in state.wallets.items()
            for lot in one.lots or ()
        },
        "metric_buckets": {key: (one.total, one.count, dict(one.held)) for key, one in state.buckets.items()},
        "account_counters": {(key,): (used,) for key, used in state.counters.items()},
        "tiers": {
            (key,): (
                one.level,
                one.since,
                one.changes_at,
                one.anchor_level,
                one.anchor_on,
                one.definition,
                one.earned,
                one.given,
                one.given_until,
                msgspec.to_builtins(list(one.lost)),
                msgspec.to_builtins(list(one.given_next)),
                program_id,
            )
            for key, one in state.tiers.items()
        },
        "badges": {(key,): (at,) for key, at in state.badges.items()},
        "challenge_progress": {
            (key,): (
                one.joined_at,
                one.times,
                one.reached_at,
                one.revision,
                msgspec.json.decode(msgspec.json.encode(msgspec.structs.replace(one, revision=0))),
                program_id,
            )
            for key, one in state.challenges.items()
        },
    }


def _unlike(
    account_id: int, table: str, wanted: Mapping[Any, tuple[Any, ...]], rows: Mapping[Any, tuple[Any, ...]]
) -> Iterator[Finding]:
    for key in sorted(wanted.keys() | rows.keys(), key=str):
        expected, found = wanted.get(key), rows.get(key)
        if expected != found:
            parts = [number_text("acc", account_id), *(str(one) for one in key)]
            yield _finding(table, account_id, " ".join(parts), (_shown(expected), _shown(found)))


def _unlike_state(history: History, state: AccountState, rows: Mapping[str, Rows]) -> list[Finding]:
    wanted = _standing(state, history.program_id)
    found = [*_unlike_row(history, state)]
    for table, there in rows.items():
        # A cart that was let go leaves a counter at nothing.
        empty = [key for key, one in there.items() if table == "account_counters" and one == (0,)]
        known = {key: one for key, one in there.items() if key not in empty or key in wanted[table]}
        found += _unlike(history.row.account_id, table, wanted[table], known)
    return found


def _unlike_row(history: History, state: AccountState) -> Iterator[Finding]:
    row = history.row
    for name, expected, found in (
        ("last_occurred_at", state.last_occurred_at, row.last_occurred_at),
        ("last_booked_at", state.last_booked_at, row.last_booked_at),
        ("next_seq", history.next_seq, row.next_seq),
    ):
        if expected != found:
            key = f"{number_text('acc', row.account_id)} {name}"
            yield _finding("accounts", row.account_id, key, (expected, found))


def _shown(values: tuple[Any, ...] | None) -> str:
    return "none" if values is None else " ".join(str(one) for one in values)


def _finding(table: str, account_id: int, key: str, values: tuple[Any, Any]) -> Finding:
    code = _CODES.get(table, f"{table}_unlike_replay")
    return Finding(code, table, key, str(values[0]), str(values[1]), account_id)


def stray(walk: Walk, row: Row) -> Finding:
    """Tell of a row whose account does not exist.

    Args:
        walk: through its table.
        row: the row.

    Returns:
        The finding.
    """
    key = " ".join([number_text("acc", row[0]), str(row[1])])
    return Finding("stray_row", walk.table, key, "none, for there is no such account", "a row", row[0])
