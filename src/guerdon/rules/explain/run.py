"""A stored decision run again: the same code, without an index, from what the decision recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from guerdon.base.ids import Chance
from guerdon.rules.decision import Decision, Effect
from guerdon.rules.draft import Draft
from guerdon.rules.earning import run_campaigns
from guerdon.rules.events import Event
from guerdon.rules.explain.returned import Came
from guerdon.rules.explain.told import NOBODY, People, reached, told_scope, told_states
from guerdon.rules.own_events import declared_data
from guerdon.rules.program import Campaign, Program
from guerdon.rules.reaching.challenges import waiting_for
from guerdon.rules.reads import expressions_of
from guerdon.rules.scope import Scope
from guerdon.rules.stepping import COMPLETED, DEPTH, badge_data, exactly, tier_data
from guerdon.rules.tickets import known_lots

ACTED: Final = "acted"
OTHER_TRIGGER: Final = "other_trigger"
ERASED: Final = "erased"
"""It read personal values, which only the person's own record had, and that was erased."""
CHANGED: Final = "personal_value_changed"
"""It read personal values, and with those that the person has now it would act otherwise."""

_NO_CHANCE: Final = b"explained"


class Outcome(msgspec.Struct, frozen=True):
    """What became of one campaign, and why."""

    campaign: str
    outcome: str
    """`acted`, or the one reason why it did not."""
    detail: str = ""
    trigger: str = ""
    """What set it off: the event's own type, or that of a follow-on."""
    effects: tuple[Effect, ...] = ()
    """As stored."""
    scope: Any = None
    """What its expressions saw; None where they were not asked."""


class Explanation(msgspec.Struct, frozen=True):
    """Why an event was decided as it was."""

    program: Program
    event: Event
    decision: Decision
    """As stored."""
    outcomes: tuple[Outcome, ...]
    """One for each campaign, in the order of evaluation."""
    differences: tuple[str, ...]
    """Where running it again gives something else than what is stored; empty where it is the same."""
    came: tuple[Came, ...] = ()
    """What came back of the order, or the return itself."""


class Known(msgspec.Struct, frozen=True):
    """What is still known beside the decision."""

    people: People = NOBODY
    """Who has the personal values that expressions read."""
    is_whole: bool = True
    """False where personal or undeclared values of the event could not be opened."""


_NOBODY_NEEDED: Final = Known()


def explain(program: Program, event: Event, decision: Decision, known: Known = _NOBODY_NEEDED) -> Explanation:
    """Run a stored decision again and give one reason for every campaign.

    Args:
        program: the version that decided.
        event: the event as it was read.
        decision: as stored.
        known: what the decision refers to.

    Returns:
        The explanation; campaigns that read what was erased are taken as stored and say so.
    """
    unknown = {one.key: ERASED for one in program.campaigns if _reads_erased(program, one, decision, known)}
    best = _best(program, event, decision, (unknown, known.people))
    if best.differences and decision.personal:
        # The person may have another birthday by now: what hangs on it is taken as stored.
        changed = {one.key: CHANGED for one in program.campaigns if _reads_any(one, decision.personal)}
        again = _best(program, event, decision, ({**changed, **unknown}, known.people))
        best = again if not again.differences else best
    # A prize that waits for something else is no news about an order.
    moved = {one.campaign for one in decision.effects} | {one.campaign for one in decision.skipped}
    told = [
        one
        for one in program.campaigns
        if not one.is_prize or one.trigger == event.type or (one.trigger == COMPLETED and one.key in moved)
    ]
    acted = {one.campaign for one in decision.effects} | {one.campaign for one in decision.skipped}
    # What a ticket did not win is no news either.
    told = [one for one in told if one.wins is None or one.key in acted]
    outcomes = tuple(best.outcome(campaign) for campaign in told)
    return Explanation(program, event, decision, outcomes, tuple(best.differences))


def _best(program: Program, event: Event, decision: Decision, known: tuple[dict[str, str], People]) -> _Again:
    """Run a decision in each state in which it may have been made, until one gives what is stored."""
    best: _Again | None = None
    with exactly():
        for state in told_states(program, event, decision):
            again = _Again(Draft(program, state, event, _chance(decision)), decision, *known)
            again.run()
            if best is None or len(again.differences) < len(best.differences):
                best = again
            if not best.differences:
                break
    assert best is not None, "there is always a first state"
    return best


class _Again:
    """One running of a decision."""

    def __init__(self, draft: Draft, decision: Decision, unknown: dict[str, str], people: People) -> None:
        self.program = draft.program
        self.draft = draft
        self.decision = decision
        self.unknown = unknown
        """Campaigns that cannot be run again, and why."""
        self.people = people
        self.differences: list[str] = []
        self._scopes: dict[str, Scope] = {}
        self._reasons: dict[str, tuple[str, str]] = {}

    def run(self) -> None:
        """Decide once more, and compare."""
        event = self.draft.event
        if event.command is not None:
            return
        self._take_promised()
        self._occasion(event.type, event.data, set())
        self._follow_on()
        self.differences = list(self._compare())

    def _take_promised(self) -> None:
        """As the step does it: discounts as promised; what paid, and what the cart took, as stored."""
        taken = self.draft.event.captured
        if taken is None:
            return
        self.draft.effects += [
            Effect(one.campaign, "discount", amount=one.amount, reward=one.reward, code=one.code)
            for one in taken.discounts
        ]
        self.draft.effects += [
            one for one in self.decision.effects if not one.campaign and one.kind != "discount"
        ]

    def _occasion(self, trigger: str, data: Mapping[str, Any], acted: set[str]) -> frozenset[str]:
        waiting = waiting_for(self.program, trigger, data, acted)
        campaigns = [one for one in waiting if one.key not in self.unknown]
        scope = self._scope(trigger, data)
        before = len(self.draft.skipped)
        # Carrying out a redeeming changes what is seen of wallets, so each trigger has a scope of its own.
        shown = self._scope(trigger, data)
        done = run_campaigns(self.draft, scope, campaigns)
        for skip in self.draft.skipped[before:]:
            self._reasons[skip.campaign] = (skip.reason, skip.detail)
        for one in campaigns:
            if one.key in done or one.key not in self._scopes:
                self._scopes[one.key] = shown
        return done

    def _scope(self, trigger: str, data: Mapping[str, Any]) -> Scope:
        return told_scope(self.program, self.draft.event, (trigger, data), self.decision, self.people)

    def _follow_on(self) -> None:
        """As the step does it: what tiers and badges set off, each campaign once."""
        acted: set[str] = set()
        up = reached(self.program, self.decision)
        for ladder, tier in up:
            held = self.draft.tiers[ladder]
            self.draft.tiers[ladder] = msgspec.structs.replace(held, level=tier)
        occasions: list[tuple[str, dict[str, Any]]] = [
            ("tier.reached", tier_data(ladder, tier)) for ladder, tier in up
        ]
        occasions += [
            (COMPLETED, {"challenge": one.challenge, "round": one.round}) for one in self.decision.reached
        ]
        told = 0
        for _ in range(DEPTH):
            occasions += [("badge.earned", badge_data(one)) for one in self.draft.new_badges[told:]]
            told = len(self.draft.new_badges)
            for trigger, data in occasions:
                acted |= self._occasion(trigger, data, acted)
            occasions = []

    def _compare(self) -> Iterator[str]:
        acted = {one.campaign for one in self.decision.effects}
        # What shares a rounding with a campaign that cannot be run again can be no more than named.
        blurred = {one.wallet for one in self.decision.effects if one.campaign in self.unknown}
        yield from _compared(
            *(
                [
                    one
                    for one in effects
                    if one.campaign not in self.unknown and one.wallet not in blurred - {""}
                ]
                for effects in (self.draft.effects, self.decision.effects)
            )
        )
        for skip in self.decision.skipped:
            found = self._reasons.get(skip.campaign)
            if found is not None and skip.campaign not in acted and found[0] != skip.reason:
                yield f"{skip.campaign} was skipped for {skip.reason}, and again for {found[0]}"

    def outcome(self, campaign: Campaign) -> Outcome:
        """Give a campaign's outcome."""
        key, scope = campaign.key, self._scopes.get(campaign.key)
        effects = tuple(one for one in self.decision.effects if one.campaign == key)
        stored = next((one for one in self.decision.skipped if one.campaign == key), None)
        if effects:
            return Outcome(key, ACTED, trigger=campaign.trigger, effects=effects, scope=scope)
        if stored is not None:
            return Outcome(key, stored.reason, stored.detail, campaign.trigger, scope=scope)
        if key in self.unknown and self._is_about(campaign):
            return Outcome(key, self.unknown[key], "it did not act", campaign.trigger)
        if key in self._reasons:
            return Outcome(key, *self._reasons[key], campaign.trigger, scope=scope)
        return Outcome(key, OTHER_TRIGGER, f"it waits for {campaign.trigger}", campaign.trigger)

    def _is_about(self, campaign: Campaign) -> bool:
        return campaign.trigger == self.draft.event.type


def _chance(decision: Decision) -> Chance:
    """Let lots be those that were drawn: the seed is known to nobody before the draw is over."""
    lots = known_lots(decision.effects)
    return Chance(_NO_CHANCE, lambda draw, _: lots.get(draw.partition("/")[2], 0))


def _compared(again: Iterable[Effect], stored: Iterable[Effect]) -> Iterator[str]:
    waiting = list(map(_essence, stored))
    for effect in map(_essence, again):
        if effect in waiting:
            waiting.remove(effect)
        else:
            yield f"running it again gives {_named(effect)}, which is not stored"
    for effect in waiting:
        yield f"{_named(effect)} is stored, and running it again does not give it"


def _essence(effect: Effect) -> Effect:
    """Leave out what chance gave."""
    return msgspec.structs.replace(effect, redemption_id=None, code="")


def _named(effect: Effect) -> str:
    amount = str(effect.amount) if effect.kind in ("award", "discount", "pay") else ""
    what = " ".join(filter(None, (effect.kind, amount, effect.reward or effect.badge or effect.wallet)))
    return f"{what} by {effect.campaign}" if effect.campaign else what


def _reads_any(campaign: Campaign, paths: Iterable[str]) -> bool:
    read = {path for expression in expressions_of(campaign) for path in expression.reads}
    return not read.isdisjoint(paths)


def _reads_erased(program: Program, campaign: Campaign, decision: Decision, known: Known) -> bool:
    """Tell whether a campaign read what is there no more, of the person or of what the event said of them."""
    if _reads_any(campaign, (path for path in decision.personal if known.people.at(path) is None)):
        return True
    if known.is_whole:
        return False
    declared = declared_data(program.definition, campaign.trigger)
    sealed = {name for name, one in declared.items() if one.personal}
    for expression in expressions_of(campaign):
        for path in expression.reads:
            root, *names = path.split(".")
            if root == "event" and sealed.intersection(names):
                return True
            if root in ("order", "cart") and "attributes" in names:
                return True
    return False
