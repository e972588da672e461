"""Content for some in a reader's language, as API and member's page show it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from guerdon.engine.looking.contents import load_exclusives
from guerdon.engine.looking.offers import Looker
from guerdon.infra.tx import Tx
from guerdon.rules.definition import Text
from guerdon.rules.program import Exclusive, Program
from guerdon.web.api.shapes import Answered


class PieceShape(Answered, frozen=True):
    """Something to read, see or open that is for this member."""

    key: str
    name: str
    """What stands above it."""
    text: str | None
    url: str | None
    """Where there is more of it."""
    picture: str | None
    """An address, or the name of a file of the shop's."""
    alt: str | None
    """What the picture shows."""
    ends_at: datetime | None
    """The last moment in which it is shown; null without end."""


class Pieces(Answered, frozen=True):
    """What is for this member, in the order of the definition."""

    data: Sequence[PieceShape]
    next: str | None


def load_pieces(tx: Tx, looker: Looker, now: datetime, language: str) -> list[PieceShape]:
    """Load what a member is shown now.

    Args:
        tx: bound to the tenant; nothing is locked.
        looker: whose, and of which program.
        now: the instant, UTC.
        language: of the texts; where one is missing, the program's first.

    Returns:
        In the order of the definition; what is for others is not there.
    """
    if not looker.program.content:
        return []
    return [_shown(looker.program, one, language) for one in load_exclusives(tx, looker, now)]


def _shown(program: Program, one: Exclusive, language: str) -> PieceShape:
    written = program.definition.content[one.key]
    languages = program.definition.languages

    def said(text: Text | None) -> str | None:
        return None if text is None else text.in_language(language or languages[0], languages)

    return PieceShape(
        key=one.key,
        name=said(written.name) or one.key,
        text=said(written.text),
        url=written.url,
        picture=written.picture,
        alt=said(written.alt),
        ends_at=None if one.ends is None else one.ends.replace(tzinfo=program.zone.info),
    )
