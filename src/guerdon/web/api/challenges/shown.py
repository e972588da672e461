"""Challenges and badges as they are shown, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from guerdon.base.exact import plain_text
from guerdon.engine.looking.challenges import SeenBadge, SeenChallenge, SeenStep
from guerdon.rules import definition as written
from guerdon.rules.definition import Definition, Text
from guerdon.rules.program import Program
from guerdon.web.api.challenges.shapes import (
    ChallengeHistory,
    ChallengeShape,
    LevelShape,
    MemberBadge,
    NotedShape,
    StepShape,
)
from guerdon.web.languages.saying import LANGUAGES, Saying


def name_of(program: Program, text: Text | None, key: str, language: str) -> str:
    """Name a thing for a reader.

    Args:
        program: for its languages.
        text: as written, or None.
        key: of the thing, where it has no name.
        language: the reader's; empty for the program's first.

    Returns:
        The name.
    """
    if text is None:
        return key.replace("_", " ")
    return text.in_language(language, program.definition.languages)


def prize_words(program: Program, prize: Iterable[written.Effect], language: str) -> list[str]:
    """Say what a challenge brings.

    Args:
        program: the live version, for the names of things.
        prize: its effects.
        language: the reader's.

    Returns:
        A few words for each effect: units, rewards, badges.
    """
    definition, base = program.definition, language.partition("-")[0]
    say = Saying(base if base in LANGUAGES else "en")
    told = []
    for one in prize:
        if isinstance(one, written.Award):
            wallet = definition.wallets.get(one.wallet)
            unit = name_of(program, wallet.unit if wallet is not None else None, one.wallet, language)
            amount = str(one.amount).strip()
            told.append(f"{say.number(amount)} {unit}" if amount.replace(".", "", 1).isdigit() else unit)
        elif isinstance(one, written.Grant | written.Redeem):
            told.append(name_of(program, _reward(definition, one.reward), one.reward, language))
        elif isinstance(one, written.Badge):
            badge = definition.badges.get(one.badge)
            told.append(name_of(program, badge.name if badge is not None else None, one.badge, language))
    return told


def _reward(definition: Definition, key: str) -> Text | None:
    reward = definition.rewards.get(key)
    return reward.name if reward is not None else None


def show_challenge(program: Program, one: SeenChallenge, language: str) -> ChallengeShape:
    """Show a challenge.

    Args:
        program: the live version.
        one: as the member sees it.
        language: the reader's.

    Returns:
        What the API answers.
    """
    said = one.written
    return ChallengeShape(
        key=one.key,
        name=name_of(program, said.name, one.key, language),
        description=_said(program, said.description, language),
        icon=said.icon,
        state=one.state,
        value=plain_text(one.value),
        goal=_number(one.goal),
        progress=one.per_mille,
        times=one.times,
        repeats=said.repeatable or said.every is not None,
        opt_in=said.opt_in,
        joined_at=one.joined_at,
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        reached_at=one.reached_at,
        steps=[_step(program, step, language) for step in one.steps],
        prize=prize_words(program, said.prize, language),
    )


def _step(program: Program, one: SeenStep, language: str) -> StepShape:
    step = one.written
    key = "" if step is None else step.metric or step.event or step.quiz or step.survey or ""
    name: Any = step.name if step is not None else None
    if step is not None and name is None and step.quiz is not None:
        name = program.definition.quizzes[step.quiz].name
    shown = name_of(program, name, key.replace(".", " "), language)
    return StepShape(name=shown, value=plain_text(one.value), goal=_number(one.goal), done_at=one.done_at)


def show_history(one: SeenChallenge) -> ChallengeHistory:
    """Show what happened to a member in a challenge.

    Args:
        one: as the member sees it.

    Returns:
        What the API answers.
    """
    data = [
        NotedShape(at=each.at, what=each.what, round=each.round or None, value=_number(each.value))
        for each in one.history
    ]
    return ChallengeHistory(data=data, next=None)


def show_badge(program: Program, one: SeenBadge, language: str) -> MemberBadge:
    """Show a badge.

    Args:
        program: the live version.
        one: as the member sees it.
        language: the reader's.

    Returns:
        What the API answers.
    """
    said = one.written
    name = name_of(program, said.name, one.key, language)
    levels = [
        LevelShape(
            name=name_of(program, level.written.name, f"{name} {number}", language),
            icon=level.written.icon or said.icon,
            at=plain_text(level.written.from_),
            earned_at=level.earned_at,
        )
        for number, level in enumerate(one.levels, 1)
    ]
    return MemberBadge(
        key=one.key,
        name=name,
        description=_said(program, said.description, language),
        icon=said.icon,
        series=said.series,
        hidden=said.hidden,
        earned_at=one.earned_at,
        level=one.level,
        levels=levels,
        value=_number(one.value),
    )


def _said(program: Program, text: Text | None, language: str) -> str | None:
    return None if text is None else text.in_language(language, program.definition.languages)


def _number(value: Any) -> str | None:
    return None if value is None else plain_text(value)
