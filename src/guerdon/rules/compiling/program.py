"""Compiling a program: from a definition as loaded to what `step` decides by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from guerdon.base.exact import currency_digits
from guerdon.rules.challenges import Challenge
from guerdon.rules.compiling.boards import boards_of, ranked_metrics, team_audiences
from guerdon.rules.compiling.campaigns import campaign_of
from guerdon.rules.compiling.challenges import badge_campaigns, challenges_of, own_metrics, read_by
from guerdon.rules.compiling.compiler import Compiling, span_of
from guerdon.rules.compiling.draws import draw_campaigns, draw_of
from guerdon.rules.compiling.prizes import prize_campaigns
from guerdon.rules.compiling.quizzes import exclusive_of, quiz_of
from guerdon.rules.compiling.rewards import reward_of
from guerdon.rules.compiling.standing import kept_metrics, ladder_of, metric_of, segments_in
from guerdon.rules.compiling.wallets import conversion_of, wallet_of
from guerdon.rules.definition import Definition, DefinitionError, Positions
from guerdon.rules.expressions import Expression
from guerdon.rules.index import CampaignIndex
from guerdon.rules.metrics import Metric
from guerdon.rules.orders import OrderSettings
from guerdon.rules.play.boards import Board
from guerdon.rules.play.draws import PrizeDraw
from guerdon.rules.play.quiz import Quiz
from guerdon.rules.program import INDEXED_FROM, Campaign, Exclusive, Program, Reward, Wallet
from guerdon.rules.promotions import CHECKOUT, Promotions, compile_promotions
from guerdon.rules.reads import asked_by, inputs_of, personal_of
from guerdon.rules.sections import section_environments, section_expressions
from guerdon.rules.segments import Segment, asked_for
from guerdon.rules.stepping import COMPLETED, PLAYING, TAKING
from guerdon.rules.tiers import Ladder


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


class _Parts(NamedTuple):
    """What a definition consists of, compiled part by part."""

    wallets: dict[str, Wallet]
    metrics: dict[str, Metric]
    ladders: dict[str, Ladder]
    challenges: dict[str, Challenge]
    rewards: dict[str, Reward]
    segments: dict[str, Segment]
    campaigns: list[Campaign]
    """In the order of evaluation."""
    draws: dict[str, PrizeDraw]
    quizzes: dict[str, Quiz]
    boards: dict[str, Board]
    teams: dict[str, Expression]
    content: dict[str, Exclusive]
    promotions: Promotions

    @property
    def takers(self) -> list[Expression]:
        """Who may play, of all that is played, and whom content is for."""
        played = [one.audience for one in self.quizzes.values()]
        played += [one.audience for one in self.boards.values()]
        played += [one.audience for one in self.content.values()]
        return [one for one in played if one is not None] + list(self.teams.values())

    @property
    def audiences(self) -> list[Expression]:
        """Whom rewards are for."""
        return [one.audience for one in self.rewards.values() if one.audience is not None]


def _parts_of(work: Compiling) -> _Parts:
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
    boards, teams = boards_of(work, metrics), team_audiences(work)
    content = {key: exclusive_of(work, key, one) for key, one in definition.content.items()}
    schedules = {one.key: one.schedule for one in campaigns}
    promotions = compile_promotions(definition, schedules, (work.expression, work.fault))
    for text, seen_from, expects in section_expressions(definition):
        work.expression(text, seen_from, expects)
    campaigns.sort(key=lambda campaign: (-campaign.priority, campaign.key))
    own = (wallets, metrics, ladders, challenges, rewards, segments, campaigns)
    return _Parts(*own, draws, quizzes, boards, teams, content, promotions)


def _asked_of(parts: _Parts) -> dict[str, tuple[Segment, ...]]:
    """List the segments that must be known, by what happens."""
    asked = {**asked_by(parts.campaigns, parts.segments)}
    asked[CHECKOUT] = asked_for(parts.promotions.expressions, parts.segments)
    for occasion, expressions in ((TAKING, parts.audiences), (PLAYING, parts.takers)):
        if expressions:
            asked[occasion] = asked_for(expressions, parts.segments)
    of_challenges = read_by(parts.challenges)
    if of_challenges:
        both = {*asked.get(COMPLETED, ()), *asked_for(of_challenges, parts.segments)}
        asked[COMPLETED] = tuple(sorted(both, key=lambda one: one.key))
    return asked


def _compiled(work: Compiling, version: int) -> Program:
    definition, parts = work.definition, _parts_of(work)
    if work.faults:
        raise DefinitionError(sorted(work.faults, key=lambda fault: (fault.line, fault.column)))
    campaigns, asked = parts.campaigns, _asked_of(parts)
    by_trigger = _grouped(campaigns, lambda campaign: campaign.trigger)
    read_beside = (parts.audiences, read_by(parts.challenges))
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
        wallets=parts.wallets,
        retired={
            key: conversion_of(work, key, one) for key, one in sorted(definition.retired.wallets.items())
        },
        scales=work.scales,
        metrics=parts.metrics,
        ladders=parts.ladders,
        rewards=parts.rewards,
        quizzes=parts.quizzes,
        draws=parts.draws,
        challenges=parts.challenges,
        challenges_by_event=_moved_by(parts.challenges),
        boards=parts.boards,
        team_audiences=parts.teams,
        content=parts.content,
        campaigns=tuple(campaigns),
        by_trigger=by_trigger,
        indexes={
            trigger: CampaignIndex(some)
            for trigger, some in by_trigger.items()
            if len(some) > INDEXED_FROM and trigger != CHECKOUT
        },
        metrics_by_event=_grouped(
            sorted(parts.metrics.values(), key=lambda one: one.key), lambda one: one.event
        ),
        promotions=parts.promotions,
        segments=parts.segments,
        segments_of=asked,
        inputs_of=inputs_of(campaigns, asked, definition, read_beside),
        personal_of=personal_of(campaigns, asked, definition, read_beside),
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
