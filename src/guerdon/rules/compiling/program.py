"""Compiling a program: from a definition as loaded to what `step` decides by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from guerdon.base.exact import currency_digits
from guerdon.rules.challenges import Challenge
from guerdon.rules.compiling.boards import boards_of, ranked_metrics, team_audiences
from guerdon.rules.compiling.campaigns import campaign_of
from guerdon.rules.compiling.challenges import badge_campaigns, challenges_of, own_metrics, read_by
from guerdon.rules.compiling.compiler import Compiling, span_of
from guerdon.rules.compiling.draws import draw_campaigns, draw_of
from guerdon.rules.compiling.prizes import prize_campaigns
from guerdon.rules.compiling.quizzes import quiz_of
from guerdon.rules.compiling.rewards import reward_of
from guerdon.rules.compiling.standing import kept_metrics, ladder_of, metric_of, segments_in
from guerdon.rules.compiling.wallets import conversion_of, wallet_of
from guerdon.rules.definition import Definition, DefinitionError, Positions
from guerdon.rules.index import CampaignIndex
from guerdon.rules.orders import OrderSettings
from guerdon.rules.program import INDEXED_FROM, Program
from guerdon.rules.promotions import CHECKOUT, compile_promotions
from guerdon.rules.reads import asked_by, inputs_of, personal_of
from guerdon.rules.sections import section_environments, section_expressions
from guerdon.rules.segments import asked_for
from guerdon.rules.stepping import COMPLETED, PLAYING, TAKING


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
    return _compiled(Compiling(definition, positions), version)


def _compiled(work: Compiling, version: int) -> Program:
    definition = work.definition
    wallets = {key: wallet_of(work, key, one) for key, one in definition.wallets.items()}
    metrics = {key: metric_of(work, key, one) for key, one in definition.metrics.items()}
    metrics |= ranked_metrics(work, metrics)
    metrics.update(kept_metrics(definition, metrics))
    ladders = {key: ladder_of(work, key, one, metrics) for key, one in definition.ladders.items()}
    work.environments.update(section_environments(definition))
    metrics |= own_metrics(work, metrics)
    challenges = challenges_of(work, metrics)
    rewards = {key: reward_of(work, key, one) for key, one in definition.rewards.items()}
    segments = segments_in(work)
    campaigns = [campaign_of(work, key, one, wallets) for key, one in definition.campaigns.items()]
    campaigns += prize_campaigns(work, wallets)
    draws = {key: draw_of(work, key, one) for key, one in definition.draws.items()}
    campaigns += draw_campaigns(work, wallets, draws)
    campaigns += badge_campaigns(challenges)
    quizzes = {key: quiz_of(work, key, one) for key, one in definition.quizzes.items()}
    boards = boards_of(work, metrics)
    teams = team_audiences(work)
    schedules = {one.key: one.schedule for one in campaigns}
    promotions = compile_promotions(definition, schedules, (work.expression, work.fault))
    for text, seen_from, expects in section_expressions(definition):
        work.expression(text, seen_from, expects)
    if work.faults:
        raise DefinitionError(sorted(work.faults, key=lambda fault: (fault.line, fault.column)))
    campaigns.sort(key=lambda campaign: (-campaign.priority, campaign.key))
    by_trigger = _grouped(campaigns, lambda campaign: campaign.trigger)
    audiences = [one.audience for one in rewards.values() if one.audience is not None]
    of_carts = {CHECKOUT: asked_for(promotions.expressions, segments)}
    of_rewards = {TAKING: asked_for(audiences, segments)} if audiences else {}
    takers = [one.audience for one in quizzes.values() if one.audience is not None]
    takers += [one.audience for one in boards.values() if one.audience is not None]
    takers += teams.values()
    of_quizzes = {PLAYING: asked_for(takers, segments)} if takers else {}
    segments_of = {**asked_by(campaigns, segments), **of_carts, **of_rewards, **of_quizzes}
    of_challenges = read_by(challenges)
    if of_challenges:
        asked = {*segments_of.get(COMPLETED, ()), *asked_for(of_challenges, segments)}
        segments_of[COMPLETED] = tuple(sorted(asked, key=lambda one: one.key))
    return Program(
        key=definition.program,
        version=version,
        currency=definition.currency,
        digits=currency_digits(definition.currency),
        zone=work.zone,
        definition=definition,
        order_settings=order_settings(definition),
        spending_order=definition.spending.lots,
        given_back_lasts=span_of(definition.returns.given_back_lasts),
        checkout_ttl=span_of(definition.checkout.ttl),
        wallets=wallets,
        retired={
            key: conversion_of(work, key, one) for key, one in sorted(definition.retired.wallets.items())
        },
        scales=work.scales,
        metrics=metrics,
        ladders=ladders,
        rewards=rewards,
        quizzes=quizzes,
        draws=draws,
        challenges=challenges,
        challenges_by_event=_moved_by(challenges),
        boards=boards,
        team_audiences=teams,
        campaigns=tuple(campaigns),
        by_trigger=by_trigger,
        indexes={
            trigger: CampaignIndex(some)
            for trigger, some in by_trigger.items()
            if len(some) > INDEXED_FROM and trigger != CHECKOUT
        },
        metrics_by_event=_grouped(sorted(metrics.values(), key=lambda one: one.key), lambda one: one.event),
        promotions=promotions,
        segments=segments,
        segments_of=segments_of,
        inputs_of=inputs_of(campaigns, segments_of, definition, (audiences, of_challenges)),
        personal_of=personal_of(campaigns, segments_of, definition, (audiences, of_challenges)),
    )


def _moved_by(challenges: Mapping[str, Challenge]) -> dict[str, tuple[Challenge, ...]]:
    events = sorted({event for one in challenges.values() for event in one.events})
    return {
        event: tuple(one for _, one in sorted(challenges.items()) if event in one.events) for event in events
    }


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


def _grouped(items: Any, key: Callable[[Any], str]) -> dict[str, tuple[Any, ...]]:
    groups: dict[str, list[Any]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return {name: tuple(group) for name, group in groups.items()}
