"""Accounts for which a condition holds, chosen in one statement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from guerdon.infra.tx import Tx
from guerdon.members.audiences.people import ACCOUNTS, OWNERS
from guerdon.members.audiences.source import Source
from guerdon.members.audiences.tiers import tiers_of
from guerdon.members.audiences.values import Asked, value_of
from guerdon.rules.expressions import Expression
from guerdon.rules.expressions.selecting import SqlColumn, to_sql
from guerdon.rules.program import Program

_METRIC: Final = "metrics."
_TIER: Final = "account.tiers."
_OWNER: Final = ("account.owner", "account.attributes")
_CHOSEN: Final = """
from accounts a {joins}
where a.program_id = %(program_id)s and a.kind <> 'card' and a.merged_into is null and {condition}
"""


class Question(NamedTuple):
    """Of which program accounts are asked for, and when."""

    program_id: int
    program: Program
    """Declares what conditions read."""
    now: datetime
    """The instant, UTC."""


class Choice(NamedTuple):
    """A condition as one statement can choose by it."""

    text: str
    """From `from` on."""
    parameters: Mapping[str, Any]


def choose(asked: Question, condition: Expression, more: Iterable[Source] = ()) -> Choice:
    """Write the statement that finds the accounts for which a condition holds.

    Args:
        asked: of which program, and when.
        condition: of a segment: about an account, at no event.
        more: where it finds what members do not know, such as wallets.

    Returns:
        The statement.

    Raises:
        ExpressionError: `not_in_sql`, with the place of what SQL cannot say with the same answer.
    """
    columns: dict[str, SqlColumn] = {}
    joins: list[str] = []
    parameters: dict[str, Any] = {"program_id": asked.program_id}
    for source in (*_sources(asked, condition), *more):
        columns |= source.columns
        joins.append(source.join)
        parameters |= source.parameters
    written = to_sql(condition, columns)
    text = _CHOSEN.format(joins="\n".join(filter(None, joins)), condition=written.text)
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


def _sources(asked: Question, condition: Expression) -> Iterator[Source]:
    """Say where the statement finds what a condition reads, and nothing else."""
    program, now = asked.program, asked.now
    at_once = {
        "now": SqlColumn("%(now)s::timestamptz", {"now": now}),
        "program.key": SqlColumn("%(program_key)s::text", {"program_key": program.key}),
        "program.currency": SqlColumn("%(currency)s::text", {"currency": program.currency}),
    }
    yield Source(at_once)
    yield ACCOUNTS
    if any(path.startswith(_OWNER) for path in condition.reads):
        yield OWNERS
    on = Asked(program.zone.day_of(now), program.zone.name)
    for number, key in enumerate(names_read(condition, _METRIC, program.metrics)):
        joined = value_of(program.metrics[key], on, f"m{number}")
        yield Source({f"{_METRIC}{key}": joined.column}, joined.join, joined.parameters)
    for number, key in enumerate(names_read(condition, _TIER, program.ladders)):
        yield tiers_of(program.ladders[key], program.zone, now, f"t{number}")


def names_read(condition: Expression, root: str, known: Collection[str]) -> list[str]:
    """List which things of a kind a condition reads.

    Args:
        condition: the condition.
        root: with what their paths begin, up to the last dot before the name.
        known: names of all of them.

    Returns:
        Their names in order.
    """
    read = {path.removeprefix(root).partition(".")[0] for path in condition.reads if path.startswith(root)}
    return sorted(read.intersection(known))
