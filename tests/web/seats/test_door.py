"""Tickets, calendars and the door."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from guerdon.rewards.seats.calendar import folded
from tests.web.conftest import Api
from tests.web.seats.conftest import members
from tests.web.taking.conftest import CLUB, Shop, part


async def ticket(club: Shop, member: str = "ana", **more: int) -> tuple[dict[str, object], dict[str, str]]:
    taken = await club.taken("evening", member, **more)
    return taken, await club.get(f"redemptions/{taken['id']}/ticket")


async def test_a_ticket_lets_in_once(club: Shop) -> None:
    taken, shown = await ticket(club, quantity=2)
    assert shown["qr"].startswith("<svg ")
    assert shown["qr"].endswith("</svg>")
    wrong = await club.ask("POST", "checkins", json={"code": shown["code"], "reward": "walk"})
    assert (wrong[0], wrong[1]["errors"][0]["code"]) == (422, "ticket_for_another")
    said = await club.ask("POST", "checkins", json={"code": shown["code"], "reward": "evening"})
    assert said[0] == 201, said
    assert (said[1]["quantity"], said[1]["redemption"]) == (2, taken["id"])
    again = await club.ask("POST", "checkins", json={"code": shown["code"]})
    assert (again[0], again[1]["errors"][0]["code"]) == (409, "ticket_used")
    assert "2026-11-21" in again[1]["errors"][0]["detail"]
    assert (await club.move(taken, "cancel"))["code"] == "redemption_used"
    gone = await club.ask("GET", f"redemptions/{taken['id']}/ticket")
    assert gone[1]["code"] == "redemption_used"


async def test_a_key_repeats_the_first_answer(club: Shop) -> None:
    _, shown = await ticket(club)
    headers = {"idempotency-key": "door-1"}
    first = await club.ask("POST", "checkins", json={"code": shown["code"]}, headers=headers)
    second = await club.ask("POST", "checkins", json={"code": shown["code"]}, headers=headers)
    assert (first[0], second[0]) == (201, 201)
    assert first[1]["redemption"] == second[1]["redemption"]


async def test_what_is_no_ticket_is_refused(club: Shop) -> None:
    taken, shown = await ticket(club)
    head, claims, mark = shown["code"].split(".")
    # Another first letter, whatever it was: one signature of 256 ends with AA by itself.
    other = f"{head}.{claims}.{'B' if mark[0] == 'A' else 'A'}{mark[1:]}"
    for code in ("", "x", "a.b.c", other, f"{head}.{claims}", shown["code"] + "é"):
        said = await club.ask("POST", "checkins", json={"code": code})
        assert said[1]["errors"][0]["code"] == "ticket_invalid", code
    # A ticket is no access token.
    checked = await club.ask("POST", "access/check", json={"token": shown["code"]})
    assert (checked[1]["good"], checked[1]["reason"]) == (False, "access_token_invalid")
    await club.move(taken, "cancel")
    said = await club.ask("POST", "checkins", json={"code": shown["code"]})
    assert said[1]["errors"][0]["code"] == "ticket_cancelled"
    pouch = await club.taken("pouch")
    none = await club.ask("GET", f"redemptions/{pouch['id']}/ticket")
    assert (none[0], none[1]["code"]) == (422, "not_a_seat")


async def test_a_door_without_a_network_checks_the_signature(club: Shop) -> None:
    taken, shown = await ticket(club)
    (key,) = (await club.get("access/keys"))["keys"]
    public = Ed25519PublicKey.from_public_bytes(part(key["x"]))
    signed, _, mark = shown["code"].rpartition(".")
    public.verify(part(mark), signed.encode())
    claims = json.loads(part(signed.split(".")[1]))
    assert (claims["aud"], claims["reward"], claims["jti"], claims["quantity"]) == (
        "door",
        "evening",
        taken["id"],
        1,
    )
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "quantity": 9}).encode()).rstrip(b"=")
    with pytest.raises(InvalidSignature):
        public.verify(part(mark), signed.split(".")[0].encode() + b"." + forged)


async def test_the_calendar_file_says_when_and_that_it_is_off(club: Shop) -> None:
    taken, _ = await ticket(club)
    path = f"{CLUB}/redemptions/{taken['id']}/calendar"
    said = await club.api.get(path, headers=club.clock)
    assert said.headers["content-type"] == "text/calendar; charset=utf-8"
    text = said.content.decode()
    assert text.count("\r\n") == text.count("\n")
    lines = text.replace("\r\n ", "").split("\r\n")
    # Seven in the evening in New York in March.
    assert "DTSTART:20270302T000000Z" in lines
    assert "SUMMARY:Launch\\, and tea\\; bring friends" in lines
    assert "STATUS:CONFIRMED" in lines
    (uid,) = (one for one in lines if one.startswith("UID:"))
    (before,) = (int(one[9:]) for one in lines if one.startswith("SEQUENCE:"))
    await club.move(taken, "cancel")
    lines = (await club.api.get(path, headers=club.clock)).content.decode().split("\r\n")
    assert uid in lines
    assert "STATUS:CANCELLED" in lines
    assert "METHOD:CANCEL" in lines
    assert before < next(int(one[9:]) for one in lines if one.startswith("SEQUENCE:"))


def test_long_lines_are_folded_between_letters() -> None:
    line = "SUMMARY:" + "চা" * 60
    parts = folded(line).split(b"\r\n")
    assert all(len(one) <= 75 for one in parts)
    assert all(one.decode() for one in parts[:-1])
    assert b"".join([parts[0], *(one[1:] for one in parts[1:])]).decode() == line


async def test_64_doors_let_one_in(bare: Api) -> None:
    club = await members(bare, ("ana",))
    _, shown = await ticket(club)
    said = await asyncio.gather(
        *(club.ask("POST", "checkins", json={"code": shown["code"]}) for _ in range(64))
    )
    assert sorted(one[0] for one in said) == [201] + [409] * 63
    assert {one[1]["errors"][0]["code"] for one in said if one[0] == 409} == {"ticket_used"}
    club.check()
