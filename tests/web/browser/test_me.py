"""The member's page and the quiz in Chromium: axe, sizes, the keyboard, weight, and no script needed."""

from __future__ import annotations

import io
import random
import re
from datetime import UTC, datetime

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from guerdon.web.pages.parcels import FILE_MOST
from tests.web.browser.conftest import Place
from tests.web.browser.test_looks import FIRST_PAINT, LOADED, STOPS, complaints, dressed, enter
from tests.web.conftest import order
from tests.web.me.conftest import DEFINITION
from tests.web.quizzes.conftest import QUIZZES as EVERY_KIND
from tests.web.quizzes.conftest import RIGHT
from tests.web.test_serving import ask

pytestmark = pytest.mark.xdist_group("browser")
SMALL = """
() => [...document.querySelectorAll('a[href], button, summary, select, input:not([type=hidden])')]
  .filter(one => one.checkVisibility() && !one.classList.contains('skip'))
  .filter(one => (one.closest('label') ?? one).getBoundingClientRect().height < 43.5)
  .map(one => one.outerHTML.slice(0, 120))
"""
WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def club(place: Place) -> str:
    """A program with something of each kind: Ananya has bought, joined, posted, and taken a reward."""
    address = f"{place.address}/v1/programs/corner"
    definition = DEFINITION.partition("quizzes:")[0].replace("program: club", "program: corner")
    definition = definition.replace("badges:\n", "badges:\n  knower: {name: Knower}\n")
    quizzes = EVERY_KIND.partition("quizzes:")[2]
    ask("PUT", address, f"{definition}quizzes:{quizzes}".encode(), "application/yaml")
    for name in ("ananya", "rita"):
        ask("POST", f"{address}/members", {"external_id": name, "name": f"{name.title()} Das-Mukhopadhyay"})
    ask("POST", f"{address}/events", order("me1", time=datetime.now(UTC).isoformat()))
    ananya = {"member": "external:ananya"}
    ask("POST", f"{address}/redemptions", {**ananya, "reward": "single"})
    ask("POST", f"{address}/redemptions", {**ananya, "reward": "hall"})
    ask("POST", f"{address}/leaderboards/top/join", {**ananya, "name": "Trail Fox"})
    ask("POST", f"{address}/teams", {**ananya, "kind": "crew", "name": "North Face"})
    ask("POST", f"{address}/posts", {"member": "external:rita", "text": "It kept dry all day."})
    question = {"member": "external:rita", "kind": "question", "text": "How do you wash it?"}
    asked = ask("POST", f"{address}/posts", question)
    ask("POST", f"{address}/posts/{asked['id']}/answers", {**ananya, "text": "By hand."})
    ask("POST", f"{address}/shares", {**ananya, "of": "reward", "what": "single"})
    repaired = {"type": "item.repaired", "data": {"minutes": 30, "what": "zip"}, "receipt": "R-1"}
    ask("POST", f"{address}/deeds", {**ananya, **repaired})
    return address


def page_of(club: str, member: str) -> str:
    made = ask("POST", f"{club}/members/external:{member}/page", {})
    return str(made["url"])


def check(page: Page, *, is_phone: bool) -> None:
    """What must be true of every page of a member's."""
    assert complaints(page) == [], page.url
    assert page.evaluate(WIDE) <= 0, page.url
    assert not is_phone or page.evaluate(SMALL) == [], page.url


@pytest.mark.parametrize("how", [("en", "phone", "light"), ("bn", "desk", "dark")], ids="-".join)
def test_axe_finds_nothing_wrong_about_a_members_page(
    chromium: Browser, place: Place, club: str, how: tuple[str, str, str]
) -> None:
    context = dressed(chromium, place, how)
    page, faults = context.new_page(), list[str]()
    page.on("console", lambda one: faults.append(one.text))
    page.on("pageerror", lambda one: faults.append(str(one)))
    url = page_of(club, "ananya")
    for section in ("/do", "/rewards", "/club", "/you", ""):
        page.goto(f"{url}{section}?lang={how[0]}")
        assert page.locator("html").get_attribute("lang") == how[0]
        assert page.locator(".dock [aria-current=page]").count() == 1
        loaded: list[tuple[str, int]] = page.evaluate(LOADED)
        assert 0 < sum(size for name, size in loaded if not name.endswith(".woff2")) < 150_000, loaded
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
        assert page.evaluate(FIRST_PAINT) > 0
        assert all(name.startswith(place.address) for name, _ in loaded), "no third party"
        page.evaluate("document.querySelectorAll('main details').forEach(one => { one.open = true; })")
        check(page, is_phone=how[1] == "phone")
    taken = page.locator("#taken .gifts a").first.get_attribute("href")
    for path in (f"{url}/take/colours?lang={how[0]}", taken, f"{url}x?lang={how[0]}"):
        assert path is not None
        page.goto(path)
        check(page, is_phone=how[1] == "phone")
    # The last one is no address of ours, which the browser says too.
    assert [one for one in faults if "404" not in one] == []
    context.close()


def test_axe_finds_nothing_wrong_about_a_quiz(chromium: Browser, place: Place, club: str) -> None:
    context = dressed(chromium, place, ("en", "phone", "dark"))
    page = context.new_page()
    page.goto(f"{page_of(club, 'ananya')}/do?lang=en")
    page.get_by_role("link", name=re.compile("Know your bag")).click()
    check(page, is_phone=True)
    page.get_by_role("button", name="Begin").click()
    kinds = set()
    for number in range(1, 7):
        expect(page.locator("#progress")).to_have_text(f"Question {number} of 6")
        kinds.add(kind := fill(page))
        # The others look like one of these.
        if kind in ("multiple", "text", "ordering"):
            check(page, is_phone=True)
        page.get_by_role("button", name="Answer").click()
    assert kinds == {"single", "multiple", "true_false", "number", "text", "ordering"}
    expect(page.locator(".stamp")).to_have_text("Passed")
    check(page, is_phone=True)
    page.goto("/play/quiz/nothing")
    check(page, is_phone=True)
    context.close()


def fill(page: Page) -> str:
    """Answer the question that is shown rightly, and say of which kind it was."""
    kind = page.locator("input[name=kind]").get_attribute("value") or ""
    meant = RIGHT[page.locator("main h2").first.inner_text()]
    if kind == "ordering":
        for place, text in enumerate(meant, 1):
            page.get_by_label(text).select_option(str(place))
    elif kind in ("number", "text"):
        page.locator("#answer").fill(str(meant))
    elif kind == "true_false":
        page.get_by_label("True" if meant else "False", exact=True).check()
    else:
        for text in meant if isinstance(meant, list) else [meant]:
            page.get_by_label(text, exact=True).check()
    return kind


def test_a_reward_is_taken_by_keyboard_alone_and_without_scripts(
    chromium: Browser, place: Place, club: str
) -> None:
    context = chromium.new_context(base_url=place.address, java_script_enabled=False)
    page = context.new_page()
    url = page_of(club, "ananya")
    for section in ("/rewards", "/club", "/do"):
        page.goto(f"{url}{section}?lang=en")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        reached = {page.evaluate(STOPS)[1]}
        for _ in range(120):
            page.keyboard.press("Tab")
            tag, html, seen = page.evaluate(STOPS)
            if tag == "BODY":
                break
            assert seen, html
            reached.add(html)
        controls = page.locator(
            "a[href]:visible, button:visible, summary:visible, select:visible, input:visible,"
            " textarea:visible"
        )
        wanted = set(controls.evaluate_all("all => all.map(one => one.outerHTML.slice(0, 140))"))
        assert {one for one in wanted - reached if 'type="hidden"' not in one} == set(), section
    page.goto(f"{url}/rewards?lang=en")
    page.get_by_role("link", name=re.compile("Take.*Travel pouch")).focus()
    page.keyboard.press("Enter")
    page.get_by_label("Colour, size or another wish").fill("blue")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Travel pouch")
    expect(page.locator("main")).to_contain_text("Chosen: blue")
    page.get_by_role("link", name="Back").click()
    page.get_by_role("link", name="Have").click()
    expect(page.locator("#lately")).to_contain_text("Redeemed: Travel pouch")
    context.close()


def test_a_deed_with_a_large_photo_is_sent_and_a_refusal_is_where_one_looks(
    chromium: Browser, place: Place, club: str
) -> None:
    context = dressed(chromium, place, ("hi", "phone", "dark"))
    page = context.new_page()
    page.goto(f"{page_of(club, 'rita')}/do?lang=hi")
    send = page.locator("#deeds form button")
    page.locator("#deeds input[name=data_minutes]").fill("३०")
    send.click()
    expect(page.locator("#wrong")).to_be_focused()
    expect(page.locator("#deeds input[name=data_minutes]")).to_have_value("३०")
    check(page, is_phone=True)
    noise = Image.frombytes("RGB", (1800, 1800), random.Random(1).randbytes(1800 * 1800 * 3))
    out = io.BytesIO()
    noise.save(out, "PNG", compress_level=0)
    assert out.tell() > FILE_MOST, "more than is taken"
    photo = page.locator("#deeds input[type=file]")
    photo.set_input_files({"name": "bag.png", "mimeType": "image/png", "buffer": out.getvalue()})
    expect(photo).to_have_attribute("data-small", "yes")
    send.click()
    expect(page.locator("#deeds [role=status]")).to_have_count(1)
    expect(page.locator("#deeds .gifts")).to_contain_text("30")
    check(page, is_phone=True)
    context.close()


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(("bn", "phone", "dark"), id="bn-phone-dark"),
        pytest.param(("hi", "desk", "light"), id="hi-desk-light", marks=pytest.mark.long),
    ],
)
def test_axe_finds_nothing_wrong_about_pages_that_are_passed_on(
    chromium: Browser, place: Place, club: str, how: tuple[str, str, str]
) -> None:
    ananya = {"member": "external:ananya"}
    given = ask("POST", f"{club}/redemptions", {**ananya, "reward": "bag"})
    invited = ask("GET", f"{club}/invitations?member=external:ananya")
    shared = ask("POST", f"{club}/shares", {**ananya, "of": "reward", "what": "single"})
    pages = (ask("GET", f"{club}/redemptions/{given['id']}/receipt")["page"], invited["link"], shared["url"])
    context = dressed(chromium, place, how)
    page = context.new_page()
    for path in (*pages, pages[0].replace("/receipt/", "/receipt/x"), "/proof"):
        page.goto(f"{path}?lang={how[0]}")
        assert page.locator("html").get_attribute("lang") == how[0], path
        check(page, is_phone=how[1] == "phone")
    context.close()


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(("bn", "phone", "dark"), id="bn-phone-dark"),
        pytest.param(("en", "desk", "light"), id="en-desk-light", marks=pytest.mark.long),
    ],
)
def test_axe_finds_nothing_wrong_about_what_staff_sees_of_it(
    chromium: Browser, place: Place, club: str, how: tuple[str, str, str]
) -> None:
    context = dressed(chromium, place, how)
    page, path = enter(context, place), f"/console/p/{club.rpartition('/')[2]}"
    boards, quizzes = f"{path}/leaderboards", f"{path}/quizzes"
    rooms = ("challenges", "draws", "quizzes", "leaderboards", "community", "giving", "door", "referrals")
    for room in (*(f"{path}/{one}" for one in rooms), f"{boards}/top", f"{quizzes}/know_your_bag"):
        said = page.goto(room)
        assert said is not None
        assert said.status == 200, room
        assert complaints(page) == [], room
        assert page.evaluate(WIDE) <= 0, room
    context.close()


@pytest.mark.parametrize(
    ("language", "fonts"),
    [("en", set()), ("bn", {"noto-sans-bengali.woff2"}), ("hi", {"noto-sans-devanagari.woff2"})],
)
def test_a_members_page_brings_the_font_of_its_own_script(
    chromium: Browser, place: Place, club: str, language: str, fonts: set[str]
) -> None:
    context = dressed(chromium, place, (language, "phone", "light"))
    page = context.new_page()
    page.goto(f"{page_of(club, 'ananya')}?lang={language}")
    page.evaluate("document.fonts.ready.then(() => 0)")
    loaded: list[tuple[str, int]] = page.evaluate(LOADED)
    weights = {name.rpartition("/")[2]: size for name, size in loaded if name.endswith(".woff2")}
    names = {"name-bengali.woff2", "name-devanagari.woff2"}
    assert set(weights) - names == fonts
    assert sum(weights.values()) < (90_000 if fonts else 8_000)
    assert page.locator("nav a[hreflang]").count() == 3
    context.close()
