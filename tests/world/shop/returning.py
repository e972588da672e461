"""What must come of returns: shares of what divides, and what does not divide judged again."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tests.world.accounts import Lot, Moved, Refused, rounded, units_text
from tests.world.days import after
from tests.world.model import Act, Out
from tests.world.shop.cards import CardTaken, lasting
from tests.world.shop.pricing import Bill, Rooms, Sold, price
from tests.world.shop.things import BOUNDS, Captured, Key, Order

if TYPE_CHECKING:
    from tests.world.shop.model import Shop

BUDGETS = ("fiver", "pot")
CAMPAIGNS = ("ten", "fiver", "early", "post")


class Undoing:
    """One return of one order."""

    def __init__(self, shop: Shop, order: Order, act: Act) -> None:
        self.shop, self.order, self.act = shop, order, act
        self.now = act["now"]
        self.came = self._quantities(order.back)
        self.taken = self._taken()
        self.ships = bool(act["shipping"]) and not order.shipped_back
        if not self.taken and not self.ships and act["via"] != "edited":
            raise Refused("nothing_to_return")
        self.after_all = {
            line: self.came.get(line, Fraction(0)) + self.taken.get(line, Fraction(0))
            for line in self.came.keys() | self.taken.keys()
        }
        self.is_last = all(self._share(one.line, self.after_all) == 1 for one in order.sold)
        self.before, self.after = self._part(self.came), self._part(self.after_all)
        self.moved: dict[str, list[int]] = {}
        self.refund = sum(
            self.net_of(place, self.after_all) - self.net_of(place, self.came)
            for place in range(len(order.sold))
        ) + (order.shipping if self.ships else 0)
        self.tenders: list[tuple[str, str, str, str]] = []
        self.undone: list[tuple[str, str, str]] = []
        self.short: list[tuple[str, str, str, str]] = []

    def _quantities(self, back: list[dict[str, Fraction]]) -> dict[str, Fraction]:
        lines = {line for one in back for line in one}
        return {line: sum((one.get(line, Fraction(0)) for one in back), Fraction(0)) for line in lines}

    def _taken(self) -> dict[str, Fraction]:
        act, sold = self.act, {one.line: one.quantity for one in self.order.sold}
        left = {line: quantity - self.came.get(line, 0) for line, quantity in sold.items()}
        if act["via"] == "edited":
            return self._edited(left)
        if act["all"]:
            return {line: rest for line, rest in left.items() if rest or line not in self.came}
        if act["shipping"] and self.order.shipped_back:
            self._read(left)
            raise Refused("shipping_refunded_before")
        return self._read(left)

    def _edited(self, left: dict[str, Fraction]) -> dict[str, Fraction]:
        """What is missing in the order as it is now has come back."""
        stays: dict[str, Fraction] = {}
        for line, text, _ in self.act["left"]:
            if line in stays:
                raise Refused("duplicate_line")
            # None of a line that was never there adds nothing.
            if Fraction(text) > left.get(line, 0):
                raise Refused("order_has_grown")
            stays[line] = Fraction(text)
        for line, text, each in self.act["left"]:
            sold = next((one for one in self.order.sold if one.line == line), None)
            if sold is None:
                continue
            told = Fraction(each or "0") * Fraction(text) * 100
            was = sold.subtotal * Fraction(text) / sold.quantity if sold.quantity else told
            if each and abs(told - was) > 1:
                raise Refused("order_repriced")
        gone = {line: quantity - stays.get(line, Fraction(0)) for line, quantity in left.items()}
        return {
            line: quantity
            for line, quantity in gone.items()
            if quantity or (line not in stays and line not in self.came)
        }

    def _read(self, left: dict[str, Fraction]) -> dict[str, Fraction]:
        if not self.act["lines"] and not self.act["shipping"]:
            raise Refused("return_empty")
        taken: dict[str, Fraction] = {}
        for line, text in self.act["lines"]:
            if line not in left:
                raise Refused("unknown_line")
            if line in taken:
                raise Refused("duplicate_line")
            if Fraction(text) <= 0:
                raise Refused("quantity_invalid")
            if Fraction(text) > left[line]:
                raise Refused("return_exceeds_order")
            taken[line] = Fraction(text)
        return taken

    def _share(self, line: str, back: dict[str, Fraction]) -> Fraction:
        quantity = next(one.quantity for one in self.order.sold if one.line == line)
        if line not in back:
            return Fraction(0)
        return back[line] / quantity if quantity else Fraction(1)

    def net_of(self, place: int, back: dict[str, Fraction]) -> int:
        """What of a line has come back, in cents."""
        share = self._share(self.order.sold[place].line, back)
        return rounded(self.order.nets[place] * share, "half_up")

    def _part(self, back: dict[str, Fraction]) -> Fraction:
        order = self.order
        if all(self._share(one.line, back) == 1 for one in order.sold):
            return Fraction(1)
        if order.net:
            return Fraction(sum(self.net_of(place, back) for place in range(len(order.sold))), order.net)
        whole = sum((one.quantity for one in order.sold), Fraction(0))
        came = sum((one.quantity * self._share(one.line, back) for one in order.sold), Fraction(0))
        return came / whole if whole else Fraction(0)

    def share(self, amount: int) -> int:
        """What of an amount is undone now: all that is due by now, less what was due before."""
        was, due = self.shares(amount)
        return due - was

    def shares(self, amount: int, first: bool = False, money: bool = False) -> tuple[int, int]:
        parts = self._money() if money else (self.before, self.after)
        before = Fraction(0) if first else parts[0]
        return rounded(amount * before, "half_up"), rounded(amount * parts[1], "half_up")

    def _money(self) -> tuple[Fraction, Fraction]:
        """Money comes back by the money that is refunded: shipping that is kept is not paid back."""
        order = self.order
        total = order.net + order.shipping
        if total <= 0:
            return Fraction(0), Fraction(0)
        sums = (order.refunded, order.refunded + self.refund)
        was, due = (min(Fraction(one, total), Fraction(1)) for one in sums)
        return was, max(was, due)

    def move(self, wallet: str, place: int, amount: int) -> None:
        self.moved.setdefault(wallet, [0, 0, 0, 0])[place] += amount

    # --- what is undone

    def run(self) -> None:
        order, who = self.order, self.order.owner
        if who is not None:
            self.shop.accounts[who].settle(self.now)
        self._undo(order)
        self._pay_back()
        if who is not None:
            self.shop.accounts[who].last_booked = self.now
            self.shop.accounts[who].repay((self.now, self.now))

    def _undo(self, order: Order) -> None:
        if order.who is not None:
            self._recount()
        for captured in order.captured:
            self._give(captured.paid, captured)
        if order.who is not None:
            self._campaigns()
        for captured in order.captured:
            for ref in captured.rewards if self.is_last else ():
                self._revoke(ref, "")
            self._drawn(captured)
        if order.who is not None:
            self._awards()

    def _recount(self) -> None:
        """The metric counts what remains, on the order's own day."""
        order, account = self.order, self.shop.accounts[self.order.who or ""]
        was, rest = (
            Fraction(order.net - sum(self.net_of(place, back) for place in range(len(order.sold))), 100)
            for back in (self.came, self.after_all)
        )
        if self.before < 1:
            account.orders.remove((order.day, was))
        if not self.is_last:
            account.orders.append((order.day, rest))

    def is_first(self, captured: Captured) -> bool:
        """Whether nothing came back since it was taken: no share of it was undone yet."""
        return captured.behind == len(self.order.back)

    def _give(self, parts: list[Moved], captured: Captured | None) -> None:
        who, now = self.order.owner or "", self.now
        lasts = after(self.shop.spec.zone, now, ("days", 5))
        for wallet, available_at, expires_at, amount in parts:
            units = amount
            if captured is not None:
                was, due = self.shares(amount, self.is_first(captured), money=wallet == "credit")
                units = due - was
            if units:
                lot = Lot(available_at, max(expires_at, lasts), units)
                self.shop.accounts[who].give(wallet, lot, (now, now))
                self.move(wallet, 1, units)

    def _pay_back(self) -> None:
        """Tell what each way of paying has of the refund, and give cards theirs."""
        order = self.order
        if not any(captured.has_tenders for captured in order.captured):
            return
        for kind, money in (("points", False), ("store_credit", True)):
            was, due = self.shares(order.payments.get(kind, 0), money=money)
            self._tell(kind, due - was)
        for captured in order.captured:
            for taken in captured.cards:
                self._pay_card_back(taken, self.is_first(captured))
        rest = self.refund - sum(round(Fraction(amount) * 100) for _, amount, _, _ in self.tenders)
        self._tell("rest", rest)

    def _pay_card_back(self, taken: CardTaken, first: bool) -> None:
        lots = []
        for wallet, available_at, expires_at, amount in taken.lots:
            was, due = self.shares(amount, first, money=True)
            if due > was:
                lots.append((wallet, available_at, expires_at, due - was))
        lots = lasting(lots, after(self.shop.spec.zone, self.now, ("days", 5)))
        who, amount = self.order.owner, sum(one[3] for one in lots)
        if lots and who is not None and self.order.version.cards_to_credit:
            for _, available_at, expires_at, units in lots:
                lot = Lot(available_at, expires_at, units)
                self.shop.accounts[who].give("credit", lot, (self.now, self.now))
            self._tell("store_credit", amount, "credit", taken.name)
        elif lots:
            self.shop.refund_card(taken.name, lots, self.now)
            self._tell("gift_card", amount, "cards", taken.name)

    def _tell(self, kind: str, amount: int, wallet: str = "", card: str = "") -> None:
        if amount > 0:
            self.tenders.append((kind, units_text(amount, 2), wallet, card))

    def _campaigns(self) -> None:
        """Those that would not act on what remains are undone where they do not divide."""
        order = self.order
        rest = order.net - sum(self.net_of(place, self.after_all) for place in range(len(order.sold)))
        least = {"stamp": order.version.stamp_from, "thanks": 12_000}
        for campaign in order.acted:
            if not self.is_last and rest >= least.get(campaign, 0):
                continue
            for ref in order.granted if campaign == "thanks" else ():
                self._revoke(ref, campaign)
            if campaign in least and ("limit", campaign) not in order.undone:
                order.undone.add(("limit", campaign))
                period = order.day.strftime("%Y-%m")
                self.shop.free((campaign, order.who or "", period), 1)
                self.undone.append(("limit", campaign, ""))

    def _revoke(self, ref: str, campaign: str) -> None:
        """Take a reward back, unless it was used."""
        taken = self.shop.taken[ref]
        if ("reward", ref) in self.order.undone or taken.status == "cancelled":
            return
        self.order.undone.add(("reward", ref))
        self.undone.append(("reward", campaign, taken.reward))
        if taken.status == "used":
            self.undone[-1] = ("reward", campaign, f"{taken.reward} kept")
            self.short.append(("reward", taken.reward, str(taken.quantity), "redemption_used"))
            return
        self._give(taken.parts, None)
        for key, amount in taken.draws:
            self.shop.free(key, amount)
        taken.status = "cancelled"

    def _drawn(self, captured: Captured) -> None:
        """Money of budgets comes back in shares; uses, where their discount would not be given any more."""
        for key, amount in captured.drawn:
            if key[0] in BUDGETS:
                was, due = self.shares(amount, self.is_first(captured))
                self.shop.free(key, due - was)
        for token, rest in self._fallen(captured).items():
            if token in captured.fallen:
                continue
            captured.fallen.add(token)
            ref = captured.tokens[token]
            reward = "five" if ref else "fifth"
            if rest:
                name = token if token in CAMPAIGNS else reward
                self.short.append(("discount", name, units_text(rest, 2), "discount_not_met"))
            if ref:
                self._restore(captured, ref)
            else:
                self._free_uses(captured, token)

    def _restore(self, captured: Captured, ref: str) -> None:
        """A coupon can be used again, if this order used it."""
        taken = self.shop.taken[ref]
        is_used = ref in captured.used and taken.status == "used"
        self.undone.append(("coupon", "", "five" if is_used else "five kept"))
        taken.status = "issued" if is_used else taken.status

    def _free_uses(self, captured: Captured, token: str) -> None:
        draws = [(key, amount) for key, amount in captured.drawn if amount and _is_of(key, token)]
        for key, amount in draws:
            self.shop.free(key, amount)
        if draws:
            self.undone.append(("limit", token, "") if token in CAMPAIGNS else ("coupon", "", "fifth"))

    def _fallen(self, captured: Captured) -> dict[str, int]:
        """Discounts that would not be given, and what they took off the lines that stay."""
        if self.is_last:
            return dict.fromkeys(captured.tokens, 0)
        whole = self._reprice(captured, {})
        rest = self._reprice(captured, self.after_all)
        stands = {one.token or one.who for one in rest.taken}
        fallen = {}
        for off in whole.taken:
            name = off.token or off.who
            if name not in stands:
                stays = (
                    amount * (1 - self._share(line.line, self.after_all))
                    for amount, line in zip(off.lines, self.order.sold, strict=True)
                )
                fallen[name] = rounded(sum(stays, Fraction(0)), "half_up")
        return fallen

    def _reprice(self, captured: Captured, back: dict[str, Fraction]) -> Bill:
        """Price what remains with the discounts that there were, and no others."""
        lines = []
        for line in self.order.sold:
            share = self._share(line.line, back)
            if share < 1:
                left = line.quantity * (1 - share)
                lines.append(Sold(line.line, left, line.subtotal - rounded(line.subtotal * share, "half_up")))
        names = captured.tokens
        rooms = Rooms("ten" in names, BOUNDS["fiver"] if "fiver" in names else 0, "early" in names)
        coupons = [
            ("five" if ref else "fifth", token) for token, ref in names.items() if token not in CAMPAIGNS
        ]
        return price(captured.version, (lines, 0), rooms, coupons)

    def _brought(self, wallet: str) -> dict[tuple[Any, Any], int]:
        """Units of a wallet that the order brought, by their lots' dates."""
        lots: dict[tuple[Any, Any], int] = {}
        for _, (key, available_at, expires_at, amount) in self.order.awards:
            if key == wallet:
                dates = (available_at, expires_at)
                lots[dates] = lots.get(dates, 0) + amount
        return lots

    def _awards(self) -> None:
        order, when = self.order, (self.now, self.now)
        account, home = self.shop.accounts[order.who or ""], self.shop.home(order)
        for wallet in dict.fromkeys(lot[0] for _, lot in order.awards):
            lots = self._brought(wallet)
            of, gone = [], 0
            for dates, amount in lots.items():
                life = home.life(wallet, Lot(*dates, 0))
                was, due = self.shares(amount)
                # What came back while the lot was there is not among what it had when it expired.
                own = order.own[wallet, dates]
                part = due - life.lost(max(due - own, 0)) - (was - life.lost(max(was - own, 0)))
                gone += due - was - part
                if part > 0:
                    of.append((wallet, *dates, part))
            self.move(wallet, 3, gone)
            amount = sum(one[3] for one in of)
            had = {dates: home.life(wallet, Lot(*dates, 0)).returned for dates in lots}
            missing = account.take_back(wallet, amount, of, when)
            for dates, returned in had.items():
                order.own[wallet, dates] += home.life(wallet, Lot(*dates, 0)).returned - returned
            if missing and wallet == "stamps":
                self.short.append(("units", wallet, str(missing), "stopped_at_zero"))
                amount, missing = amount - missing, 0
            account.debt[wallet] += missing
            self.move(wallet, 0, amount)
            self.move(wallet, 2, missing)
        if order.potted:
            self.shop.free(("pot", "", order.day.strftime("%Y-%m")), self.share(order.potted))

    def out(self) -> Out:
        """The answer."""
        order = self.order
        lines = [
            (one.line, self.net_of(place, self.after_all) - self.net_of(place, self.came))
            for place, one in enumerate(order.sold)
            if one.line in self.taken
        ]
        return {
            "lines": [(line, units_text(amount, 2)) for line, amount in lines],
            "refund": units_text(self.refund, 2),
            "tenders": sorted(self.tenders),
            "units": {
                wallet: tuple(self._text(wallet, place, one) for place, one in enumerate(sums))
                for wallet, sums in self.moved.items()
                if any(sums)
            },
            "undone": sorted(self.undone),
            "complete": self.is_last,
            "short": sorted(self.short),
        }

    def _text(self, wallet: str, place: int, units: int) -> str:
        """What expired is told only where something did."""
        return units_text(units, self.shop.spec.wallets[wallet].scale) if units or place < 3 else "0"


def _is_of(key: Key, token: str) -> bool:
    if token == "welcome":
        return key[0] in ("welcome", "mine")
    return (key[0] == token and token not in BUDGETS) or key[:2] == ("code", token)


def give_back(shop: Shop, act: Act) -> Out:
    """Let something of an order come back.

    Args:
        shop: the model.
        act: what comes back.

    Returns:
        The answer that the engine must give.
    """
    now, name = act["now"], f"return {act['id']}"
    body = (act["order"], act["all"], act["shipping"], act["lines"], act["via"], act.get("left"))
    order = shop.orders.get(act["order"])
    if order is None:
        raise Refused("order_not_found")
    known = shop.known.get(name)
    if known is not None:
        if known[0] != body:
            raise Refused("event_id_reused")
        return {**known[1], "status": "duplicate", **shop.balances(order.owner, now)}
    undoing = Undoing(shop, order, act)
    undoing.run()
    order.back.append(undoing.taken)
    order.shipped_back = order.shipped_back or undoing.ships
    order.refunded += undoing.refund
    out = {**shop.answer("applied", order.owner, now), **undoing.out()}
    shop.known[name] = (body, out, order.owner)
    return out
