"""What a member does with one press: the form says what and of which, and the same form twice is one act."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from guerdon.engine.answers import Answer, accepted
from guerdon.engine.commands import Command, Once
from guerdon.engine.keys import NewCall, ask_calls, insert_calls
from guerdon.infra.pictures.photos import Picture
from guerdon.infra.tx import Tx
from guerdon.web.api.community.photos import write_anew
from guerdon.web.pages.me.reader import Reader
from guerdon.web.pages.parcels import FILE_MOST

_ONCE_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Asked:
    """What a form asks for."""

    what: str
    """A word of `doing.ACTS`."""
    key: str
    """Of which challenge, board, team and so on."""
    once: str
    """Made with the form, so that sending it twice does it once."""
    fields: Mapping[str, str]
    file: bytes = b""
    """A photo that came along; empty without one."""

    @property
    def thing(self) -> str:
        """What is meant besides the key, such as a product or somebody of a team; empty for nothing."""
        return self.fields.get("thing", "")

    @property
    def place(self) -> str:
        """Where on the page its form stands."""
        return "-".join(part for part in (self.what, self.key, self.thing) if part)

    @property
    def digest(self) -> bytes:
        """Of all that it says."""
        said = (self.what, self.key, sorted(self.fields.items()), hashlib.sha256(self.file).digest())
        return hashlib.sha256(repr(said).encode()).digest()

    @property
    def name(self) -> str:
        """By which the act is known again; another text in the same form is another act."""
        return f"{self.once[:_ONCE_LENGTH]} {self.digest[:8].hex()}" if self.once else ""


def scope_of(reader: Reader, asked: Asked) -> str:
    """Say within what an act's name is its own.

    Args:
        reader: who asks.
        asked: the form.

    Returns:
        The scope of its key.
    """
    return f"page {asked.what} {reader.ref}"


def is_first(tx: Tx, reader: Reader, asked: Asked) -> bool:
    """Tell whether a form comes for the first time, and note that it came.

    Args:
        tx: in which the act is done: where it is refused, nothing is noted.
        reader: who asks.
        asked: the form.

    Returns:
        False where it was done before; whoever sends it at the same time waits here for the first one.
    """
    if not asked.name:
        return True
    scope, key, tenant_id = scope_of(reader, asked), asked.name, reader.visit.link.tenant_id
    place = hashlib.sha256(f"{tenant_id} {scope} {key}".encode()).digest()[:8]
    tx.execute("select pg_advisory_xact_lock(%s)", (int.from_bytes(place, "big", signed=True),))
    now = datetime.now(UTC)
    if ask_calls(tx, tenant_id, [(scope, key)], now)():
        return False
    insert_calls(tx, [NewCall(scope, key, asked.digest, b"{}", now)])()
    return True


async def tell(reader: Reader, kind: type[Command], asked: Asked, **more: Any) -> Answer:
    """Send the engine a command of a member's.

    Args:
        reader: who asks.
        kind: of the command.
        asked: the form.
        more: what the command says besides.

    Returns:
        The engine's answer, which is no refusal.

    Raises:
        Problem: the engine's refusal.
    """
    once = Once(scope_of(reader, asked), asked.name, asked.digest) if asked.name else None
    command = kind(
        tenant_id=reader.visit.link.tenant_id,
        program=reader.program.key,
        received_at=reader.now,
        once=once,
        **more,
    )
    return accepted(await reader.visit.whose.premises.waiting.ask(command))


async def picture_of(asked: Asked) -> Picture | None:
    """Read the photo that came with a form, and write it anew.

    Args:
        asked: the form.

    Returns:
        The picture; None where none came.

    Raises:
        Problem: `photo_too_large`, `photo_too_small` or `photo_unreadable`.
    """
    if not asked.file:
        return None
    return await write_anew(asked.file, FILE_MOST)
