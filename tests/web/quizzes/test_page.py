"""The member's page: addresses, forms without scripts, languages, and nothing that tells too much."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from httpx2 import Response

from guerdon.web.pages.quiz.saying import TEXTS
from guerdon.web.pages.visits import POLICY
from tests.architecture.source import ROOT
from tests.web.quizzes.conftest import CLUB, RIGHT, Player

PAGES = ROOT / "src" / "guerdon" / "web" / "pages" / "quiz"


class Reader:
    """Somebody with an address and a browser without scripts."""

    def __init__(self, player: Player, path: str) -> None:
        self.client = player.api.client
        self.path = path

    async def open(self, language: str = "en") -> str:
        answer = await self.client.get(f"{self.path}?lang={language}")
        assert answer.status_code == 200, answer.text
        return answer.text

    async def send(self, step: str, form: list[tuple[str, str]] | None = None) -> Response:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        body = urlencode(form or [])
        return await self.client.post(f"{self.path}/{step}?lang=en", content=body, headers=headers)

    async def answer(self, page: str) -> None:
        """Fill in the form of a page rightly, by the words beside its fields."""
        asked = re.findall(r"<h2[^>]*>(.*?)</h2>", page)[0]
        number = re.findall(r'name="question" value="(\d+)"', page)[0]
        kind = re.findall(r'name="kind" value="(\w+)"', page)[0]
        form = [("question", number), ("kind", kind)]
        letters = {
            text: letter
            for letter, text in re.findall(r'name="answer" value="(\w+)">\s*<span>(.*?)</span>', page)
        }
        meant = RIGHT[asked]
        if kind == "ordering":
            places = {text: name for name, text in re.findall(r'<label for="(place_\w)">(.*?)</label>', page)}
            form += [(places[text], str(at)) for at, text in enumerate(meant, 1)]
        elif kind == "true_false":
            form += [("answer", str(meant).lower())]
        else:
            form += [("answer", letters.get(one, one)) for one in (meant if kind == "multiple" else [meant])]
        sent = await self.send("answer", form)
        assert sent.status_code == 303, sent.text


@pytest.fixture
async def reader(player: Player) -> Reader:
    made = await player.api.post(f"{CLUB}/quizzes/know_your_bag/link", json={"member": "ananya"})
    assert made.status_code == 200, made.text
    return Reader(player, made.json()["url"])


def test_each_text_is_said_in_each_language_with_the_same_places() -> None:
    shared = PAGES.parent.parent / "templating" / "templates"
    pages = (shared / "bare.html", shared / "quiet.html", PAGES / "templates" / "quiz.html")
    template = "".join(page.read_text(encoding="utf-8") for page in pages)
    code = "".join((PAGES / name).read_text(encoding="utf-8") for name in ("routes.py", "saying.py"))
    used = set(re.findall(r"texts\.(\w+)", template)) - {"format"}
    used |= set(re.findall(r'texts\["(\w+)"', code)) | {"true", "false", "gone", "gone_expired"}
    used |= {f"wrong_{kind}" for kind in ("single", "multiple", "true_false", "number", "text", "ordering")}
    for language, texts in TEXTS.items():
        assert set(texts) == used, language
        for name, text in texts.items():
            assert sorted(re.findall(r"\{(\w+)\}", text)) == sorted(
                re.findall(r"\{(\w+)\}", TEXTS["en"][name])
            )
            assert language == "en" or text != TEXTS["en"][name], (language, name)


async def test_a_quiz_is_taken_with_plain_forms(reader: Reader, player: Player) -> None:
    page = await reader.open()
    assert "Questions: 6" in page
    assert "Tries left: 2" in page
    assert (await reader.send("begin")).status_code == 303
    for number in range(1, 7):
        page = await reader.open()
        assert f"Question {number} of 6" in page
        assert "The hips carry it" not in page, "not before the end"
        assert "hip belt" not in page
        await reader.answer(page)
    page = await reader.open()
    for shown in ("Passed", "7 of 7 points", "80 points", "Knower", "The hips carry it."):
        assert shown in page, shown
    codes = re.findall(r"<code>(TEN-\w+)</code>", page)
    assert len(codes) == 1, "the coupon that it brought"
    assert "Try again" not in page
    member = (await player.api.get(f"{CLUB}/members/ananya")).json()
    assert member["wallets"]["points"]["available"] == "80"


async def test_what_cannot_be_read_is_asked_again(reader: Reader) -> None:
    await reader.send("begin")
    for form in ([], [("answer", "z")], [("answer", "true")]):
        wrong = await reader.send("answer", [("question", "1"), ("kind", "single"), *form])
        assert wrong.status_code == 422
        assert 'role="alert"' in wrong.text
        assert "Choose one answer. Nothing was taken yet." in wrong.text
    again = await reader.send("answer", [("question", "x"), ("kind", "single"), ("answer", "a")])
    assert again.status_code == 303
    assert "Question 1 of 6" in await reader.open()
    await reader.send("finish")
    page = await reader.open()
    assert "Not passed this time: 4 points are needed." in page
    assert "You can begin again from" in page


async def test_in_the_readers_language(reader: Reader) -> None:
    page = await reader.open("bn")
    assert '<html lang="bn"' in page
    assert "ব্যাগ চেনা" in page
    assert "প্রশ্ন: ৬টি" in page, "in Bengali digits"
    await reader.send("begin")
    assert "কোমর" in await reader.open("bn")


async def test_only_good_addresses_open(reader: Reader, player: Player) -> None:
    body, _, mark = reader.path.rpartition("/")[2].partition(".")
    other = (await player.api.post(f"{CLUB}/quizzes/quick/link", json={"member": "ananya"})).json()["url"]
    foreign = other.rpartition("/")[2].partition(".")[0]
    for token in (
        body,
        f"{body}.",
        f"{body}.{mark[:-2]}",
        f"{foreign}.{mark}",
        "x",
        "é",
        "W10.x",
        f"{body}.é",
    ):
        answer = await player.api.client.get(f"/play/quiz/{token}")
        assert answer.status_code == 404, token
        assert "There is no quiz here" in answer.text
        posted = await player.api.client.post(f"/play/quiz/{token}/begin")
        assert posted.status_code == 404
    early = await player.send("quick/link", {"member": "ananya", "hours": 1})
    assert early.json()["expires_at"] == "2026-11-21T13:00:00Z"
    missing = await player.send("nothing/link", {"member": "ananya"})
    assert missing.json()["code"] == "quiz_not_found"


async def test_the_page_has_a_policy_and_no_inline_parts(reader: Reader) -> None:
    answer = await reader.client.get(reader.path)
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "style=" not in answer.text
    assert "onclick" not in answer.text
    for asset in re.findall(r'(?:href|src)="(/static/[^"]+)"', answer.text):
        assert (await reader.client.get(asset)).status_code == 200, asset
