"""Effects: the things a campaign does, each a map with one key."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from guerdon.rules.definition.scalars.part import LONE_KEY, Listed, Part, unknown_keys
from guerdon.rules.definition.scalars.problems import refusal, shown
from guerdon.rules.definition.scalars.spans import Span
from guerdon.rules.definition.scalars.values import Exact, Line, Name, Whole
from guerdon.rules.definition.scalars.words import ExpressionText
from guerdon.rules.definition.wallets import Expires

Combine = Literal["multiply", "add"]


class EffectPart(Part):
    """An effect; `effect` is the key that documents spell it with."""

    effect: ClassVar[str]
    short: ClassVar[str] = ""
    """The key that a lone text stands for, or nothing where an effect has no short spelling."""


class Award(EffectPart):
    """Give units."""

    effect = "award"
    wallet: Name
    """The wallet that gets them."""
    amount: ExpressionText
    """How many: a number or an expression."""
    pending: Span | None = None
    """How long before they can be spent, where it is not as the wallet says."""
    expires: Expires | None = None
    """When they are gone, where it is not as the wallet says."""


class Multiply(EffectPart):
    """Multiply what this event awards in a wallet."""

    effect = "multiply"
    wallet: Name
    """The wallet whose awards are multiplied."""
    by: ExpressionText
    """The factor: a number or an expression."""
    of: Annotated[tuple[Name, ...], Listed(), Field(min_length=1)] | None = None
    """The campaigns whose awards are multiplied; all that depend on the order without it."""
    where: ExpressionText | None = None
    """The lines whose points are multiplied; all without it."""
    combine: Combine = "multiply"
    """Whether it multiplies with other multipliers, or adds its bonus to theirs."""


class Redeem(EffectPart):
    """Take a reward and pay its price, once or as long as an expression holds."""

    effect = "redeem"
    short = "reward"
    reward: Name
    """The reward that is taken."""
    while_: ExpressionText | None = Field(default=None, validation_alias="while", serialization_alias="while")
    """It is taken again and again as long as this holds; once without it."""


class Grant(EffectPart):
    """Give a reward without its price."""

    effect = "grant"
    short = "reward"
    reward: Name
    """The reward that is given."""


class Badge(EffectPart):
    """Give a badge."""

    effect = "badge"
    short = "badge"
    badge: Name
    """The badge that is given."""


Percent = Annotated[Exact, Field(gt=0, le=100)]
Money = Annotated[Exact, Field(gt=0)]
FixedPrice = Annotated[Exact, Field(ge=0)]
_MEASURES: Final = ("percent", "amount", "price")


def _check_measures(one: Any, what: str, names: tuple[str, ...]) -> None:
    if sum(getattr(one, name) is not None for name in names) != 1:
        expected = f"{', '.join(names[:-1])} or {names[-1]}"
        raise refusal("one_of_these", f"{what} has exactly one of {expected}", expected=expected)


class Step(Part):
    """What a discount is from a spend or a quantity on."""

    from_: Annotated[Exact, Field(ge=0)] = Field(validation_alias="from", serialization_alias="from")
    """The spend or the quantity from which it holds."""
    percent: Percent | None = None
    """A share, in percent."""
    amount: Money | None = None
    """A fixed amount of money."""
    price: FixedPrice | None = None
    """A fixed price instead of the usual one."""

    @model_validator(mode="after")
    def _one_measure(self) -> Step:
        _check_measures(self, "a step", _MEASURES)
        return self


class Buy(Part):
    """What must be in the cart for each time that a discount is given."""

    quantity: Annotated[Whole, Field(ge=1)] = 1
    """How many units."""
    where: ExpressionText | None = None
    """Which lines count; all without it."""


class Discount(EffectPart):
    """Take money off a cart."""

    effect = "discount"
    percent: Percent | None = None
    """A share, in percent."""
    amount: Money | None = None
    """A fixed amount of money."""
    price: FixedPrice | None = None
    """A fixed price instead of the usual one."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1)] | None = None
    """Different discounts from a spend or a quantity on."""
    by: Literal["spend", "quantity", "line_quantity"] | None = None
    """What the steps count."""
    of: Literal["order", "lines", "cheapest", "dearest", "shipping"] = "order"
    """What it is taken off."""
    where: ExpressionText | None = None
    """Which lines it is for; all without it."""
    count: Annotated[Whole, Field(ge=1)] | None = None
    """How many units of the cheapest, of the dearest or for each `buy`."""
    every: Annotated[Whole, Field(ge=1)] | None = None
    """One in so many units is discounted."""
    buy: Buy | None = None
    """What must be in the cart for each time that it is given."""
    repeat: Annotated[Whole, Field(ge=1)] | None = None
    """How often it is given in one cart at most."""
    at_most: Money | None = None
    """The most money that it takes off one cart."""

    @model_validator(mode="after")
    def _one_measure(self) -> Discount:
        _check_measures(self, "a discount", (*_MEASURES, "steps"))
        return self

    @model_validator(mode="after")
    def _steps_rise(self) -> Discount:
        if self.by is not None and self.steps is None:
            raise refusal("key_without_use", "without steps, `by` says nothing", key="by")
        starts = [step.from_ for step in self.steps or ()]
        if any(after <= before for before, after in pairwise(starts)):
            detail = "steps stand from low to high, and one does not start above the one before"
            raise refusal("steps_not_increasing", detail, key="steps")
        return self

    @model_validator(mode="after")
    def _choice_of_pieces(self) -> Discount:
        if self.of == "shipping":
            for name in ("where", "count", "every", "buy", "repeat"):
                if getattr(self, name) is not None:
                    raise refusal("key_without_use", f"shipping has nothing for `{name}` to choose", key=name)
        if self.every is not None and self.buy is not None:
            raise refusal("one_of_these", "a discount has either `every` or `buy`", key="buy")
        if self.repeat is not None and self.every is None and self.buy is None:
            raise refusal("key_without_use", "`repeat` needs `every` or `buy`", key="repeat")
        if self.count is not None and self.buy is None and self.of not in ("cheapest", "dearest"):
            detail = "`count` says how many of the cheapest, of the dearest or for each `buy`"
            raise refusal("key_without_use", detail, key="count")
        if self.count is not None and self.every is not None and self.count > self.every:
            raise refusal("count_over_every", "of every so many, at most all are discounted", key="count")
        return self


class Gift(EffectPart):
    """Give a free product with a cart."""

    effect = "gift"
    short = "sku"
    sku: Line
    """The product."""
    quantity: Annotated[Whole, Field(ge=1)] = 1
    """How many units."""
    worth: Annotated[Exact, Field(ge=0)] | None = None
    """Money that one unit counts for in budgets and lanes."""


class Message(EffectPart):
    """Send a message."""

    effect = "message"
    short = "message"
    message: Name
    """The key of the message."""


EFFECTS: Final[dict[str, type[EffectPart]]] = {
    kind.effect: kind for kind in (Award, Multiply, Redeem, Grant, Badge, Discount, Gift, Message)
}


class _Unwrap:
    """Reads `{award: {...}}` as an award, and publishes that shape in the JSON Schema."""

    def __init__(self, kind: type[EffectPart]) -> None:
        self.kind = kind

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._inner, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        inner: dict[str, Any] = dict(handler(schema))
        if self.kind.short:
            inner = {"anyOf": [{"type": "string", LONE_KEY: self.kind.short}, inner]}
        name = self.kind.effect
        inner["description"] = self.kind.__doc__
        return {
            "type": "object",
            "properties": {name: inner},
            "required": [name],
            "additionalProperties": False,
        }

    def _inner(self, value: Any) -> Any:
        if isinstance(value, EffectPart):
            return value
        inner = value[self.kind.effect]
        return {self.kind.short: inner} if self.kind.short and isinstance(inner, str) else inner


def _one_known_key(value: Any) -> Any:
    if isinstance(value, EffectPart):
        return value
    known = list(EFFECTS)
    if not isinstance(value, dict):
        detail = f"an effect was expected, a map with one of {', '.join(known)}, not {shown(value)}"
        raise refusal("expected_effect", detail)
    wrong = [key for key in value if key not in EFFECTS]
    if wrong:
        raise unknown_keys(wrong, known)
    if len(value) != 1:
        raise refusal(
            "one_effect_each", "an effect is a map with one key; write several effects as several items"
        )
    return value


def _kind_of_effect(value: Any) -> str:
    return value.effect if isinstance(value, EffectPart) else str(next(iter(value)))


Effect = Annotated[
    Annotated[Award, _Unwrap(Award), Tag("award")]
    | Annotated[Multiply, _Unwrap(Multiply), Tag("multiply")]
    | Annotated[Redeem, _Unwrap(Redeem), Tag("redeem")]
    | Annotated[Grant, _Unwrap(Grant), Tag("grant")]
    | Annotated[Badge, _Unwrap(Badge), Tag("badge")]
    | Annotated[Discount, _Unwrap(Discount), Tag("discount")]
    | Annotated[Gift, _Unwrap(Gift), Tag("gift")]
    | Annotated[Message, _Unwrap(Message), Tag("message")],
    Discriminator(_kind_of_effect),
    BeforeValidator(_one_known_key),
]
