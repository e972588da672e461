"""What is for this member among many: things to read and open, and where they may come in before others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from guerdon.engine.looking.accesses import load_entries
from guerdon.engine.looking.offers import Looker
from guerdon.infra.tx import Tx
from guerdon.web.api.content.shown import PieceShape, load_pieces
from guerdon.web.pages.me.reader import Reader


@dataclass(frozen=True, slots=True)
class EntryView:
    """Where a member may come in before others."""

    name: str
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class ForYou:
    """What is for this member."""

    pieces: tuple[PieceShape, ...]
    entries: tuple[EntryView, ...]


def load_for_you(tx: Tx, reader: Reader) -> ForYou:
    """Load what is for this member.

    Args:
        tx: bound to the tenant.
        reader: who.

    Returns:
        Both; empty where the program has no such things, or none for them.
    """
    taker = reader.taker
    looker = Looker(taker.program_id, taker.program, taker.account_id, taker.member_id)
    entries = load_entries(tx, looker, reader.now)
    return ForYou(
        pieces=tuple(load_pieces(tx, looker, reader.now, reader.say.language)),
        entries=tuple(
            EntryView(reader.opened.voice.reward(key), one.ends_at)
            for key, one in entries.items()
            if not one.reason
        ),
    )
