"""What a quiz asks: chosen and shuffled by a seed, always the same by the same seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from guerdon.rules.definition import OrderingQuestion, Question, Quiz

LETTERS: Final = "abcdefghijklmnopqrst"
"""How answers are named, in the order in which they are shown."""


class Choice(msgspec.Struct, frozen=True):
    """An answer to choose from."""

    id: str
    text: str
    picture: str | None


class Shown(msgspec.Struct, frozen=True):
    """A question as it is shown; nothing in it tells what is right."""

    kind: str
    ask: str
    picture: str | None
    alt: str
    choices: tuple[Choice, ...]
    points: int


def asked_of(quiz: Quiz, seed: bytes) -> tuple[int, ...]:
    """Choose the questions of a try.

    Args:
        quiz: as written.
        seed: of the try, 16 bytes.

    Returns:
        Their places in the definition, in the order in which they are asked.
    """
    every = list(range(len(quiz.questions)))
    by_chance = _by_chance(every, seed, "question")
    chosen = by_chance[: quiz.asks] if quiz.asks is not None else by_chance
    return tuple(chosen if quiz.shuffle else sorted(chosen))


def order_of(quiz: Quiz, place: int, seed: bytes) -> tuple[int, ...]:
    """Order the answers of a question as they are shown.

    Args:
        quiz: as written.
        place: the question's place in the definition.
        seed: of the try.

    Returns:
        The answers' places in the definition; empty for a question without any. What is to be put in order
        is never shown in its order.
    """
    question = quiz.questions[place]
    every = list(range(len(getattr(question, "answers", ()))))
    must = isinstance(question, OrderingQuestion)
    if not (quiz.shuffle or must):
        return tuple(every)
    shuffled = _by_chance(every, seed, f"answers {place}")
    if must and shuffled == every:
        shuffled = [*every[1:], every[0]]
    return tuple(shuffled)


def show(question: Question, order: Sequence[int], language: str, languages: Sequence[str]) -> Shown:
    """Show a question to somebody who is to answer it.

    Args:
        question: as written.
        order: of its answers, as `order_of` gives it.
        language: the reader's.
        languages: the program's, the first one first.

    Returns:
        What may be seen before it is answered.
    """

    def said(text: Any) -> str:
        return "" if text is None else str(text.in_language(language, languages))

    answers = getattr(question, "answers", ())
    return Shown(
        kind=question.kind,
        ask=said(question.ask),
        picture=question.picture,
        alt=said(question.alt),
        choices=tuple(
            Choice(LETTERS[shown], said(answers[place].text), answers[place].picture)
            for shown, place in enumerate(order)
        ),
        points=question.points,
    )


def _by_chance(places: list[int], seed: bytes, what: str) -> list[int]:
    # Sorting by digests is the same for ever, which no library's shuffling promises.
    def digest(place: int) -> bytes:
        return hashlib.sha256(seed + f" {what} {place}".encode()).digest()

    return sorted(places, key=digest)
