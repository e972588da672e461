"""Invitations that bring more than the friend has to spend for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

from guerdon.base.exact import currency_digits, scaled_decimal
from guerdon.rules.definition import Definition
from guerdon.rules.difference import Voice
from guerdon.rules.lint.asked import Asked
from guerdon.rules.lint.findings import LintWarning
from guerdon.rules.lint.generosity import may_hold, prize_worth, scope_of_order
from guerdon.rules.own_events import REFERRAL_COMPLETED, REFERRAL_JOINED, has_order
from guerdon.rules.program import Campaign, Program
from guerdon.rules.referrals.keys import FIRST, FRIEND, REFERRAL
from guerdon.rules.scope import EventView, Scope

_LARGEST: Final = 10_000_000
"""Orders of up to so many minor units are tried."""
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
    each = _worth(definition, program, (prizes.get(FRIEND), REFERRAL_JOINED), (least, 1))
    each += _worth(definition, program, (prizes.get(_ADVOCATE), REFERRAL_COMPLETED), (least, 1))
    if each > 0 and each >= least:
        yield _warning(definition, prizes[FIRST], (least, each), 1)
        return
    sofar = Fraction(0)
    for rung in definition.referral.ladder:
        prize = prizes.get(f"{REFERRAL}:from_{rung.from_}")
        sofar += _worth(definition, program, (prize, REFERRAL_COMPLETED), (least, rung.from_))
        total, spent = rung.from_ * each + sofar, rung.from_ * least
        if total > 0 and total >= spent:
            yield _warning(definition, prizes[FIRST], (spent, total), rung.from_)
            return


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


def _worth(
    definition: Definition,
    program: Program,
    prize: tuple[Campaign | None, str],
    came: tuple[Decimal, int],
) -> Fraction:
    campaign, trigger = prize
    least, friends = came
    if campaign is None:
        return Fraction(0)
    scope: Scope = scope_of_order(program, trigger, least)
    data: Mapping[str, object] = {"referral": "any", "friends": Decimal(friends), "net": least}
    scope.event = EventView(trigger, scope.now, "any", "web", "", data)
    return prize_worth(definition, campaign, scope)


def _warning(
    definition: Definition, first: Campaign, sums: tuple[Decimal, Fraction], friends: int
) -> LintWarning:
    spent, worth = sums
    voice, cents = Voice(definition), currency_digits(definition.currency)
    brings = voice.money(scaled_decimal(int(worth * 10**cents), cents))
    who = "A friend" if friends == 1 else f"{friends} friends"
    cost = f"spend {voice.money(spent)}" if spent else f"spend nothing, as `{first.trigger}` is enough"
    verb, object_ = ("brings", "has to") if friends == 1 else ("bring", "have to")
    return LintWarning(
        "referral_worth_more",
        "/referral/advocate" if friends == 1 else "/referral/ladder",
        "`referral`",
        f"{who} {verb} both sides {brings} and {object_} {cost}: whoever invites themselves gains by it.",
        "Ask for a greater `minimum`, or give less.",
    )
