"""Which account a command is about, as far as this process has seen it before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from guerdon.base.ids import parse_number
from guerdon.engine.answers import Answer
from guerdon.engine.commands import (
    CancelCheckout,
    Command,
    ConfirmCheckout,
    IngestEvent,
    OpenCheckout,
    RedeemReward,
)

_KEPT: Final = 200_000
"""Names of one generation; two are kept, some 40 MB where both are full."""


class _Subject(msgspec.Struct):
    subject: Any = None


_SUBJECT: Final = msgspec.json.Decoder(_Subject)


def names_of(command: Command) -> tuple[int, ...]:
    """Name whom a command is about, where it may be handed over.

    Handed over is only what may be asked twice, since an engine can end between doing it and saying so.

    Args:
        command: the command.

    Returns:
        Names that mean the same in this process only: the one that tells where it goes, then others under
        which its answer tells the account too; none where it stays here.
    """
    place = command.tenant_id, command.program
    if isinstance(command, IngestEvent):
        subject = None if command.bulk or command.own else _subject_of(command.raw)
        return () if subject is None else (hash((*place, subject)),)
    if isinstance(command, OpenCheckout):
        if command.member is None:
            return ()
        return hash((*place, command.member)), hash((*place, command.source, command.id))
    if isinstance(command, ConfirmCheckout | CancelCheckout):
        # Its opening told whose it is.
        return (hash((*place, command.source, command.id)),)
    if isinstance(command, RedeemReward) and command.once is not None:
        return (hash((*place, command.member)),)
    return ()


def _subject_of(raw: bytes) -> str | None:
    try:
        subject = _SUBJECT.decode(raw).subject
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # The engine says what is wrong with it.
        return None
    return subject if isinstance(subject, str) else None


class KnownAccounts:
    """Remembers whose account a name means; what was not asked for long is forgotten."""

    def __init__(self, kept: int = _KEPT) -> None:
        """Begin with nothing.

        Args:
            kept: names of one generation.
        """
        self._kept = kept
        self._young: dict[int, int] = {}
        self._old: dict[int, int] = {}

    def find(self, name: int) -> int | None:
        """Find the account of a name.

        Args:
            name: as `names_of` gives it.

        Returns:
            The account's number; None where it is not known.
        """
        found = self._young.get(name)
        if found is None and (found := self._old.get(name)) is not None:
            self._keep(name, found)
        return found

    def learn(self, names: Sequence[int], answer: Answer) -> None:
        """Remember whose account an answer was about.

        Args:
            names: as `names_of` gave them.
            answer: the answer.
        """
        account_id = parse_number("acc", answer.account) if answer.account else None
        if account_id is not None:
            for name in names:
                self._keep(name, account_id)

    def _keep(self, name: int, found: int) -> None:
        if len(self._young) >= self._kept:
            self._old, self._young = self._young, {}
        self._young[name] = found
