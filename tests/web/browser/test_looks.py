"""Every page by axe-core, in each language, theme and size; fonts; what a page weighs; the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.architecture.source import ROOT
from tests.web.browser.conftest import DESK, PHONE, Place

pytestmark = pytest.mark.xdist_group("browser")
AXE = ROOT / "tests" / "node" / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = """
async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map(
  one => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(' | ')}`)
"""
ROOMS = (
    *("", "/members", "/program", "/transactions", "/proofs", "/quarantine", "/backtests", "/backtests/new"),
    *("/orders", "/orders?which=undone", "/checkouts", "/coupons", "/rewards", "/redemptions"),
    *("/gift-cards", "/gift-cards?state=blocked", "/services"),
)
LISTS = ("/orders", "/checkouts", "/coupons", "/gift-cards")
"""Lists whose first row leads to a page of its own."""
HOUSE = ("/webhooks", "/hooks", "/jobs", "/keys", "/staff", "/audit", "/account", "/new", "/nowhere")
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
LOADED = """
() => performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))
  .map(one => [one.name, one.encodedBodySize])
"""
# Goes through a page by Tab, and tells what is reached without its focus being seen.
STOPS = """
() => { const at = document.activeElement, look = getComputedStyle(at);
  const shown = [at, at.closest('.find'), at.closest('label')].filter(Boolean).some(one => {
    const style = getComputedStyle(one);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2; });
  return [at.tagName, at.outerHTML.slice(0, 140), shown]; }
"""


def dressed(
    chromium: Browser, place: Place, how: tuple[str, str, str], *, chosen: bool = True
) -> BrowserContext:
    """A browser of a size and theme; its language was chosen in it, or is said by the browser alone."""
    language, size, theme = how
    context = chromium.new_context(
        base_url=place.address,
        viewport=PHONE if size == "phone" else DESK,
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
        locale={"en": "en-GB", "bn": "bn-BD", "hi": "hi-IN"}[language],
        bypass_csp=False,
    )
    if chosen:
        # The person of these tests may have a language of their own by now, from another test.
        context.add_cookies([{"name": "guerdon_language", "value": language, "url": place.address}])
    return context


def enter(context: BrowserContext, place: Place) -> Page:
    page = context.new_page()
    page.goto("/console")
    page.locator("#email").fill(place.email)
    page.locator("#password").fill(place.password)
    page.locator("#password").press("Enter")
    page.wait_for_url("**/console/p/club")
    return page


def pages(page: Page) -> Iterator[str]:
    """Go to every page of the console in turn, a member's and their data too."""
    for room in ROOMS:
        page.goto(f"/console/p/club{room}")
        yield f"/console/p/club{room}"
    for room in LISTS:
        page.goto(f"/console/p/club{room}")
        one = page.locator("tbody th a").first.get_attribute("href")
        assert one is not None
        page.goto(one)
        yield one
        if room == "/orders":
            page.goto(f"{one}/explanation")
            yield f"{one}/explanation"
    page.goto("/console/p/club/members")
    member = page.locator("table.people a").last.get_attribute("href")
    own = (member, f"{member}/data", f"{member}/merge")
    for path in (*own, *(f"/console{one}" for one in HOUSE), "/", "/docs"):
        assert path is not None
        page.goto(path)
        yield path


def complaints(page: Page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(RUN_AXE)
    return found


# Each language, theme and size is in the short run; how they go together is in the long one.
SHORT = [("en", "desk", "light"), ("bn", "phone", "dark"), ("hi", "phone", "light")]
LONG = [
    *(("en", "desk", "dark"), ("en", "phone", "light"), ("en", "phone", "dark")),
    *(("bn", "desk", "light"), ("hi", "desk", "dark")),
]


@pytest.mark.parametrize(
    "how",
    [
        *(pytest.param(one, id="-".join(one)) for one in SHORT),
        *(pytest.param(one, id="-".join(one), marks=pytest.mark.long) for one in LONG),
    ],
)
def test_axe_finds_nothing_wrong(chromium: Browser, place: Place, how: tuple[str, str, str]) -> None:
    context = dressed(chromium, place, how)
    door = context.new_page()
    door.goto("/console/sign-in")
    found = {"/console/sign-in": complaints(door)}
    page = enter(context, place)
    for path in pages(page):
        found[path] = complaints(page)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
    context.close()
    assert {path: said for path, said in found.items() if said} == {}


def heard(chromium: Browser, place: Place, language: str) -> list[str]:
    """Look at some pages, and give what the browser asked for."""
    context = dressed(chromium, place, (language, "desk", "light"))
    asked: list[str] = []
    page = enter(context, place)
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/console/p/club", "/console/p/club/program", "/console/keys"):
        page.goto(path)
        page.locator(".me > summary").click()
        page.evaluate("document.fonts.ready.then(() => 0)")
    context.close()
    assert all(one.startswith(place.address) for one in asked)
    return [one.rpartition("/")[2] for one in asked if one.endswith(".woff2")]


def test_each_script_brings_its_own_font_and_english_none(chromium: Browser, place: Place) -> None:
    assert heard(chromium, place, "en") == []
    assert set(heard(chromium, place, "bn")) == {"noto-sans-bengali.woff2"}
    assert set(heard(chromium, place, "hi")) == {"noto-sans-devanagari.woff2"}


def test_a_page_weighs_little_before_its_fonts(chromium: Browser, place: Place) -> None:
    context = dressed(chromium, place, ("bn", "desk", "light"))
    page = enter(context, place)
    for path in pages(page):
        loaded: list[tuple[str, int]] = page.evaluate(LOADED)
        weight = sum(size for name, size in loaded if not name.endswith(".woff2"))
        assert 0 < weight < 150_000, (path, loaded)
    context.close()


def test_the_keyboard_reaches_every_control_and_shows_where_it_is(chromium: Browser, place: Place) -> None:
    context = dressed(chromium, place, ("en", "desk", "light"))
    page = enter(context, place)
    for path in pages(page):
        if path in ("/", "/docs"):
            continue
        controls = page.locator(
            "a[href]:visible, button:visible, input:not([type=hidden]):not([tabindex='-1']):visible,"
            " select:visible, textarea:visible, summary:visible"
        )
        wanted = {one[:140] for one in controls.evaluate_all("all => all.map(one => one.outerHTML)")}
        reached: set[str] = set()
        page.keyboard.press("Tab")
        first: Any = page.evaluate(STOPS)
        assert 'class="skip"' in first[1], path
        for _ in range(4 * len(wanted) + 20):
            tag, html, seen = page.evaluate(STOPS)
            if tag == "BODY":
                break
            assert seen, (path, html)
            reached.add(html)
            page.keyboard.press("Tab")
        assert {one for one in wanted - reached if 'type="radio"' not in one} == set(), path
    context.close()


def test_the_staffs_own_language_follows_them_to_another_browser(chromium: Browser, place: Place) -> None:
    first = dressed(chromium, place, ("en", "desk", "light"), chosen=False)
    page = enter(first, place)
    page.locator(".me > summary").click()
    page.locator("#language").select_option("bn")
    page.locator(".look button").click()
    expect(page.locator("html")).to_have_attribute("lang", "bn")
    second = dressed(chromium, place, ("en", "phone", "light"), chosen=False)
    other = enter(second, place)
    expect(other.locator("html")).to_have_attribute("lang", "bn")
    other.locator(".me > summary").click()
    other.locator("#digits").select_option("latn")
    other.locator(".look button").click()
    expect(other.locator("dl.stats dd").first).to_have_text("3")
    page.goto("/console/p/club")
    expect(page.locator("dl.stats dd").first).to_have_text("৩")
    page.locator(".me > summary").click()
    page.locator("#language").select_option("en")
    page.locator(".look button").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    first.close()
    second.close()
