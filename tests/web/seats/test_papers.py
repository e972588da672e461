"""What people take along: calendar files that calendars read, and tickets to print, in three languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.rewards.seats.calendar import Entry, written
from tests.web.conftest import NOW, Api
from tests.web.seats.conftest import members
from tests.web.taking.conftest import CLUB, Shop

PROGRAM = """
program: club
name: {en: Trail Club, bn: ট্রেইল ক্লাব, hi: ट्रेल क्लब}
currency: USD
timezone: America/New_York
languages: [en, bn, hi]
wallets: {points: {unit: points, rounding: floor}}
attributes: {persona: {type: string}}
rewards:
  evening:
    kind: event
    name: {en: "Launch, and tea; bring friends", bn: উদ্বোধনী সন্ধ্যা, hi: उद्घाटन की शाम}
    description: {en: "Tea, talks\\\\bags", bn: চা আর গল্প, hi: चाय और बातें}
    price: {points: 100}
    seats: 20
    at: 2027-03-13T22:00
    lasts: 6h
    place: {en: The shop, bn: দোকানে, hi: दुकान में}
  camp: {kind: experience, price: {points: 10}, at: 2027-01-31, lasts: 2d}
  day: {kind: event, price: {points: 10}, at: 2027-05-01}
  talk: {kind: event, price: {points: 10}, at: 2027-05-01T18:30}
"""


@pytest.fixture
async def club(bare: Api) -> Shop:
    shop = await members(bare, ("ana", "bob"))
    await apply(shop, PROGRAM)
    return shop


async def apply(club: Shop, text: str) -> None:
    said = await club.api.apply(text)
    assert said.status_code == 201, said.text[:500]


def parsed(file: bytes) -> dict[str, str]:
    """Read a calendar file as RFC 5545 wants it read, and refuse what it refuses."""
    assert file.endswith(b"\r\n")
    assert b"\n" not in file.replace(b"\r\n", b"")
    assert all(len(one) <= 75 for one in file.split(b"\r\n"))
    # Each part alone is whole letters, so that no reader that unfolds late trips.
    assert all(one.decode() is not None for one in file.split(b"\r\n"))
    found: dict[str, str] = {}
    open_ones: list[str] = []
    for line in file.decode().replace("\r\n ", "").split("\r\n")[:-1]:
        match = re.fullmatch(r"([A-Z-]+)((?:;[A-Z-]+=[^;:]+)*):(.*)", line)
        assert match is not None, line
        name, more, value = match.groups()
        if name == "BEGIN":
            open_ones.append(value)
        elif name == "END":
            assert open_ones.pop() == value
        else:
            assert f"{name}{more}" not in found, "each of these stands once"
            found[f"{name}{more}"] = value
    assert not open_ones
    return found


def plain(text: str) -> str:
    """Undo the escaping of a text."""
    assert re.fullmatch(r"(?:[^\\;,\x00-\x08\x0a-\x1f\x7f]|\\[\\;,nN])*", text), text
    return re.sub(r"\\(.)", lambda one: {"n": "\n", "N": "\n"}.get(one[1], one[1]), text)


async def file(club: Shop, taken: dict[str, Any], language: str = "") -> dict[str, str]:
    rest = f"?language={language}" if language else ""
    said = await club.api.get(f"{CLUB}/redemptions/{taken['id']}/calendar{rest}", headers=club.clock)
    assert said.headers["content-type"] == "text/calendar; charset=utf-8"
    return parsed(said.content)


async def test_an_evening_has_its_end_in_the_night_in_which_clocks_are_set(club: Shop) -> None:
    taken = await club.taken("evening", quantity=2)
    entry = await file(club, taken)
    # Ten in the evening in winter; six hours later it is five in the morning in summer time.
    assert (entry["DTSTART"], entry["DTEND"]) == ("20270314T030000Z", "20270314T090000Z")
    assert (entry["METHOD"], entry["STATUS"], entry["DTSTAMP"]) == (
        "PUBLISH",
        "CONFIRMED",
        "20261121T120000Z",
    )
    assert plain(entry["SUMMARY"]) == "Launch, and tea; bring friends"
    assert plain(entry["LOCATION"]) == "The shop"
    number = taken["id"]
    assert plain(entry["DESCRIPTION"]) == f"Tea, talks\\bags\nFor 2 people\nTicket number {number}"
    camp = await file(club, await club.taken("camp"))
    assert (camp["DTSTART;VALUE=DATE"], camp["DTEND;VALUE=DATE"]) == ("20270131", "20270202")
    day = await file(club, await club.taken("day"))
    assert (day["DTSTART;VALUE=DATE"], "DTEND;VALUE=DATE" in day) == ("20270501", False)
    talk = await file(club, await club.taken("talk"))
    assert (talk["DTSTART"], "DTEND" in talk) == ("20270501T223000Z", False)


async def test_the_file_and_the_ticket_speak_as_the_member_does(club: Shop) -> None:
    status, said = await club.ask("PATCH", "members/external:ana", json={"language": "bn"})
    assert status == 200, said
    taken = await club.taken("evening", quantity=2)
    own = await file(club, taken)
    assert (own["SUMMARY"], own["LOCATION"]) == ("উদ্বোধনী সন্ধ্যা", "দোকানে")
    assert plain(own["DESCRIPTION"]).split("\n")[:2] == ["চা আর গল্প", "২ জনের জন্য"]
    hindi = await file(club, taken, "hi-IN")
    assert plain(hindi["DESCRIPTION"]).split("\n")[:2] == ["चाय और बातें", "2 लोगों के लिए"]
    # Nobody wrote it in French: the first language of the program, and words in English.
    assert plain((await file(club, taken, "fr"))["DESCRIPTION"]).split("\n")[1] == "For 2 people"
    ticket = await club.get(f"redemptions/{taken['id']}/ticket")
    assert (ticket["name"], ticket["place"]) == ("উদ্বোধনী সন্ধ্যা", "দোকানে")
    assert (await club.get(f"redemptions/{taken['id']}/ticket?language=en"))["place"] == "The shop"
    # What the door reads is the same in all of them.
    codes = {
        (await club.get(f"redemptions/{taken['id']}/ticket?language={one}"))["code"] for one in ("en", "hi")
    }
    assert codes == {ticket["code"]}


@pytest.mark.parametrize(
    ("language", "when", "words"),
    [
        ("en", "13 March 2027, 22:00 – 14 March 2027, 05:00", "For one person"),
        ("bn", "১৩ মার্চ ২০২৭, ২২:০০ – ১৪ মার্চ ২০২৭, ০৫:০০", "একজনের জন্য"),
        ("hi", "13 मार्च 2027, 22:00 – 14 मार्च 2027, 05:00", "एक व्यक्ति के लिए"),
    ],
)
async def test_a_ticket_to_print_needs_nothing_else(club: Shop, language: str, when: str, words: str) -> None:
    taken = await club.taken("evening")
    path = f"{CLUB}/redemptions/{taken['id']}/ticket.html?language={language}"
    said = await club.api.get(path, headers=club.clock)
    assert said.status_code == 200
    text = said.text
    assert f'<html lang="{language}">' in text
    for part in (when, words, taken["id"], "<svg "):
        assert part in text, part
    assert not re.search(r"(?:src|href)=|url\(|@import|<script", text)
    policy = said.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    await club.move(taken, "cancel")
    gone = await club.api.get(path, headers=club.clock)
    assert (gone.status_code, gone.json()["code"]) == (409, "redemption_cancelled")


async def test_what_is_moved_moves_and_what_is_called_off_goes_out(club: Shop) -> None:
    taken = await club.taken("evening")
    first = await file(club, taken)
    await apply(club, PROGRAM.replace("at: 2027-03-13T22:00", "at: 2027-04-10T20:00"))
    moved = await file(club, taken)
    assert (moved["UID"], moved["DTSTART"], moved["DTEND"]) == (
        first["UID"],
        "20270411T000000Z",
        "20270411T060000Z",
    )
    assert int(moved["SEQUENCE"]) > int(first["SEQUENCE"])
    assert moved["STATUS"] == "CONFIRMED"
    off = PROGRAM.replace("    at: 2027-03-13T22:00\n    lasts: 6h\n", "")
    club.now += timedelta(days=1)
    await apply(club, off)
    gone = await file(club, taken)
    assert (gone["METHOD"], gone["STATUS"], gone["UID"]) == ("CANCEL", "CANCELLED", first["UID"])
    assert int(gone["SEQUENCE"]) > int(moved["SEQUENCE"])
    assert gone["DTSTAMP"] == "20261122T120000Z"
    never = await club.taken("evening", "bob")
    status, said = await club.ask("GET", f"redemptions/{never['id']}/calendar")
    assert (status, said["code"]) == (422, "no_date")


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("{kind: event, lasts: 2h}", "at_missing"),
        ("{kind: event, at: 2027-03-01, lasts: 2h}", "lasts_days"),
        ("{kind: event, at: 2027-03-01T10:00, lasts: 0h}", "lasts_no_time"),
        ("{kind: product, at: 2027-03-01T10:00, lasts: 2h}", "not_of_this_kind"),
    ],
)
async def test_a_length_without_sense_is_refused(club: Shop, entry: str, code: str) -> None:
    said = await club.api.apply(f"{PROGRAM}  wrong: {entry}\n")
    assert said.status_code == 422
    assert [(one["pointer"], one["code"]) for one in said.json()["errors"]] == [
        ("/rewards/wrong/lasts", code)
    ]


LETTERS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n\\;,\t\r\x00"), max_size=200)
SILENT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@settings(max_examples=100, deadline=None)
@given(title=LETTERS, place=LETTERS, description=LETTERS)
def test_whatever_is_written_is_read_back(title: str, place: str, description: str) -> None:
    starts = datetime(2027, 3, 1, tzinfo=UTC)
    entry = Entry("a@b", title, starts, starts + timedelta(hours=1), place, description, NOW, 3, False)
    found = parsed(written(entry))
    for name, text in (("SUMMARY", title), ("LOCATION", place), ("DESCRIPTION", description)):
        assert plain(found.get(name, "")) == SILENT.sub("", text)
