"""A real Chromium, and a console that it can reach: `serve` as a process, with some people."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from tests.web.conftest import PROGRAM, order
from tests.web.test_serving import KEY, SERVE, ask

CLUB = (
    PROGRAM.replace(
        "wallets:\n",
        "wallets:\n  credit: {unit: USD, scale: 2, tender: store_credit}\n"
        "  cards: {unit: USD, scale: 2, tender: gift_card, expires: {after: 24mo}}\n",
    )
    .replace("campaigns:\n", "campaigns:\n  help: {trigger: help.asked, then: [{grant: adviser}]}\n")
    .replace("rewards:\n", "rewards:\n  adviser: {kind: service, name: An hour with Mira}\n")
)
# Names of other machines lead nowhere: whatever a page asks for comes from this one.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1280, height=900)
_TOLD = re.compile(r"Console at (\S+): sign in as (\S+) with (\S+) ")


@dataclass(frozen=True, slots=True)
class Place:
    """A console that is being served."""

    address: str
    email: str
    password: str
    bought_at: datetime
    """When Ananya bought for 159.80."""


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Serve a club with a member who has bought, and read the first owner's password where people do."""
    folder = tmp_path_factory.mktemp("browser") / "data"
    # A line a request: into a file, for a pipe that nobody reads would hold the server up once it is full.
    with (folder.parent / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(folder), "0"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "GUERDON_API_KEY": KEY},
        )
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "ready at " in line:
                break
        told = _TOLD.search(said)
        assert told is not None, said
        bought_at, address = datetime.now(UTC), told[1].removesuffix("/console")
        ask("PUT", f"{address}/v1/programs/club", CLUB.encode(), "application/yaml")
        for name in ("Ananya Das", "Rita Paul", "Ritu Pal"):
            email = f"{name.lower().replace(' ', '.')}@mail.example"
            profile = {"external_id": name.partition(" ")[0].lower(), "name": name, "email": email}
            ask("POST", f"{address}/v1/programs/club/members", profile)
        ask("POST", f"{address}/v1/programs/club/events", order("o1", time=bought_at.isoformat()))
        club = f"{address}/v1/programs/club"
        ask("POST", f"{club}/redemptions", {"member": "external:ananya", "reward": "pouch"})
        ask(
            "POST", f"{club}/coupons/batches?format=none", {"reward": "voucher", "size": 50, "prefix": "MAY-"}
        )
        ask("POST", f"{club}/gift-cards", {"amount": "50.00", "count": 2, "reason": "sold at the till"})
        asked = {"specversion": "1.0", "source": "shop", "type": "help.asked", "time": bought_at.isoformat()}
        for number in ("1", "2"):
            event = {**asked, "id": f"help-{number}", "subject": "external:rita", "data": {}}
            said = ask("POST", f"{club}/events", event)
            (taken,) = (one["grant"]["redemption"] for one in said["effects"] if "grant" in one)
            time = {"at": (bought_at + timedelta(days=1)).isoformat(), "note": "with Mira"}
            ask("POST", f"{club}/services/{taken}/schedule", time)
        bag = {"id": "1", "name": "Bag", "price": "40.00", "quantity": 2}
        cart = {"source": "shop", "member": "external:ananya", "ttl": 3600, "lines": [bag], "rewards": []}
        ask("PUT", f"{club}/checkouts/C-1", cart)
        yield Place(address, told[2], told[3], bought_at)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.fixture
def chromium() -> Iterator[Browser]:
    """Debian's own Chromium, which `scripts/ensure-chromium` brings; its event loop ends with the test."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert path is not None, "no Chromium here: run scripts/ensure-chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser, place: Place) -> Iterator[BrowserContext]:
    """A browser without a past, in which scripts are switched off: every page must work so."""
    made = chromium.new_context(base_url=place.address, java_script_enabled=False)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, place: Place) -> Page:
    """Somebody who has signed in."""
    made = context.new_page()
    sign_in(made, place)
    return made


def sign_in(page: Page, place: Place) -> None:
    """Type name and password, and press Enter."""
    page.goto("/console")
    page.get_by_label("E-mail").fill(place.email)
    page.get_by_label("Password").fill(place.password)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url("**/console/p/club")
