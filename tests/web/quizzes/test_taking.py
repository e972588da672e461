"""Quizzes over the API: listed, begun, answered, finished; what passing brings comes once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.web.quizzes.conftest import CLUB, DEFINITION, Player, right


async def points(player: Player) -> str:
    shown = (await player.api.get(f"{CLUB}/members/{player.member}")).json()
    return str(shown["wallets"].get("points", {}).get("available", "0"))


async def test_a_quiz_is_passed_and_brings_its_prize(player: Player) -> None:
    states = await player.states()
    assert {key: one["state"] for key, one in states.items()} == {"know_your_bag": "open", "quick": "open"}
    assert states["know_your_bag"]["tries_left"] == 2
    assert states["know_your_bag"]["questions"] == 6
    assert states["quick"]["questions"] == 2
    assert states["quick"]["seconds"] == 600
    attempt = await player.play("know_your_bag")
    result = attempt["result"]
    assert (result["points"], result["of"], result["passed"]) == (7, 7, True)
    kinds = [next(kind for kind in ("award", "badge", "grant") if kind in one) for one in result["effects"]]
    assert sorted(kinds) == ["award", "badge", "grant"]
    assert {one["campaign"] for one in result["effects"]} == {"quiz:know_your_bag"}
    assert await points(player) == "80"
    member = (await player.api.get(f"{CLUB}/members/ananya")).json()
    assert [one["badge"] if isinstance(one, dict) else one for one in member["badges"]] == ["knower"]
    events = (await player.api.get(f"{CLUB}/events")).json()["data"]
    told = next(one for one in events if one["type"] == "quiz.finished")
    assert told["data"] == {"quiz": "know_your_bag", "attempt": 1, "points": 7, "of": 7, "passed": True}
    assert (await player.states())["know_your_bag"]["state"] == "passed"
    again = await player.send("know_your_bag/attempts", {"member": "ananya"})
    assert (again.status_code, again.json()["code"]) == (409, "quiz_passed")


async def test_tries_end_and_wait(player: Player) -> None:
    lost = await player.play("know_your_bag", wrong=5)
    assert (lost["result"]["points"], lost["result"]["passed"], lost["result"]["effects"]) == (1, False, [])
    waits = (await player.states())["know_your_bag"]
    # A day is a local one, counted from the day on which the try ended.
    assert (waits["state"], waits["tries_left"], waits["ready_at"]) == ("waits", 1, "2026-11-22T05:00:00Z")
    early = await player.send("know_your_bag/attempts", {"member": "ananya"})
    assert (early.status_code, early.json()["code"]) == (409, "quiz_waits")
    player.now = "2026-11-22T06:00:00Z"
    await player.play("know_your_bag", wrong=6)
    assert (await player.states())["know_your_bag"]["state"] == "spent"
    spent = await player.send("know_your_bag/attempts", {"member": "ananya"})
    assert (spent.status_code, spent.json()["code"]) == (409, "quiz_attempts_spent")
    assert await points(player) == "0"


async def test_the_first_answer_stands(player: Player) -> None:
    attempt = await player.begin("know_your_bag")
    same = await player.begin("know_your_bag")
    assert same["id"] == attempt["id"], "it goes on"
    wrong = await player.answer(attempt, "a")
    assert wrong.status_code == 200
    repeated = await player.answer(attempt, "a")
    assert repeated.json()["answered"] == 1
    other = await player.answer(attempt, "b")
    assert (other.status_code, other.json()["code"]) == (409, "question_answered")
    ahead = await player.send(
        f"know_your_bag/attempts/{attempt['id']}/answers", {"question": 4, "answer": "20"}
    )
    assert (ahead.status_code, ahead.json()["code"]) == (409, "question_not_open")
    beyond = await player.send(
        f"know_your_bag/attempts/{attempt['id']}/answers", {"question": 9, "answer": "20"}
    )
    assert beyond.json()["code"] == "question_not_open"
    for said in ("z", "ab", ["z"], ["a", "a"], 1, True, ""):
        refused = await player.send(
            f"know_your_bag/attempts/{attempt['id']}/answers", {"question": 2, "answer": said}
        )
        assert refused.json()["code"] == "answer_invalid", said
    done = await player.send(f"know_your_bag/attempts/{attempt['id']}/finish")
    assert done.json()["result"]["points"] == 0
    assert (await player.send(f"know_your_bag/attempts/{attempt['id']}/finish")).json() == done.json()
    late = await player.send(
        f"know_your_bag/attempts/{attempt['id']}/answers", {"question": 2, "answer": ["a"]}
    )
    assert (late.status_code, late.json()["code"]) == (409, "attempt_finished")


async def test_right_answers_never_come_before_they_may(player: Player) -> None:
    """What is served of two quizzes that differ in nothing but what is right is the same, but for chance."""
    attempt = await player.begin("know_your_bag")
    served: list[Any] = []
    while attempt["state"] == "going":
        question = attempt["question"]
        served.append(attempt)
        assert set(question) == {"number", "kind", "ask", "picture", "alt", "choices", "points", "until"}
        assert all(set(one) == {"id", "text", "picture"} for one in question["choices"])
        if question["kind"] == "ordering":
            shown = [one["text"] for one in question["choices"]]
            assert shown != ["Shirt", "Fleece", "Shell"], "never in the right order"
        for before in attempt["answers"]:
            assert (before["right"], before["right_answer"], before["explain"]) == (None, None, None)
        attempt = (await player.answer(attempt, right(question))).json()
    text = json.dumps(served)
    assert "The hips carry it" not in text
    assert "hip belt" not in text.lower(), "to show it would tell that it is right"
    assert attempt["answers"][4]["answer"] == "hip belt"
    assert [one["right"] for one in attempt["answers"]] == [True] * 6
    assert attempt["answers"][0]["explain"] == "The hips carry it."
    never = await player.play("quick")
    assert [(one["right"], one["right_answer"]) for one in never["answers"]] == [(None, None)] * 2


async def test_each_answer_is_judged_at_once_where_the_quiz_says_so(player: Player) -> None:
    await player.api.enrol(external_id="bela", attributes={"size": "l"})
    other = Player(player.api, "bela")
    assert "large_only" in await other.states()
    attempt = await other.begin("large_only")
    said = (await other.answer(attempt, True)).json()
    assert said["answers"][0] == {
        "number": 1,
        "ask": "First?",
        "answer": True,
        "right": True,
        "right_answer": True,
        "explain": "It is so.",
        "choices": [],
    }
    assert said["question"] is None, "the next one is opened when the reader is ready"
    said = await other.next(said)
    assert said["question"]["number"] == 2
    done = (await other.answer(said, "three")).json()
    assert done["answers"][1]["answer"] is None, "what a person wrote and was wrong is kept nowhere"
    assert done["answers"][1]["right_answer"] == "one"
    refused = await player.send("large_only/attempts", {"member": "ananya"})
    assert (refused.status_code, refused.json()["code"]) == (422, "quiz_not_for_member")
    missing = await other.send("nothing/attempts", {"member": "bela"})
    assert (missing.status_code, missing.json()["code"]) == (404, "quiz_not_found")


async def test_days_of_a_quiz(player: Player) -> None:
    await player.api.enrol(external_id="bela", attributes={"size": "l"})
    other = Player(player.api, "bela")
    other.now = "2026-11-20T04:59:00Z"
    early = await other.send("large_only/attempts", {"member": "bela"})
    assert (early.status_code, early.json()["code"]) == (409, "quiz_not_yet"), "local days"
    other.now = "2026-12-01T04:58:00Z"
    attempt = await other.begin("large_only")
    other.now = "2026-12-01T05:01:00Z"
    late = await other.answer(attempt, True)
    assert late.json()["code"] == "attempt_time_over"
    shown = (await other.look(f"/large_only/attempts/{attempt['id']}")).json()
    assert shown["result"]["points"] == 0
    assert (await other.states())["large_only"]["state"] == "over"


async def test_time_limits_are_kept_by_the_server(player: Player) -> None:
    attempt = await player.begin("quick")
    assert attempt["due_at"] == "2026-11-21T12:10:00Z"
    while attempt["question"] is None or attempt["question"]["ask"] == "One?":
        if attempt["question"] is not None:
            attempt = (await player.answer(attempt, right(attempt["question"]))).json()
            continue
        assert attempt["next_seconds"] == 60
        attempt = await player.next(attempt)
    player.now = "2026-11-21T12:10:00Z"
    late = await player.answer(attempt, right(attempt["question"]))
    assert late.status_code == 409
    assert late.json()["code"] in ("attempt_time_over", "question_time_over")
    shown = (await player.look(f"/quick/attempts/{attempt['id']}")).json()
    assert shown["state"] == "finished"
    assert shown["result"]["passed"] is False
    again = (await player.look(f"/quick/attempts/{attempt['id']}")).json()
    assert again == shown


async def test_a_question_with_a_time_of_its_own(player: Player) -> None:
    for name in range(12):
        await player.api.enrol(external_id=f"m{name}")
        other = Player(player.api, f"m{name}")
        attempt = await other.begin("quick")
        if attempt["question"] is None:
            break
    else:
        raise AssertionError("some try begins with the question that has a time")
    attempt = await other.next(attempt)
    assert attempt["question"]["until"] == "2026-11-21T12:01:00Z"
    other.now = "2026-11-21T12:01:00Z"
    late = await other.answer(attempt, right(attempt["question"]))
    assert (late.status_code, late.json()["code"]) == (409, "question_time_over")
    attempt = await other.next(attempt)
    assert attempt["question"]["number"] == 2
    done = (await other.answer(attempt, right(attempt["question"]))).json()
    assert done["result"]["points"] == 1


async def test_a_try_is_judged_by_the_version_it_began_with(player: Player) -> None:
    attempt = await player.begin("know_your_bag")
    changed = DEFINITION.replace("right: 1, explain", "right: 2, explain").replace("pass: 4", "pass: 7")
    assert (await player.api.apply(changed)).status_code in (200, 201)
    while attempt["state"] == "going":
        attempt = (await player.answer(attempt, right(attempt["question"]))).json()
    assert attempt["version"] == 1
    assert attempt["result"]["points"] == 7
    assert attempt["result"]["passed"] is True


async def test_64_callers_finish_the_same_try_at_once(player: Player) -> None:
    attempt = await player.begin("know_your_bag")
    for _ in range(5):
        attempt = (await player.answer(attempt, right(attempt["question"]))).json()
    said = right(attempt["question"])
    path = f"know_your_bag/attempts/{attempt['id']}"
    calls = [
        player.send(f"{path}/answers", {"question": 6, "answer": said})
        if turn % 2
        else player.send(f"{path}/finish")
        for turn in range(64)
    ]
    answers = await asyncio.gather(*calls)
    assert {one.status_code for one in answers} <= {200, 409}
    results = {json.dumps(one.json()["result"]) for one in answers if one.status_code == 200}
    assert len(results) == 1
    events = (await player.api.get(f"{CLUB}/events")).json()["data"]
    assert [one["type"] for one in events].count("quiz.finished") == 1
    assert await points(player) == "80"


async def test_64_callers_begin_at_once(player: Player) -> None:
    calls = [player.send("know_your_bag/attempts", {"member": "ananya"}) for _ in range(64)]
    answers = await asyncio.gather(*calls)
    assert sorted({one.status_code for one in answers}) == [200, 201]
    assert [one.status_code for one in answers].count(201) == 1
    assert len({one.json()["id"] for one in answers}) == 1


async def test_outsiders_do_not_send_what_the_engine_makes(player: Player) -> None:
    event = {
        "specversion": "1.0",
        "id": "e1",
        "source": "shop",
        "type": "quiz.finished",
        "time": "2026-11-21T10:00:00Z",
        "subject": "external:ananya",
        "data": {"quiz": "know_your_bag", "attempt": 1, "points": 7, "of": 7, "passed": True},
    }
    refused = await player.api.post(f"{CLUB}/events", json=event)
    assert (refused.status_code, refused.json()["code"]) == (422, "reserved_type")
    assert refused.json()["errors"][0]["pointer"] == "/type"
    own = {**event, "type": "item.recycled", "source": "guerdon:quizzes", "data": {"grams": 5}}
    refused = await player.api.post(f"{CLUB}/events", json=own)
    assert (refused.status_code, refused.json()["code"]) == (422, "reserved_source")
    assert await points(player) == "0"


async def test_keys_need_their_scopes(player: Player) -> None:
    reader = player.api.with_key("quizzes:read")
    assert (await reader.get(f"{CLUB}/quizzes?member=ananya")).status_code == 200
    denied = await reader.post(f"{CLUB}/quizzes/quick/attempts", json={"member": "ananya"})
    assert (denied.status_code, denied.json()["code"]) == (403, "scope_missing")
    other = player.api.with_key("members:read")
    assert (await other.get(f"{CLUB}/quizzes?member=ananya")).status_code == 403


async def test_figures_tell_which_question_is_hard(player: Player) -> None:
    for name, wrong in (("f1", 1), ("f2", 2), ("f3", 0)):
        await player.api.enrol(external_id=name)
        await Player(player.api, name).play("know_your_bag", wrong=wrong)
    shown = (await player.look("/know_your_bag/figures")).json()
    assert (shown["attempts"], shown["finished"], shown["passed"], shown["members"]) == (3, 3, 3, 3)
    assert [(one["asked"], one["right"], one["left_out"]) for one in shown["questions"][:3]] == [
        (3, 1, 2),
        (3, 2, 1),
        (3, 3, 0),
    ]
    assert shown["questions"][0]["share"] == "0.333"
    assert (await player.look("/nothing/figures")).status_code == 404


async def test_a_key_of_idempotency_gives_the_first_answer(player: Player) -> None:
    headers = {"idempotency-key": "k1"}
    first = await player.send("quick/attempts", {"member": "ananya"}, headers=headers)
    again = await player.send("quick/attempts", {"member": "ananya"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    other = await player.send("quick/attempts", {"member": "bela"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_nobody_takes_anothers_try(player: Player) -> None:
    attempt = await player.begin("quick")
    for path in ("quick/attempts/x", "quick/attempts/mem_-1", f"know_your_bag/attempts/{attempt['id']}",
                 f"quick/attempts/{attempt['id'][:-1]}9", "quick/attempts/mem_0000000000001-1"):  # fmt: skip
        missing = await player.send(f"{path}/finish")
        assert (missing.status_code, missing.json()["code"]) == (404, "attempt_not_found"), path


async def test_nothing_is_told_of_a_question_that_nobody_has_seen(player: Player) -> None:
    attempt = await player.begin("know_your_bag")
    path = f"know_your_bag/attempts/{attempt['id']}/answers"
    for number in range(2, 7):
        for said in (True, "12", ["a", "b"], "z"):
            answer = await player.send(path, {"question": number, "answer": said})
            assert answer.status_code == 409, answer.text
            told = {key: value for key, value in answer.json().items() if key in ("code", "detail")}
            assert told == {
                "code": "question_not_open",
                "detail": "this question is not open; `next` opens it",
            }
