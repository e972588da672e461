"""What became of the requests of our own history in a backtest, where redemptions have other names."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec

from guerdon.base.errors import Problem
from guerdon.insight.backtest.own import CREDITED, Made, account_name
from guerdon.rules.decision import Decision, NewRedemption
from guerdon.rules.events import (
    CancelRedemption,
    Capture,
    Command,
    Event,
    ReceiveUnits,
    SendUnits,
    TakeCapture,
)
from guerdon.rules.state import Lot


class Doings:
    """What became of requests in this backtest: one that follows from another follows from it here too."""

    def __init__(self) -> None:
        """Begin with nothing done."""
        self._taken: dict[int, CancelRedemption] = {}
        self._sent: dict[tuple[str, str, str], deque[tuple[Lot, ...]]] = {}
        self._numbers: dict[int, int] = {}
        """What a redemption was called then → what it is called here."""
        self.statuses: dict[int, str] = {}
        """How redemptions stand that were used or taken back, by what they are called here."""

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
        elif isinstance(asked, ReceiveUnits) and event.type != CREDITED:
            waiting = self._sent.get((account_name(asked.from_account), account, asked.wallet))
            if not waiting:
                raise Problem("transfer_not_sent", "the units that arrive were not sent by this definition")
            here = msgspec.structs.replace(asked, lots=waiting.popleft())
        elif isinstance(asked, TakeCapture):
            here = TakeCapture(self._captured(asked.capture))
        elif event.capture is not None:
            return msgspec.structs.replace(event, capture=self._captured(event.capture))
        else:
            return event
        return msgspec.structs.replace(event, command=here)

    def use(self, number: int) -> None:
        """Note that a redemption was used; where this definition had not made it, nothing was.

        Args:
            number: what it was called then.
        """
        self.statuses[self._numbers.get(number, number)] = "used"

    def note(self, account: str, event: Event, decision: Decision) -> None:
        """Remember what was taken and sent.

        Args:
            account: whom the event was about.
            event: as decided.
            decision: what was decided.
        """
        asked = event.command
        if isinstance(asked, SendUnits):
            key = (account, account_name(asked.to_account), asked.wallet)
            self._sent.setdefault(key, deque()).append(_lots(decision, "send", asked.wallet))
        elif isinstance(asked, CancelRedemption):
            self.statuses[asked.redemption_id] = "cancelled"

    def note_redemptions(self, event: Event, made: Sequence[Made], decision: Decision) -> None:
        """Remember what redemptions came of an event, and what became of others.

        Args:
            event: as decided.
            made: those that came of it then.
            decision: what was decided here.
        """
        waiting = {(one.campaign, one.reward): deque[NewRedemption]() for one in made}
        for redeemed in decision.redemptions:
            of_kind = waiting.get((redeemed.campaign, redeemed.reward))
            if of_kind is not None:
                of_kind.append(redeemed)
        for one in made:
            if of_kind := waiting[one.campaign, one.reward]:
                here = of_kind.popleft()
                self._numbers[one.number] = here.redemption_id
                self._taken[one.number] = _taking(here, event, decision)
        for status, numbers in (
            ("used", decision.used),
            ("issued", decision.restored),
            ("cancelled", decision.cancelled),
        ):
            self.statuses.update(dict.fromkeys(numbers, status))

    def warranties(self, source: str, order: str) -> tuple[CancelRedemption, ...]:
        """List the warranties that were taken here for lines of an order.

        Args:
            source: who told of the order.
            order: its id.

        Returns:
            Each as what takes it back, oldest first.
        """
        found = [
            one
            for one in self._taken.values()
            if (covers := one.particulars.covers) is not None
            and covers.order == order
            and covers.source in ("", source)
        ]
        return tuple(sorted(found, key=lambda one: one.redemption_id))

    def _captured(self, capture: Capture) -> Capture:
        coupons = tuple(self._numbers.get(number, number) for number in capture.coupons)
        return msgspec.structs.replace(capture, coupons=coupons)


def _taking(here: NewRedemption, event: Event, decision: Decision) -> CancelRedemption:
    """Make what takes a redemption back."""
    own = [one for one in decision.transactions if one.redemption_id == here.redemption_id]
    spent = {one.wallet: _lots(decision, "redeem", one.wallet, here.redemption_id) for one in own}
    return CancelRedemption(
        here.redemption_id,
        here.reward,
        here.quantity,
        {wallet: lots for wallet, lots in spent.items() if lots},
        event.booked_at,
        None,
        choice=here.choice,
        particulars=here.particulars,
    )


def _lots(decision: Decision, kind: str, wallet: str, redemption_id: int | None = None) -> tuple[Lot, ...]:
    return tuple(
        Lot(entry.available_at, entry.expires_at, -entry.amount)
        for one in decision.transactions
        if one.kind == kind and one.wallet == wallet and one.redemption_id == redemption_id
        for entry in one.entries
        if entry.book == "member" and entry.available_at is not None
    )
