"""What a member does with one press: the form says what and of which, and the same form twice is one act."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from guerdon.base.errors import Fault, Problem
from guerdon.engine.answers import Answer
from guerdon.engine.commands import Command, Once
from guerdon.web.pages.me.reader import Reader

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

    @property
    def place(self) -> str:
        """Where on the page its form stands."""
        return f"{self.what}-{self.key}"


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
    body = repr((asked.what, asked.key, sorted(asked.fields.items()))).encode()
    scope = f"page {asked.what} {reader.ref}"
    once = Once(scope, asked.once[:_ONCE_LENGTH], hashlib.sha256(body).digest()) if asked.once else None
    command = kind(
        tenant_id=reader.visit.link.tenant_id,
        program=reader.program.key,
        received_at=reader.now,
        once=once,
        **more,
    )
    said = await reader.visit.whose.premises.waiting.ask(command)
    if said.problem is not None:
        faults = tuple(Fault(one["pointer"], one["code"], one["detail"]) for one in said.problem.errors)
        raise Problem(said.problem.code, said.problem.detail, faults)
    return said
