"""Members of the demo's club who take its quizzes: some know it, some guess, some leave in the middle."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from guerdon.base.errors import Problem
from guerdon.cli.demo.scenes import Scene
from guerdon.connect.samples.filling import Filled
from guerdon.engine.commands import IngestEvent
from guerdon.engine.play import quizzes
from guerdon.engine.play.quizzes import Taker
from guerdon.infra.tx import Tx
from guerdon.members.identities import parse_ref, resolve
from guerdon.play.attempts import Attempt, mark_told
from guerdon.rules.definition import MultipleQuestion, Question, SingleQuestion, TrueFalseQuestion
from guerdon.rules.play.asking import LETTERS, asked_of, order_of
from guerdon.rules.play.judging import right_answer
from guerdon.rules.program import Program

_TAKERS: Final = 120
_SURE: Final = (0.95, 0.7, 0.85, 0.5, 0.75)
"""How often each question is answered rightly, by its place: some are harder."""
_STAYS: Final = 0.97
"""How often somebody goes on to the next question."""
_A_WHILE: Final = timedelta(seconds=20)


def take_quizzes(scene: Scene, filled: Filled) -> None:
    """Let some members take the quizzes of the program.

    Args:
        scene: where.
        filled: the members.
    """
    chance = Random(f"{scene.seed}:quizzes")
    accounts = sorted(chance.sample(sorted(filled.members), min(_TAKERS, len(filled.members))))
    house = scene.house
    done = []
    for place, account in enumerate(accounts):
        with house.database.transaction(scene.tenant_id) as tx:
            taker = _taker(tx, scene, filled.members[account])
            at = scene.at(0.8 * place / len(accounts))
            for key in taker.program.quizzes:
                one = _take(tx, taker, key, (chance, at))
                done += [one] if one is not None and one.finished_at is not None else []
    told = [
        IngestEvent(
            tenant_id=scene.tenant_id,
            program=scene.program,
            received_at=scene.now,
            raw=quizzes.event_of(one),
            own=True,
        )
        for one in done
    ]
    scene.asked(told)
    with house.database.transaction(scene.tenant_id) as tx:
        for one in done:
            mark_told(tx, one.place)


def _taker(tx: Tx, scene: Scene, member: str) -> Taker:
    house, ref = scene.house, parse_ref(member)
    live = house.live(tx, scene.program)
    found = resolve(tx, house.vault(scene.tenant_id), live.program_id, [ref])[ref]

    def recorded(version: int) -> Program:
        return house.version(tx, scene.program, (live.program_id, version))

    return Taker(live.program_id, live.program, found.account_id, found.member_id, recorded)


def _take(tx: Tx, taker: Taker, key: str, how: tuple[Random, datetime]) -> Attempt | None:
    chance, at = how
    try:
        one, _ = quizzes.begin(tx, taker, key, chance.randbytes(16), at)
    except Problem:
        # A start that was broken off let them take it before.
        return None
    quiz = taker.recorded(one.version).definition.quizzes[key]
    for number, place in enumerate(asked_of(quiz, one.seed), 1):
        at += _A_WHILE
        if chance.random() > _STAYS or number <= len(one.answers):
            return one
        if one.opened_at is None:
            one = quizzes.open_next(tx, taker, one.place, at)
        question, order = quiz.questions[place], order_of(quiz, place, one.seed)
        knows = chance.random() < _SURE[place % len(_SURE)]
        said = right_answer(question, order, ()) if knows else _guess(question, order, chance)
        one = quizzes.answer(tx, taker, one.place, (number, said), at)
    return one


def _guess(question: Question, order: tuple[int, ...], chance: Random) -> Any:
    letters = list(LETTERS[: len(order)])
    if isinstance(question, SingleQuestion):
        return chance.choice(letters)
    if isinstance(question, MultipleQuestion):
        return sorted(chance.sample(letters, 2))
    if isinstance(question, TrueFalseQuestion):
        return chance.random() < 0.5
    return None
