"""Walks through the tables of this room."""

from __future__ import annotations

from guerdon.infra.tx import Tx
from guerdon.infra.walks import Walk

_ACCOUNTS = """
select account_id, kind, created_at, last_occurred_at, last_booked_at, next_seq, members, salt, merged_into,
    metrics_version, program_id
from accounts order by account_id
"""
_MEMBERS = """
select m.account_id, m.member_id, m.program_id, m.role, m.language, m.birth_mmdd, m.joined_at,
    m.attributes::text, m.consents::text, m.wrapped_key, m.sealed, m.erased_at
from members m order by m.account_id, m.member_id
"""
_IDENTITIES = """
select account_id, member_id, digest, kind, program_id from identities order by account_id, member_id, digest
"""
_NAMES = "select account_id, member_id, digest, program_id from name_words order by 1, 2, 3"
_BUCKETS = """
select account_id, metric, bucket_on, total, count, coalesce(held, '{}') from metric_buckets order by 1, 2, 3
"""
_COUNTERS = "select account_id, counter, used from account_counters order by 1, 2"
_TIERS = """
select account_id, ladder, level, since, changes_at, anchor_level, anchor_on, definition,
    coalesce(earned_level, ''), coalesce(given_level, ''), given_until, coalesce(lost, '[]'),
    coalesce(given_next, '[]'), program_id
from tiers order by 1, 2
"""
_BADGES = "select account_id, badge, earned_at from badges order by 1, 2"


_PROGRESS = """
select account_id, challenge, joined_at, times, reached_at, revision, state, program_id
from challenge_progress order by 1, 2
"""


def walk_accounts(tx: Tx) -> Walk:
    """Go through a tenant's accounts.

    Args:
        tx: bound to the tenant.

    Returns:
        The fields of `AccountRow`, and the program.
    """
    return Walk(tx, "accounts", _ACCOUNTS)


def walk_members(tx: Tx) -> Walk:
    """Go through a tenant's members.

    Args:
        tx: bound to the tenant.

    Returns:
        What `read_person` reads.
    """
    return Walk(tx, "members", _MEMBERS)


def walk_identities(tx: Tx) -> Walk:
    """Go through a tenant's identities.

    Args:
        tx: bound to the tenant.

    Returns:
        Account, member, digest, kind, program.
    """
    return Walk(tx, "identities", _IDENTITIES)


def walk_names(tx: Tx) -> Walk:
    """Go through a tenant's name words.

    Args:
        tx: bound to the tenant.

    Returns:
        Account, member, digest, program.
    """
    return Walk(tx, "name_words", _NAMES)


def walk_buckets(tx: Tx) -> Walk:
    """Go through a tenant's metric buckets.

    Args:
        tx: bound to the tenant.

    Returns:
        Account, metric, first day, total, count, values that are held.
    """
    return Walk(tx, "metric_buckets", _BUCKETS)


def walk_counters(tx: Tx) -> Walk:
    """Go through a tenant's account counters.

    Args:
        tx: bound to the tenant.

    Returns:
        Account, counter, how much is used.
    """
    return Walk(tx, "account_counters", _COUNTERS)


def walk_tiers(tx: Tx) -> Walk:
    """Go through a tenant's tiers.

    Args:
        tx: bound to the tenant.

    Returns:
        Account, ladder, the fields of `TierState`, program.
    """
    return Walk(tx, "tiers", _TIERS)


def walk_progress(tx: Tx) -> Walk:
    """Go through how far accounts are with challenges.

    Args:
        tx: bound to the tenant.

    Returns:
        Account, challenge, and the other columns.
    """
    return Walk(tx, "challenge_progress", _PROGRESS)


def walk_badges(tx: Tx) -> Walk:
    """Go through a tenant's badges.

    Args:
        tx: bound to the tenant.

    Returns:
        Account, badge, when.
    """
    return Walk(tx, "badges", _BADGES)
