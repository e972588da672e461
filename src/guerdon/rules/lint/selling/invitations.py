"""Invitations that bring more than the friend has to spend for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from guerdon.base.exact import currency_digits, scaled_decimal
from guerdon.rules.definition import Definition, Limits
from guerdon.rules.difference import Voice
from guerdon.rules.lint.asked import Asked
from guerdon.rules.lint.findings import LintWarning
from guerdon.rules.lint.generosity import may_hold, prize_worth, scope_of_order, share_of
from guerdon.rules.own_events import REFERRAL_COMPLETED, REFERRAL_JOINED, has_order
from guerdon.rules.program import Campaign, Program
from guerdon.rules.referrals.keys import FIRST, FRIEND, REFERRAL
from guerdon.rules.scope import EventView, Scope

_LARGEST: Final = 10_000_000
"""Orders of up to so many minor units are tried."""
_ENDLESS: Final = 10**9
_ADVOCATE: Final = f"{REFERRAL}:advocate"


def dear_invitations(asked: Asked) -> Iterator[LintWarning]:
    """Find invitations by which somebody with two addresses gets more than they have to spend.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for what each friend brings, else one for the first step of the ladder by which it is so.
    """
    definition, program = asked.definition, asked.program
    prizes = {one.key: one for one in program.campaigns if one.key.startswith(f"{REFERRAL}:")}
    if FIRST not in prizes:
        return
    least = _least(program, prizes[FIRST])
    if least is None:
        return
    given = _Given(definition, program, prizes, least)
    each = given.by(1, steps=0)
    if each > 0 and each >= least:
        yield _warning(given, prizes[FIRST], (1, each))
        return
    for steps, rung in enumerate(definition.referral.ladder, 1):
        total = given.by(rung.from_, steps)
        if total > 0 and total >= rung.from_ * least:
            yield _warning(given, prizes[FIRST], (rung.from_, total))
            return


class _Given(NamedTuple):
    """What friends who each order as little as counts bring to both sides."""

    definition: Definition
    program: Program
    prizes: Mapping[str, Campaign]
    least: Decimal

    def by(self, friends: int, steps: int) -> Fraction:
        """Add up what so many bring, with so many steps of the ladder."""
        referral = self.definition.referral
        sums = friends * self._worth(FRIEND, REFERRAL_JOINED, 1)
        limits = referral.advocate.limits if referral.advocate is not None else Limits()
        sums += min(friends, _often(limits)) * self._worth(_ADVOCATE, REFERRAL_COMPLETED, 1)
        for rung in referral.ladder[:steps]:
            sums += self._worth(f"{REFERRAL}:from_{rung.from_}", REFERRAL_COMPLETED, rung.from_)
        return sums

    def coupons(self) -> list[str]:
        """List the coupons whose worth nobody can say but by an order."""
        keys = sorted({key for one in self.prizes.values() for key in one.grants})
        return [key for key in keys if share_of(self.definition.rewards[key])]

    def _worth(self, key: str, trigger: str, friends: int) -> Fraction:
        campaign = self.prizes.get(key)
        if campaign is None:
            return Fraction(0)
        scope: Scope = scope_of_order(self.program, trigger, self.least)
        data = {"referral": "any", "friends": Decimal(friends), "net": self.least}
        scope.event = EventView(trigger, scope.now, "any", "web", "", data)
        return prize_worth(self.definition, campaign, scope)


def _often(limits: Limits) -> int:
    """Tell for how many friends one advocate gets the prize.

    What is limited for all is a sum that was decided on, and brings nobody round after round. A limit of each
    account bounds one ladder alone: friends can invite friends.
    """
    if limits.budget is not None or (limits.total is not None and limits.per is None):
        return 0
    own = [one for one in (limits.per_account, limits.per_member) if one is not None]
    return min(own) if own and limits.per is None else _ENDLESS


def _least(program: Program, first: Campaign) -> Decimal | None:
    """Find how little a friend can spend so that it counts; None where no order does."""
    if not has_order(first.trigger):
        return Decimal(0)
    digits = program.digits

    def counts(minor: int) -> bool:
        scope = scope_of_order(program, first.trigger, scaled_decimal(minor, digits))
        return may_hold(first.when, scope) and may_hold(first.audience, scope)

    below, enough = 0, _LARGEST
    if not counts(enough):
        return None
    # Conditions on an order's size say how much there must be at least; others may hold for any.
    while enough - below > 1:
        middle = (below + enough) // 2
        below, enough = (below, middle) if counts(middle) else (middle, enough)
    return scaled_decimal(enough, digits)


def _warning(given: _Given, first: Campaign, came: tuple[int, Fraction]) -> LintWarning:
    friends, worth = came
    definition, spent = given.definition, friends * given.least
    voice, cents = Voice(definition), currency_digits(definition.currency)
    brings = voice.money(scaled_decimal(int(worth * 10**cents), cents))
    who = "A friend" if friends == 1 else f"{friends} friends"
    cost = f"spend {voice.money(spent)}" if spent else f"spend nothing, as `{first.trigger}` is enough"
    verb, object_ = ("brings", "has to") if friends == 1 else ("bring", "have to")
    return LintWarning(
        "referral_worth_more",
        "/referral/advocate" if friends == 1 else "/referral/ladder",
        "`referral`",
        f"{who} {verb} both sides {brings} and {object_} {cost}: whoever invites themselves gains by it."
        f"{_assumed(given, voice)}",
        "Ask for a greater `minimum`, or give less.",
    )


def _assumed(given: _Given, voice: Voice) -> str:
    coupons = given.coupons()
    if not coupons:
        return ""
    named = ", ".join(voice.reward(key) for key in coupons)
    return (
        f" Coupons without a cap (`at_most`) are reckoned at an order of {voice.money(given.least)}: {named}."
    )
