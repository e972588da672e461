"""The console in a real Chromium without scripts: sign-in, search, explanation, plan → apply, looks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.web.browser.conftest import DESK, PHONE, Place, sign_in
from tests.web.console.desk import gone_on

pytestmark = pytest.mark.xdist_group("browser")
ROOMS = (
    "/console/p/club",
    "/console/p/club/members",
    "/console/p/club/program",
    "/console/p/club/transactions",
    "/console/p/club/quarantine",
    "/console/p/club/orders",
    "/console/p/club/checkouts",
    "/console/p/club/coupons",
    "/console/p/club/gift-cards",
    "/console/p/club/rewards",
    "/console/p/club/redemptions",
    "/console/keys",
    "/console/staff",
    "/console/audit",
    "/console/account",
)
# WCAG 2.2, relative luminance; the browser turns every colour into sRGB on its canvas.
CONTRASTS = """
() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const rgba = colour => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const found = [];
  for (const element of document.querySelectorAll('main *, .topbar *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    const box = element.getBoundingClientRect();
    if (!own || !element.checkVisibility() || box.width < 2 || box.height < 2 ||
      element.closest('svg, .vh, [disabled]')) continue;
    let ground = element, colour = rgba(getComputedStyle(ground).backgroundColor);
    while (colour[3] < 255 && ground.parentElement) {
      ground = ground.parentElement; colour = rgba(getComputedStyle(ground).backgroundColor); }
    if (colour[3] < 255) continue;
    const [one, two] = [light(rgba(getComputedStyle(element).color)), light(colour)].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (two + 0.05);
    if (ratio < 4.5) found.push(`${element.outerHTML.slice(0, 60)} ${ratio.toFixed(2)}`);
  }
  return found;
}
"""
UNNAMED = """
() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a[href]')]
  .filter(one => !(one.labels && one.labels.length) && !one.textContent.trim()
    && !one.getAttribute('aria-label') && one.getAttribute('aria-hidden') !== 'true')
  .map(one => one.outerHTML.slice(0, 120))
"""


@pytest.fixture
def looking(chromium: Browser, place: Place, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Somebody who has signed in, with scripts on for the test's own questions."""
    width, scheme = request.param
    size = PHONE if width == "phone" else DESK
    context = chromium.new_context(
        base_url=place.address, viewport=size, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    sign_in(page, place)
    yield page
    context.close()


def test_a_wrong_password_says_so_and_keeps_the_name(context: BrowserContext, place: Place) -> None:
    page = context.new_page()
    page.goto("/console")
    page.get_by_label("E-mail").fill("nobody@shop.example")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    expect(page.get_by_label("E-mail")).to_have_value("nobody@shop.example")


def test_somebody_signs_in_by_keyboard_alone_and_out_again(context: BrowserContext, place: Place) -> None:
    page = context.new_page()
    page.goto("/console")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type(place.email)
    page.keyboard.press("Tab")
    page.keyboard.type(place.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 member bought.")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.locator(".me > summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_contain_text("You are signed out.")
    page.goto("/console/p/club")
    expect(page).to_have_title("Sign in")


def test_a_name_is_searched_and_an_entry_explained(page: Page, place: Place) -> None:
    page.get_by_role("searchbox", name="Find a member").fill("rit")
    page.get_by_role("searchbox", name="Find a member").press("Enter")
    expect(page.get_by_role("link", name="Rita Paul")).to_be_visible()
    expect(page.get_by_role("link", name="Ananya Das")).to_have_count(0)
    page.get_by_role("searchbox", name="Find a member").fill("ananya.das@mail.example")
    page.get_by_role("searchbox", name="Find a member").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ananya Das")
    why = page.locator("details.why").filter(has_text="Why +159 points")
    expect(why.locator("dl")).to_be_hidden()
    why.locator("summary").click()
    expect(why.locator("dl")).to_contain_text("Base earn")
    expect(why).to_contain_text(f"gone on {gone_on(place.bought_at)}.")


def test_an_adjustment_stands_at_the_top_of_the_story(page: Page) -> None:
    page.get_by_role("searchbox", name="Find a member").fill("rita.paul@mail.example")
    page.get_by_role("searchbox", name="Find a member").press("Enter")
    page.get_by_label("Amount, negative takes").fill("40")
    page.get_by_label("Reason, which the ledger keeps").fill("waited long")
    page.get_by_role("button", name="Book it").click()
    expect(page.get_by_role("status")).to_contain_text("The adjustment is booked.")
    first = page.locator(".timeline > li").first
    expect(first).to_contain_text("Adjusted by staff")
    expect(first).to_contain_text("+40")
    expect(first).to_contain_text("waited long")


def test_a_code_is_made_and_found_good_by_keyboard_and_form_alone(page: Page) -> None:
    page.get_by_role("link", name="Coupons", exact=True).click()
    page.get_by_label("One code that everybody shares").check()
    page.get_by_label("The shared code").fill("welcome10")
    page.get_by_label("Uses of all together").fill("20")
    page.get_by_role("button", name="Make them").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("WELCOME10")
    page.get_by_role("link", name="Coupons", exact=True).first.click()
    page.get_by_label("A code, as the customer reads it out").fill("Welcome1O")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("can be used")


def test_gift_cards_are_made_found_by_their_code_and_blocked(page: Page) -> None:
    page.get_by_role("link", name="Gift cards", exact=True).click()
    page.get_by_label("Money on each card, USD").fill("20")
    page.get_by_label("How many cards").fill("2")
    page.get_by_label("Reason, which the ledger keeps").fill("for the fair")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("2 gift cards are made")
    code = page.locator("code.secret").first.inner_text()
    with page.expect_download() as file:
        page.get_by_role("button", name="The codes as a file").click()
    assert code in file.value.path().read_text()
    page.get_by_role("link", name="Gift cards", exact=True).first.click()
    page.get_by_label("The code on the card").fill(code.lower().replace("-", " "))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Gift card …{code[-4:]}")
    assert code not in page.url
    assert code not in page.content()
    page.locator("#why").fill("lost on the tram")
    page.get_by_role("button", name="Block the card").click()
    expect(page.get_by_role("status")).to_contain_text("It pays nothing any more.")


def test_a_reward_is_sent_from_the_list_of_what_waits(page: Page) -> None:
    page.get_by_role("link", name="Rewards", exact=True).click()
    page.get_by_role("link", name="What waits to be handed out").click()
    page.get_by_placeholder("Tracking").fill("JJD 17")
    page.get_by_role("button", name="Sent").click()
    expect(page.get_by_role("status")).to_contain_text("Noted as sent.")
    page.get_by_role("link", name="On its way").click()
    expect(page.locator(".handing")).to_contain_text("JJD 17")


def test_a_definition_goes_from_a_wrong_place_to_a_plan_to_live(page: Page) -> None:
    page.get_by_role("link", name="Definition", exact=True).click()
    text = page.get_by_label("As text")
    live = text.input_value()
    text.fill(live.replace("order.earning_base", "order.earning_bas"))
    page.get_by_role("button", name="Show the plan").click()
    expect(page.get_by_role("alert")).to_contain_text("1 wrong place")
    expect(page.locator(".code .wrong")).to_have_count(1)
    text.fill(live.replace("from: 1000", "from: 900"))
    page.get_by_role("button", name="Show the plan").click()
    expect(page.locator(".plan").first).to_contain_text("Tier Gold begins at 900 instead of 1000.")
    page.get_by_role("button", name="Apply as version 2").click()
    expect(page.get_by_role("status")).to_contain_text("Version 2 is live.")
    page.get_by_role("link", name="take up again 1").click()
    expect(text).to_have_value(live)
    page.get_by_role("button", name="Show the plan").click()
    page.get_by_role("button", name="Apply as version 3").click()
    expect(page.get_by_role("status")).to_contain_text("Version 3 is live.")


@pytest.mark.parametrize("looking", [("desk", "light"), ("desk", "dark"), ("phone", "light")], indirect=True)
def test_pages_fit_can_be_read_and_have_names_for_everything(looking: Page) -> None:
    complaints: list[str] = []
    looking.on("console", lambda said: complaints.append(said.text))
    for path in ROOMS:
        looking.goto(path)
        width = looking.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert width[0] <= width[1], path
        assert looking.evaluate(CONTRASTS) == [], path
        assert looking.evaluate(UNNAMED) == [], path
    assert complaints == []


@pytest.mark.parametrize("looking", [("desk", "light")], indirect=True)
def test_theme_and_language_are_chosen_and_stay(looking: Page) -> None:
    paper = "getComputedStyle(document.body).color"
    light = looking.evaluate(paper)
    looking.locator(".me > summary").click()
    looking.get_by_label("Theme").select_option("dark")
    looking.get_by_label("Language").select_option("hi")
    looking.get_by_role("button", name="Use").click()
    expect(looking.locator("html")).to_have_attribute("data-theme", "dark")
    expect(looking.get_by_role("link", name="सदस्य")).to_be_visible()
    assert looking.evaluate(paper) != light
    looking.goto("/console/keys")
    expect(looking.locator("html")).to_have_attribute("lang", "hi")
    # It is the person's own setting by now, and the next test is of the same person.
    looking.locator(".me > summary").click()
    looking.locator("#language").select_option("en")
    looking.locator("form:has(#language) button").click()
    expect(looking.locator("html")).to_have_attribute("lang", "en")
