"""What happened, in plain words, and the statement with its proof."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from guerdon.engine.events import Page, list_events
from guerdon.infra.tx import Tx
from guerdon.ledger import log
from guerdon.rules.proofs.statement import ProofFile
from guerdon.web.console.story import Item, tell
from guerdon.web.pages.me.reader import Reader

_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Told:
    """A part of the story."""

    items: list[Item]
    """Newest first."""
    older: UUID | None
    """Behind which event the next part begins; None at the end."""


def load_story(tx: Tx, reader: Reader, before: UUID | None, most: int = _SHOWN) -> Told:
    """Tell what happened.

    Args:
        tx: bound to the tenant.
        reader: whose.
        before: only what was before this event; None for the newest.
        most: of how many events it tells.

    Returns:
        A part of the story; what brought nothing and took nothing is told too.
    """
    taker = reader.taker
    events = list_events(tx, taker.program_id, Page(most + 1, before, taker.account_id))
    items = [item for one in events[:most] for item in tell(one, reader.opened, reader.say)]
    return Told(items, events[most - 1].event_id if len(events) > most else None)


def load_statement(tx: Tx, reader: Reader) -> ProofFile:
    """Load all transactions of a member's account, each with its proof.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        What `guerdon proof verify` and the page `/proof` check.

    Raises:
        Problem: where nothing is in a signed head yet.
    """
    house, taker = reader.visit.whose.premises.house, reader.taker
    signer = house.signer(reader.visit.link.tenant_id)
    origin, now = log.origin_of(tx, reader.program.key), datetime.now(UTC)
    signed = log.sign_on_demand(tx, signer, taker.program_id, origin, now)
    return log.prove_statement(tx, taker.program_id, signed, taker.account_id, None)
