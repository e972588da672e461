"""The working copy of a cart while it is priced, and what all its promotions share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from operator import sub

from guerdon.base.exact import RoundingMode
from guerdon.rules.expressions import EvaluationError, Expression
from guerdon.rules.limits import NO_LIMITS, Draw
from guerdon.rules.pricing.cart import Cart, CartView, Moneys
from guerdon.rules.pricing.pieces import Chosen
from guerdon.rules.pricing.spreading import Leftover
from guerdon.rules.pricing.view import View, draws_of, scope_of
from guerdon.rules.program import Program
from guerdon.rules.promotions import Discount, Gift, Promotion

_ONE = Decimal(1)


class Given:
    """What one promotion came to."""

    __slots__ = (
        "factors",
        "gifts",
        "of_order",
        "off",
        "off_total",
        "promotion",
        "shipping",
        "unsteady",
        "worth",
    )

    def __init__(self, promotion: Promotion) -> None:
        """Begin with nothing.

        Args:
            promotion: which one.
        """
        self.promotion = promotion
        self.off: list[int] | None = None
        """Minor units by line."""
        self.off_total = 0
        self.of_order: list[int] | None = None
        """The part of `off` that is of the whole order."""
        self.shipping = 0
        self.gifts: list[tuple[Gift, int, int]] = []
        """What is given, its line or −1 where it is added, and how many pieces."""
        self.factors: list[tuple[str, Decimal, Sequence[int]]] = []
        self.unsteady = 0
        """The most that it may take, where only that is asked and its lines are not known."""
        self.worth = 0
        """All that it is worth, minor units."""


class Bill:
    """What a cart comes to after some promotions. Lists are replaced, never changed: a copy is cheap."""

    __slots__ = ("given", "left", "off", "shipping", "worth")

    def __init__(self, left: list[int], shipping: int) -> None:
        """Begin with the prices as sent.

        Args:
            left: by line, minor units.
            shipping: minor units.
        """
        self.left = left
        self.shipping = shipping
        self.off = 0
        """Off the lines."""
        self.worth = 0
        """All that was given, gifts and shipping too."""
        self.given: tuple[Given, ...] = ()

    def copy(self) -> Bill:
        """Take a copy to try something with.

        Returns:
            The copy.
        """
        made = Bill.__new__(Bill)
        made.left, made.shipping, made.off = self.left, self.shipping, self.off
        made.worth, made.given = self.worth, self.given
        return made

    def become(self, other: Bill) -> None:
        """Take over what was tried.

        Args:
            other: the copy.
        """
        self.left, self.shipping, self.off = other.left, other.shipping, other.off
        self.worth, self.given = other.worth, other.given

    def add(self, given: Given) -> None:
        """Take something off.

        Args:
            given: what.
        """
        if given.off is not None:
            self.left = list(map(sub, self.left, given.off))
            self.off += given.off_total
        self.shipping -= given.shipping
        self.worth += given.worth
        self.given = (*self.given, given)


class Run:
    """One pricing: the cart, who buys, and answers that do not change meanwhile."""

    def __init__(self, program: Program, cart: Cart, view: View, at: datetime) -> None:
        """Begin a pricing.

        Args:
            program: what prices.
            cart: what is bought.
            view: who buys.
            at: when, UTC.
        """
        self.program, self.cart, self.view, self.at = program, cart, view, at
        self.settings = settings = program.promotions.settings
        self.everything = range(len(cart.subtotals))
        self.how: tuple[RoundingMode, Leftover] = (settings.rounding, settings.leftover)
        self.floors = self._floors()
        self.is_simple = (
            self.floors is None and settings.per == "line" and settings.rounding in ("half_up", "floor")
        )
        self.most = self._most()
        self.optimistic: Bill | None = None
        """Where conditions on money and budgets are taken as met, to find the most that can still come: from
        this bill on."""
        self.work = 0
        """What trying promotions has cost in searches so far, by their weights."""
        self.until = 0
        """Up to which work a search goes on, 0 where none is under way."""
        self._weights: dict[int, int] = {}
        self.bounded = False
        self.reasons: dict[int, tuple[str, str]] = {}
        self._refusals: dict[int, tuple[str, str]] = {}
        self._matching: dict[str, list[int]] = {}
        self.whole = Chosen(self.everything)
        self.chosen: dict[int, Chosen] = {}
        """Lines or pieces by the discount's identity, of those that always mean the same."""
        self._moneys = Moneys(cart.subtotals, cart.shipping)
        self.cart_view = CartView(cart, self._moneys)
        self.scope = scope_of(program, view, (cart.channel, cart.store), at)
        self.scope.cart = self.scope.order = self.cart_view
        self._local: datetime | None = None

    def _floors(self) -> list[int] | None:
        share = self.settings.floor
        if not share and not any(self.cart.floors):
            return None
        return [
            max(floor, -(-subtotal * share.numerator // share.denominator))
            for floor, subtotal in zip(self.cart.floors, self.cart.subtotals, strict=True)
        ]

    def _most(self) -> int | None:
        share, most = self.settings.most_share, self.settings.most
        if share is None:
            return most
        by_share = sum(self.cart.subtotals) * share.numerator // share.denominator
        return by_share if most is None else min(by_share, most)

    def rooms(self, left: Sequence[int]) -> Sequence[int]:
        """Tell how much can still be taken off each line.

        Args:
            left: what they come to.

        Returns:
            Minor units by line; `left` itself where no floor is set.
        """
        if self.floors is None:
            return left
        return [max(0, money - floor) for money, floor in zip(left, self.floors, strict=True)]

    def groups(self, places: Sequence[int]) -> list[list[int]] | None:
        """Tell which lines are rounded together.

        Args:
            places: the lines.

        Returns:
            Groups of them, or None where each line is rounded by itself.
        """
        if self.settings.per == "line":
            return None
        if self.settings.per == "order":
            return [list(places)] if places else []
        found: dict[tuple[int, int], list[int]] = {}
        for place in places:
            found.setdefault(self.cart.rates[place], []).append(place)
        return list(found.values())

    def matching(self, where: Expression, moves: bool, bill: Bill) -> list[int]:
        """Find the lines that an expression means.

        Args:
            where: the expression.
            moves: whether the answer depends on what the lines come to.
            bill: what they come to.

        Returns:
            Their places.

        Raises:
            EvaluationError: it has no value.
        """
        known = None if moves else self._matching.get(where.source)
        if known is None:
            self.look(bill)
            known = []
            scope = self.scope
            for place, line in enumerate(self.cart_view.lines):
                scope.line = line
                if where.evaluate(scope):
                    known.append(place)
            if not moves:
                self._matching[where.source] = known
        return known

    def weight(self, promotion: Promotion) -> int:
        """Weigh what trying a promotion costs: the same for the same cart, on whatever machine.

        Args:
            promotion: which one.

        Returns:
            About tenths of a microsecond, as measured on carts of 10 and of 50 lines.
        """
        known = self._weights.get(id(promotion))
        if known is None:
            lines = len(self.everything)
            known = 12 + len(promotion.gifts) * (10 + lines)
            if promotion.when is not None and promotion.moves:
                known += 12 + lines
            if promotion.limits.budget is not None:
                known += 55 + 3 * lines
            known += sum(self._weight_of(one, lines) for one in promotion.discounts)
            self._weights[id(promotion)] = known
        return known

    def _weight_of(self, one: Discount, lines: int) -> int:
        kinds, by_line = one.kinds, self.settings.per == "line"
        if one.of == "shipping":
            return 10
        if one.by == "line_quantity" and not (by_line and "amount" not in kinds):
            # Each line is worked out by itself.
            weight = 55 * lines + (3 * lines * lines // 2 if self.floors is not None else 0)
        elif kinds == {"amount"}:
            weight = 40 + 2 * lines
        elif kinds == {"percent"} and self.is_simple and not one.is_of_pieces:
            weight = 18 + (4 if one.by == "line_quantity" else 1) * lines
        else:
            weight = 40 + 3 * lines if by_line else 60 + 5 * lines
        for costs, fixed, each in (
            (one.where_moves or one.buy_where is not None, 30, 4),
            (one.at_most is not None or self.most is not None, 25, 2),
            (self.floors is not None, 15, 2),
            (self.settings.amount_off != "as_priced" and "amount" in kinds, 100, 20),
            (bool(one.every) and "price" in kinds, 40, 4),
        ):
            weight += fixed + each * lines if costs else 0
        return weight

    def look(self, bill: Bill) -> None:
        """Let expressions see what the cart comes to.

        Args:
            bill: what it comes to.
        """
        before = self.settings.before_discounts
        self._moneys.left = self.cart.subtotals if before else bill.left
        self._moneys.shipping = self.cart.shipping if before else bill.shipping

    def refusal(self, promotion: Promotion, bill: Bill) -> tuple[str, str]:
        """Say why a promotion does not run on this cart at all.

        Args:
            promotion: which one.
            bill: what the cart comes to.

        Returns:
            A reason and its detail, both empty where it runs.
        """
        known = self._refusals.get(id(promotion))
        if known is None:
            known = self._refusals[id(promotion)] = self._lasting(promotion, bill)
        if known[0] or not promotion.moves or promotion.when is None:
            return known
        if self.optimistic is None:
            return self._condition(promotion.when, bill)
        # Money only falls: a minimum that is missed now is missed for good.
        return self._condition(promotion.when, self.optimistic) if promotion.falls else known

    def _lasting(self, promotion: Promotion, bill: Bill) -> tuple[str, str]:
        if promotion.inactive:
            return "not_active_yet", promotion.inactive
        elsewhere = self._elsewhere(promotion)
        if elsewhere:
            return elsewhere, ""
        refused = self._conditions(promotion, bill)
        if refused[0]:
            return refused
        if promotion.limits is not NO_LIMITS:
            view = self.view
            if any(view.room(draw) < _ONE for draw in self.uses(promotion)):
                return "limit_reached", ""
        return "", ""

    def _conditions(self, promotion: Promotion, bill: Bill) -> tuple[str, str]:
        if promotion.audience is not None:
            # Of the cart as it was sent, so that the answer does not hang on what was tried before.
            self._moneys.left, self._moneys.shipping = self.cart.subtotals, self.cart.shipping
            refused = self._holds(promotion.audience, "not_in_audience")
            if refused[0]:
                return refused
        if promotion.when is None or promotion.moves:
            return "", ""
        return self._condition(promotion.when, bill)

    def _elsewhere(self, promotion: Promotion) -> str:
        if promotion.channels is not None and self.cart.channel not in promotion.channels:
            return "other_channel"
        if promotion.stores is not None and self.cart.store not in promotion.stores:
            return "other_store"
        if promotion.schedule is not None and not promotion.schedule.holds(self._clock()):
            return "out_of_schedule"
        return ""

    def uses(self, promotion: Promotion) -> tuple[Draw, ...]:
        """List the counters that a use of a promotion draws from.

        Args:
            promotion: which one.

        Returns:
            The draws, 1 each.
        """
        if promotion.limits is NO_LIMITS:
            return ()
        return draws_of(self.program, promotion, self.view, self.at)

    def _condition(self, when: Expression, bill: Bill) -> tuple[str, str]:
        self.look(bill)
        return self._holds(when, "condition_false")

    def _holds(self, when: Expression, otherwise: str) -> tuple[str, str]:
        try:
            return ("", "") if when.evaluate(self.scope) else (otherwise, "")
        except EvaluationError as error:
            return "expression_error", place_of(error)

    def _clock(self) -> datetime:
        if self._local is None:
            self._local = self.program.zone.local(self.at).replace(tzinfo=None)
        return self._local


def place_of(error: EvaluationError) -> str:
    """Say where and why an expression has no value.

    Args:
        error: of the expression.

    Returns:
        A sentence.
    """
    return f"{error.code} at line {error.line}, column {error.column}: {error.detail}"
