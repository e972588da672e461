"""Gift cards of the shop's model: money on accounts that are nobody's, and what of it carts hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.world.accounts import Lot, Moved, Refused, When, units_text
from tests.world.days import NEVER, after, day_of, start_of
from tests.world.model import Act, Out
from tests.world.shop.desk import Desk
from tests.world.shop.holder import Holder

WALLET = "cards"
GONE = {"none": "gift_card_unknown", "typo": "gift_card_mistyped"}
"""Names that nobody's card has, and what is said of them."""


@dataclass
class Card:
    """A gift card."""

    holder: Holder
    blocked: bool = False


@dataclass(frozen=True)
class CardTaken:
    """What a cart's order took of a card."""

    name: str
    lots: list[Moved]


class Cards(Desk):
    """What becomes of cards, apart from carts and returns."""

    def touched_cards(self, act: Act) -> set[str]:
        """Name the cards that an act may have changed."""
        if act["do"] == "nightly":
            return set(self.cards)
        names = {act.get("card", ""), *act.get("cards", ())}
        cart = self.carts.get(act.get("cart", ""))
        if cart is not None:
            names |= {name for name, _ in cart.promise.cards}
        order = self.orders.get(act.get("order", ""))
        for captured in order.captured if order is not None else ():
            names |= {one.name for one in captured.cards}
        return names & set(self.cards)

    def _issue(self, act: Act) -> Out:
        self._check_load(act)
        self.cards[act["card"]] = Card(Holder(self.spec))
        self._load(act)
        return {**self.answer("applied", None, act["now"]), "made": units_text(act["amount"], 2)}

    def _topup(self, act: Act) -> Out:
        card = self._card(act, "gift_card_not_found")
        self._check_load(act)
        self._load(act)
        return self._of_card(card, act["now"])

    def _block(self, act: Act) -> Out:
        card = self._card(act, "gift_card_not_found")
        if card.blocked == act["blocked"]:
            raise Refused("gift_card_blocked" if card.blocked else "gift_card_not_blocked")
        card.blocked = act["blocked"]
        return self._of_card(card, act["now"])

    def _claim(self, act: Act) -> Out:
        """All that can be spent of a card becomes somebody's store credit, each lot with its end."""
        who, now = act["who"], act["now"]
        account = self.settled(who, now, "member_not_found")
        card = self._card(act, GONE.get(act["card"], "gift_card_unknown"))
        if card.blocked:
            raise Refused("gift_card_blocked")
        card.holder.settle(now)
        left = card.holder.usable(WALLET, now)
        if left <= 0:
            raise Refused("gift_card_empty")
        for _, available_at, expires_at, amount in card.holder.take(WALLET, left, (now, now)):
            account.give("credit", Lot(available_at, expires_at, amount), (now, now))
        account.last_booked = now
        return self.answer("applied", who, now)

    def _adjust(self, act: Act) -> Out:
        """An operator gives store credit, or takes some."""
        who, now, amount = act["who"], act["now"], act["amount"]
        account = self.settled(who, now)
        if amount < 0:
            account.check_funds({"credit": -amount}, now)
            account.take("credit", -amount, (now, now))
        else:
            account.award("credit", amount, after(self.spec.zone, now, ("days", 0)), (now, now))
        account.last_booked = now
        return self.answer("applied", who, now)

    def _card(self, act: Act, code: str) -> Card:
        if act["card"] not in self.cards:
            raise Refused(code)
        card: Card = self.cards[act["card"]]
        return card

    def _check_load(self, act: Act) -> None:
        if act["amount"] <= 0:
            raise Refused("amount_invalid")
        if act["expires"] is not None and act["expires"] <= act["now"]:
            raise Refused("expiry_invalid")

    def _load(self, act: Act) -> None:
        now, holder = act["now"], self.cards[act["card"]].holder
        holder.settle(now)
        begins = start_of(self.spec.zone, day_of(self.spec.zone, now))
        expires_at = act["expires"] or after(
            self.spec.zone, now, self.spec.wallets[WALLET].earned or ("days", 0)
        )
        holder.give(WALLET, Lot(begins, expires_at, act["amount"]), (now, now))
        holder.last_booked = now

    def _of_card(self, card: Card, now: datetime) -> Out:
        return {**self.answer("applied", None, now), "balances": card.holder.balances(now)}

    # --- carts

    def check_named(self, act: Act) -> None:
        """A cart names each card once: that is seen before anything else."""
        # Whoever names two cards that nobody made types the same wrong code twice.
        codes = [one if one in self.cards or one in GONE else "none" for one in act["cards"]]
        if len(set(codes)) < len(codes):
            raise Refused("duplicate_gift_card")

    def pay_with_cards(self, act: Act, name: str, due: int) -> list[tuple[str, int]]:
        """Let the cards of a cart pay, in their order.

        Args:
            act: the cart.
            name: the checkout, whose own holds are free to it.
            due: what is left to be paid, in cents.

        Returns:
            Card and cents; one that has nothing left to pay is there with 0.
        """
        shares = []
        for one in act["cards"]:
            if one in GONE or one not in self.cards:
                raise Refused(GONE.get(one, "gift_card_unknown"))
            card, now = self.cards[one], act["now"]
            if card.blocked:
                raise Refused("gift_card_blocked")
            free = self.free_on(card.holder, now, name)
            if free <= 0:
                raise Refused("gift_card_empty")
            shares.append((one, min(free, due)))
            due -= shares[-1][1]
        return shares

    def free_on(self, holder: Holder, now: datetime, but: str) -> int:
        """What a cart can have of a card."""
        alive = sum(
            lot.left
            for lot in holder.lots[WALLET]
            if lot.available_at <= now and holder.end(WALLET, lot) > now
        )
        return alive - holder.held(WALLET, now, but)

    def hold_cards(self, name: str, until: datetime, shares: list[tuple[str, int]]) -> None:
        """Let a cart hold what its cards are to pay."""
        for one, minor in shares:
            if minor:
                self.cards[one].holder.held_by[name] = (until, {WALLET: minor})

    def take_cards(
        self, shares: list[tuple[str, int]], late: bool, when: When
    ) -> tuple[list[CardTaken], list[Any], list[Any]]:
        """Let cards pay what they promised, or what they still have.

        Returns:
            What was taken of each; effects; and what falls short.
        """
        taken, effects, short = [], [], []
        for name, minor in shares:
            card, now = self.cards[name], when[1]
            if not minor:
                continue
            reason = "gift_card_blocked" if late and card.blocked else "insufficient_units"
            had = 0
            if not (late and card.blocked):
                card.holder.settle(now)
                had = min(minor, max(card.holder.usable(WALLET, now), 0))
            lots = card.holder.take(WALLET, had, (now, now)) if had else []
            taken.append(CardTaken(name, lots))
            if had:
                effects.append(("", f"pay {WALLET}", units_text(had, 2)))
            if had < minor:
                short.append(("gift_card", name, units_text(minor - had, 2), reason))
        return taken, effects, short

    def refund_card(self, name: str, lots: list[Moved], now: datetime) -> None:
        """Put on a card again what it had paid."""
        holder = self.cards[name].holder
        holder.settle(now)
        for _, available_at, expires_at, amount in lots:
            holder.give(WALLET, Lot(available_at, expires_at, amount), (now, now))


def lasting(lots: list[Moved], lasts: datetime) -> list[Moved]:
    """Let what is given back last for a while."""
    return [
        (wallet, available_at, expires_at if expires_at == NEVER else max(expires_at, lasts), amount)
        for wallet, available_at, expires_at, amount in lots
    ]
