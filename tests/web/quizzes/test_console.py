"""Quizzes in the console: what came of each, and the questions with what is right."""

from __future__ import annotations

from tests.web.console.desk import signed_in
from tests.web.console.test_orders import plain
from tests.web.quizzes.conftest import Player


async def test_a_manager_sees_which_question_is_bad(player: Player) -> None:
    await player.play("know_your_bag", wrong=2)
    person = await signed_in(player.api, "auditor")
    listed = plain((await person.get("/console/p/club/quizzes")).text)
    assert "Know your bag 1 1 1 1 100%" in listed
    assert "Quick 0 0 0 0" in listed
    page = plain((await person.get("/console/p/club/quizzes/know_your_bag")).text)
    assert "1 finished try. Passed: 1, that is 100%. On the average 57% of the points." in page
    assert "Hips One answer is right. Right: 0 of 1, that is 0%. Left out: 1." in page
    assert "Four fifths right" in page
    assert (
        "The sun dries best. True or false. Right: 1 of 1, that is 100%. Left out: 0. Right is: False" in page
    )
    assert "The hips carry it." in page
    fresh = plain((await person.get("/console/p/club/quizzes/quick")).text)
    assert "Each try asks 2 of these questions." in fresh
    assert "Nobody was asked yet." in fresh
    missing = await person.get("/console/p/club/quizzes/nothing")
    assert missing.status_code == 404
