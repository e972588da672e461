"""A backtest from the page and the webhooks page in a real Chromium, with scripts and without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.browser.conftest import DESK, PHONE, Place, sign_in
from tests.web.browser.test_console import CONTRASTS, UNNAMED
from tests.web.conftest import order

pytestmark = pytest.mark.xdist_group("browser")
PATIENCE = 120_000
ROOMS = (
    "/console/p/club/backtests",
    "/console/p/club/backtests/new",
    "/console/webhooks",
    "/console/hooks",
    "/console/jobs",
    "/console/p/club/quarantine",
)


@pytest.fixture
def lively(chromium: Browser, place: Place) -> Iterator[Page]:
    """Somebody who has signed in, with scripts on; whatever the page complains of fails the test."""
    context = chromium.new_context(base_url=place.address, viewport=DESK)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    sign_in(page, place)
    yield page
    context.close()
    assert [one for one in complaints if "422" not in one] == []


def begun(page: Page) -> None:
    page.get_by_role("link", name="Definition", exact=True).click()
    text = page.get_by_label("As text")
    text.fill(text.input_value().replace("order.earning_base", "order.earning_base * 2"))
    page.get_by_role("button", name="Try on past orders").click()
    expect(page.get_by_text("The text differs from version")).to_be_visible()
    page.get_by_role("button", name="Begin the backtest").click()


def test_an_edited_text_is_tried_watched_and_its_report_read(lively: Page) -> None:
    begun(lively)
    expect(lively.get_by_role("link", name="Open the report")).to_be_visible(timeout=PATIENCE)
    assert "hx-trigger" not in lively.content(), "nobody asks any more"
    figures = lively.get_by_role("table")
    expect(figures).to_contain_text("Issued, points")
    expect(figures).to_contain_text("The edited text")
    lively.get_by_role("link", name="Open the report").click()
    expect(lively.get_by_role("heading", level=1)).to_contain_text("The second definition gives")
    expect(lively.get_by_role("heading", name="Whose points change")).to_be_visible()
    lively.go_back()
    expect(lively.get_by_role("link", name="Open the report")).to_be_visible()
    lively.go_back()
    expect(lively.get_by_role("button", name="Begin the backtest")).to_be_visible()
    lively.get_by_role("button", name="Begin the backtest").click()
    # The same form again, out of the browser's memory: it is the same backtest.
    expect(lively.get_by_role("link", name="Open the report")).to_be_visible(timeout=PATIENCE)


def test_without_scripts_the_page_comes_again_by_itself(page: Page) -> None:
    begun(page)
    expect(page.get_by_role("link", name="Open the report")).to_be_visible(timeout=PATIENCE)


def test_a_file_is_sent_with_the_form(lively: Page, tmp_path: Path) -> None:
    path = tmp_path / "last year.ndjson"
    lines = [order(f"x{number}", time=f"2025-0{number}-01T10:00:00Z") for number in range(1, 6)]
    path.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    lively.goto("/console/p/club/backtests/new")
    lively.get_by_label("A file", exact=True).check()
    lively.get_by_role("button", name="Begin the backtest").click()
    expect(lively.get_by_role("alert")).to_contain_text("Choose a file with past orders.")
    lively.get_by_label("The file", exact=True).set_input_files(path)
    lively.get_by_role("button", name="Begin the backtest").click()
    expect(lively.get_by_text("over last-year.ndjson")).to_be_visible()
    expect(lively.get_by_role("table")).to_contain_text("Orders", timeout=PATIENCE)
    expect(lively.get_by_role("row", name="Orders")).to_contain_text("5")


def test_a_webhook_is_added_paused_and_deleted(page: Page) -> None:
    page.get_by_role("link", name="Webhooks").click()
    page.get_by_role("textbox", name="Address").fill("https://shop.example/guerdon")
    page.get_by_role("textbox", name="Is told of").fill("tier.changed units.*")
    page.get_by_role("button", name="Add the webhook").click()
    expect(page.get_by_role("status")).to_contain_text("whsec_")
    page.get_by_role("link", name="Webhooks").first.click()
    page.get_by_role("link", name="https://shop.example/guerdon").click()
    expect(page.locator("main")).not_to_contain_text("whsec_")
    page.get_by_role("button", name="Pause it").click()
    expect(page.get_by_role("status")).to_contain_text("It is paused.")
    page.get_by_text("Delete it").click()
    page.get_by_role("button", name="Delete the webhook").click()
    expect(page.locator("main")).to_contain_text("Nobody is told yet")


@pytest.mark.parametrize(("width", "scheme"), [("desk", "light"), ("desk", "dark"), ("phone", "light")])
def test_the_later_rooms_fit_and_can_be_read(
    chromium: Browser, place: Place, width: str, scheme: str
) -> None:
    context = chromium.new_context(
        base_url=place.address,
        viewport=PHONE if width == "phone" else DESK,
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    sign_in(page, place)
    for path in ROOMS:
        page.goto(path)
        room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert room[0] <= room[1], path
        assert page.evaluate(CONTRASTS) == [], path
        assert page.evaluate(UNNAMED) == [], path
    context.close()
