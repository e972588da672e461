"""The desk of the shop's model: people, redemptions, and how much of everything is left."""

from __future__ import annotations

import copy
from datetime import date, datetime, timedelta
from typing import Any

from tests.world.accounts import Lot, Refused, When, units_text
from tests.world.days import NEVER, after, day_of
from tests.world.model import Act, Out
from tests.world.shop.holder import Holder
from tests.world.shop.program import PRICES, SPEC
from tests.world.shop.things import BOUNDS, Cart, Key, Order, Taken

WELCOME = 600
KEPT_FOR = timedelta(days=30)
"""So long after it lapsed, a cart can still be paid late."""


class Desk:
    """All accounts of the shop, and what was counted."""

    def __init__(self) -> None:
        self.spec = SPEC
        self.versions = 1
        self.accounts: dict[str, Holder] = {}
        self.counters: dict[Key, int] = {}
        self.taken: dict[str, Taken] = {}
        self.carts: dict[str, Cart] = {}
        self.orders: dict[str, Order] = {}
        self.known: dict[str, tuple[Any, Out, str | None]] = {}
        """By kind and id of what was sent."""
        self.revoked: set[str] = set()
        self.cards: dict[str, Any] = {}
        self.became: dict[str, str] = {}
        """Whose account somebody's went into."""
        self.retired: dict[str, Holder] = {}
        """Accounts that went into others, as they were left."""

    def act(self, act: Act) -> Out:
        """Let something happen, and give the answer that the engine must give."""
        before = self.save()
        now = act["now"]
        if act.get("who") is not None:
            act = {**act, "said": act["who"], "who": self.name(act["who"])}
        try:
            out: Out = getattr(self, f"_{act['do']}")(act)
        except Refused as refused:
            self.restore(before)
            return {"status": "rejected", "code": str(refused)}
        who = out.pop("of", None)
        if who in self.accounts and out["status"] == "applied" and act["do"] not in QUIET:
            self.accounts[who].repay((now, now))
            out["balances"] = self.accounts[who].balances(now)
        return out

    def name(self, who: str) -> str:
        """Give the name of the account that stands for somebody's."""
        while who in self.became:
            who = self.became[who]
        return who

    def home(self, order: Order) -> Holder:
        """Give the account that an order was told of, by which its lots are known that ended since."""
        found = self.retired.get(order.home) or self.accounts.get(order.home)
        assert found is not None
        return found

    def _merge(self, act: Act) -> Out:
        """All that an account has goes to another one, its orders and carts among it."""
        gone, into, now = act["who"], self.name(act["into"]), act["now"]
        for one in (gone, into):
            if one not in self.accounts:
                raise Refused("account_not_found")
        if gone == into:
            raise Refused("same_account")
        mine, theirs = self.accounts[gone], self.accounts[into]
        if any(self._binds(cart, gone, now) for cart in self.carts.values()):
            raise Refused("account_has_checkout")
        mine.settle(now)
        mine.repay((now, now))
        theirs.take_in(mine, theirs.settle(now))
        self.retired[gone] = self.accounts.pop(gone)
        self.became[gone] = into
        self._rename(gone, into)
        return self.answer("applied", into, now)

    def _binds(self, cart: Cart, who: str, now: datetime) -> bool:
        promise = cart.promise
        if cart.status != "open" or promise.who != who or promise.until <= now:
            return False
        return bool(promise.spends) or any(key[1] == who for key, _ in promise.draws)

    def _rename(self, gone: str, into: str) -> None:
        def key_of(key: Key) -> Key:
            return (key[0], into, key[2]) if key[1] == gone else key

        def draws_of(draws: list[tuple[Key, int]]) -> list[tuple[Key, int]]:
            return [(key_of(key), amount) for key, amount in draws]

        for key in [key for key in self.counters if key[1] == gone]:
            self.draw(key_of(key), self.counters.pop(key))
        for taken in self.taken.values():
            taken.who, taken.draws = into if taken.who == gone else taken.who, draws_of(taken.draws)
        for cart in self.carts.values():
            cart.promise.who = into if cart.promise.who == gone else cart.promise.who
            cart.promise.draws = draws_of(cart.promise.draws)
        for order in self.orders.values():
            order.who = into if order.who == gone else order.who
            for captured in order.captured:
                captured.who = into if captured.who == gone else captured.who
                captured.drawn = draws_of(captured.drawn)

    def touched(self, act: Act) -> set[str]:
        """Name the accounts that an act may have changed."""
        if act["do"] == "nightly":
            return set(self.accounts)
        taken, cart = self.taken.get(act.get("ref", "")), self.carts.get(act.get("cart", ""))
        order = self.orders.get(cart.promise.order if cart is not None else act.get("order", ""))
        # Of other members' carts that an order ends, the holds go as well.
        ended = {
            one.promise.who
            for one in self.carts.values()
            if order is not None and one.promise.order == act.get("order")
        }
        names = {
            self.name(act.get("who") or ""),
            self.name(act.get("into", "")),
            taken.who if taken is not None else None,
            order.owner if order is not None else None,
        }
        names |= ended | ({cart.promise.who} if cart is not None else set())
        return {who for who in names if who in self.accounts}

    def save(self) -> Any:
        """Keep what a refusal must leave as it was."""
        # Together, for accounts that became one know the same lots.
        return copy.deepcopy((self.accounts, self.counters, self.taken, self.cards, self.retired))

    def restore(self, saved: Any) -> None:
        self.accounts, self.counters, self.taken, self.cards, self.retired = saved

    # --- counters

    def room(self, key: Key, now: datetime, but: str = "") -> int:
        """What is left of something, open carts counted but for one."""
        held = sum(
            amount
            for name, cart in self.carts.items()
            if name != but and cart.status == "open" and cart.promise.until > now
            for one, amount in cart.promise.draws
            if one == key
        )
        return BOUNDS[key[0]] - self.counters.get(key, 0) - held

    def draw(self, key: Key, amount: int) -> None:
        self.counters[key] = self.counters.get(key, 0) + amount

    def free(self, key: Key, amount: int) -> None:
        self.counters[key] = max(self.counters.get(key, 0) - amount, 0)

    # --- people and rewards

    def _enrol(self, act: Act) -> Out:
        who, now = act["who"], act["now"]
        if who in self.accounts:
            return self.answer("duplicate", who, now)
        account = self.accounts[who] = Holder(self.spec)
        account.award("points", WELCOME, after(self.spec.zone, now, ("days", 0)), (now, now))
        account.life("points", account.lots["points"][0]).brought += WELCOME
        account.last_occurred = account.last_booked = now
        return self.answer("applied", who, now, [("welcome", "award points", str(WELCOME))])

    def _redeem(self, act: Act) -> Out:
        who, now = act["who"], act["now"]
        account = self.settled(who, now, "member_not_found")
        if act["reward"] not in PRICES:
            raise Refused("reward_not_for_sale" if act["reward"] == "fifth" else "unknown_reward")
        problem = self.issue(act["ref"], (who, act["reward"], act["quantity"]), (now, now))
        if problem:
            raise Refused(problem)
        account.last_booked = now
        return self.answer("applied", who, now, [("", "redeem", act["reward"])])

    def issue(self, ref: str, what: tuple[str, str, int], when: When, debt: bool = True) -> str:
        """Give a reward out for its price, or say why not."""
        who, reward, quantity = what
        account, at = self.accounts[who], when[0]
        draws = self.reward_draws(reward, who, day_of(self.spec.zone, at), quantity)
        for key, amount in draws:
            if self.room(key, when[1]) < amount:
                return "out_of_stock" if reward == "cup" else "limit_reached"
        wallet, each = PRICES[reward]
        if each * quantity > account.usable(wallet, when[1]) + (0 if debt else account.debt[wallet]):
            return "insufficient_units"
        for key, amount in draws:
            self.draw(key, amount)
        parts = account.take(wallet, each * quantity, when)
        expires_at = after(self.spec.zone, at, ("days", 20)) if reward == "five" else NEVER
        self.taken[ref] = Taken(who, reward, quantity, parts, draws, expires_at)
        return ""

    def reward_draws(self, reward: str, who: str, day: date, quantity: int) -> list[tuple[Key, int]]:
        if reward == "cup":
            return [(("cup", "", "ever"), quantity)]
        return [(("mystery", who, month(day)), quantity)] if reward == "mystery" else []

    def _cancel(self, act: Act) -> Out:
        taken, now = self._issued(act), act["now"]
        account = self.settled(taken.who, now)
        lasts = after(self.spec.zone, now, ("days", 5))
        for wallet, available_at, expires_at, amount in taken.parts:
            account.give(wallet, Lot(available_at, max(expires_at, lasts), amount), (now, now))
        for key, amount in taken.draws:
            self.free(key, amount)
        taken.status = "cancelled"
        account.last_booked = now
        return self.answer("applied", taken.who, now)

    def _use(self, act: Act) -> Out:
        taken = self._issued(act)
        if taken.expires_at <= act["now"]:
            raise Refused("redemption_expired")
        taken.status = "used"
        return self.answer("applied", taken.who, act["now"])

    def _issued(self, act: Act) -> Taken:
        taken = self.taken.get(act["ref"])
        if taken is None:
            raise Refused("redemption_not_found")
        if taken.status != "issued":
            raise Refused(f"redemption_{taken.status}")
        if self.holding(act["ref"], act["now"]):
            raise Refused("redemption_held")
        return taken

    def holding(self, ref: str, now: datetime, but: str = "") -> bool:
        """Whether an open cart holds a redemption's code."""
        return any(
            name != but and cart.status == "open" and cart.promise.until > now and ref in cart.promise.coupons
            for name, cart in self.carts.items()
        )

    def _tick(self, act: Act) -> Out:
        if act["who"] not in self.accounts:
            raise Refused("account_not_found")
        self.accounts[act["who"]].tick(act["now"])
        return self.answer("applied", act["who"], act["now"])

    def nightly(self, now: datetime) -> None:
        for card in self.cards.values():
            card.holder.tick(now)
        for account in self.accounts.values():
            account.tick(now)
            account.repay((now, now))
        self.carts = {
            name: cart
            for name, cart in self.carts.items()
            if cart.status == "confirmed" or now < cart.promise.until + KEPT_FOR
        }

    # --- odds and ends

    def settled(self, who: str, now: datetime, code: str = "account_not_found") -> Holder:
        if who not in self.accounts:
            raise Refused(code)
        self.accounts[who].settle(now)
        return self.accounts[who]

    def answer(
        self, status: str, who: str | None, now: datetime, effects: Any = (), skipped: Any = ()
    ) -> Out:
        out: Out = {"status": status, "code": "", "effects": sorted(effects), "skipped": sorted(skipped)}
        out |= {"late": False, "guest": False}
        return {**out, **self.balances(who, now)}

    def balances(self, who: str | None, now: datetime) -> Out:
        return {"balances": self.accounts[who].balances(now) if who is not None else {}, "of": who}


QUIET = frozenset({"preview", "open", "drop", "use", "told", "confirm", "return"})
"""Acts after which nothing is repaid, or that do it themselves."""


def month(day: date) -> str:
    return day.strftime("%Y-%m")


def cents(minor: int) -> str:
    return units_text(minor, 2)
