"""Challenges that a return takes back: what an order reached and does not reach without what came back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from guerdon.base.exact import round_ratio
from guerdon.rules.challenges.challenge import BADGE, CHALLENGE, Challenge
from guerdon.rules.challenges.values import is_met
from guerdon.rules.decision import Effect, Reached, Undone
from guerdon.rules.draft import Draft
from guerdon.rules.events import PaidOrder
from guerdon.rules.reaching.challenges import NOTHING, Standing, put
from guerdon.rules.state import Progress
from guerdon.rules.undo.lines import Part
from guerdon.rules.undo.policies import policy_of

_NONE: Final = Fraction(0)


class Prizes(msgspec.Struct, frozen=True):
    """What became of the prizes that an order had reached, by the campaigns that gave them."""

    reached: Mapping[str, int] = {}
    """How many the order reached."""
    before: Mapping[str, int] = {}
    """How many of them earlier returns undid."""
    now: Mapping[str, int] = {}
    """How many this return undoes."""
    given: Mapping[str, int] = {}
    """For how many of them something was given: a limit may have kept the last ones away."""
    undone: tuple[Undone, ...] = ()

    def gone(self, campaign: str) -> int:
        """Count what does not stand any more.

        Args:
            campaign: that gave them.

        Returns:
            How many.
        """
        return self.before.get(campaign, 0) + self.now.get(campaign, 0)

    @property
    def fallen(self) -> frozenset[str]:
        """The campaigns of which no prize of the order stands any more."""
        return frozenset(key for key, count in self.reached.items() if self.gone(key) == count)

    def taken(self, campaign: str) -> tuple[int, int]:
        """Count what is taken back of what was given: what nothing was given for falls first.

        Args:
            campaign: that gave them.

        Returns:
            For how many earlier returns did, and for how many it is done with this one.
        """
        empty = self.reached.get(campaign, 0) - self.given.get(campaign, 0)
        was, now = self.before.get(campaign, 0), self.gone(campaign)
        return max(was - empty, 0), max(now - empty, 0)

    def shares(self, campaign: str, amounts: Sequence[int], most: int) -> tuple[int, int]:
        """Divide what prizes of a campaign brought: each is undone wholly or not at all, the last one first.

        Args:
            campaign: that gave them.
            amounts: what it gave for the order, one after the other.
            most: how much of it there is to divide.

        Returns:
            How much earlier returns undid of it, and how much is undone with this one.
        """
        amount, of = min(sum(amounts), most), max(self.given.get(campaign, 1), 1)
        was, now = self.taken(campaign)
        if amount < sum(amounts) or len(amounts) % of:
            return round_ratio(amount * was, of, "half_up"), round_ratio(amount * now, of, "half_up")
        each = len(amounts) // of
        return sum(amounts[(of - was) * each :]), sum(amounts[(of - now) * each :])


NO_PRIZES: Final = Prizes()


def is_prize_of_challenge(campaign: str) -> bool:
    """Tell the campaigns that are prizes of challenges and levels of badges.

    Args:
        campaign: a key.

    Returns:
        True for these.
    """
    return campaign.partition(":")[0] in (CHALLENGE, BADGE)


def undo_challenges(draft: Draft, paid: PaidOrder, part: Part) -> Prizes:
    """Take back what an order reached in challenges, as their words on returns say.

    A prize stands as long as the goal is reached without what came back; when all has come back it falls,
    and can be reached again.

    Args:
        draft: the decision about the return, its metrics counted again.
        paid: the order.
        part: what comes back.

    Returns:
        What fell.
    """
    if paid.is_guests or not draft.before.account.account_id:
        return NO_PRIZES
    reached: dict[str, list[Reached]] = {}
    for one in paid.decision.reached:
        reached.setdefault(paid.program.prize_of(one.challenge), []).append(one)
    undone_before = [
        one.campaign for earlier in paid.earlier for one in earlier.undone if one.kind == CHALLENGE
    ]
    before = {key: undone_before.count(key) for key in reached}
    now: dict[str, int] = {}
    for campaign, rounds in reached.items():
        standing = rounds[: len(rounds) - before[campaign]]
        now[campaign] = _fall(draft, paid, part, (campaign, standing))
    _open_steps(draft, paid)
    undone = tuple(Undone(CHALLENGE, campaign) for campaign, count in now.items() for _ in range(count))
    counts = {key: len(some) for key, some in reached.items()}
    given = {key: min(count, _times_given(paid, key)) for key, count in counts.items()}
    return Prizes(counts, before, now, given, undone)


def _times_given(paid: PaidOrder, campaign: str) -> int:
    """Count how often a campaign gave what it gives, by what it gave most often."""
    acted = Counter(_thing(one) for one in paid.decision.effects if one.campaign == campaign)
    found = next((one for one in paid.program.campaigns if one.key == campaign), None)
    once = Counter[tuple[str, str]]()
    if found is not None:
        once.update(("award", one.wallet) for one in found.awards)
        once.update(("grant", one) for one in found.grants)
    return max((-(-count // max(once[thing], 1)) for thing, count in acted.items()), default=0)


def _thing(effect: Effect) -> tuple[str, str]:
    return effect.kind, effect.wallet or effect.reward or effect.badge


def _fall(draft: Draft, paid: PaidOrder, part: Part, of: tuple[str, list[Reached]]) -> int:
    campaign, rounds = of
    policy = policy_of(paid, campaign)
    if policy == "keep" or not rounds or (policy == "full_only" and not part.is_last):
        return 0
    key = rounds[0].challenge
    challenge = draft.program.challenges.get(key)
    count = len(rounds) if part.is_last else _unmet(draft, paid, challenge, rounds)
    for one in reversed(rounds[len(rounds) - count :]):
        progress = draft.challenges.get(key, NOTHING)
        put(draft, key, _without_round(progress, one, challenge), "undone", (one.round, None))
    return count


def _unmet(draft: Draft, paid: PaidOrder, challenge: Challenge | None, rounds: list[Reached]) -> int:
    """Count the prizes that the account would not have reached without what came back."""
    if challenge is None:
        return 0
    standing = _standing_on(draft, paid, challenge)
    progress = draft.challenges.get(challenge.key, NOTHING)
    if challenge.every is not None:
        due = standing.due(challenge.every)
        excess = progress.rounds.get(rounds[0].window, 0) - due.rounds
        return max(0, min(len(rounds), excess))
    if challenge.repeatable and progress.past:
        return 0 if _stood(standing, progress) else len(rounds)
    return 0 if all(_is_reached(standing, place) for place in range(len(challenge.steps))) else len(rounds)


def _is_reached(standing: Standing, place: int) -> bool:
    return is_met(standing.value(place), standing.goal(place))


def _stood(standing: Standing, progress: Progress) -> bool:
    """Tell whether the round before this one is still reached: what began anew tells what it had counted."""
    earlier = progress.past[-1]
    for place, step in enumerate(standing.challenge.steps):
        began = progress.steps[place]
        was = earlier[place].before if place < len(earlier) else None
        if step.metric.fold == "sum" and began.before is not None and step.metric.window.is_endless:
            value = began.before.total - (was.total if was is not None else Decimal(0))
            if not is_met(value, standing.goal(place)):
                return False
    return True


def _without_round(progress: Progress, one: Reached, challenge: Challenge | None) -> Progress:
    left = progress.rounds.get(one.window, 0) - 1
    rounds = {key: count for key, count in progress.rounds.items() if key != one.window}
    if left > 0:
        rounds[one.window] = left
    reached_at = progress.reached_at if rounds else None
    progress = msgspec.structs.replace(progress, rounds=rounds, reached_at=reached_at)
    if challenge is not None and challenge.repeatable and progress.past:
        return msgspec.structs.replace(progress, steps=progress.past[-1], past=progress.past[:-1])
    return progress


def _open_steps(draft: Draft, paid: PaidOrder) -> None:
    """Let steps be open again that an account would not have done without what came back."""
    for challenge in draft.program.challenges_by_event.get(paid.event.type, ()):
        progress = draft.challenges.get(challenge.key, NOTHING)
        is_through = bool(progress.times) and not challenge.repeatable
        if len(challenge.steps) < 2 or not progress.steps or is_through:
            continue
        if policy_of(paid, challenge.campaign) == "keep":
            continue
        missed = [*_missed(_standing_on(draft, paid, challenge), paid.event.type)]
        if missed:
            first = missed[0] if challenge.in_order else len(progress.steps)
            steps = tuple(
                msgspec.structs.replace(one, done_at=None) if place in missed or place > first else one
                for place, one in enumerate(progress.steps)
            )
            if challenge.in_order:
                steps = steps[: first + 1] + tuple(
                    msgspec.structs.replace(one, metric="", before=None) for one in steps[first + 1 :]
                )
            put(draft, challenge.key, msgspec.structs.replace(progress, steps=steps), "undone")


def _missed(standing: Standing, event_type: str) -> Iterator[int]:
    for place, begun in enumerate(standing.progress.steps):
        is_about = standing.challenge.steps[place].metric.event == event_type
        if begun.done_at is not None and is_about and not _is_reached(standing, place):
            yield place


def _standing_on(draft: Draft, paid: PaidOrder, challenge: Challenge) -> Standing:
    """Look at a challenge from the order's day on: what happened since counts as well."""
    return Standing(draft, challenge, draft.program.zone.day_of(paid.event.occurred_at))
