"""Quizzes and content for some as compiled: for whom they are, and when."""

from __future__ import annotations

from guerdon.rules import definition as written
from guerdon.rules.compiling.compiler import Compiling, span_of
from guerdon.rules.definition.campaigns import closing, opening
from guerdon.rules.expressions import BOOL
from guerdon.rules.parts import Exclusive
from guerdon.rules.play.quiz import Quiz
from guerdon.rules.sections import ACCOUNT


def quiz_of(work: Compiling, key: str, one: written.Quiz) -> Quiz:
    """Compile a quiz.

    Args:
        work: the compilation; it takes the faults.
        key: its key in the document.
        one: what is written of it.

    Returns:
        The quiz; its prize is a campaign (`compiling.prizes`).
    """
    return Quiz(
        key=key,
        audience=work.expression(one.audience, ACCOUNT, BOOL),
        starts=None if one.starts is None else opening(one.starts),
        ends=None if one.ends is None else closing(one.ends),
        time_limit=None if one.time_limit is None else span_of(one.time_limit),
        attempts=None if one.attempts is None else int(one.attempts),
        again_after=None if one.again_after is None else span_of(one.again_after),
    )


def exclusive_of(work: Compiling, key: str, one: written.Exclusive) -> Exclusive:
    """Compile what only some members are shown.

    Args:
        work: the compilation; it takes the faults.
        key: its key in the document.
        one: what is written of it.

    Returns:
        For whom it is, and when.
    """
    return Exclusive(
        key=key,
        audience=work.expression(one.audience, ACCOUNT, BOOL),
        starts=None if one.starts is None else opening(one.starts),
        ends=None if one.ends is None else closing(one.ends),
    )
