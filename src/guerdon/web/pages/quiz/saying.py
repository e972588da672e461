"""What the quiz page says: its own texts, answers as people read them, and what passing brought."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from guerdon.engine.answers import Answer
from guerdon.rules.definition import Text
from guerdon.rules.program import Program
from guerdon.web.api.quizzes.shapes import AnswerShape, AttemptShape
from guerdon.web.languages.saying import LANGUAGES, Saying

_HERE: Final = Path(__file__).parent
TEXTS: Final[dict[str, dict[str, str]]] = {
    language: msgspec.json.decode((_HERE / "words" / f"{language}.json").read_bytes(), type=dict[str, str])
    for language in LANGUAGES
}
"""By language, what the page says under each of its names."""


class ToldAnswer(NamedTuple):
    """An answer in words."""

    number: int
    ask: str
    given: str
    right: bool | None
    right_answer: str
    explain: str


class Brought(NamedTuple):
    """One thing that passing brought."""

    text: str
    code: str


def told_answers(attempt: AttemptShape, texts: Mapping[str, str]) -> list[ToldAnswer]:
    """Write the answers of a try in words.

    Args:
        attempt: as it is shown.
        texts: the page's, in the reader's language.

    Returns:
        One for each question that was answered or left out.
    """
    return [
        ToldAnswer(
            one.number,
            one.ask,
            _in_words(one, one.answer, texts),
            one.right,
            "" if one.right is not False else _in_words(one, one.right_answer, texts),
            one.explain or "",
        )
        for one in attempt.answers
    ]


def brought(program: Program, told: Answer, saying: Saying) -> list[Brought]:
    """Say what passing a quiz brought.

    Args:
        program: the live version, for the names of things.
        told: what the engine answered.
        saying: the reader's language.

    Returns:
        Units, rewards with their codes, badges.
    """
    definition = program.definition
    codes = {str(one["id"]): str(one.get("code") or "") for one in told.redemptions}
    found = []
    for effect in told.effects:
        award, grant, badge = (effect.get(kind) for kind in ("award", "grant", "badge"))
        if award is not None:
            wallet = definition.wallets.get(award["wallet"])
            unit = _name(program, wallet.unit if wallet is not None else None, award["wallet"], saying)
            found.append(Brought(f"{saying.number(award['amount'])} {unit}", ""))
        elif grant is not None:
            reward = definition.rewards.get(grant["reward"])
            name = _name(program, reward.name if reward is not None else None, grant["reward"], saying)
            found.append(Brought(name, codes.get(str(grant.get("redemption", "")), "")))
        elif badge is not None:
            key = badge if isinstance(badge, str) else str(badge.get("badge", ""))
            one = definition.badges.get(key)
            found.append(Brought(_name(program, one.name if one is not None else None, key, saying), ""))
    return found


def _name(program: Program, text: Text | None, key: str, saying: Saying) -> str:
    if text is None:
        return key.replace("_", " ")
    return text.in_language(saying.language, program.definition.languages)


def _in_words(one: AnswerShape, said: Any, texts: Mapping[str, str]) -> str:
    if said is None:
        return ""
    if isinstance(said, bool):
        return texts["true" if said else "false"]
    words = {choice.id: choice.text for choice in one.choices}
    if isinstance(said, list):
        return " · ".join(words[letter] for letter in said)
    return words.get(str(said), str(said))
