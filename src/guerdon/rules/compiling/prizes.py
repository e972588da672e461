"""Prizes as campaigns: what a quiz, a challenge or a referral brings is given as all else is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from guerdon.rules import definition as written
from guerdon.rules.challenges import CHALLENGE
from guerdon.rules.compiling.campaigns import Place, campaign_of
from guerdon.rules.compiling.compiler import Compiling
from guerdon.rules.compiling.taking import has_line
from guerdon.rules.definition import Definition, ExpressionText, Limits, rank_bounds
from guerdon.rules.own_events import (
    BOARD_CLOSED,
    REFERRAL_COMPLETED,
    REFERRAL_JOINED,
    SEAT_FREED,
    TEAM_REACHED,
)
from guerdon.rules.parts import Campaign, Wallet
from guerdon.rules.referrals.keys import FRIEND, REFERRAL, is_offered, least_of
from guerdon.rules.seating import PRIZE as SEAT
from guerdon.rules.stepping import COMPLETED

BOARD: Final = "leaderboard"
"""The kind of prizes for ranks."""
TEAM_GOAL: Final = "team_challenge"
"""The kind of prizes for what teams reach together."""
QUIZ: Final = "quiz"
"""The kind of prizes of quizzes, and how the campaigns' keys begin."""
_WHEN: Final = "/referral/advocate/when"
_LEAST: Final = "/referral/minimum"


class Prize(NamedTuple):
    """A prize and what it is for."""

    kind: str
    """What brings it, such as `quiz`."""
    key: str
    """The key of that in its section."""
    trigger: str
    """The event with which it comes."""
    when: str
    """Which of these events bring it, in CEL; keys of definitions hold no quotes."""
    limits: Limits
    then: tuple[written.Effect, ...]
    at: str
    """Where its effects stand in the document."""
    notes: bool = False
    """Whether its coming is noted where it gives nothing."""
    least: str = ""
    """What must hold besides, in CEL; empty for nothing."""
    after: str = ""
    """The prize that must have come before, or empty."""

    @property
    def campaign(self) -> str:
        """The key of its campaign, which no document can say, as names hold no colon."""
        return f"{self.kind}:{self.key}"


def prizes_in(definition: Definition) -> Iterator[Prize]:
    """List what a definition promises beside its campaigns.

    A new kind of prize (a challenge's, a referral's) needs a line here, which names the event that the engine
    makes when the prize is due, and its data in `rules.own_events`. Awards, badges, grants, limits, budgets,
    explanations, backtests and audits then know it, for it is a campaign like any other.

    Args:
        definition: as loaded and checked.

    Yields:
        The prizes, section by section.
    """
    for key, quiz in definition.quizzes.items():
        when = f"event.data.quiz == '{key}' && event.data.passed"
        yield Prize(QUIZ, key, "quiz.finished", when, quiz.limits, quiz.prize, f"/quizzes/{key}/prize")
    for key, one in definition.challenges.items():
        if one.team is None:
            when = f"event.data.challenge == '{key}'"
            yield Prize(CHALLENGE, key, COMPLETED, when, one.limits, one.prize, f"/challenges/{key}/prize")
    yield from _of_referral(definition)
    yield from _of_boards(definition)
    for key, reward in definition.rewards.items():
        if has_line(reward):
            when, at = f"event.data.reward == '{key}'", f"/rewards/{key}/seats"
            taken = (written.Redeem.model_construct(reward=key, while_=None),)
            yield Prize(SEAT, key, SEAT_FREED, when, Limits(), taken, at)


def _of_referral(definition: Definition) -> Iterator[Prize]:
    """List what an invitation brings: to the friend, and to who invited, with the friend's event between."""
    one, once, kind = definition.referral, Limits.model_validate({"per_account": 1}), REFERRAL
    if not is_offered(definition):
        return
    friend, advocate = "/referral/friend", one.advocate
    yield Prize(kind, "friend", REFERRAL_JOINED, "true", once, one.friend, friend, notes=True)
    if advocate is None and not one.ladder:
        return
    first = advocate.first if advocate is not None else "order.paid"
    when = advocate.when if advocate is not None and advocate.when is not None else "true"
    least = least_of(one)
    yield Prize(kind, "first", first, when, once, (), _WHEN, notes=True, least=least, after=FRIEND)
    if advocate is not None:
        at, then = "/referral/advocate/then", advocate.then
        yield Prize(kind, "advocate", REFERRAL_COMPLETED, "true", advocate.limits, then, at)
    for place, rung in enumerate(one.ladder):
        reached, at = f"event.data.friends >= {rung.from_}", f"/referral/ladder/{place}/then"
        yield Prize(kind, f"from_{rung.from_}", REFERRAL_COMPLETED, reached, once, rung.then, at)


def _of_boards(definition: Definition) -> Iterator[Prize]:
    for key, board in definition.leaderboards.items():
        for place, one in enumerate(board.prizes):
            first, last = rank_bounds(one.rank)
            data = "event.data"
            when = f"{data}.leaderboard == '{key}' && {data}.rank >= {first} && {data}.rank <= {last}"
            at = f"/leaderboards/{key}/prizes/{place}/prize"
            yield Prize(BOARD, f"{key}:{one.rank}", BOARD_CLOSED, when, Limits(), one.prize, at)
    for key, goal in definition.challenges.items():
        if goal.team is not None:
            when, at = f"event.data.challenge == '{key}'", f"/challenges/{key}/prize"
            if goal.audience is not None:
                when = f"{when} && ({goal.audience})"
            yield Prize(TEAM_GOAL, key, TEAM_REACHED, when, goal.limits, goal.prize, at)


def prize_campaigns(work: Compiling, wallets: Mapping[str, Wallet]) -> list[Campaign]:
    """Compile all prizes of a definition.

    Args:
        work: the compilation; it takes the faults, each where the prize stands in the document.
        wallets: the compiled wallets.

    Returns:
        A campaign for each prize.
    """
    made = []
    for prize in prizes_in(work.definition):
        one = written.Campaign.model_construct(
            trigger=prize.trigger,
            when=prize.when
            if isinstance(prize.when, ExpressionText)
            else ExpressionText(prize.when, prize.at),
            audience=ExpressionText(prize.least, _LEAST) if prize.least else None,
            limits=prize.limits,
            then=prize.then,
        )
        place = Place(prize.at.rpartition("/")[0], prize.at)
        campaign = campaign_of(work, prize.campaign, one, wallets, place)
        after = f"campaign/{prize.after}/account/ever" if prize.after else ""
        made.append(msgspec.structs.replace(campaign, notes=prize.notes, after=after))
    return made
