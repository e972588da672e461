"""A program as compiled from its definition: what `step` decides by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from guerdon.base.calendar import Period, Span, Zone
from guerdon.base.errors import Problem
from guerdon.base.exact import currency_digits, plain_text, to_scaled
from guerdon.rules import definition as written
from guerdon.rules.definition import Definition, DefinitionError, DefinitionFault, ExpressionText, Positions
from guerdon.rules.definition.campaigns import closing, opening
from guerdon.rules.expressions import (
    BOOL,
    DECIMAL,
    Environment,
    Expression,
    ExpressionError,
    Type,
    compile_expression,
)
from guerdon.rules.index import CampaignIndex
from guerdon.rules.lots import SpendingOrder
from guerdon.rules.metrics import Metric, Window
from guerdon.rules.orders import OrderSettings
from guerdon.rules.parts import (
    Award,
    Campaign,
    Conversion,
    Expiry,
    Multiply,
    Redeem,
    Reward,
    Schedule,
    Wallet,
)
from guerdon.rules.promotions import CHECKOUT, Promotions, compile_promotions, limits_of
from guerdon.rules.reads import (
    asked_by,
    inactive_because,
    inputs_of,
    is_later,
    not_kept,
    personal_of,
    standing_read,
)
from guerdon.rules.scope import environment_for
from guerdon.rules.sections import SEGMENT, section_environments, section_expressions
from guerdon.rules.segments import Segment, asked_for
from guerdon.rules.tiers import Ladder, Tier

__all__ = [
    "Award",
    "Campaign",
    "Conversion",
    "Expiry",
    "Multiply",
    "Program",
    "Redeem",
    "Reward",
    "Schedule",
    "Wallet",
    "compile_program",
    "is_later",
    "offset_of",
    "order_settings",
    "span_of",
]


INDEXED_FROM = 12
"""With fewer campaigns of a trigger, trying each is quicker than asking the index."""


class Program(msgspec.Struct, frozen=True):
    """A program as compiled; two of one text are the same."""

    key: str
    version: int
    currency: str
    digits: int
    zone: Zone
    definition: Definition
    order_settings: OrderSettings
    spending_order: SpendingOrder
    given_back_lasts: Span
    checkout_ttl: Span
    """How long a checkout holds what it promises."""
    wallets: Mapping[str, Wallet]
    retired: Mapping[str, Conversion]
    """Wallets that are given up, in order of their keys, and what becomes of their units."""
    scales: Mapping[str, int]
    """Decimal places of each wallet, those that are given up among them."""
    metrics: Mapping[str, Metric]
    ladders: Mapping[str, Ladder]
    rewards: Mapping[str, Reward]
    campaigns: tuple[Campaign, ...]
    """In the order of evaluation: by priority, then key, whatever their order in the document."""
    by_trigger: Mapping[str, tuple[Campaign, ...]]
    indexes: Mapping[str, CampaignIndex[Campaign]]
    """By trigger, where there are so many campaigns that looking for the few pays."""
    metrics_by_event: Mapping[str, tuple[Metric, ...]]
    promotions: Promotions
    """What prices carts: campaigns of the trigger `checkout`, and coupons."""
    segments: Mapping[str, Segment]
    segments_of: Mapping[str, tuple[Segment, ...]]
    """By trigger: those that its campaigns can ask for."""
    inputs_of: Mapping[str, tuple[str, ...]]
    """By trigger: what its campaigns read beside the event, as dotted paths, personal values left out."""
    personal_of: Mapping[str, tuple[str, ...]]
    """By trigger: what personal values its campaigns read of people."""

    @property
    def metric_ids(self) -> dict[str, str]:
        """Name → identity of each metric."""
        return {name: metric.identity for name, metric in self.metrics.items()}


_WEEKDAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
_CODE_KINDS = frozenset({"coupon", "discount", "shipping", "gift_card"})
_PLAIN_CODE = ("", 10, "")


def compile_program(definition: Definition, version: int, positions: Positions | None = None) -> Program:
    """Compile a definition.

    Args:
        definition: as loaded and checked.
        version: the number that decisions will record.
        positions: where each part stands in the document, for errors.

    Returns:
        The compiled program.

    Raises:
        DefinitionError: `invalid_definition`, with every expression that does not compile.
    """
    return _Compiler(definition, positions).program(version)


class _Compiler:
    def __init__(self, definition: Definition, positions: Positions | None) -> None:
        self.definition = definition
        self.positions = positions
        self.zone = Zone(definition.timezone)
        self.faults: list[DefinitionFault] = []
        self.environments: dict[str, Environment] = {}
        self.scales = {key: one.scale for key, one in definition.retired.wallets.items()}
        self.scales.update((key, wallet.scale) for key, wallet in definition.wallets.items())

    def program(self, version: int) -> Program:
        definition = self.definition
        wallets = {key: self.wallet(key, one) for key, one in definition.wallets.items()}
        metrics = {key: self.metric(key, one) for key, one in definition.metrics.items() if not is_later(one)}
        ladders = {
            key: self.ladder(key, one, metrics[one.metric])
            for key, one in definition.ladders.items()
            if one.metric in metrics
        }
        rewards = {key: self.reward(key, one) for key, one in definition.rewards.items()}
        self.environments.update(section_environments(definition))
        segments = self.segments()
        campaigns = [self.campaign(key, one, wallets) for key, one in definition.campaigns.items()]
        schedules = {one.key: one.schedule for one in campaigns}
        promotions = compile_promotions(definition, schedules, (self.expression, self.fault))
        for text, seen_from, expects in section_expressions(definition):
            self.expression(text, seen_from, expects)
        if self.faults:
            raise DefinitionError(sorted(self.faults, key=lambda fault: (fault.line, fault.column)))
        campaigns.sort(key=lambda campaign: (-campaign.priority, campaign.key))
        by_trigger = _grouped(campaigns, lambda campaign: campaign.trigger)
        of_carts = {CHECKOUT: asked_for(promotions.expressions, segments)}
        segments_of = {**asked_by(campaigns, segments), **of_carts}
        return Program(
            key=definition.program,
            version=version,
            currency=definition.currency,
            digits=currency_digits(definition.currency),
            zone=self.zone,
            definition=definition,
            order_settings=order_settings(definition),
            spending_order=definition.spending.lots,
            given_back_lasts=span_of(definition.returns.given_back_lasts),
            checkout_ttl=span_of(definition.checkout.ttl),
            wallets=wallets,
            retired={
                key: self.conversion(key, one) for key, one in sorted(definition.retired.wallets.items())
            },
            scales=self.scales,
            metrics=metrics,
            ladders=ladders,
            rewards=rewards,
            campaigns=tuple(campaigns),
            by_trigger=by_trigger,
            indexes={
                trigger: CampaignIndex(some)
                for trigger, some in by_trigger.items()
                if len(some) > INDEXED_FROM and trigger != CHECKOUT
            },
            metrics_by_event=_grouped(
                sorted(metrics.values(), key=lambda one: one.key), lambda one: one.event
            ),
            promotions=promotions,
            segments=segments,
            segments_of=segments_of,
            inputs_of=inputs_of(campaigns, segments_of, definition),
            personal_of=personal_of(campaigns, segments_of, definition),
        )

    def wallet(self, key: str, one: written.Wallet) -> Wallet:
        return Wallet(
            key=key,
            scale=one.scale,
            rounding=one.rounding.mode,
            scope=one.rounding.per,
            pending=span_of(one.pending),
            expires=_expiry(one.expires),
            cost=_cost(one),
            worth=one.worth or None,
        )

    def conversion(self, key: str, one: written.Conversion) -> Conversion:
        into = one.into if one.into != written.NOTHING else None
        return Conversion(
            wallet=key,
            scale=one.scale,
            into=into,
            into_scale=self.scales[into] if into is not None else 0,
            rate=one.rate if one.rate is not None else Decimal(0),
            rounding=one.rounding,
        )

    def metric(self, key: str, one: written.Metric) -> Metric:
        window = _window(one.window)
        value, when = (self.expression(text, one.event, type_) for text, type_ in _counted(one))
        for field, expression in (("value", value), ("when", when)):
            changing = standing_read(expression)
            if changing:
                detail = f"a metric counts what events say; {changing} depends on the order of their arrival"
                self.fault(f"/metrics/{key}/{field}", "metric_reads_standing", detail)
        identity = _hash(one.model_dump_json(by_alias=True, exclude_defaults=True), self.definition.timezone)
        return Metric(
            key=key,
            identity=f"{key}@{identity}",
            event=one.event,
            window=window,
            value=value,
            when=when,
        )

    def segments(self) -> dict[str, Segment]:
        found = {}
        for key, one in self.definition.segments.items():
            when = self.expression(one.when, SEGMENT, BOOL)
            if when is not None:
                found[key] = Segment(key, when, not_kept(when.reads, self.definition))
        return found

    def ladder(self, key: str, one: written.Ladder, metric: Metric) -> Ladder:
        review = _period(self.definition.review_of(key) or "calendar_year")
        tiers = tuple(
            Tier(tier, level.from_, level.rate, tuple(level.benefits)) for tier, level in one.tiers.items()
        )
        return Ladder(
            key=key,
            # What decides who holds which tier, and nothing else: a better name or rate re-opens no review.
            identity=_hash(
                metric.identity,
                str(review),
                one.grace.text,
                str(one.soft_landing),
                *(f"{tier.key}:{plain_text(tier.threshold)}" for tier in tiers),
            ),
            metric=metric,
            review=review,
            grace=span_of(one.grace),
            soft_landing=one.soft_landing,
            tiers=tiers,
        )

    def reward(self, key: str, one: written.Reward) -> Reward:
        at = f"/rewards/{key}/price"
        price = []
        for wallet, amount in one.price.items():
            try:
                price.append((wallet, to_scaled(amount, self.scales[wallet], f"{at}/{wallet}")))
            except Problem as problem:
                self.fault(f"{at}/{wallet}", problem.code, problem.detail)
        budget = one.limits.budget
        if budget is not None and (budget.units or _cost(one) is None):
            detail = "the budget of a reward is in money, and the reward needs a `cost` or a `worth` for it"
            self.fault(f"/rewards/{key}/limits/budget", "cost_unknown", detail)
        coded = one.code is not None or one.kind in _CODE_KINDS
        return Reward(
            key=key,
            kind=one.kind,
            price=tuple(price),
            stock=one.stock if one.stock is not None else one.seats,
            tiers=frozenset(one.tiers),
            valid=span_of(one.valid) if one.valid is not None else None,
            code=(written.code_parts(one.code) if one.code else _PLAIN_CODE) if coded else None,
            limits=limits_of(one.limits),
            cost=_cost(one),
            opens=None if one.opens is None else opening(one.opens),
            until=None if one.until is None else closing(one.until),
            public_at=None if one.public_at is None else opening(one.public_at),
            choices=one.choices,
        )

    def campaign(self, key: str, one: written.Campaign, wallets: Mapping[str, Wallet]) -> Campaign:
        effects = one.then
        made = Campaign(
            key=key,
            trigger=one.trigger,
            priority=one.priority,
            when=self.expression(one.when, one.trigger, BOOL),
            audience=self.expression(one.audience, one.trigger, BOOL),
            channels=frozenset(one.channels) if one.channels else None,
            stores=frozenset(one.stores) if one.stores else None,
            schedule=self.schedule(one.schedule) if one.schedule else None,
            limits=limits_of(one.limits),
            awards=tuple(
                self.award(f"/campaigns/{key}/then/{place}/award", effect, one.trigger, wallets)
                for place, effect in enumerate(effects)
                if isinstance(effect, written.Award)
            ),
            multipliers=tuple(
                self.multiplier(effect, one.trigger)
                for effect in effects
                if isinstance(effect, written.Multiply)
            ),
            redeems=tuple(
                Redeem(effect.reward, self.expression(effect.while_, one.trigger, BOOL))
                for effect in effects
                if isinstance(effect, written.Redeem)
            ),
            grants=tuple(effect.reward for effect in effects if isinstance(effect, written.Grant)),
            badges=tuple(effect.badge for effect in effects if isinstance(effect, written.Badge)),
        )
        self.check_budget(made, wallets)
        return msgspec.structs.replace(made, inactive=inactive_because(one, made, self.definition))

    def check_budget(self, campaign: Campaign, wallets: Mapping[str, Wallet]) -> None:
        """A budget in money can only be kept where it is known what things cost."""
        budget, rewards = campaign.limits.budget, self.definition.rewards
        if budget is None or budget.money is None:
            return
        unknown = [f"wallet {one.wallet}" for one in campaign.awards if wallets[one.wallet].cost is None]
        unknown += [f"reward {key}" for key in campaign.grants if _cost(rewards[key]) is None]
        for name in unknown:
            detail = f"the {name} says neither `cost` nor `worth`, so it cannot be counted in money"
            self.fault(f"/campaigns/{campaign.key}/limits/budget/money", "cost_unknown", detail)

    def award(self, at: str, effect: written.Award, trigger: str, wallets: Mapping[str, Wallet]) -> Award:
        wallet = wallets[effect.wallet]
        expires = wallet.expires if effect.expires is None else _expiry(effect.expires)
        idle = [one is not None and one.from_activity for one in (wallet.expires, expires)]
        if expires != wallet.expires and (idle[1] or (idle[0] and expires is None)):
            # Idleness is one instant on the wallet, so single lots can neither have it nor be spared.
            detail = "expiry from the last activity holds for a whole wallet, and an award cannot change it"
            self.fault(f"{at}/expires", "expiry_of_wallet", detail)
        amount = self.expression(effect.amount, trigger, DECIMAL)
        reads = amount.reads if amount is not None else frozenset()
        return Award(
            wallet=effect.wallet,
            amount=amount,  # type: ignore[arg-type]  # a missing one is a fault, and faults end the compilation
            order_based=any(path.split(".")[0] in ("order", "cart") for path in reads),
            pending=wallet.pending if effect.pending is None else span_of(effect.pending),
            expires=expires,
        )

    def multiplier(self, effect: written.Multiply, trigger: str) -> Multiply:
        return Multiply(
            wallet=effect.wallet,
            by=self.expression(effect.by, trigger, DECIMAL),  # type: ignore[arg-type]  # as above
            of=frozenset(effect.of) if effect.of else None,
            adds=effect.combine == "add",
            where=self.expression(effect.where, f"{trigger}/line", BOOL),
        )

    def schedule(self, one: written.Schedule) -> Schedule:
        return Schedule(
            days=frozenset(_WEEKDAYS[day] for day in one.days) if one.days else None,
            from_time=one.from_,
            to_time=one.to,
            starts=one.starts,
            ends=one.ends,
        )

    def expression(self, text: ExpressionText | None, event_type: str, expects: Type) -> Expression | None:
        if text is None:
            return None
        environment = self.environments.get(event_type)
        if environment is None:
            environment = self.environments[event_type] = environment_for(self.definition, event_type)
        try:
            return compile_expression(str(text), environment, expects=expects)
        except ExpressionError as error:
            offset = offset_of(str(text), error.line, error.column)
            self.fault(text.pointer, error.code, error.detail, (offset, error.suggestion or ""))
            return None

    def fault(self, pointer: str, code: str, detail: str, near: tuple[int, str] = (0, "")) -> None:
        line, column = (
            written.locate(self.positions, pointer, near[0]) if self.positions is not None else (0, 0)
        )
        fault = DefinitionFault(pointer, code, detail, line, column, nearest=near[1])
        if fault not in self.faults:
            # What carts and orders are both compiled from is wrong once.
            self.faults.append(fault)


def order_settings(definition: Definition) -> OrderSettings:
    """Collect what a definition says about reading orders.

    Args:
        definition: the program's definition.

    Returns:
        The settings.
    """
    rounding = definition.pricing.rounding.mode
    paid = definition.earning.paid_with
    return OrderSettings(
        currency=definition.currency,
        digits=currency_digits(definition.currency),
        rounding="floor" if rounding == "down" else rounding,
        earn_on=definition.earning.earn_on,
        spread_order_discount=definition.earning.order_discount == "spread",
        uncounted_tenders=frozenset(
            kind for kind in ("gift_card", "store_credit", "points") if not getattr(paid, kind)
        ),
    )


def offset_of(text: str, line: int, column: int) -> int:
    """Turn a line and a column of an expression into an offset.

    Args:
        text: the expression.
        line: from 1.
        column: from 1, in characters.

    Returns:
        Characters before that place.
    """
    return sum(len(one) + 1 for one in text.split("\n")[: line - 1]) + column - 1


def span_of(span: Any) -> Span:
    """Take a span out of a definition.

    Args:
        span: as written there.

    Returns:
        The calendar's span.
    """
    return Span(span.months, span.days, span.hours, span.minutes)


def _expiry(one: Any) -> Expiry | None:
    if one == "never":
        return None
    return Expiry(span_of(one.after), one.from_ == "last_activity", one.end_of)


def _window(one: Any) -> Window:
    if isinstance(one, str):
        return Window(_period(one))
    return Window("day", span_of(one.rolling))


def _period(name: str) -> Period:
    return name.removeprefix("calendar_")  # type: ignore[return-value]  # the models allow only periods


def _cost(one: written.Wallet | written.Reward) -> Decimal | None:
    return one.cost if one.cost is not None else one.worth


def _counted(one: written.Metric) -> tuple[tuple[ExpressionText | None, Type], ...]:
    return (one.value, DECIMAL), (one.when, BOOL)


def _grouped(items: Any, key: Callable[[Any], str]) -> dict[str, tuple[Any, ...]]:
    groups: dict[str, list[Any]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return {name: tuple(group) for name, group in groups.items()}


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
