"""The member's page: what it shows, what it takes, and whom it lets in."""

from __future__ import annotations

import asyncio
import json
import re

from guerdon.web.pages.me.reader import TEXTS
from guerdon.web.pages.visits import POLICY
from tests.architecture.source import ROOT
from tests.web.conftest import PROGRAM
from tests.web.me.conftest import CLUB, DEFINITION, Reader, hidden

PAGES = ROOT / "src" / "guerdon" / "web" / "pages" / "me"


def test_each_text_is_said_in_each_language_with_the_same_places() -> None:
    files = [*PAGES.rglob("*.html"), *PAGES.rglob("*.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    for language, texts in TEXTS.items():
        assert set(texts) == set(TEXTS["en"]), language
        for name, said in texts.items():
            assert sorted(re.findall(r"\{(\w+)\}", said)) == sorted(
                re.findall(r"\{(\w+)\}", TEXTS["en"][name])
            )
            assert language == "en" or said != TEXTS["en"][name], (language, name)
    made = (
        "state_",
        "why_",
        "refused_",
        "gone_",
        "benefit_",
        "post_",
        "did_",
        "dock_",
        "deed_",
        "share_",
        "service_",
    )
    for name in TEXTS["en"]:
        assert name.startswith(made) or re.search(rf"""["'.]{name}\b""", text), name


async def test_what_i_have_can_have_and_did(reader: Reader) -> None:
    page = await reader.open()
    for shown in (
        "Hello, Ananya Das",
        '<p class="figure">159 <small>points</small></p>',
        "worth $1.59 at the checkout",
        "159 points end on",
        "Order order-o1, shop",
        "+159 points",
        "Nothing is waiting to be used.",
    ):
        assert shown in page, shown
    assert "ananya@mail.example" not in page
    assert "Know us" in await reader.open("/do")
    assert "Order order-o1, shop" in await reader.open("/you")
    page = await reader.open("/rewards")
    for shown in (
        "Travel pouch",
        "100 points",
        "241 points more are needed.",
        "For the level: Gold",
        "You have 159 points.",
    ):
        assert shown in page, shown
    assert page.index("Colours") < page.index("Tent") < page.index("Evening"), "what can be had comes first"
    assert "Voucher" not in page, "granted, never taken"


async def test_a_reward_is_taken_after_asking_and_once(reader: Reader) -> None:
    asking = await reader.open("/take/pouch")
    assert "You have 159 points." in asking
    form = {**hidden(asking), "quantity": "1", "choice": "blue"}
    first, second = await asyncio.gather(reader.send("/take/pouch", form), reader.send("/take/pouch", form))
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    behind = first.headers["location"].removeprefix(reader.path).partition("?")[0]
    shown = await reader.open(behind)
    assert "Travel pouch" in shown
    assert "Chosen: blue" in shown
    page = await reader.open()
    assert '<p class="figure">59 <small>points</small></p>' in page
    assert page.count("Redeemed: Travel pouch") == 1
    made = (await reader.api.get(f"{CLUB}/redemptions?member=external:ananya")).json()["data"]
    assert len(made) == 1
    assert made[0]["steps"][0]["by"] == f"member:{made[0]['member']}"


async def test_what_cannot_be_had_is_said_at_its_field_and_takes_nothing(reader: Reader) -> None:
    async def refused(reward: str, **form: str) -> str:
        sent = await reader.send(f"/take/{reward}", {"once": reward, "quantity": "1", **form})
        assert sent.status_code == 422, sent.text
        assert 'role="alert"' in sent.text
        return sent.text

    wrong = await refused("colours", choice="")
    assert "Choose one of them. Nothing was taken yet." in wrong
    assert re.search(r'id="choice"[^>]*aria-invalid="true"', wrong)
    wrong = await refused("pouch", quantity="two")
    assert "How many is a whole number" in wrong
    assert 'value="two"' in wrong, "what was typed stays"
    assert "There are not so many left." in await refused("pouch", quantity="3")
    assert "There is not enough to pay for it." in await refused("tent")
    assert "Choice" in await refused("colours", choice="green")
    assert (await reader.send("/take/voucher", {"once": "v"})).status_code == 404
    assert (await reader.send("/take/nothing", {"once": "v"})).status_code == 404
    assert (await reader.send("/take/single", {"once": "s1"})).status_code == 303
    assert "You had it as often" in await reader.open("/rewards")
    assert "You had it as often" in await reader.open("/take/single")


async def test_what_is_given_adds_up_for_all(reader: Reader) -> None:
    assert "$0.00 of $100.00" in await reader.open("/rewards")
    sent = await reader.send("/take/bag", {"once": "g1", "quantity": "2"})
    assert sent.status_code == 303, sent.text
    page = await reader.open("/rewards") + await reader.open()
    for shown in ("$10.00 of $100.00", "It goes to School Aid.", "Given. $10.00 were given.", ">Receipt "):
        assert shown in page, shown
    receipt = re.findall(r'href="(/receipt/[^"?]+)', page)[0]
    assert (await reader.client.get(receipt)).status_code == 200


async def test_challenges_are_joined_and_left_by_a_press(reader: Reader) -> None:
    page = await reader.open("/do")
    for shown in (
        "The fifth order",
        "Stamps: 1 of 5",
        "Autumn walk",
        "Not yet yours",
        "Brings: Regular, 300 points",
    ):
        assert shown in page, shown
    assert "Night owl" not in page
    for shown in ("Your tickets: 1", "1 in 1,000,000", "Check it yourself"):
        assert shown in page, shown
    page = await reader.open()
    assert '<span class="stamp">Bronze</span>' in page
    assert "840.20 to go (Spend)" in page.replace("$", "")
    once = {"once": "a1"}
    for _ in range(2):
        joined = await reader.send("/do/join-challenge/autumn", once)
        assert joined.headers["location"] == f"{reader.path}/do?lang=en&done=join-challenge#challenges", (
            joined.text
        )
    page = await reader.open("/do", done="join-challenge")
    assert "0 of 2" in page
    assert '<p class="note note--good told" role="status">' in page
    assert "You take part." in page
    again = await reader.send("/do/join-challenge/autumn", {"once": "a2"})
    assert again.status_code == 422
    assert 'role="alert"' in again.text
    assert "You take part already." in again.text
    assert (await reader.send("/do/leave-challenge/autumn", {"once": "a3"})).status_code == 303
    assert (await reader.send("/do/leave-challenge/nothing", {"once": "a4"})).status_code == 422
    assert (await reader.send("/do/nothing/autumn", {"once": "a5"})).status_code == 404


async def test_my_language_is_kept_and_read_everywhere(reader: Reader) -> None:
    bare = await reader.client.get(reader.path, headers={"accept-language": "hi"})
    assert '<html lang="hi"' in bare.text
    kept = await reader.send("/language", {"language": "bn"})
    assert kept.headers["location"] == f"{reader.path}/you?lang=bn&done=language"
    page = ""
    for section in ("", "/do", "/rewards"):
        page += (await reader.client.get(reader.path + section, headers={"accept-language": "hi"})).text
    assert '<html lang="bn"' in page
    assert '<html lang="hi"' not in page
    for shown in ("কর্নার ক্লাব", "১৫৯", "ভ্রমণের থলি", "আমাদের চিনুন"):
        assert shown in page, shown
    member = (await reader.api.get(f"{CLUB}/members/external:ananya")).json()
    assert member["language"] == "bn"
    assert (await reader.send("/language", {"language": "xx"})).status_code == 404


async def test_what_is_for_this_member_and_how_their_services_stand(reader: Reader) -> None:
    assert "For you" not in await reader.open()
    await reader.api.apply(
        DEFINITION.replace("  tent: {kind", "  adviser: {kind: service, price: {points: 5}}\n  tent: {kind")
        + """
content:
  film:
    name: {en: How we sew a seam, bn: আমরা যেভাবে সেলাই করি}
    text: {en: Four <b>minutes</b>.}
    url: https://shop.example/film
"""
    )
    taken = await reader.send("/take/adviser", {"once": "s1", "quantity": "1"})
    behind = taken.headers["location"].removeprefix(reader.path).partition("?")[0]
    page = await reader.open()
    for shown in ("For you", "How we sew a seam", 'href="https://shop.example/film"', "Asked for. You hear"):
        assert shown in page, shown
    assert "Four &lt;b&gt;minutes" in (await reader.client.get(f"{reader.path}?lang=en")).text
    service = f"{CLUB}/services/{behind.rpartition('/')[2]}"
    await reader.api.post(f"{service}/schedule", json={"at": "2035-06-20T15:00:00Z", "note": "with Mira"})
    assert "It takes place: 20 Jun 2035, 11:00. with Mira" in await reader.open()
    await reader.api.post(f"{service}/decline", json={"reason": "Nobody is free."})
    for page in (await reader.open(), await reader.open(behind)):
        assert "It cannot be done; you got back what you paid. Nobody is free." in page


async def test_a_section_that_a_program_has_nothing_for_is_not_there(reader: Reader) -> None:
    await reader.api.apply(PROGRAM)
    page = await reader.open()
    assert "/rewards?lang=en" in page
    for section in ("/do", "/club"):
        assert f"{reader.path}{section}" not in page
        await reader.open(section, status=404)
    refused = await reader.send("/do/write-post/new", {"once": "p", "text": "Hello"})
    assert refused.status_code == 422
    assert 'id="wrong"' in refused.text


async def test_an_empty_page_says_what_one_could_do(reader: Reader) -> None:
    made = await reader.api.post(f"{CLUB}/members/external:rita/page", json={"hours": 1})
    rita = Reader(reader.api, made.json()["url"])
    page = await rita.open()
    for shown in (
        "Corner Club</h1>",
        "Nothing is waiting to be used.",
        "Enrolled",
    ):
        assert shown in page, shown
    assert "100 points more are needed." in await rita.open("/rewards")
    assert "Nobody has said anything yet." in await rita.open("/club")
    other = (await reader.send("/take/pouch", {"once": "x"})).headers["location"]
    behind = other.removeprefix(reader.path).partition("?")[0]
    await rita.open(behind, status=404)


async def test_only_good_addresses_open_and_lost_ones_end(reader: Reader) -> None:
    body, _, mark = reader.path.rpartition("/")[2].partition(".")
    quiz = (await reader.api.post(f"{CLUB}/quizzes/know_us/link", json={"member": "ananya"})).json()["url"]
    other = quiz.rpartition("/")[2]
    for token in (body, f"{body}.", f"{body}.{mark[:-2]}", other, "x", "é", "W10.x", f"{body}.é"):
        answer = await reader.client.get(f"/me/{token}")
        assert answer.status_code == 404, token
        assert "There is no page here" in answer.text
    crossed = await reader.client.get(f"/play/quiz/{reader.path.rpartition('/')[2]}")
    assert crossed.status_code == 404, "a page's address opens no quiz"
    ended = await reader.api.post(f"{CLUB}/members/external:ananya/page/end")
    assert ended.status_code == 200, ended.text
    assert "This address was ended" in await reader.open(status=410)
    assert (await reader.send("/take/pouch", {"once": "x"})).status_code == 410
    assert (await reader.client.get(quiz)).status_code == 410, "what it led to ends with it"
    again = await reader.api.post(f"{CLUB}/members/external:ananya/page")
    assert (await reader.client.get(again.json()["url"])).status_code == 200
    nobody = await reader.api.post(f"{CLUB}/members/external:nobody/page")
    assert nobody.json()["code"] == "member_not_found"
    long = await reader.api.post(f"{CLUB}/members/external:ananya/page", json={"hours": 9999})
    assert long.status_code == 422
    erased = await reader.api.call("DELETE", f"{CLUB}/members/external:ananya")
    assert erased.status_code == 200
    assert (await reader.client.get(again.json()["url"])).status_code == 404


async def test_forms_of_other_sites_change_nothing(reader: Reader) -> None:
    for site in ("cross-site", "same-site"):
        sent = await reader.send("/take/pouch", {"once": "x"}, sec_fetch_site=site)
        assert sent.status_code == 403
        assert "This came from another site." in sent.text or "There is no page here" in sent.text
        sent = await reader.send("/do/write-post/new", {"once": "y", "text": "Theirs."}, sec_fetch_site=site)
        assert sent.status_code == 403
    assert "Theirs." not in await reader.open("/club")
    assert "Nothing is waiting to be used." in await reader.open()


async def test_the_statement_can_be_saved_and_checked(reader: Reader) -> None:
    answer = await reader.client.get(f"{reader.path}/statement")
    for _ in range(100):
        answer = await reader.client.get(f"{reader.path}/statement")
        if answer.status_code == 200 and json.loads(answer.text).get("lines"):
            break
        await asyncio.sleep(0.05)
    assert "attachment" in answer.headers["content-disposition"]
    assert len(answer.json()["lines"]) == 1


async def test_the_page_has_a_policy_and_no_inline_parts(reader: Reader) -> None:
    for section in ("", "/do", "/rewards", "/club", "/you"):
        answer = await reader.client.get(reader.path + section)
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "style=" not in answer.text
        assert "onclick" not in answer.text
        weight = len(answer.content)
        for asset in set(re.findall(r'(?:href|src)="(/static/[^"]+)"', answer.text)):
            served = await reader.client.get(asset)
            assert served.status_code == 200, asset
            weight += len(served.content)
        assert weight < 150_000, section
    await reader.open("/nothing", status=404)
