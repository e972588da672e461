"""The member's page for proofs, in Chromium: what a file proves is shown, and what is changed is named."""

from __future__ import annotations

import json
import time
import urllib.error
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from guerdon.rules.proofs.notes import NoteKey
from tests.web.browser.conftest import DESK, PHONE, Place
from tests.web.browser.test_looks import AXE, RUN_AXE
from tests.web.test_serving import ask

pytestmark = pytest.mark.xdist_group("browser")
LOCALES = {"en": "en-GB", "bn": "bn-BD", "hi": "hi-IN"}


@pytest.fixture(scope="module")
def statement(place: Place) -> dict[str, Any]:
    """Ananya's statement, once all of it is in a signed head."""
    club = f"{place.address}/v1/programs/club"
    account = ask("GET", f"{club}/members/external:ananya")["account"]
    ledger = ask("GET", f"{club}/accounts/{account}/ledger")["data"]
    for _ in range(300):
        try:
            ask("GET", f"{club}/transactions/{ledger[0]['id']}/proof")
            file = dict(ask("GET", f"{club}/accounts/{account}/proof"))
        except urllib.error.HTTPError:
            file = {"lines": []}
        if len(file["lines"]) >= len(ledger):
            return file
        time.sleep(0.1)
    raise AssertionError("it never came into the log")


def context_of(chromium: Browser, place: Place, language: str, *, phone: bool = True) -> BrowserContext:
    size = PHONE if phone else DESK
    return chromium.new_context(
        base_url=place.address, viewport=size, locale=LOCALES[language], reduced_motion="reduce"
    )


def opened(page: Page, folder: Path, file: Any, name: str = "proof.json") -> None:
    path = folder / name
    path.write_text(file if isinstance(file, str) else json.dumps(file), encoding="utf-8")
    page.set_input_files("#file", path)
    page.locator("#verdict").wait_for()


@pytest.mark.parametrize(("language", "phone"), [("en", True), ("bn", True), ("hi", True), ("en", False)])
def test_a_statement_is_checked_in_the_browser_and_sent_nowhere(
    chromium: Browser, place: Place, statement: dict[str, Any], tmp_path: Path, language: str, phone: bool
) -> None:
    context = context_of(chromium, place, language, phone=phone)
    page = context.new_page()
    faults: list[str] = []
    asked: list[tuple[str, str]] = []
    page.on("console", lambda one: faults.append(one.text))
    page.on("pageerror", lambda one: faults.append(str(one)))
    page.goto("/proof")
    page.on("request", lambda one: asked.append((one.method, one.url.removeprefix(place.address))))
    assert page.locator("html").get_attribute("lang") == language
    opened(page, tmp_path, statement)
    expect(page.locator("#verdict")).to_have_class("proof__verdict is-good")
    expect(page.locator(".proof__lines tbody tr")).to_have_count(len(statement["lines"]))
    total = {"en": "59", "bn": "৫৯", "hi": "59"}[language]
    expect(page.locator(".proof__sums dd")).to_have_text(total)
    assert [one for one in asked if not one[1].startswith("/static/")] == [("GET", "/log/main/club/keys")]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(RUN_AXE) == []
    assert faults == []
    context.close()


def test_what_was_changed_is_named(
    chromium: Browser, place: Place, statement: dict[str, Any], tmp_path: Path
) -> None:
    context = context_of(chromium, place, "en")
    page = context.new_page()
    page.goto("/proof?lang=en")
    lines = statement["lines"]
    raised = [{**one, "leaf": one["leaf"].replace("159", "999")} for one in lines]
    wrong = {
        "Line 1:": {**statement, "lines": raised},
        "not in the log that was signed": {**statement, "lines": raised},
        "before this one is missing": {**statement, "lines": lines[1:]},
        "another account": {**statement, "account": {**statement["account"], "salt": "00"}},
        "no proof file": "{}",
        "signature is for another head": {
            **statement,
            "checkpoint": statement["checkpoint"].replace("\n\n", "\nmore\n\n"),
        },
    }
    for words, file in wrong.items():
        opened(page, tmp_path, file)
        expect(page.locator("#verdict")).to_contain_text(words)
        expect(page.locator("#verdict")).to_have_class("proof__verdict is-bad")
        expect(page.locator(".proof__lines")).to_have_count(0)
    context.close()


def test_a_key_from_elsewhere_is_kept_and_counts_more(
    chromium: Browser, place: Place, statement: dict[str, Any], tmp_path: Path
) -> None:
    context = context_of(chromium, place, "bn")
    page = context.new_page()
    page.goto("/proof?lang=en")
    key = ask("GET", f"{place.address}/v1/programs/club/log/keys")["data"][-1]["key"]
    stranger = NoteKey("guerdon/main/club", bytes(32)).text
    page.locator("summary").click()
    for given, words in (
        (key, "the key that you gave"),
        (stranger, "None of the keys"),
        ("x+y", "no key of a log"),
    ):
        page.get_by_label("Key", exact=True).fill(given)
        opened(page, tmp_path, statement)
        expect(page.locator("#verdict")).to_contain_text(words)
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_label("Key", exact=True).press("Tab")
    expect(page.locator("#verdict")).to_contain_text("the key that you gave")
    page.goto("/proof?lang=bn")
    assert page.locator("#key").input_value() == key
    opened(page, tmp_path, statement)
    page.locator("#digits").select_option("latn")
    expect(page.locator(".proof__sums dd")).to_have_text("59")
    page.reload()
    opened(page, tmp_path, statement)
    expect(page.locator(".proof__sums dd")).to_have_text("59")
    context.close()


def test_a_file_is_dropped_and_reached_by_keyboard(
    chromium: Browser, place: Place, statement: dict[str, Any]
) -> None:
    context = context_of(chromium, place, "en", phone=False)
    page = context.new_page()
    page.goto("/proof")
    dropped = page.evaluate_handle(
        "text => { const data = new DataTransfer();"
        " data.items.add(new File([text], 'proof.json', {type: 'application/json'})); return data; }",
        json.dumps(statement),
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": dropped})
    expect(page.locator("#verdict")).to_have_class("proof__verdict is-good")
    page.goto("/proof")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "file":
            break
    style = "getComputedStyle(document.getElementById('drop')).outlineStyle"
    assert page.evaluate(style) == "solid"
    context.close()
