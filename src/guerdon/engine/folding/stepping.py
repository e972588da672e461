"""The fold of a batch, as far as its parts use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from uuid import UUID

from guerdon.engine.answers import Answer
from guerdon.engine.folding.folded import Applied, Folded
from guerdon.engine.intake import Item
from guerdon.rules.decision import Decision
from guerdon.rules.events import Event
from guerdon.rules.state import AccountState


class Stepping(Protocol):
    """Decides events one after the other."""

    done: Folded

    def step(self, item: Item, event: Event, event_id: UUID) -> Applied:
        """Decide one event about one account.

        Args:
            item: the command, or whose account it is.
            event: the fact.
            event_id: its own id.

        Returns:
            What it came to; a refusal is raised.
        """
        ...


class Keeping(Stepping, Protocol):
    """Keeps what was decided, and shows it."""

    def keep(self, applied: Applied) -> None:
        """Keep what was decided to be stored.

        Args:
            applied: what an event came to.
        """
        ...

    def shown(self, item: Item, decision: Decision, status: Any, applied: Applied | None = None) -> Answer:
        """Show a decision with the account as it stands.

        Args:
            item: the command.
            decision: what was decided.
            status: `applied` or `duplicate`.
            applied: with the ids of its transactions.

        Returns:
            The answer.
        """
        ...


class Standing(Protocol):
    """What a batch has come to so far, as far as an act on several accounts changes it."""

    accounts: dict[int, AccountState]
    next_seq: dict[int, int]
    applied: list[Any]


@contextmanager
def all_or_nothing(done: Standing) -> Iterator[None]:
    """Let what touches several accounts happen as a whole: a refusal of one undoes it for the others.

    Args:
        done: what the batch has come to.

    Yields:
        Nothing.
    """
    kept = (dict(done.accounts), dict(done.next_seq), list(done.applied))
    try:
        yield
    except Exception:
        done.accounts, done.next_seq, done.applied = kept
        raise
