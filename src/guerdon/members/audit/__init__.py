"""People and their standing, gone through account by account."""

from guerdon.members.audit.people import Person, check_people, read_person
from guerdon.members.audit.rows import (
    walk_accounts,
    walk_badges,
    walk_buckets,
    walk_counters,
    walk_identities,
    walk_members,
    walk_names,
    walk_progress,
    walk_tiers,
)

__all__ = [
    "Person",
    "check_people",
    "read_person",
    "walk_accounts",
    "walk_badges",
    "walk_buckets",
    "walk_counters",
    "walk_identities",
    "walk_members",
    "walk_names",
    "walk_progress",
    "walk_tiers",
]
