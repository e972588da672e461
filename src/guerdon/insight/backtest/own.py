"""What members and operators did beside events: rewards taken, adjustments, transfers, in our own history."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.rules.decision import Decision
from guerdon.rules.events import (
    Adjust,
    CancelRedemption,
    Command,
    Event,
    ReceiveUnits,
    Redeem,
    SendUnits,
)
from guerdon.rules.reading import SentEvent
from guerdon.rules.state import Lot

SOURCE: Final = "guerdon"
ENROLLED: Final = "member.enrolled"
_MARK: Final = b'{"asked":"'
_KINDS: Final[Mapping[str, Any]] = {
    "guerdon.redeem": Redeem,
    "guerdon.cancel_redemption": CancelRedemption,
    "guerdon.adjust": Adjust,
    "guerdon.send": SendUnits,
    "guerdon.receive": ReceiveUnits,
    ENROLLED: None,
}


class _Asked(msgspec.Struct, frozen=True):
    asked: str
    id: str
    time: datetime
    subject: str
    data: msgspec.Raw


_LINES: Final = msgspec.json.Decoder(_Asked)


def account_name(account_id: int) -> str:
    """Name a stored account as histories do.

    Args:
        account_id: which.

    Returns:
        Such as `external:acc_01h8xj3q0abcd`.
    """
    return f"external:{number_text('acc', account_id)}"


def is_replayed(event_type: str) -> bool:
    """Tell whether something that the engine was asked is done again in a backtest.

    Args:
        event_type: as stored.

    Returns:
        True for enrolments, redemptions, adjustments and transfers; False for time, which passes by itself,
        and for what moves nothing.
    """
    return event_type in _KINDS


def own_line(event_type: str, event_id: str, at: datetime, subject: str, data: bytes) -> bytes:
    """Write what the engine was asked as a line of a history.

    Args:
        event_type: such as `guerdon.redeem`.
        event_id: the stored event's.
        at: when, UTC.
        subject: of `account_name`.
        data: the command as stored, JSON.

    Returns:
        One line without its end.
    """
    return msgspec.json.encode(_Asked(event_type, event_id, at, subject, msgspec.Raw(data)))


def read_own(raw: bytes) -> tuple[SentEvent, Event] | None:
    """Read a line that `own_line` wrote.

    Args:
        raw: any line of a history of ours.

    Returns:
        The event as if it had been sent, and what is to be decided; None for another line.

    Raises:
        Problem: `stored_body_unreadable`.
    """
    if not raw.startswith(_MARK):
        return None
    try:
        line = _LINES.decode(raw)
        kind = _KINDS[line.asked]
        command = msgspec.json.decode(line.data, type=kind) if kind is not None else None
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
        raise Problem("stored_body_unreadable", "what is stored of this request cannot be read") from error
    sent = SentEvent(line.id, SOURCE, line.asked, line.time, line.subject, "system", "", {})
    event = Event(
        line.asked, line.time, line.time, SOURCE, line.id, channel="system", data={}, command=command
    )
    return sent, event


class Doings:
    """What became of requests in this backtest: one that follows from another follows from it here too."""

    def __init__(self) -> None:
        """Begin with nothing done."""
        self._taken: dict[int, CancelRedemption] = {}
        self._sent: dict[tuple[str, str, str], deque[tuple[Lot, ...]]] = {}

    def as_here(self, account: str, event: Event) -> Event:
        """Put what this backtest came to in the place of what was recorded.

        Args:
            account: whom it is about.
            event: a fact or a request.

        Returns:
            The event, units given back and received being those that were taken here.

        Raises:
            Problem: `redemption_not_found` or `transfer_not_sent`, where this definition had refused it.
        """
        asked = event.command
        here: Command
        if isinstance(asked, CancelRedemption):
            taken = self._taken.pop(asked.redemption_id, None)
            if taken is None:
                raise Problem("redemption_not_found", "what is taken back was not given by this definition")
            here = taken
        elif isinstance(asked, ReceiveUnits):
            waiting = self._sent.get((account_name(asked.from_account), account, asked.wallet))
            if not waiting:
                raise Problem("transfer_not_sent", "the units that arrive were not sent by this definition")
            here = msgspec.structs.replace(asked, lots=waiting.popleft())
        else:
            return event
        return msgspec.structs.replace(event, command=here)

    def note(self, account: str, event: Event, decision: Decision) -> None:
        """Remember what was taken and sent.

        Args:
            account: whom the event was about.
            event: as decided.
            decision: what was decided.
        """
        asked = event.command
        if isinstance(asked, Redeem):
            spent = {one.wallet: _lots(decision, "redeem", one.wallet) for one in decision.transactions}
            self._taken[asked.redemption_id] = CancelRedemption(
                asked.redemption_id,
                asked.reward,
                asked.quantity,
                {wallet: lots for wallet, lots in spent.items() if lots},
                event.booked_at,
                None,
            )
        elif isinstance(asked, SendUnits):
            key = (account, account_name(asked.to_account), asked.wallet)
            self._sent.setdefault(key, deque()).append(_lots(decision, "send", asked.wallet))


def _lots(decision: Decision, kind: str, wallet: str) -> tuple[Lot, ...]:
    return tuple(
        Lot(entry.available_at, entry.expires_at, -entry.amount)
        for one in decision.transactions
        if one.kind == kind and one.wallet == wallet
        for entry in one.entries
        if entry.book == "member" and entry.available_at is not None
    )
