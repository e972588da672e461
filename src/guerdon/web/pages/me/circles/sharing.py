"""What a member shows elsewhere: an act of theirs makes the address, and they alone post it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import quote

from anyio import to_thread

from guerdon.base.errors import Problem
from guerdon.base.ids import Chance
from guerdon.circles.sharing.rows import Kind, Share, list_shares
from guerdon.engine.community.bought import list_bought
from guerdon.engine.community.posting import Author
from guerdon.engine.sharing import making
from guerdon.infra.tx import Tx
from guerdon.members.identities import member_ref
from guerdon.web.api.community.taking import Whose, author_of
from guerdon.web.api.sharing.routes import PATH
from guerdon.web.pages.me.acting import Asked, is_first
from guerdon.web.pages.me.reader import Reader

_KINDS: Final = ("purchase", "reward", "badge")
_OPEN: Final = 12
_PURCHASES: Final = 6
_PLACES: Final[Mapping[str, str]] = {
    "WhatsApp": "https://wa.me/?text={both}",
    "Facebook": "https://www.facebook.com/sharer/sharer.php?u={link}",
    "X": "https://x.com/intent/post?text={text}&url={link}",
    "Telegram": "https://t.me/share/url?url={link}&text={text}",
}
"""Where members post, each with the address of its own form; nothing of theirs is loaded here."""


@dataclass(frozen=True, slots=True)
class ShareView:
    """An address under which something is shown."""

    code: str
    name: str
    link: str
    """With the host by which the page was opened."""
    visits: int
    joined: int
    places: tuple[tuple[str, str], ...]
    """Where it can be posted, each with the address that begins a post there."""
    mail: str
    """The address that begins a letter."""


@dataclass(frozen=True, slots=True)
class BoughtView:
    """Something that was bought."""

    sku: str
    name: str
    is_shared: bool


@dataclass(frozen=True, slots=True)
class SharingView:
    """What a member shows, and what they could."""

    kinds: frozenset[str]
    """What the program lets them show."""
    shares: tuple[ShareView, ...]
    bought: tuple[BoughtView, ...]
    shared: frozenset[tuple[str, str]]
    """Kinds and things that have an address already."""


def load_sharing(tx: Tx, reader: Reader, *, is_offering: bool = False) -> SharingView | None:
    """Load what a member shows elsewhere.

    Args:
        tx: bound to the tenant.
        reader: whose.
        is_offering: whether it is asked for what they bought, too.

    Returns:
        The newest first; None where the program lets nobody share.
    """
    kinds = reader.program.definition.sharing.of
    if not kinds:
        return None
    taker = reader.taker
    found = [one for one in list_shares(tx, taker.program_id, taker.member_id) if one.ended_at is None]
    shared = frozenset((one.kind, one.what) for one in found)
    bought = list_bought(tx, taker.account_id, _PURCHASES) if is_offering and "purchase" in kinds else {}
    return SharingView(
        kinds=frozenset(kinds),
        shares=tuple(_share(reader, one) for one in found[:_OPEN]),
        bought=tuple(
            BoughtView(sku, str(line.get("name") or sku), ("purchase", sku) in shared)
            for sku, line in bought.items()
        ),
        shared=shared,
    )


async def make_share(reader: Reader, asked: Asked) -> None:
    """Make an address under which something is shown.

    Args:
        reader: who.
        asked: `purchase`, `reward` or `badge`, and `thing`.
    """
    if asked.key not in _KINDS:
        raise Problem("page_not_found", "there is no such page")
    what = (cast("Kind", asked.key), asked.thing, "")

    def act(tx: Tx, author: Author) -> None:
        making.share(tx, author, what, Chance(lambda: secrets.token_bytes(16)))

    await _as_sharer(reader, asked, act)


async def end_share(reader: Reader, asked: Asked) -> None:
    """End one: its address leads nowhere any more.

    Args:
        reader: who.
        asked: the code.
    """

    def act(tx: Tx, author: Author) -> None:
        making.end(tx, author, asked.key)

    await _as_sharer(reader, asked, act)


async def _as_sharer(reader: Reader, asked: Asked, act: Callable[[Tx, Author], None]) -> None:
    visit = reader.visit.whose
    whose = Whose(visit.premises, visit.tenant_id, reader.program.key, reader.now)

    def work() -> None:
        with whose.premises.house.database.transaction(whose.tenant_id) as tx:
            if is_first(tx, reader, asked):
                act(tx, author_of(tx, whose, member_ref(reader.taker.member_id)))

    await to_thread.run_sync(work)


def _share(reader: Reader, one: Share) -> ShareView:
    link = f"{reader.host}{PATH}/{one.code}"
    name = _name(reader, one)
    text = reader.text(f"share_{one.kind}", name=name, club=reader.opened.name)
    words = {"link": quote(link, safe=""), "text": quote(text, safe="")}
    words["both"] = quote(f"{text} {link}", safe="")
    return ShareView(
        code=one.code,
        name=name,
        link=link,
        visits=one.visits,
        joined=one.joined,
        places=tuple((place, form.format(**words)) for place, form in _PLACES.items()),
        mail=f"mailto:?subject={quote(name, safe='')}&body={words['both']}",
    )


def _name(reader: Reader, one: Share) -> str:
    definition, voice = reader.program.definition, reader.opened.voice
    if one.kind == "reward":
        return voice.reward(one.what)
    if one.kind == "badge":
        badge = definition.badges.get(one.what)
        return voice.called(one.what, badge.name if badge is not None else None)
    return one.shown.get("name") or one.what
