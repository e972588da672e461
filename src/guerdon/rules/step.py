"""The one pure step: program, state, event and chance give the next state and the decision."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.exact import plain_text
from guerdon.base.ids import Chance
from guerdon.rules import spending
from guerdon.rules.capturing import capture, take_capture
from guerdon.rules.cards.loading import (
    claim_card,
    empty_card,
    load_card,
    refund_card,
    replace_card,
    take_place,
)
from guerdon.rules.cards.paying import pay_with_card
from guerdon.rules.choosing import choose
from guerdon.rules.counting import count_of
from guerdon.rules.decision import Decision, Reached, Skip, TierChange
from guerdon.rules.draft import Draft
from guerdon.rules.earning import run_campaigns
from guerdon.rules.events import (
    Adjust,
    CancelRedemption,
    Choose,
    ClaimCard,
    EmptyCard,
    EndTier,
    Event,
    GiveTier,
    JoinChallenge,
    LeaveChallenge,
    LeaveFor,
    LoadCard,
    PayWithCard,
    ReceiveUnits,
    Redeem,
    RefundCard,
    ReplaceCard,
    ReturnOrder,
    SendUnits,
    TakeCapture,
    TakeIn,
    TakePlace,
    Tick,
)
from guerdon.rules.losses import without_loss
from guerdon.rules.merging.moving import leave_for, take_in
from guerdon.rules.metrics import DIFFERENT_AT_MOST, Metric, Tally
from guerdon.rules.noting import note_inputs
from guerdon.rules.owing import repay
from guerdon.rules.own_events import TIER_LOST
from guerdon.rules.program import Program
from guerdon.rules.reaching.challenges import advance, begin, waiting_for
from guerdon.rules.reaching.joining import join, leave
from guerdon.rules.reaching.tiers import end_tier, give_tier
from guerdon.rules.scope import Scope
from guerdon.rules.segments import see_segments
from guerdon.rules.state import State
from guerdon.rules.stepping import COMPLETED, DEPTH, FOLLOW_ONS, badge_data, exactly, tier_data
from guerdon.rules.undo import undo

_TOO_MANY = f"a metric tells at most {DIFFERENT_AT_MOST} different values apart, and this one is one more"

__all__ = ["DEPTH", "FOLLOW_ONS", "exactly", "step"]


def step(program: Program, state: State, event: Event, chance: Chance) -> tuple[State, Decision]:
    """Decide one event.

    Args:
        program: the compiled definition that decides.
        state: the account, who acts, and the shared counters, as gathered (`rules.needs`).
        event: a fact or a command.
        chance: seeded randomness; the same seed gives the same codes.

    Returns:
        The state after it and the decision. A refusal has a `problem_code`, and leaves the state as it was.
    """
    draft = Draft(program, state, event, chance)
    try:
        if event.frees:
            draft.let_go_of(event.frees)
        draft.settle()
        if event.command is None:
            _decide_fact(draft)
        else:
            _COMMANDS[type(event.command)](draft, event.command)
    except Problem as problem:
        refusal = Decision(
            version=program.version,
            late=draft.late,
            problem_code=problem.code,
            problem_pointer=problem.faults[0].pointer if problem.faults else "",
            problem_detail=problem.detail,
        )
        return state, refusal
    repay(draft)
    return draft.state(), draft.decision()


def _decide_fact(draft: Draft) -> None:
    event = draft.event
    if event.capture is not None:
        capture(draft, event.capture)
    if event.type == TIER_LOST:
        draft.tiers = dict(without_loss(draft.tiers, event))
    # Made before tiers move: an event is decided with the tiers held before it.
    _set_off(draft, draft.scope(event.type))


def _take_back(draft: Draft, command: ReturnOrder) -> None:
    """Undo what goes with what came back; then the return itself counts, and sets off, as any event does."""
    program, kind = draft.program, draft.event.type
    is_told = kind in program.by_trigger or kind in program.metrics_by_event
    # Made before tiers move: campaigns see those held before the return.
    standing = draft.scope(kind).account if is_told else None
    part = undo(draft, command)
    if standing is not None and draft.before.account.account_id:
        draft.event = msgspec.structs.replace(draft.event, order=part.came)
        scope = draft.scope(kind)
        scope.account = standing
        _set_off(draft, scope)


def _set_off(draft: Draft, scope: Scope) -> None:
    program, event = draft.program, draft.event
    begin(draft)
    counted = _count_metrics(draft, scope)
    if counted:
        scope.metrics = draft.metric_values()
    see_segments(program.segments_of, scope, event.type)
    note_inputs(draft, scope, event.type)
    index = program.indexes.get(event.type)
    campaigns = program.by_trigger.get(event.type, ()) if index is None else index.candidates(scope)
    run_campaigns(draft, scope, campaigns)
    moved = program.challenges_by_event.get(event.type, ()) if counted else ()
    _follow_on(draft, _raise_tiers(draft, counted) if counted else [], advance(draft, moved))


def _count_metrics(draft: Draft, scope: Scope) -> set[str]:
    counted: set[str] = set()
    for metric in draft.program.metrics_by_event.get(draft.event.type, ()):
        count = count_of(metric, scope, draft.day)
        if count.refusal:
            draft.skipped.append(Skip(f"metric:{metric.key}", count.refusal, count.detail))
        elif count.tally is not None:
            if not draft.count(metric, count.tally):
                draft.skipped.append(Skip(f"metric:{metric.key}", "too_many_values", _TOO_MANY))
            counted.add(metric.key)
            if metric.reads_people:
                _record(draft, metric, count.tally)
    return counted


def _record(draft: Draft, metric: Metric, tally: Tally) -> None:
    if metric.fold == "sum":
        draft.counted[metric.key] = Decimal(plain_text(tally.value))
    else:
        draft.kept[metric.key] = tally.keys


def _raise_tiers(draft: Draft, counted: set[str]) -> list[TierChange]:
    changes: list[TierChange] = []
    for key, ladder in draft.program.ladders.items():
        if any(metric.key in counted for metric in ladder.metrics):
            changes += draft.retier(key, "reached")
    return changes


def _follow_on(draft: Draft, changes: list[TierChange], reached: list[Reached]) -> None:
    """Run what tiers, badges and challenges set off, each campaign once an event and to a fixed depth.

    A campaign that a first occasion leaves cold may still act on the next one; its skip is kept only if none
    moves it. A tier that a changed definition or a review gave is no occasion. The prize of a challenge comes
    as often as it was reached.
    """
    program = draft.program
    if not any(trigger in program.by_trigger for trigger in FOLLOW_ONS):
        return
    skipped, draft.skipped = draft.skipped, []
    acted: set[str] = set()
    occasions: list[tuple[str, dict[str, Any]]] = [
        ("tier.reached", tier_data(change.ladder, change.after, change.cause))
        for change in changes
        if _is_upward(program, change)
    ]
    occasions += [(COMPLETED, {"challenge": one.challenge, "round": one.round}) for one in reached]
    told = 0
    for _ in range(DEPTH):
        occasions += [("badge.earned", badge_data(badge)) for badge in draft.new_badges[told:]]
        told = len(draft.new_badges)
        for event_type, data in occasions:
            campaigns = waiting_for(program, event_type, data, acted)
            scope = draft.scope(event_type, data)
            see_segments(program.segments_of, scope, event_type)
            note_inputs(draft, scope, event_type)
            acted |= run_campaigns(draft, scope, campaigns)
        occasions = []
    cold = {skip.campaign: skip for skip in draft.skipped if skip.campaign not in acted}
    draft.skipped = [*skipped, *cold.values()]


def _is_upward(program: Program, change: TierChange) -> bool:
    ladder = program.ladders[change.ladder]
    return ladder.level_of(change.after) > ladder.level_of(change.before)


def _join(draft: Draft, command: JoinChallenge) -> None:
    """Take part; what was done before counts where the challenge looks back, and may be enough."""
    join(draft, command)
    _follow_on(draft, [], advance(draft, (draft.program.challenges[command.challenge],)))


def _give_tier(draft: Draft, command: GiveTier) -> None:
    """Give a tier, which sets off what reaching it does."""
    _follow_on(draft, list(give_tier(draft, command)), [])


def _end_tier(draft: Draft, command: EndTier) -> None:
    end_tier(draft, command)


def _book_time(draft: Draft, _command: Tick) -> None:
    """Settling has done all that a tick is for."""


_COMMANDS: dict[type, Callable[[Draft, Any], None]] = {
    Redeem: spending.redeem,
    CancelRedemption: spending.cancel,
    Choose: choose,
    Adjust: spending.adjust,
    GiveTier: _give_tier,
    EndTier: _end_tier,
    SendUnits: spending.send,
    ReceiveUnits: spending.receive,
    LeaveFor: leave_for,
    TakeIn: take_in,
    Tick: _book_time,
    TakeCapture: take_capture,
    LoadCard: load_card,
    PayWithCard: pay_with_card,
    RefundCard: refund_card,
    EmptyCard: empty_card,
    ClaimCard: claim_card,
    ReplaceCard: replace_card,
    TakePlace: take_place,
    ReturnOrder: _take_back,
    JoinChallenge: _join,
    LeaveChallenge: leave,
}
