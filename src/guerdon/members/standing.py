"""Where accounts stand: metric buckets, counters of limits, tiers, badges."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from guerdon.base.calendar import EPOCH_DAY, Zone
from guerdon.infra.arrays import bigints, columns, dates, instants, numerics, texts
from guerdon.infra.tx import Tx
from guerdon.members.challenges.rows import ProgressChange, ask_progress
from guerdon.rules.metrics import Counts
from guerdon.rules.state import Bucket, GivenTier, LostTier, Progress, TierState

_HELD = msgspec.json.Encoder()
NOTHING_HELD: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the standing is read."""

    account_ids: Collection[int]
    metric_ids: Collection[str] = ()
    """`name@hash`."""
    oldest_bucket_on: date | None = None
    """Older buckets stay unread; None reads them all."""
    counter_keys: Collection[str] = ()
    """Keys of the accounts' own counters."""
    challenges: bool = False
    """Whether it is read how far they are with challenges."""


@dataclass(slots=True)
class Standing:
    """One account's standing, as far as it was asked for; tiers and badges are always whole."""

    buckets: dict[tuple[str, date], Bucket] = field(default_factory=dict)
    counters: dict[str, Decimal] = field(default_factory=dict)
    tiers: dict[str, TierState] = field(default_factory=dict)
    badges: dict[str, datetime] = field(default_factory=dict)
    challenges: dict[str, Progress] = field(default_factory=dict)
    created_at: datetime | None = None
    """When the account began, where it was asked for alone."""

    def counts(self, zone: Zone) -> Counts:
        """Give what the metrics counted, for folding them.

        Args:
            zone: the program's calendar.

        Returns:
            The buckets, and when the account's years begin.
        """
        return Counts(self.buckets, zone.day_of(self.created_at) if self.created_at else EPOCH_DAY)


@dataclass(slots=True)
class StandingChanges:
    """What a batch changed, as it is to stand afterwards."""

    buckets: list[tuple[int, str, date, Bucket]] = field(default_factory=list)
    """Account, metric id, first day, new content; each place at most once."""
    counters: list[tuple[int, str, Decimal]] = field(default_factory=list)
    """Account, counter key, new value."""
    tiers: list[tuple[int, str, TierState]] = field(default_factory=list)
    """Account, ladder, new state."""
    badges: list[tuple[int, str, datetime]] = field(default_factory=list)
    """Account, badge, when; one that is held already keeps its date."""
    lost_badges: list[tuple[int, str]] = field(default_factory=list)
    """Account and badge."""
    challenges: list[ProgressChange] = field(default_factory=list)


_BUCKETS = """
select account_id, metric, bucket_on, total, count, held from metric_buckets
where account_id = any(%s::bigint[]) and metric = any(%s::text[]) and bucket_on >= %s
"""
_CREATED = "select account_id, created_at from accounts where account_id = any(%s::bigint[])"
_COUNTERS = """
select account_id, counter, used from account_counters
where account_id = any(%s::bigint[]) and counter = any(%s::text[])
"""
_TIERS = """
select account_id, ladder, level, since, changes_at, anchor_level, anchor_on, definition,
    earned_level, given_level, given_until, lost, given_next
from tiers
where account_id = any(%s::bigint[])
"""
_BADGES = "select account_id, badge, earned_at from badges where account_id = any(%s::bigint[])"
_WRITE_BUCKETS = """
insert into metric_buckets (account_id, metric, bucket_on, total, count, held)
select w.account_id, w.metric, w.bucket_on, w.total, w.count, w.held::jsonb
from unnest(%s::bigint[], %s::text[], %s::date[], %s::numeric[], %s::bigint[], %s::text[])
    as w (account_id, metric, bucket_on, total, count, held)
on conflict (account_id, metric, bucket_on)
    do update set total = excluded.total, count = excluded.count, held = excluded.held
"""
_WRITE_COUNTERS = """
insert into account_counters (account_id, counter, used)
select * from unnest(%s::bigint[], %s::text[], %s::numeric[])
on conflict (account_id, counter) do update set used = excluded.used
"""
_WRITE_TIERS = """
insert into tiers
    (account_id, ladder, level, since, changes_at, anchor_level, anchor_on, definition,
     earned_level, given_level, given_until, lost, given_next, program_id)
select w.account_id, w.ladder, w.level, w.since, w.changes_at, w.anchor_level, w.anchor_on, w.definition,
    w.earned, w.given, w.until, w.lost::jsonb, w.after::jsonb, %s::bigint
from unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[],
    %s::date[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[])
    as w (account_id, ladder, level, since, changes_at, anchor_level, anchor_on, definition,
          earned, given, until, lost, after)
on conflict (account_id, ladder) do update set level = excluded.level, since = excluded.since,
    changes_at = excluded.changes_at, anchor_level = excluded.anchor_level, anchor_on = excluded.anchor_on,
    definition = excluded.definition, earned_level = excluded.earned_level,
    given_level = excluded.given_level, given_until = excluded.given_until, lost = excluded.lost,
    given_next = excluded.given_next
"""
_WRITE_BADGES = """
insert into badges (account_id, badge, earned_at)
select * from unnest(%s::bigint[], %s::text[], %s::timestamptz[])
on conflict (account_id, badge) do nothing
"""
_DELETE_BADGES = """
delete from badges using unnest(%s::bigint[], %s::text[]) as d (account_id, badge)
where badges.account_id = any(%s::bigint[]) and badges.account_id = d.account_id and badges.badge = d.badge
"""
_TIER_COLUMNS = (
    *(bigints, texts, texts, instants, instants, texts, dates, texts),
    *(texts, texts, instants, texts, texts),
)
_LIST = msgspec.json.Encoder()


def ask_standing(tx: Tx, wanted: Wanted) -> Callable[[], dict[int, Standing]]:
    """Ask where accounts stand; the accounts are locked before where the answer will be written back.

    Args:
        tx: bound to the tenant.
        wanted: which accounts, metrics and counters.

    Returns:
        What reads the answer, one standing for each account asked for. In a pipeline it may be called later.
    """
    ids = sorted(set(wanted.account_ids))
    if not ids:
        return dict
    oldest = wanted.oldest_bucket_on or date.min
    accounts = bigints(ids)
    metrics, keys = sorted(wanted.metric_ids), sorted(wanted.counter_keys)
    buckets = tx.execute(_BUCKETS, (accounts, texts(metrics), oldest)) if metrics else None
    counters = tx.execute(_COUNTERS, (accounts, texts(keys))) if keys else None
    tiers = tx.execute(_TIERS, (accounts,))
    badges = tx.execute(_BADGES, (accounts,))
    challenges = ask_progress(tx, ids) if wanted.challenges else None

    def read() -> dict[int, Standing]:
        found = {account_id: Standing() for account_id in ids}
        for account_id, metric, day, total, count, held in buckets.fetchall() if buckets else ():
            found[account_id].buckets[metric, day] = Bucket(total, count, held or NOTHING_HELD)
        for account_id, counter, used in counters.fetchall() if counters else ():
            found[account_id].counters[counter] = used
        for account_id, ladder, *state in tiers.fetchall():
            found[account_id].tiers[ladder] = tier_state(*state)
        for account_id, badge, earned_at in badges.fetchall():
            found[account_id].badges[badge] = earned_at
        for account_id, progress in challenges().items() if challenges is not None else ():
            found[account_id].challenges = progress
        return found

    return read


def tier_state(*stored: Any) -> TierState:
    """Read a row of tiers.

    Args:
        stored: the columns of a standing, the account and the ladder left out.

    Returns:
        The standing.
    """
    level, since, changes_at, anchor_level, anchor_on, definition, earned, given, until, *lists = stored
    lost, after = lists
    return TierState(
        level=level,
        since=since,
        changes_at=changes_at,
        anchor_level=anchor_level,
        anchor_on=anchor_on,
        definition=definition,
        earned=earned or "",
        given=given or "",
        given_until=until,
        lost=msgspec.convert(lost or (), tuple[LostTier, ...]),
        given_next=msgspec.convert(after or (), tuple[GivenTier, ...]),
    )


def load_standing(tx: Tx, wanted: Wanted) -> dict[int, Standing]:
    """Read where accounts stand.

    Args:
        tx: bound to the tenant.
        wanted: which accounts, metrics and counters.

    Returns:
        One standing for each account asked for.
    """
    found = ask_standing(tx, wanted)()
    if wanted.metric_ids:
        ids = bigints(sorted(found))
        for account_id, created_at in tx.execute(_CREATED, (ids,)).fetchall():
            found[account_id].created_at = created_at
    return found


def load_own_counters(
    tx: Tx, account_ids: Collection[int], keys: Collection[str]
) -> dict[int, dict[str, Decimal]]:
    """Read counters of accounts whose need for them showed only after the rest was read.

    Args:
        tx: bound to the tenant; the accounts are locked.
        account_ids: whose.
        keys: counter keys.

    Returns:
        What was taken, by account and key; those never drawn from are left out.
    """
    found: dict[int, dict[str, Decimal]] = {}
    arguments = (bigints(sorted(account_ids)), texts(sorted(keys)))
    for account_id, counter, used in tx.execute(_COUNTERS, arguments).fetchall():
        found.setdefault(account_id, {})[counter] = used
    return found


def write_standing(tx: Tx, program_id: int, changes: StandingChanges) -> None:
    """Write what a batch changed: at most five statements, whatever its size.

    Args:
        tx: bound to the tenant; the accounts are locked.
        program_id: to which the accounts belong.
        changes: what is to stand; it reads nothing and computes nothing.
    """
    if changes.buckets:
        write_buckets(tx, changes.buckets)
    if changes.counters:
        tx.execute(_WRITE_COUNTERS, columns(changes.counters, (bigints, texts, numerics)))
    if changes.tiers:
        tiers = [
            (
                account_id,
                ladder,
                state.level,
                state.since,
                state.changes_at,
                state.anchor_level,
                state.anchor_on,
                state.definition,
                state.earned or None,
                state.given or None,
                state.given_until,
                _LIST.encode(state.lost).decode() if state.lost else None,
                _LIST.encode(state.given_next).decode() if state.given_next else None,
            )
            for account_id, ladder, state in changes.tiers
        ]
        tx.execute(_WRITE_TIERS, (program_id, *columns(tiers, _TIER_COLUMNS)))
    if changes.lost_badges:
        accounts = bigints(sorted({account_id for account_id, _ in changes.lost_badges}))
        tx.execute(_DELETE_BADGES, (*columns(changes.lost_badges, (bigints, texts)), accounts))
    if changes.badges:
        tx.execute(_WRITE_BADGES, columns(changes.badges, (bigints, texts, instants)))


def write_buckets(tx: Tx, buckets: Sequence[tuple[int, str, date, Bucket]]) -> None:
    """Write what metrics counted, in one statement.

    Args:
        tx: bound to the tenant; the accounts are locked.
        buckets: account, metric id, first day and new content; each place at most once.
    """
    rows = [
        (*key, bucket.total, bucket.count, _HELD.encode(bucket.held).decode() if bucket.held else None)
        for *key, bucket in buckets
    ]
    if rows:
        tx.execute(_WRITE_BUCKETS, columns(rows, (bigints, texts, dates, numerics, bigints, texts)))


def forget_buckets(tx: Tx, account_ids: Collection[int]) -> None:
    """Let go of all that metrics counted of accounts, so that they can be counted anew.

    Args:
        tx: bound to the tenant; the accounts are locked.
        account_ids: whose.
    """
    tx.execute(
        "delete from metric_buckets where account_id = any(%s::bigint[])", (bigints(sorted(account_ids)),)
    )


def list_due_tiers(tx: Tx, program_id: int, now: datetime, limit: int = 1000) -> list[int]:
    """List accounts whose tiers time alone may change.

    Args:
        tx: bound to the tenant.
        program_id: whose accounts.
        now: reviews due until then, this instant included.
        limit: how many rows are looked at.

    Returns:
        Account ids, the longest due first, each once.
    """
    rows = tx.execute(
        "select account_id from tiers where program_id = %s and changes_at <= %s"
        " order by changes_at limit %s",
        (program_id, now, limit),
    )
    return list(dict.fromkeys(row[0] for row in rows))
