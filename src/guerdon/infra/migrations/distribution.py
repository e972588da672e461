"""How each table lies on a cluster: what it is distributed by, and the statements that say so to Citus.

One list for the test that holds it against the catalogue and for the page that says how to run a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

Kind = Literal["account", "program", "key", "reference", "coordinator"]


class Placement(NamedTuple):
    """Where the rows of a table are."""

    kind: Kind
    column: str = ""
    """What it is distributed by; empty for a copy on every node, and for what stays with the coordinator."""


_ACCOUNT: Final = Placement("account", "account_id")
_PROGRAM: Final = Placement("program", "program_id")
_REFERENCE: Final = Placement("reference")
_COORDINATOR: Final = Placement("coordinator")

PLACEMENTS: Final[Mapping[str, Placement]] = {
    **dict.fromkeys(("tenants", "programs", "program_versions"), _REFERENCE),
    **dict.fromkeys(
        (
            *("accounts", "members", "name_words", "tiers", "badges", "metric_buckets", "account_counters"),
            *("account_holds", "wallets", "lots", "transactions", "entries", "events", "order_returns"),
            *("redemptions", "outbox", "rollup_buyers", "webhook_messages", "webhook_deliveries"),
            *("account_merges", "member_moves", "quiz_attempts", "challenge_progress"),
            "raffle_tickets",
            *("moved_accounts", "carried_units"),
            *("post_days", "share_joins"),
            *("referrals", "referral_completions"),
        ),
        _ACCOUNT,
    ),
    # What is unique beyond an account, each by the value that it is found by.
    "identities": Placement("key", "digest"),
    "coupon_codes": Placement("key", "code"),
    "coupon_marks": Placement("key", "place"),
    "gift_cards": Placement("key", "digest"),
    "shares": Placement("key", "code"),
    "share_visits": Placement("key", "code"),
    "checkouts": Placement("key", "id"),
    **dict.fromkeys(
        (
            # Found by its id and by its order: two keys that share no other column.
            "event_keys",
            *("coupon_batches", "shared_counters", "shared_holds"),
            *("rollup_days", "rollup_endings", "rollup_levels", "rollup_units"),
            *("log_batches", "log_begun", "log_checkpoints", "log_cosignatures", "log_keys", "log_leaves"),
            *("log_nodes", "anchors", "witness_pushes", "archived_months"),
            *("referral_codes", "occasion_marks"),
            *("seat_waits", "service_steps", "deeds", "deed_photos", "cause_payouts"),
            *("raffles", "access_keys"),
            *("boards", "board_windows", "board_rows", "board_ranges", "board_names", "board_prizes"),
            *("teams", "team_members", "team_asks"),
            *("chosen_names", "posts", "post_photos", "post_likes", "post_reports"),
        ),
        _PROGRAM,
    ),
    **dict.fromkeys(
        (
            *("api_keys", "audit", "backtests", "backtest_files", "idempotency_keys", "order_hooks"),
            *("quarantine", "relay_cursors", "rollup_places", "schema_version", "staff", "staff_attempts"),
            *("staff_sessions", "webhooks", "witness_alarms", "witness_heads", "witness_logs"),
        ),
        _COORDINATOR,
    ),
}
"""By table."""


def distributing_statements() -> list[str]:
    """Write what tells Citus how the tables lie, in the order of `PLACEMENTS`, which foreign keys allow.

    Returns:
        One statement for each table that does not stay with the coordinator.
    """
    said = []
    leading: dict[str, str] = {}
    for table, (kind, column) in PLACEMENTS.items():
        if kind == "coordinator":
            continue
        if kind == "reference":
            said.append(f"select create_reference_table('guerdon.{table}');")
            continue
        group = "none" if kind == "key" else leading.setdefault(column, table)
        beside = "" if group == table else f", colocate_with => '{_qualified(group)}'"
        said.append(f"select create_distributed_table('guerdon.{table}', '{column}'{beside});")
    return said


def _qualified(group: str) -> str:
    return group if group == "none" else f"guerdon.{group}"
