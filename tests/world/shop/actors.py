"""Who buys, brings back and changes their mind: acts of the shop, from a seed alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.world.actors import Clock
from tests.world.model import Act

Step = list[Act]
PRICES = ("0.00", "0.333", "4.99", "12.50", "19.999999", "45", "75")
QUANTITIES = ("0", "1", "1", "1", "2", "3", "0.5")
CODES = 12
"""Of the batch, so many are tried: few, so that carts fight for them."""


CARD_ACTS = ("topup", "block", "claim")


class ShopClock(Clock):
    """Minutes within which carts hold, minutes after which they do not, and days."""

    def move(self) -> datetime:
        roll = self.chance.random()
        if roll < 0.35:
            return self.now
        if roll < 0.7:
            self.now += timedelta(minutes=self.chance.randint(1, 9))
            return self.now
        if roll < 0.78:
            self.now += timedelta(minutes=15)
            return self.now
        return super().move()


class Shoppers:
    """The people of the shop, and what they have begun."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.people: list[str] = []
        self.carts: list[Act] = []
        self.orders: list[Act] = []
        self.paid: list[Act] = []
        """Orders that were paid, or would have been."""
        self.sent: list[Act] = []
        self.refs: list[str] = []
        self.cards: list[str] = []
        self.numbers = 0

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def step(self, now: datetime) -> Step:
        roll = self.chance.random()
        if len(self.people) < 3 or roll < 0.03:
            return self.enrolments(now)
        if roll < 0.05:
            return [
                {
                    "do": "revoke",
                    "program": "store",
                    "now": now,
                    "code": f"one={self.chance.randrange(CODES)}",
                }
            ]
        if roll < 0.08:
            job = self.chance.choice(("nightly", "version"))
            return [{"do": job, "program": "store", "now": now}]
        size = self.chance.choices((1, self.chance.randint(2, 8), self.chance.randint(32, 48)), (66, 28, 6))[
            0
        ]
        acts = [{**self.act(now, list(self.refs)), "program": "store", "now": now} for _ in range(size)]
        return self.speakable(acts)

    def speakable(self, acts: Step) -> Step:
        """Leave out what nobody could say yet: numbers and codes of what is given out in this very step."""
        orders = {cart["cart"]: cart["order"] for cart in self.carts}
        made = {act["card"] for act in acts if act["do"] == "issue"}
        new = {act["ref"] for act in acts if act["do"] == "redeem"}
        for act in acts:
            if act["do"] in ("told", "confirm"):
                new.add(f"thanks {act['order'] if act['do'] == 'told' else orders.get(act['cart'])}")
            if act["do"] == "confirm":
                new |= {f"cart {act['cart']} {place}" for place in range(3)}
        kept = [act for act in acts if act["do"] not in ("cancel", "use") or act["ref"] not in new]
        kept = [act for act in kept if act["do"] not in CARD_ACTS or act["card"] not in made]
        return [
            {
                **act,
                "coupons": [one for one in act["coupons"] if one.partition("=")[2] not in new],
                "cards": [one for one in act["cards"] if one not in made],
            }
            if "coupons" in act
            else act
            for act in kept
        ] or [{"do": "tick", "who": "nobody", "program": "store", "now": acts[0]["now"]}]

    def enrolments(self, now: datetime) -> Step:
        new = [f"s{self.number()}" for _ in range(self.chance.randint(1, 3))]
        self.people += new
        again = [self.chance.choice(self.people)] if self.chance.random() < 0.3 else []
        return [{"do": "enrol", "who": who, "program": "store", "now": now} for who in (*new, *again)]

    def act(self, now: datetime, refs: list[str]) -> Act:
        kinds: list[tuple[int, Callable[[], Act]]] = [
            (24, lambda: self.open(refs)),
            (6, lambda: self.reopen(refs)),
            (3, lambda: {**self.cart(refs), "do": "preview", "cart": ""}),
            (20, lambda: self.end("confirm")),
            (4, lambda: self.end("drop")),
            (14, lambda: self.told(now)),
            (18, self.bring_back),
            (6, self.again),
            (7, self.redeem),
            (5, lambda: self.back(refs)),
            (1, lambda: {"do": "tick", "who": self.somebody()}),
            (3, lambda: self.issue(now)),
            (5, lambda: self.about_card(now)),
            (5, self.give_credit),
        ]
        chosen = self.chance.choices([one for _, one in kinds], [weight for weight, _ in kinds])[0]
        return chosen()

    def somebody(self) -> str:
        if self.chance.random() < 0.02:
            return "nobody"
        return self.people[0] if self.chance.random() < 0.4 else self.chance.choice(self.people)

    def cart(self, refs: list[str]) -> Act:
        chance, number = self.chance, self.number()
        who = None if chance.random() < 0.12 else self.somebody()
        act: Act = {"who": who, "order": f"O{number}", "cart": f"C{number}"}
        count = chance.randint(1, 3)
        act["lines"] = [[chance.choice(QUANTITIES), chance.choice(PRICES)] for _ in range(count)]
        act["shipping"] = chance.choice((0, 0, 490))
        act["spend"] = chance.choice((0, 0, 0, 1, 20, 75, 300)) if who or chance.random() < 0.1 else 0
        wanted = chance.choice(
            ((),) * 9 + (("cup",), ("cup",), ("mystery",), ("five",), ("cup", "cup"), ("moon",))
        )
        act["rewards"] = list(wanted) if who or chance.random() < 0.1 else []
        act["coupons"] = [self.token(refs) for _ in range(chance.choice((0, 0, 1, 1, 2)))]
        act["credit"] = chance.choice((0, 0, 0, 0, 333, 1_000, 4_000)) if who or chance.random() < 0.1 else 0
        act["cards"] = [self.card() for _ in range(chance.choice((0, 0, 0, 1, 1, 2)))]
        return act

    def card(self) -> str:
        """Most fight for the newest few; some type a wrong letter."""
        roll = self.chance.random()
        if not self.cards or roll < 0.03:
            return self.chance.choice(("none", "typo"))
        return self.chance.choice(self.cards[-4:] if roll < 0.9 else self.cards)

    def issue(self, now: datetime) -> Act:
        chance = self.chance
        name = f"G{self.number()}"
        self.cards.append(name)
        return {
            "do": "issue",
            "card": name,
            "amount": chance.choice((1, 999, 5_000, 5_000, 20_000, 20_000, 0)),
            **self.end_of(now),
        }

    def end_of(self, now: datetime) -> Act:
        """An end of its own for some money: soon, while a cart holds it, or gone already."""
        spans = (None, None, None, None, timedelta(minutes=7), timedelta(days=3), timedelta(0))
        span = self.chance.choices(spans, (3, 3, 3, 3, 2, 2, 1))[0]
        return {"expires": None if span is None else now + span}

    def about_card(self, now: datetime) -> Act:
        chance = self.chance
        act: Act = {"card": self.card()}
        roll = chance.random()
        if roll < 0.4:
            return {**act, "do": "topup", "amount": chance.choice((-1, 50, 2_500)), **self.end_of(now)}
        if roll < 0.7:
            return {**act, "do": "block", "blocked": chance.random() < 0.4}
        return {**act, "do": "claim", "who": self.somebody()}

    def give_credit(self) -> Act:
        return {
            "do": "adjust",
            "who": self.somebody(),
            "amount": self.chance.choice((500, 5_000, 5_000, -700)),
        }

    def token(self, refs: list[str]) -> str:
        chance, roll = self.chance, self.chance.random()
        if roll < 0.4 and refs:
            return f"ref={chance.choice(refs[-12:])}"
        if roll < 0.8:
            return f"one={chance.randrange(CODES)}"
        return "welcome" if roll < 0.95 else "junk=1"

    def open(self, refs: list[str]) -> Act:
        act = {**self.cart(refs), "do": "open"}
        self.carts.append(act)
        self.orders.append(act)
        self.refs += [f"cart {act['cart']} 0", f"thanks {act['order']}"]
        return act

    def reopen(self, refs: list[str]) -> Act:
        """The cart is priced anew: as it was, with something else in it, or by somebody who has signed in."""
        if not self.carts:
            return self.open(refs)
        old = self.chance.choice(self.carts[-8:])
        roll = self.chance.random()
        if roll < 0.3:
            return old
        new = self.cart(refs)
        who = new["who"] if roll > 0.9 else old["who"]
        return {**new, "who": who, "do": "open", "cart": old["cart"], "order": old["order"]}

    def end(self, how: str) -> Act:
        carts = self.carts[-6:] if self.chance.random() < 0.8 else self.carts
        if not carts or self.chance.random() < 0.03:
            return {"do": how, "cart": "C0"}
        cart = self.chance.choice(carts)
        act = {"do": how, "cart": cart["cart"]}
        self.sent.append(act)
        if how == "confirm":
            self.paid.append(cart)
        return act

    def told(self, now: datetime) -> Act:
        """The shop's own word: of an order without a cart, or of one that a cart was opened for."""
        chance, number = self.chance, self.number()
        at = now - timedelta(minutes=chance.choice((0, 0, 0, 3, 900, 60_000)))
        act: Act = {"do": "told", "id": f"t{number}", "time": at}
        if self.carts and chance.random() < 0.4:
            cart = chance.choice(self.carts[-6:])
            act |= {"who": cart["who"], "order": cart["order"], "lines": cart["lines"]}
        else:
            cart = self.cart([])
            act |= {"who": cart["who"], "order": f"O{number}", "lines": cart["lines"]}
            self.orders.append(act)
            self.refs.append(f"thanks O{number}")
        # The shop may not know whose it is, though the cart did.
        act["who"] = None if chance.random() < 0.04 else act["who"]
        self.paid.append(act)
        self.sent.append(act)
        return act

    def bring_back(self) -> Act:
        chance = self.chance
        orders = self.paid if self.paid and chance.random() < 0.85 else self.orders
        orders = orders[-10:] if chance.random() < 0.6 else orders
        if not orders or chance.random() < 0.02:
            orders = [{"order": "O0", "lines": [["1", "1"]]}]
        order = chance.choice(orders)
        act: Act = {"do": "return", "order": order["order"], "id": f"R{self.number()}", "lines": []}
        act |= {
            "all": False,
            "shipping": chance.random() < 0.2,
            "via": chance.choice(("call", "call", "event")),
        }
        roll = chance.random()
        if roll < 0.1:
            act |= {"via": "cancelled", "all": True, "shipping": True}
        elif roll < 0.3:
            return self.edited(act, order)
        elif roll < 0.45:
            act["all"] = True
        else:
            for place, (quantity, _) in enumerate(order["lines"]):
                if chance.random() < 0.6:
                    part = quantity if chance.random() < 0.3 else chance.choice(("1", "1", "0.5", "2"))
                    act["lines"].append([str(place), part])
        if roll > 0.98:
            act["lines"].append(["9", "1"])
        self.sent.append(act)
        return act

    def edited(self, act: Act, order: Act) -> Act:
        """The shop sends the order as it is now: with less of its lines, the same, or what is not allowed."""
        chance, left = self.chance, []
        for place, (quantity, price) in enumerate(order["lines"]):
            roll = chance.random()
            if roll < 0.3:
                continue
            stays = quantity if roll < 0.6 else chance.choice(("0", "1", "0.5", "2"))
            told = price if chance.random() < 0.5 else "77" if chance.random() < 0.05 else ""
            left.append([str(place), stays, told])
        if chance.random() < 0.03:
            left.append(chance.choice(([["9", "1", ""]], [["0", "1", ""], ["0", "1", ""]]))[-1])
        form = chance.choice(("order", "left"))
        act |= {"via": "edited", "left": left, "form": form, "shipping": False}
        self.sent.append(act)
        return act

    def again(self) -> Act:
        if not self.sent:
            return self.bring_back()
        act = self.chance.choice(self.sent[-40:])
        if self.chance.random() < 0.85 or act["do"] == "confirm":
            return act
        if act["do"] == "return" and act["via"] not in ("cancelled", "edited"):
            return {**act, "shipping": not act["shipping"]}
        return {**act, "lines": [*act["lines"], ["1", "1"]]} if act["do"] == "told" else act

    def redeem(self) -> Act:
        ref = f"r{self.number()}"
        self.refs.append(ref)
        reward: Any = self.chance.choice(("five", "five", "five", "cup", "cup", "mystery", "fifth", "moon"))
        quantity = self.chance.choice((1, 1, 1, 2))
        return {"do": "redeem", "who": self.somebody(), "reward": reward, "quantity": quantity, "ref": ref}

    def back(self, refs: list[str]) -> Act:
        redeemed = [ref for ref in refs if ref.startswith("r")]
        refs = redeemed if redeemed and self.chance.random() < 0.6 else refs
        ref = self.chance.choice(refs[-9:]) if refs else "none"
        return {"do": self.chance.choice(("cancel", "use")), "ref": ref}


def make_shop_plan(seed: int, steps: int) -> list[Step]:
    """Make a plan of the shop alone.

    Args:
        seed: the same one gives the same plan.
        steps: how many.

    Returns:
        Bursts of acts in the order in which they are sent.
    """
    chance = random.Random(seed)
    clock, people = ShopClock(chance), Shoppers(chance)
    return with_mergers([people.step(clock.move()) for _ in range(steps)], seed)


def with_mergers(plan: list[Step], seed: int) -> list[Step]:
    """Let accounts become one between the steps of a plan.

    Args:
        plan: bursts of acts of the shop.
        seed: the same one merges the same ones.

    Returns:
        The plan with steps for it.
    """
    chance = random.Random(f"mergers {seed}")
    people: list[str] = []
    grown: list[Step] = []
    for step in plan:
        grown.append(step)
        people += [act["who"] for act in step if act["do"] == "enrol" and act["who"] not in people]
        if len(people) > 3 and chance.random() < 0.035:
            who, into = chance.sample(people, 2)
            merge = {"do": "merge", "program": "store", "now": step[-1]["now"], "who": who, "into": into}
            grown.append([merge])
    return grown


def together(*plans: list[Step]) -> list[Step]:
    """Let plans happen side by side, by their clocks."""
    return sorted((step for plan in plans for step in plan), key=lambda step: step[0]["now"])
