"""Ladders, their tiers, and the benefits that tiers bring."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from guerdon.rules.definition.scalars.part import DescribedPart, Listed, Part
from guerdon.rules.definition.scalars.problems import refusal
from guerdon.rules.definition.scalars.spans import Span
from guerdon.rules.definition.scalars.texts import Text
from guerdon.rules.definition.scalars.values import Exact, Flag, Line, Name

Review = Literal["calendar_year", "calendar_quarter", "calendar_month"]
BenefitKind = Literal["rate", "free_shipping", "price_list", "early_access", "account_manager", "text"]
_OWN_KEYS: Mapping[str, str] = {"rate": "rate", "price_list": "price_list", "early_access": "ahead"}
"""The key that a kind of benefit has for itself."""


def _kind_of_from(value: Any) -> str:
    return "<by metric>" if isinstance(value, Mapping) else "<number>"


_Least = Annotated[Exact, Field(ge=0)]
From = Annotated[
    Annotated[_Least, Tag("<number>")]
    | Annotated[Mapping[Name, _Least], Field(min_length=1), Tag("<by metric>")],
    Discriminator(_kind_of_from),
]


class Tier(Part):
    """A level: from where it is reached, what it multiplies by and what it brings."""

    from_: From | None = Field(default=None, validation_alias="from", serialization_alias="from")
    """The value of the metric from which it is reached; of several metrics, a value for each."""
    rate: Annotated[Exact, Field(ge=0)] = Field(default=1, validate_default=True)
    """What expressions read as `account.tiers.<ladder>.rate`."""
    benefits: Annotated[tuple[Name, ...], Listed()] = ()
    """What it brings."""
    name: Text | None = None
    """How people call it."""
    lifetime: Flag = False
    """Whether it is never lost once it was reached."""
    invitation: Flag = False
    """Whether nobody reaches it by a metric: operators give it."""

    @model_validator(mode="after")
    def _reached_one_way(self) -> Tier:
        if self.invitation and self.from_ is not None:
            detail = "operators give this tier (`invitation`), and no value reaches it; leave `from` out"
            raise refusal("invitation_with_from", detail, key="from")
        if self.invitation and self.lifetime:
            detail = "a tier by invitation lasts until the day that the operator says, or without end"
            raise refusal("invitation_for_life", detail, key="lifetime")
        return self


class Ladder(Part):
    """Levels on one metric or on two together, the lowest first."""

    metric: Name | None = None
    """The metric that climbs it."""
    metrics: Annotated[tuple[Name, ...], Listed(), Field(max_length=3)] = ()
    """Several metrics that climb it together, instead of one."""
    reached_by: Literal["every", "any"] = "every"
    """Whether every one of several metrics has to be there, or any of them is enough."""
    review: Review | None = None
    """When members may fall; the window of its metric without it."""
    grace: Span = Span()
    """How long a member may still reach a tier after a review."""
    soft_landing: Flag = False
    """Whether a review takes one level at most."""
    on_return: Literal["reevaluate", "keep"] = "reevaluate"
    """Whether what was returned counts no more, or still counts for this ladder."""
    tiers: Annotated[Mapping[Name, Tier], Field(min_length=1)]
    """The levels from low to high."""

    @property
    def climbed_by(self) -> tuple[str, ...]:
        """The metrics that climb it, one or several."""
        return self.metrics or ((self.metric,) if self.metric is not None else ())

    def least(self, tier: str) -> tuple[Decimal, ...]:
        """Tell from which values a tier is reached.

        Args:
            tier: its key.

        Returns:
            A value for each of `climbed_by`; nothing for a tier by invitation.
        """
        from_ = self.tiers[tier].from_
        if from_ is None:
            return ()
        if isinstance(from_, Mapping):
            return tuple(from_.get(metric, Decimal(0)) for metric in self.climbed_by)
        return (from_,) * len(self.climbed_by)

    @model_validator(mode="after")
    def _one_metric_or_several(self) -> Ladder:
        if (self.metric is not None) == bool(self.metrics):
            detail = "say with `metric` what climbs this ladder, or with `metrics` which ones do together"
            raise refusal("one_of_these", detail, key="metrics" if self.metrics else None)
        if len(set(self.metrics)) < len(self.metrics):
            raise refusal("duplicate_metric", "a metric stands here a second time", key="metrics")
        if self.reached_by != "every" and len(self.metrics) < 2:
            detail = "`reached_by` says how several `metrics` go together, and here is only one"
            raise refusal("reached_by_one", detail, key="reached_by")
        return self


class Benefit(DescribedPart):
    """What tiers bring, so that shops and pages know what to do with the word."""

    kind: BenefitKind
    """What it is; `text` for what people alone understand."""
    name: Text | None = None
    """How people call it."""
    description: Text | None = None
    """What it means, in a sentence."""
    rate: Annotated[Exact, Field(ge=0)] | None = None
    """Of a `rate`: that of the tiers that bring it."""
    price_list: Line | None = None
    """Of a `price_list`: what the shop calls that list."""
    ahead: Span | None = None
    """Of `early_access`: how long before everybody else."""

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> Benefit:
        own = _OWN_KEYS.get(self.kind)
        for key in _OWN_KEYS.values():
            if key != own and getattr(self, key) is not None:
                detail = f"a benefit of the kind `{self.kind}` has no `{key}`"
                raise refusal("key_of_another_kind", detail, key=key)
        if own in ("rate", "price_list") and getattr(self, own) is None:
            detail = f"the key '{own}' is missing: a benefit of the kind `{self.kind}` says it"
            raise refusal("missing_key", detail, expected=own)
        return self
