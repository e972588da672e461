"""What a member can do now: quizzes to take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from guerdon.engine.play import quizzes
from guerdon.engine.play.quizzes import Listed
from guerdon.infra.tx import Tx
from guerdon.members.links.addresses import QUIZ, make_link
from guerdon.web.api.quizzes.shown import show_quiz
from guerdon.web.pages.me.reader import Reader


@dataclass(frozen=True, slots=True)
class QuizView:
    """A quiz as the page shows it."""

    key: str
    name: str
    description: str
    questions: int
    state: str
    """As the API says it."""
    ready_at: datetime | None
    ends_at: datetime | None
    url: str


def load_quiz_views(tx: Tx, reader: Reader) -> list[QuizView]:
    """Load the quizzes of a member; those that can be taken now come first.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        Those that are not over. Their addresses end with the page's own.
    """
    listed = quizzes.load_quizzes(tx, reader.taker, reader.now)
    shown = [_quiz(reader, one) for one in listed]
    first = ("begun", "open", "waits", "not_yet", "passed", "spent")
    return sorted((one for one in shown if one.state in first), key=lambda one: first.index(one.state))


def _quiz(reader: Reader, listed: Listed) -> QuizView:
    shown = show_quiz(reader.program, listed, reader.say.language, reader.now)
    link = reader.visit.link._replace(about=shown.key)
    return QuizView(
        key=shown.key,
        name=shown.name,
        description=shown.description or "",
        questions=shown.questions,
        state=shown.state,
        ready_at=shown.ready_at,
        ends_at=shown.ends_at,
        url=make_link(reader.vault, QUIZ, link),
    )
