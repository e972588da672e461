"""What must come of carts, orders and returns: from the rules, slowly, and knowing nothing of the engine."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.world.accounts import Lot, Refused, When, rounded, split, units_text
from tests.world.days import NEVER, after, day_of
from tests.world.model import Act, Out
from tests.world.shop.cards import Cards
from tests.world.shop.desk import cents, month
from tests.world.shop.pricing import Rooms, price, sold
from tests.world.shop.program import PRICES, WORTH_MINOR, Version
from tests.world.shop.returning import give_back
from tests.world.shop.things import Captured, Cart, Key, Order, Promise, Taken

TTL = timedelta(minutes=15)
THANKS_FROM = 12_000
POT = 7
GUEST = "guest"


class Shop(Cards):
    """The shop: its carts and its orders."""

    # --- carts

    def _preview(self, act: Act) -> Out:
        self.check_named(act)
        promise = self.price(act, "")
        return self._quoted(act, promise)

    def _open(self, act: Act) -> Out:
        name, now = act["cart"], act["now"]
        self.check_named(act)
        known = self.carts.get(name)
        if known is not None and known.status != "open":
            if act["who"] is not None and act["who"] not in self.accounts:
                raise Refused("member_not_found")
            raise Refused(f"checkout_{known.status}")
        promise = self.price(act, name)
        self.let_go(name)
        self.carts[name] = Cart(promise)
        if promise.who is not None:
            self.accounts[promise.who].held_by[name] = (promise.until, promise.spends)
        self.hold_cards(name, promise.until, promise.cards)
        return {**self._quoted(act, promise), "until": now + TTL}

    def let_go(self, name: str) -> None:
        for holder in (*self.accounts.values(), *(card.holder for card in self.cards.values())):
            holder.held_by.pop(name, None)

    def _quoted(self, act: Act, promise: Promise) -> Out:
        saved, carts = self.save(), copy.copy(self.carts)
        left = {
            name: self.free_on(self.cards[name].holder, act["now"], act["cart"]) for name, _ in promise.cards
        }
        earns: dict[str, int] = {}
        if promise.who is not None:
            self.let_go(act["cart"])
            self.carts.pop(act["cart"], None)
            _, effects, _, _ = self.pay(promise, act["cart"], (act["now"], act["now"]))
            for _, what, amount in effects:
                kind, _, wallet = what.partition(" ")
                if kind == "award":
                    earns[wallet] = earns.get(wallet, 0) + int(amount)
        self.restore(saved)
        self.carts = carts
        lines = [(one.line, cents(net)) for one, net in zip(promise.sold, promise.nets, strict=True)]
        out = self.answer("applied", promise.who, act["now"])
        due = promise.total - promise.paid - promise.credit - sum(minor for _, minor in promise.cards)
        out |= {"lines": lines, "due": cents(due), "total": cents(promise.total), "effects": []}
        scales = {key: wallet.scale for key, wallet in self.spec.wallets.items()}
        out["spends"] = {key: units_text(units, scales[key]) for key, units in promise.spends.items()}
        out["cards"] = [(name, cents(minor), cents(left[name] - minor)) for name, minor in promise.cards]
        return {**out, "earns": {key: str(units) for key, units in earns.items()}}

    def price(self, act: Act, name: str) -> Promise:
        """Price a cart: what is had by other carts is not to be had."""
        who, now = act["who"], act["now"]
        level = 0
        if who is not None:
            account = self.settled(who, now, "member_not_found")
            level = account.level(max(now, account.last_booked or now))
        version, period = Version(self.versions), month(day_of(self.spec.zone, now))
        coupons, refs, draws = self._coupons(act, name, period)
        rooms = Rooms(
            ten=who is None or self.room(("ten", who, period), now, name) >= 1,
            fiver=self.room(("fiver", "", period), now, name),
            early=self.room(("early", "", period), now, name) >= 1,
        )
        bill = price(version, (sold(act["lines"]), act["shipping"]), rooms, coupons)
        acting = {one.token or one.who for one in bill.taken}
        drawn = [(("ten", who or GUEST, period), 1)] if "ten" in acting else []
        drawn += [(("fiver", "", period), one.amount) for one in bill.taken if one.who == "fiver"]
        drawn += [(("early", "", period), 1)] if "early" in acting else []
        drawn += [draw for token in acting for draw in draws.get(token, ())]
        units, paid = self._spend(act, name, bill.total)
        credit = self._spend_credit(act, name, bill.total - paid)
        spends = {key: one for key, one in (("points", units), ("credit", credit)) if one}
        for reward in act["rewards"]:
            spends = self._reward(act, (reward, name), drawn, spends)
        for wallet, amount in spends.items():
            if amount > self._usable(who, wallet, now, name):
                raise Refused("insufficient_units")
        cards = self.pay_with_cards(act, name, bill.total - paid - credit)
        return Promise(
            order=act["order"],
            who=who,
            version=version,
            at=now,
            until=now + TTL,
            sold=bill.sold,
            nets=bill.left,
            shipping=bill.shipping,
            paid=paid,
            units=units,
            credit=credit,
            cards=cards,
            draws=drawn,
            coupons=[ref for token, ref in refs.items() if token in acting],
            rewards=list(act["rewards"]),
            off=[(one.who, one.amount) for one in bill.taken],
            tokens={one.token or one.who: refs.get(one.token, "") for one in bill.taken},
            spends=spends,
            level=level,
        )

    def _usable(self, who: str | None, wallet: str, now: datetime, but: str) -> int:
        if who is None:
            return 0
        account = self.accounts[who]
        held = account.held(wallet, now) - account.held(wallet, now, but)
        return account.usable(wallet, now) + held

    def _spend(self, act: Act, name: str, total: int) -> tuple[int, int]:
        asked = act["spend"]
        if not asked:
            return 0, 0
        if act["who"] is None:
            raise Refused("member_missing")
        if asked > max(self._usable(act["who"], "points", act["now"], name), 0):
            raise Refused("insufficient_units")
        paid = min(asked * WORTH_MINOR, total)
        return -(-paid // WORTH_MINOR), paid

    def _spend_credit(self, act: Act, name: str, due: int) -> int:
        asked: int = act["credit"]
        if asked and act["who"] is None:
            raise Refused("member_missing")
        if asked > max(self._usable(act["who"], "credit", act["now"], name), 0):
            raise Refused("insufficient_units")
        return min(asked, due)

    def _reward(
        self, act: Act, what: tuple[str, str], drawn: list[tuple[Key, int]], spends: dict[str, int]
    ) -> dict[str, int]:
        (reward, name), who, now = what, act["who"], act["now"]
        if who is None:
            raise Refused("member_missing")
        if reward not in PRICES:
            raise Refused("unknown_reward")
        for key, amount in self.reward_draws(reward, who, day_of(self.spec.zone, now), 1):
            mine = sum(one for known, one in drawn if known == key)
            if self.room(key, now, name) < mine + amount:
                raise Refused("out_of_stock" if reward == "cup" else "limit_reached")
            drawn.append((key, amount))
        wallet, each = PRICES[reward]
        return {**spends, wallet: spends.get(wallet, 0) + each}

    def _coupons(
        self, act: Act, name: str, period: str
    ) -> tuple[list[tuple[str, str]], dict[str, str], dict[str, list[tuple[Key, int]]]]:
        """Which codes of a cart can be used: reward and token; redemptions of tokens; what they draw."""
        good: list[tuple[str, str]] = []
        refs: dict[str, str] = {}
        draws: dict[str, list[tuple[Key, int]]] = {}
        who, now = act["who"], act["now"]
        for token in dict.fromkeys(act["coupons"]):
            kind, _, ref = token.partition("=")
            if kind == "ref":
                if self._is_good(ref, who, now, name):
                    good.append(("five", token))
                    refs[token] = ref
                continue
            keys: list[Key] = [("code", token, "ever")]
            if kind == "welcome":
                keys = [("mine", who or "", period), ("welcome", "", period)]
            if kind == "junk" or token in self.revoked or (kind == "welcome" and who is None):
                continue
            if all(self.room(key, now, name) >= 1 for key in keys):
                good.append(("fifth", token))
                draws[token] = [(key, 1) for key in keys]
        return good, refs, draws

    def _is_good(self, ref: str, who: str | None, now: datetime, name: str) -> bool:
        taken = self.taken.get(ref)
        if taken is None or taken.reward != "five" or taken.who != who or taken.status != "issued":
            return False
        return taken.expires_at > now and not self.holding(ref, now, name)

    def _drop(self, act: Act) -> Out:
        cart = self._cart(act)
        if cart.status == "confirmed":
            raise Refused("checkout_confirmed")
        status = "applied" if cart.status == "open" else "duplicate"
        cart.status = "cancelled"
        self.let_go(act["cart"])
        return self.answer(status, cart.promise.who, act["now"])

    def _cart(self, act: Act) -> Cart:
        if act["cart"] not in self.carts:
            raise Refused("checkout_not_found")
        return self.carts[act["cart"]]

    def _confirm(self, act: Act) -> Out:
        cart, now = self._cart(act), act["now"]
        promise = cart.promise
        if cart.status == "cancelled":
            raise Refused("checkout_cancelled")
        if cart.status == "confirmed":
            return {**cart.out, "status": "duplicate", **self.balances(promise.who, now)}
        known = self.orders.get(promise.order)
        if known is not None and None not in (known.who, promise.who) and known.who != promise.who:
            raise Refused("order_of_another_member")
        self.let_go(act["cart"])
        cart.status = "confirmed"
        at = now if now >= promise.until else promise.at
        if known is not None:
            captured, effects = self.capture(promise, act["cart"], (now, now))
            captured.behind = len(known.back)
            known.captured.append(captured)
            skipped: list[Any] = []
            late, status = False, "duplicate"
        else:
            order, effects, skipped, late = self.pay(promise, act["cart"], (at, now))
            order.is_confirmed = True
            captured, status = order.captured[0], "applied"
            captured.short += self.end_others(promise.order, promise.who)
            self.orders[promise.order] = order
            self.known[f"event checkout {act['cart']}"] = (None, {}, promise.who)
        if promise.who is not None:
            self.accounts[promise.who].last_booked = now
            self.accounts[promise.who].repay((at, now))
        out = self.answer(status, promise.who, now, effects, skipped)
        out |= {"late": late, "short": sorted(captured.short)}
        if known is None:
            self.orders[promise.order].out = out
        cart.out = {key: value for key, value in out.items() if key != "balances"}
        return out

    def end_others(self, order: str, who: str | None) -> list[tuple[str, str, str, str]]:
        """An order ends the carts of other members that are open under its name."""
        ended = []
        for name, cart in self.carts.items():
            promise = cart.promise
            if cart.status != "open" or promise.order != order or None in (who, promise.who):
                continue
            if promise.who != who:
                cart.status = "cancelled"
                self.let_go(name)
                ended.append(("checkout", name, "1", "order_of_another_member"))
        return ended

    def capture(self, promise: Promise, name: str, when: When) -> tuple[Captured, list[Any]]:
        """Take what was promised, as far as it can be had; the rest falls short."""
        now, done = when[1], Captured(promise.who, promise.version, off=promise.off)
        done.tokens = dict(promise.tokens)
        done.has_tenders = bool(promise.units or promise.credit or any(minor for _, minor in promise.cards))
        done.cards, effects, done.short = self.take_cards(promise.cards, now >= promise.until, when)
        effects += [(_campaign(who), _discount(who), cents(off)) for who, off in promise.off]
        if promise.who is not None:
            self.settled(promise.who, now)
        self._use_coupons(promise, done, now)
        self._draw_promised(promise, done, now)
        if promise.who is not None:
            self._pay_units(promise, done, effects, when)
            for place, reward in enumerate(promise.rewards):
                ref = f"cart {name} {place}"
                problem = self.issue(ref, (promise.who, reward, 1), when, debt=False)
                if problem:
                    done.short.append(("reward", reward, "1", problem))
                else:
                    done.rewards.append(ref)
                    effects.append(("", "redeem", reward))
        return done, effects

    def _use_coupons(self, promise: Promise, done: Captured, now: datetime) -> None:
        for ref in promise.coupons:
            reason = self._lost(ref, promise, now) if now >= promise.until else ""
            if reason:
                done.short.append(("coupon", "", "1", reason))
            else:
                self.taken[ref].status = "used"
                done.used.append(ref)

    def _draw_promised(self, promise: Promise, done: Captured, now: datetime) -> None:
        rewards_draw = {key for reward in promise.rewards for key, _ in self._draws_of(promise, reward)}
        for key, amount in promise.draws:
            if key in rewards_draw:
                continue
            if key[1] == GUEST:
                # Nobody's uses are counted nowhere.
                done.drawn.append((key, amount))
                continue
            had = min(amount, max(self.room(key, now), 0))
            self.draw(key, had)
            done.drawn.append((key, had))
            if had < amount:
                short = cents(amount - had) if key[0] == "fiver" else str(amount - had)
                done.short.append(("limit", key[0], short, "limit_reached"))

    def _draws_of(self, promise: Promise, reward: str) -> list[tuple[Key, int]]:
        assert promise.who is not None
        return self.reward_draws(reward, promise.who, day_of(self.spec.zone, promise.at), 1)

    def _lost(self, ref: str, promise: Promise, now: datetime) -> str:
        taken = self.taken[ref]
        if taken.status != "issued":
            return f"coupon_{taken.status}"
        if taken.expires_at <= now:
            return "coupon_expired"
        return "coupon_held" if self.holding(ref, now) else ""

    def _pay_units(self, promise: Promise, done: Captured, effects: list[Any], when: When) -> None:
        assert promise.who is not None
        account = self.accounts[promise.who]
        # What is owed waits behind what was promised.
        for wallet, units in (("credit", promise.credit), ("points", promise.units)):
            scale = self.spec.wallets[wallet].scale
            usable = account.usable(wallet, when[1]) + account.debt[wallet]
            had = min(units, max(usable, 0))
            if had:
                done.paid += account.take(wallet, had, when)
                effects.append(("", f"pay {wallet}", units_text(had, scale)))
            if had < units:
                done.short.append(("units", wallet, units_text(units - had, scale), "insufficient_units"))

    # --- orders

    def pay(self, promise: Promise, name: str, when: When) -> tuple[Order, list[Any], list[Any], bool]:
        """Let a cart become an order."""
        captured, effects = self.capture(promise, name, when)
        day = day_of(self.spec.zone, when[0])
        order = Order(
            promise.who,
            promise.version,
            day,
            when[0],
            promise.sold,
            list(promise.nets),
            promise.shipping,
            None,
            None,
        )
        order.captured.append(captured)
        order.payments = {"points": promise.paid, "store_credit": promise.credit}
        order.level = promise.level if when[1] < promise.until else None
        if promise.who is None:
            return order, effects, [], False
        more, skipped, late = self.decide(order, promise.order, promise.paid + promise.credit, when)
        return order, effects + more, skipped, late

    def decide(
        self, order: Order, name: str, paid: int, when: When
    ) -> tuple[list[Any], list[tuple[str, str]], bool]:
        """What campaigns do on an order, by the tier held before it."""
        assert order.who is not None
        at, now = when
        order.home = order.who
        account = self.settled(order.who, now)
        late = account.last_occurred is not None and at < account.last_occurred
        # The tier and what it is worth are those with which it was priced, unless it came too late for that.
        rate = (1, order.version.rate)[account.level(now) if order.level is None else order.level]
        account.orders.append((order.day, Fraction(order.net, 100)))
        period = month(order.day)
        # What points and store credit paid does not earn.
        exact = {"base": Fraction(max(order.net - paid, 0), 100) * rate, "pot": Fraction(POT)}
        shares = split(rounded(exact["base"] + POT, "floor"), list(exact.values()))
        units = dict(zip(exact, shares, strict=True))
        pot = units["pot"]
        units["pot"] = min(pot, max(self.room(("pot", "", period), now), 0))
        self.draw(("pot", "", period), units["pot"])
        order.potted = units["pot"]
        effects: list[Any] = []
        skipped = []
        for campaign, from_, wallet in (
            ("stamp", order.version.stamp_from, "stamps"),
            ("thanks", THANKS_FROM, ""),
        ):
            key = (campaign, order.who, period)
            if order.net < from_:
                skipped.append((campaign, "condition_false"))
            elif self.room(key, now) < 1:
                skipped.append((campaign, "limit_reached"))
            else:
                self.draw(key, 1)
                order.acted.append(campaign)
                if wallet:
                    units[campaign] = 1
        for campaign, amount in units.items():
            wallet = "stamps" if campaign == "stamp" else "points"
            if amount:
                self._award(order, (campaign, wallet, amount), when)
                effects.append((campaign, f"award {wallet}", str(amount)))
            else:
                skipped.append((campaign, "budget_spent" if campaign == "pot" else "nothing_to_award"))
        if "thanks" in order.acted:
            ref = f"thanks {name}"
            expires_at = after(self.spec.zone, at, ("days", 20))
            self.taken[ref] = Taken(order.who, "five", 1, [], [], expires_at, campaign="thanks")
            order.granted.append(ref)
            effects.append(("thanks", "grant", "five"))
        account.last_occurred = max(at, account.last_occurred or at)
        account.last_booked = now
        return effects, skipped, late

    def _award(self, order: Order, what: tuple[str, str, int], when: When) -> None:
        assert order.who is not None
        campaign, wallet, amount = what
        account, zone = self.accounts[order.who], self.spec.zone
        pending = after(zone, when[0], self.spec.wallets[wallet].pending)
        expires_at = after(zone, when[0], ("days", 25)) if wallet == "points" else NEVER
        order.acted.append(campaign) if campaign not in order.acted else None
        account.give(wallet, Lot(pending, expires_at, amount), when)
        if expires_at > when[1]:
            account.life(wallet, Lot(pending, expires_at, 0)).brought += amount
            order.awards.append((campaign, (wallet, pending, expires_at, amount)))

    def _told(self, act: Act) -> Out:
        """The shop tells of an order by itself."""
        who, now, at = act["who"], act["now"], act["time"]
        if at > now + timedelta(hours=24):
            raise Refused("time_in_future")
        if who is not None and who not in self.accounts:
            raise Refused("member_not_found")
        body = (act.get("said"), act["order"], act["lines"], at)
        known = self.known.get(f"event {act['id']}")
        if known is not None:
            if known[0] != body:
                raise Refused("event_id_reused")
            return {**known[1], "status": "duplicate", "guest": False, **self.balances(who, now)}
        order = self.orders.get(act["order"])
        if order is not None:
            if order.who != who or (not order.is_confirmed and order.body != act["lines"]):
                raise Refused("order_already_paid")
            out = {key: value for key, value in order.out.items() if key != "short"}
            return {**out, "status": "duplicate", "guest": False, **self.balances(who, now)}
        lines = sold(act["lines"])
        order = Order(
            who,
            Version(self.versions),
            day_of(self.spec.zone, at),
            at,
            lines,
            [one.subtotal for one in lines],
            0,
            act["lines"],
            None,
        )
        self.orders[act["order"]] = order
        self.end_others(act["order"], who)
        late = False
        effects: list[Any] = []
        skipped: list[Any] = []
        if who is not None:
            effects, skipped, late = self.decide(order, act["order"], 0, (at, now))
            self.accounts[who].repay((at, now))
        out = self.answer("applied", who, now, effects, skipped)
        out |= {"late": late, "guest": who is None}
        order.out = out
        self.known[f"event {act['id']}"] = (body, out, who)
        return out

    def _return(self, act: Act) -> Out:
        return give_back(self, act)


def _campaign(who: str) -> str:
    return "" if who in ("five", "fifth") else who


def _discount(who: str) -> str:
    return f"discount {who}" if who in ("five", "fifth") else "discount"
