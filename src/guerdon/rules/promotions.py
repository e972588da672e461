"""Promotions as compiled: what campaigns and coupons take off a cart, and how they go together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Literal

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.exact import RoundingMode, currency_digits, to_scaled
from guerdon.rules import definition as written
from guerdon.rules.definition import Definition, ExpressionText
from guerdon.rules.expressions import BOOL, DECIMAL, Expression, Type
from guerdon.rules.expressions.keys import Key
from guerdon.rules.index import ROOTS, CampaignIndex
from guerdon.rules.limits import NO_LIMITS, Budget, Limits
from guerdon.rules.parts import Schedule

CHECKOUT = "checkout"
INDEXED_FROM = 12
"""With fewer promotions, trying each is quicker than asking the index."""
Choice = Literal["all", "best", "best_set", "first"]
Compile = Callable[[ExpressionText | None, str, Type], Expression | None]
Fault = Callable[[str, str, str], None]

_MONEY = frozenset({"net", "discount", "tax", "total", "earning_base", "shipping"})
_READS_MONEY = re.compile(rf"\b({'|'.join(sorted(_MONEY))})\b")
_MINIMUM = re.compile(r"\s*(cart|order)\.(net|total|tax|earning_base)\s*>=?\s*[0-9.]+\s*")
_FALLING = frozenset({"net", "tax", "total", "earning_base", "shipping"})


class Source(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Where a discount comes from."""

    kind: Literal["campaign", "coupon", "units"]
    key: str
    """The campaign's key, the coupon's reward, or the wallet whose units pay."""
    code: str = ""
    """The coupon's code as given."""

    @property
    def owner(self) -> str:
        """Under which name it draws from limits (`rules.limits`)."""
        return f"campaign/{self.key}" if self.kind == "campaign" else f"reward/{self.key}"


class Measure(msgspec.Struct, frozen=True, gc=False):
    """How much is taken off: a share, an amount, or down to a price."""

    kind: Literal["percent", "amount", "price"]
    top: int
    """Of the share; minor units of the amount; minor units of one piece's price, times `bottom`."""
    bottom: int = 1


class Step(msgspec.Struct, frozen=True):
    """A measure that holds from a spend or a quantity on, the boundary inside."""

    start: Decimal
    """Whole units of the currency, or a quantity."""
    measure: Measure


class Discount(msgspec.Struct, frozen=True, dict=True):
    """A discount of a cart."""

    of: Literal["order", "lines", "cheapest", "dearest", "shipping"]
    measure: Measure | None
    steps: tuple[Step, ...]
    by: Literal["spend", "quantity", "line_quantity"]
    where: Expression | None
    where_moves: bool
    """Whether other discounts can change which lines are meant."""
    count: int
    every: int
    """Pieces of one group, 0 without groups."""
    buy: int
    """Pieces that are bought for each time, 0 where none need be."""
    buy_where: Expression | None
    repeat: int | None
    at_most: int | None
    """Minor units."""
    is_of_pieces: bool
    """Whether it is about some pieces of lines and not about whole lines."""

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of its measures."""
        one = self.measure
        return frozenset(step.measure.kind for step in self.steps) | (
            {one.kind} if one is not None else set()
        )

    @cached_property
    def is_unsteady(self) -> bool:
        """Whether less money on one line can have it take more off others.

        Its lines change with what others take, or it leaves one price for a group, or it changes from a price
        to something else.
        """
        priced = "price" in self.kinds and (bool(self.every) or len(self.kinds) > 1)
        return self.where_moves or self.buy_where is not None or priced

    @property
    def is_spread(self) -> bool:
        """Whether it is one sum over its lines, so that a line's part is a minor unit more or less."""
        return "amount" in self.kinds or self.at_most is not None


class Gift(msgspec.Struct, frozen=True, gc=False):
    """A product for nothing."""

    sku: str
    quantity: int
    worth: int
    """Minor units of one piece, 0 where nothing is said."""


class Factor(msgspec.Struct, frozen=True):
    """A multiplier of what lines earn in a wallet."""

    wallet: str
    by: Expression
    where: Expression | None


class Promotion(msgspec.Struct, frozen=True):
    """What one campaign or coupon does to a cart."""

    source: Source
    priority: int
    when: Expression | None
    moves: bool
    """Whether other discounts can change the answer of `when`, or the step that is reached."""
    falls: bool
    """Whether `when` is a plain minimum of money, and so stays false once it is false."""
    channels: frozenset[str] | None
    stores: frozenset[str] | None
    schedule: Schedule | None
    limits: Limits
    lanes: tuple[str, ...]
    """From the outermost lane in."""
    exclusive: bool
    discounts: tuple[Discount, ...]
    gifts: tuple[Gift, ...]
    factors: tuple[Factor, ...]
    audience: Expression | None = None
    """Who is meant; it sees the cart as it was sent."""
    inactive: str = ""

    @property
    def is_spread(self) -> bool:
        """Whether some of it is one sum over lines."""
        return self.limits.budget is not None or any(one.is_spread for one in self.discounts)

    @property
    def order(self) -> tuple[int, str, str]:
        """What promotions are sorted by: the greater priority first, then the key."""
        return (-self.priority, self.source.key, self.source.kind)


class Lane(msgspec.Struct, frozen=True):
    """How promotions of one lane are chosen, and when it is its turn."""

    choose: Choice
    priority: int


class PricingSettings(msgspec.Struct, frozen=True):
    """How a program prices where engines disagree."""

    digits: int
    original: bool
    """Whether a percentage is of the price before any discount."""
    amount_off: Literal["as_priced", "gross", "net"]
    rounding: RoundingMode
    per: Literal["line", "order", "tax_group"]
    leftover: Literal["largest_remainder", "last_line", "first_line"]
    add_free: bool
    """Whether free pieces come on top of what is in the cart."""
    dearest_free: bool
    before_discounts: bool
    """Whether conditions see the cart as it was before any discount."""
    floor: Fraction
    """Share of its price that a line keeps at least."""
    most_share: Fraction | None
    """Share of the merchandise that all discounts together take at most."""
    most: int | None
    """The same in minor units."""
    spread_order_discount: bool = True


class Promotions(msgspec.Struct, frozen=True):
    """All that prices carts in a program."""

    settings: PricingSettings
    automatic: tuple[Promotion, ...]
    """Those of campaigns, in the order in which they are tried."""
    index: CampaignIndex[Promotion] | None
    coupons: Mapping[str, Promotion]
    """By reward."""
    lanes: Mapping[str, Lane]

    @property
    def expressions(self) -> Iterator[Expression | None]:
        """All that they read by."""
        for one in (*self.automatic, *self.coupons.values()):
            if not one.inactive:
                yield from (one.when, one.audience)
                yield from (
                    each for discount in one.discounts for each in (discount.where, discount.buy_where)
                )
                yield from (each for factor in one.factors for each in (factor.by, factor.where))


def compile_promotions(
    definition: Definition, schedules: Mapping[str, Schedule | None], compiler: tuple[Compile, Fault]
) -> Promotions:
    """Compile the cart campaigns and coupons of a definition.

    Args:
        definition: as loaded and checked.
        schedules: of each campaign, as compiled.
        compiler: how to compile an expression of a trigger, and where to report what is wrong.

    Returns:
        The promotions.
    """
    one = _Compiler(definition, compiler)
    automatic = sorted(
        (
            one.campaign(key, campaign, schedules.get(key))
            for key, campaign in definition.campaigns.items()
            if campaign.trigger == CHECKOUT
        ),
        key=lambda promotion: promotion.order,
    )
    settings = pricing_settings(definition)
    index = None
    if len(automatic) > INDEXED_FROM:
        usable = None if settings.before_discounts else _holds_to_the_end
        index = CampaignIndex(automatic, ROOTS | {"wallets"}, usable)
    return Promotions(
        settings=settings,
        automatic=tuple(automatic),
        index=index,
        coupons={
            key: promotion
            for key, reward in definition.rewards.items()
            if (promotion := one.coupon(key, reward)) is not None
        },
        lanes={key: Lane(lane.choose, lane.priority) for key, lane in definition.lanes.items()},
    )


def pricing_settings(definition: Definition) -> PricingSettings:
    """Collect what a definition says about pricing.

    Args:
        definition: the program's definition.

    Returns:
        The settings.
    """
    pricing = definition.pricing
    digits = currency_digits(definition.currency)
    most = pricing.at_most.amount
    return PricingSettings(
        digits=digits,
        original=pricing.base == "original",
        amount_off=pricing.amount_off,
        rounding="floor" if pricing.rounding.mode == "down" else pricing.rounding.mode,
        per=pricing.rounding.per,
        leftover=pricing.leftover,
        add_free=pricing.free_units.take == "add",
        dearest_free=pricing.free_units.of == "dearest",
        before_discounts=pricing.minimum == "before_discounts",
        floor=Fraction(pricing.floor_percent or 0) / 100,
        most_share=None if pricing.at_most.percent is None else Fraction(pricing.at_most.percent) / 100,
        most=None if most is None else int(Fraction(most) * 10**digits),
        spread_order_discount=definition.earning.order_discount == "spread",
    )


def _holds_to_the_end(key: Key) -> bool:
    """Tell whether a key that fails on the cart as sent fails on it after any discounts too."""
    names = {name for _, name in key.path.steps}
    if key.path.root not in ("cart", "order", "line") or not names & _MONEY:
        return True
    return key.values is None and key.sign[0] == ">" and bool(names & _FALLING)


class _Compiler:
    def __init__(self, definition: Definition, compiler: tuple[Compile, Fault]) -> None:
        self.definition = definition
        self.compile, self.fault = compiler
        self.digits = currency_digits(definition.currency)
        self.before = definition.pricing.minimum == "before_discounts"

    def campaign(self, key: str, one: written.Campaign, schedule: Schedule | None) -> Promotion:
        effects = list(enumerate(one.then))
        at = f"/campaigns/{key}/then"
        discounts = tuple(
            self.discount(f"{at}/{place}/discount", effect)
            for place, effect in effects
            if isinstance(effect, written.Discount)
        )
        gifts = tuple(
            self.gift(f"{at}/{place}/gift", effect)
            for place, effect in effects
            if isinstance(effect, written.Gift)
        )
        budget = one.limits.budget
        if budget is not None and budget.money is not None and any(not gift.worth for gift in gifts):
            detail = "a gift needs its `worth` to be counted in money"
            self.fault(f"/campaigns/{key}/limits/budget/money", "cost_unknown", detail)
        when = self.condition(one.when)
        return Promotion(
            source=Source("campaign", key),
            priority=one.priority,
            when=when,
            moves=self.moves(when, discounts),
            falls=when is not None and _MINIMUM.fullmatch(when.source) is not None,
            channels=frozenset(one.channels) if one.channels else None,
            stores=frozenset(one.stores) if one.stores else None,
            schedule=schedule,
            limits=limits_of(one.limits),
            lanes=self.lanes(one.lane),
            exclusive=one.exclusive,
            discounts=discounts,
            gifts=gifts,
            factors=tuple(
                self.factor(effect) for _, effect in effects if isinstance(effect, written.Multiply)
            ),
            audience=self.condition(one.audience),
            inactive=_inactive(one),
        )

    def coupon(self, key: str, one: written.Reward) -> Promotion | None:
        discount = one.discount
        if discount is None and one.kind == "shipping":
            discount = written.Discount(percent=Decimal(100), of="shipping")
        if discount is None:
            return None
        discounts = (self.discount(f"/rewards/{key}/discount", discount),)
        when = self.condition(one.when)
        return Promotion(
            source=Source("coupon", key),
            priority=one.priority or 0,
            when=when,
            moves=self.moves(when, discounts),
            falls=when is not None and _MINIMUM.fullmatch(when.source) is not None,
            channels=None,
            stores=None,
            schedule=None,
            # The limits of a reward count its takings; whoever gives the coupons counts their uses.
            limits=NO_LIMITS,
            lanes=self.lanes(one.lane),
            exclusive=bool(one.exclusive),
            discounts=discounts,
            gifts=(),
            factors=(),
        )

    def condition(self, text: ExpressionText | None) -> Expression | None:
        return self.compile(text, CHECKOUT, BOOL)

    def chooses(self, text: ExpressionText | None) -> Expression | None:
        return self.compile(text, f"{CHECKOUT}/line", BOOL)

    def moves(self, when: Expression | None, discounts: Iterable[Discount]) -> bool:
        return self.is_moving(when) or any(
            one.where_moves or (bool(one.steps) and one.by == "spend" and not self.before)
            for one in discounts
        )

    def is_moving(self, expression: Expression | None) -> bool:
        return expression is not None and not self.before and bool(_READS_MONEY.search(expression.source))

    def lanes(self, lane: str | None) -> tuple[str, ...]:
        found: list[str] = []
        while lane is not None and lane in self.definition.lanes and lane not in found:
            found.append(lane)
            lane = self.definition.lanes[lane].within
        return tuple(reversed(found))

    def discount(self, at: str, one: written.Discount) -> Discount:
        where = self.chooses(one.where)
        of = "lines" if one.of == "order" and one.where is not None else one.of
        return Discount(
            of=of,
            measure=None if one.steps else self.measure(at, one),
            steps=tuple(
                Step(step.from_, self.measure(f"{at}/steps/{place}", step))
                for place, step in enumerate(one.steps or ())
            ),
            by=one.by or "spend",
            where=where,
            where_moves=self.is_moving(where),
            count=one.count or 1,
            every=one.every or 0,
            buy=one.buy.quantity if one.buy is not None else 0,
            buy_where=self.chooses(one.buy.where) if one.buy is not None else None,
            repeat=one.repeat,
            at_most=None if one.at_most is None else self.money(f"{at}/at_most", one.at_most, self.digits),
            is_of_pieces=bool(one.every or one.buy or of in ("cheapest", "dearest")),
        )

    def measure(self, at: str, one: written.Discount | written.Step) -> Measure:
        if one.percent is not None:
            share = Fraction(one.percent) / 100
            return Measure("percent", share.numerator, share.denominator)
        if one.amount is not None:
            return Measure("amount", self.money(f"{at}/amount", one.amount, self.digits))
        assert one.price is not None, "the models know one measure"
        price = Fraction(self.money(f"{at}/price", one.price, 6)) / 10 ** (6 - self.digits)
        return Measure("price", price.numerator, price.denominator)

    def money(self, at: str, value: Decimal, places: int) -> int:
        try:
            return to_scaled(value, places)
        except Problem as problem:
            self.fault(at, problem.code, problem.detail)
            return 0

    def gift(self, at: str, one: written.Gift) -> Gift:
        worth = 0 if one.worth is None else self.money(f"{at}/worth", one.worth, self.digits)
        return Gift(one.sku, one.quantity, worth)

    def factor(self, one: written.Multiply) -> Factor:
        by = self.compile(one.by, CHECKOUT, DECIMAL)
        return Factor(one.wallet, by, self.chooses(one.where))  # type: ignore[arg-type]  # a missing one is a fault


def _inactive(one: written.Campaign) -> str:
    other = [effect.effect for effect in one.then if effect.effect not in ("discount", "gift", "multiply")]
    return f"a cart does not carry out the effect {other[0]}" if other else ""


def limits_of(one: written.Limits) -> Limits:
    """Compile limits.

    Args:
        one: as written.

    Returns:
        The limits that counters are drawn by.
    """
    if one == written.Limits():
        return NO_LIMITS
    budget = one.budget
    counts = [
        None if count is None else Decimal(count) for count in (one.per_account, one.per_member, one.total)
    ]
    return Limits(
        per_account=counts[0],
        per_member=counts[1],
        total=counts[2],
        per=one.per or "all_time",
        budget=None
        if budget is None
        else Budget(budget.money, tuple(sorted((budget.units or {}).items())), budget.per or "all_time"),
        part_when_short=one.when_short == "part",
    )
