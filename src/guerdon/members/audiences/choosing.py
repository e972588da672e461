"""Accounts for which a condition holds, chosen in one statement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
where a.program_id = %(program_id)s and a.kind <> 'card' and a.merged_into is null
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
    found = _Found(asked, (condition,), more)
    written = to_sql(condition, found.columns)
    text = found.text + f" and {written.text}"
    return Choice(text, {**found.parameters, **written.parameters})


def count_each(
    tx: Tx, asked: Question, conditions: Mapping[str, Expression], more: Iterable[Source] = ()
) -> dict[str, int]:
    """Count the accounts for which each of several conditions holds, in one statement.

    Args:
        tx: bound to the tenant.
        asked: of which program, and when.
        conditions: of segments, by key, as `choose` takes them.
        more: where it finds what members do not know, of all of them.

    Returns:
        How many accounts there are for each.

    Raises:
        ExpressionError: `not_in_sql`.
    """
    if not conditions:
        return {}
    found = _Found(asked, tuple(conditions.values()), more)
    parameters, counts = dict(found.parameters), []
    for number, condition in enumerate(conditions.values()):
        written = to_sql(condition, found.columns)
        # Each condition calls its own parameters alike.
        text = written.text.replace("%(guerdon_", f"%(guerdon_{number}_")
        for name, value in written.parameters.items():
            own = name.removeprefix("guerdon_")
            parameters[name if own == name else f"guerdon_{number}_{own}"] = value
        counts.append(f"count(*) filter (where {text})")
    row = tx.execute(f"select {', '.join(counts)} {found.text}", parameters).fetchone()
    return dict(zip(conditions, row or (), strict=True))


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


class _Found:
    """Where a statement finds what conditions read."""

    def __init__(self, asked: Question, conditions: Sequence[Expression], more: Iterable[Source]) -> None:
        self.columns: dict[str, SqlColumn] = {}
        self.parameters: dict[str, Any] = {"program_id": asked.program_id}
        joins = []
        for source in (*_sources(asked, conditions), *more):
            self.columns |= source.columns
            self.parameters |= source.parameters
            joins.append(source.join)
        self.text = _CHOSEN.format(joins="\n".join(filter(None, joins)))


def _sources(asked: Question, conditions: Sequence[Expression]) -> Iterator[Source]:
    """Say where the statement finds what conditions read, and nothing else."""
    program, now = asked.program, asked.now
    at_once = {
        "now": SqlColumn("%(now)s::timestamptz", {"now": now}),
        "program.key": SqlColumn("%(program_key)s::text", {"program_key": program.key}),
        "program.currency": SqlColumn("%(currency)s::text", {"currency": program.currency}),
    }
    yield Source(at_once)
    yield ACCOUNTS
    if any(path.startswith(_OWNER) for condition in conditions for path in condition.reads):
        yield OWNERS
    on = Asked(program.zone.day_of(now), program.zone.name)
    for number, key in enumerate(names_read(conditions, _METRIC, program.metrics)):
        joined = value_of(program.metrics[key], on, f"m{number}")
        yield Source({f"{_METRIC}{key}": joined.column}, joined.join, joined.parameters)
    for number, key in enumerate(names_read(conditions, _TIER, program.ladders)):
        yield tiers_of(program.ladders[key], program.zone, now, f"t{number}")


def names_read(conditions: Iterable[Expression], root: str, known: Collection[str]) -> list[str]:
    """List which things of a kind conditions read.

    Args:
        conditions: the conditions.
        root: with what their paths begin, up to the last dot before the name.
        known: names of all of them.

    Returns:
        Their names in order.
    """
    paths = (path for condition in conditions for path in condition.reads if path.startswith(root))
    return sorted({path.removeprefix(root).partition(".")[0] for path in paths}.intersection(known))
