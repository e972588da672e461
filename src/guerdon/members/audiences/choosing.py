"""Accounts for which a condition holds, chosen in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from guerdon.infra.tx import Tx
from guerdon.members.audiences.values import Asked, value_of
from guerdon.rules.expressions import Expression
from guerdon.rules.expressions.selecting import SqlColumn, to_sql
from guerdon.rules.program import Program

_METRIC: Final = "metrics."
_OWNER: Final = """
left join lateral (
    select m.language, m.birth_mmdd, m.joined_at, m.role, m.attributes from members m
    where m.account_id = a.account_id and m.role = 'owner' order by m.member_id limit 1) o on true
"""
_BADGES: Final = "array(select g.badge from badges g where g.account_id = a.account_id order by g.badge)"
_ATTRIBUTES: Final = "coalesce(o.attributes, '{}'::jsonb)"
_OWNERS: Final[Mapping[str, str]] = {
    "account.attributes": _ATTRIBUTES,
    "account.owner.attributes": _ATTRIBUTES,
    "account.owner.language": "coalesce(o.language, '')",
    "account.owner.birthday": "coalesce(o.birth_mmdd, '')",
    "account.owner.joined_at": "o.joined_at",
    "account.owner.role": "coalesce(o.role, '')",
}
_ACCOUNTS: Final[Mapping[str, str]] = {
    "account.kind": "a.kind",
    "account.members": "a.members",
    "account.badges": _BADGES,
}
_CHOSEN: Final = """
from accounts a {joins}
where a.program_id = %(program_id)s and a.kind <> 'card' and a.merged_into is null and {condition}
"""


class Choice(NamedTuple):
    """A condition as one statement can choose by it."""

    text: str
    """From `from` on."""
    parameters: Mapping[str, Any]


def choose(program: Program, program_id: int, condition: Expression, now: datetime) -> Choice:
    """Write the statement that finds the accounts for which a condition holds.

    Args:
        program: declares the metrics.
        program_id: whose accounts.
        condition: of a segment: about an account, at no event.
        now: the instant, UTC.

    Returns:
        The statement.

    Raises:
        ExpressionError: `not_in_sql`, with the place of what SQL cannot say with the same answer, such as
            wallets and tiers, which time changes.
    """
    asked = Asked(program.zone.day_of(now), program.zone.name)
    columns = {path: SqlColumn(text) for path, text in {**_ACCOUNTS, **_OWNERS}.items()}
    columns["now"] = SqlColumn("%(now)s::timestamptz", {"now": now})
    columns["program.key"] = SqlColumn("%(program_key)s::text", {"program_key": program.key})
    columns["program.currency"] = SqlColumn("%(currency)s::text", {"currency": program.currency})
    joins: list[str] = []
    parameters: dict[str, Any] = {"program_id": program_id}
    for number, name in enumerate(sorted(_metrics_read(condition, program))):
        joined = value_of(program.metrics[name], asked, f"m{number}")
        columns[f"{_METRIC}{name}"] = joined.column
        joins.append(joined.join)
        parameters |= joined.parameters
    if any(path.startswith(("account.owner", "account.attributes")) for path in condition.reads):
        joins.append(_OWNER)
    written = to_sql(condition, columns)
    text = _CHOSEN.format(joins="\n".join(joins), condition=written.text)
    return Choice(text, {**parameters, **written.parameters})


def count_chosen(tx: Tx, choice: Choice) -> int:
    """Count the accounts that a statement finds.

    Args:
        tx: bound to the tenant.
        choice: of a condition.

    Returns:
        How many there are.
    """
    row = tx.execute(f"select count(*) {choice.text}", choice.parameters).fetchone()
    return int(row[0]) if row is not None else 0


def list_chosen(tx: Tx, choice: Choice, after: int, limit: int) -> list[int]:
    """List the accounts that a statement finds.

    Args:
        tx: bound to the tenant.
        choice: of a condition.
        after: only accounts with a greater number.
        limit: how many at most.

    Returns:
        Their numbers in order.
    """
    statement = f"select a.account_id {choice.text} and a.account_id > %(after)s order by 1 limit %(limit)s"
    values = {**choice.parameters, "after": after, "limit": limit}
    return [row[0] for row in tx.execute(statement, values)]


def _metrics_read(condition: Expression, program: Program) -> set[str]:
    return {path.removeprefix(_METRIC) for path in condition.reads if path.startswith(_METRIC)} & (
        program.metrics.keys()
    )
