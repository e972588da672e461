"""Deeds from a member's page: sent with a photo or a receipt, judged by staff, told what became of them."""

from __future__ import annotations

import asyncio
import io
import re
import zlib

import pytest
from httpx2 import Response
from PIL import Image

from guerdon.base.errors import Problem
from guerdon.web.pages.parcels import FILE_MOST, take_apart
from tests.web.me.conftest import CLUB, Reader
from tests.web.me.test_circles import of

EDGE = "----edge7MA4YWxk"


def picture(width: int = 640, height: int = 480, kind: str = "JPEG") -> bytes:
    """A photo of nothing."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), (180, 120, 60)).save(out, kind)
    return out.getvalue()


def parcel(fields: dict[str, str], photo: bytes | None = None, name: str = "bag.jpg") -> bytes:
    """A form as browsers write it."""
    parts = [
        f'--{EDGE}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    if photo is not None:
        head = f'--{EDGE}\r\nContent-Disposition: form-data; name="photo"; filename="{name}"\r\n'
        parts.append(head.encode() + b"Content-Type: image/jpeg\r\n\r\n" + photo + b"\r\n")
    return b"".join(parts) + f"--{EDGE}--\r\n".encode()


async def send(
    reader: Reader, behind: str, fields: dict[str, str], photo: bytes | None = None, **how: str
) -> Response:
    """Send a form with a file."""
    kind = how.get("kind", f"multipart/form-data; boundary={EDGE}")
    return await reader.client.post(
        f"{reader.path}{behind}?lang={how.get('lang', 'en')}",
        content=parcel(fields, photo, how.get("name", "bag.jpg")),
        headers={"content-type": kind},
    )


async def deeds(reader: Reader) -> list[dict[str, object]]:
    """All of them, as the API tells them."""
    found: list[dict[str, object]] = (await reader.api.get(f"{CLUB}/deeds")).json()["data"]
    return found


async def test_a_deed_is_sent_with_a_photo_judged_and_seen_again(reader: Reader) -> None:
    page = await reader.open("/do")
    for shown in (
        "Good deeds",
        "Something repaired",
        "Minutes",
        '<option value="zip">',
        'enctype="multipart',
    ):
        assert shown in page, shown
    said = {"once": "d1", "data_minutes": "৪৫", "data_what": "zip", "on": "", "receipt": ""}
    sent = await send(reader, "/do/send-deed/item.repaired", said, picture())
    assert sent.status_code == 303, sent.text
    assert sent.headers["location"] == f"{reader.path}/do?lang=en&done=send-deed#deeds"
    page = await reader.open("/do", done="send-deed")
    for shown in ("It was sent.", "Something repaired", "Minutes: 45", "Somebody looks at it soon."):
        assert shown in page, shown
    (deed,) = await deeds(reader)
    assert (deed["data"], deed["state"]) == ({"minutes": 45, "what": "zip"}, "waiting")
    photo = await reader.client.get(str(deed["photo"]))
    assert photo.headers["content-type"] == "image/jpeg"
    assert photo.headers["cache-control"] == "private, no-store"
    with Image.open(io.BytesIO(photo.content)) as seen:
        assert seen.size == (640, 480)
    assert str(deed["photo"]) in page
    other = str(deed["photo"]).replace(str(deed["photo"])[-12:-6], "AAAAAA")
    assert (await reader.client.get(other)).status_code == 404
    done = await reader.api.post(f"{CLUB}/deeds/{deed['id']}/approve")
    assert done.json()["effects"], done.text
    assert "It counts." in await reader.open("/do")
    assert "<b>Something repaired</b>" in await reader.open("/you")
    assert '<p class="figure">204 <small>points</small></p>' in await reader.open()


async def test_a_refusal_says_why_and_frees_the_receipt(reader: Reader) -> None:
    said = {"once": "d1", "data_minutes": "10", "receipt": "R-1"}
    assert (await send(reader, "/do/send-deed/item.repaired", said)).status_code == 303
    again = await send(reader, "/do/send-deed/item.repaired", {**said, "once": "d2", "data_minutes": "11"})
    assert again.status_code == 422
    assert "This receipt was shown before." in again.text
    assert 'value="R-1" aria-invalid="true"' in again.text, "what was typed stays, and is marked"
    assert 'value="11"' in again.text
    (deed,) = await deeds(reader)
    body = {"reason": "The number cannot be read."}
    await reader.api.post(f"{CLUB}/deeds/{deed['id']}/refuse", json=body)
    page = await reader.open("/do")
    assert "It was not taken. Because: The number cannot be read." in page
    assert (await send(reader, "/do/send-deed/item.repaired", {**said, "once": "d3"})).status_code == 303


async def test_a_form_that_comes_64_times_is_one_deed(reader: Reader) -> None:
    said = {"once": "d1", "data_minutes": "10"}
    photo = picture()
    sent = await asyncio.gather(
        *(send(reader, "/do/send-deed/item.repaired", said, photo) for _ in range(64))
    )
    assert {one.status_code for one in sent} == {303}
    assert len(await deeds(reader)) == 1


WRONG: tuple[tuple[dict[str, str], str], ...] = (
    ({}, "Send a photo, or the number of a receipt."),
    ({"receipt": "R", "data_minutes": "ten"}, "One of the answers is no number"),
    ({"receipt": "R", "data_minutes": "9" * 40}, "One of the answers is no number"),
    ({"receipt": "R", "data_what": "<b>"}, "Choose one of what is offered."),
    ({"receipt": "R", "on": "2999-01-01"}, "Say a day of the past year."),
    ({"receipt": "R", "on": "soon"}, "Say a day of the past year."),
    ({"receipt": "R" * 101}, "Something that you wrote is too long."),
    ({"receipt": "R", "data_what": "x" * 70_000}, "That was too long."),
)
"""What is typed, and what is said of it."""


async def test_what_is_wrong_is_said_and_sends_nothing(reader: Reader) -> None:
    for fields, words in WRONG:
        wrong = await send(reader, "/do/send-deed/item.repaired", {"once": "d1", **fields})
        assert wrong.status_code == 422, fields
        assert words in wrong.text, fields
        assert 'role="alert"' in wrong.text, fields
    assert await deeds(reader) == []


async def test_files_that_are_no_photos_or_bombs_are_refused(reader: Reader) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    head = (30_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
    for at, (photo, words) in enumerate(
        [
            (bomb + chunk(b"IEND", b""), "at most 8 MB, and 40 million pixels"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "This is no JPEG, PNG or WebP photo"),
            (picture()[:900], "This is no JPEG, PNG or WebP photo"),
            (picture(8, 8), "too small to see anything"),
            (b"x" * (FILE_MOST + 100_000), "The photo is too large"),
        ]
    ):
        wrong = await send(reader, "/do/send-deed/item.repaired", {"once": f"d{at}"}, photo)
        assert wrong.status_code == 422, at
        assert words in wrong.text, at
        assert "Choose the photo once more" in wrong.text, at
    assert await deeds(reader) == []


async def test_names_of_files_and_words_stay_words(reader: Reader) -> None:
    said = {"once": "d1", "receipt": "<script>\u202eevil\u202c😀"}
    sent = await send(reader, "/do/send-deed/item.repaired", said, picture(), name='"><img src=x>.jpg')
    assert sent.status_code == 303, sent.text
    raw = (await reader.client.get(f"{reader.path}/do?lang=en")).text
    assert "&lt;script&gt;" in raw
    assert "<script>\u202e" not in raw
    assert "<img src=x" not in raw
    rita = await of(reader, "rita")
    assert "evil" not in await rita.open("/do"), "others see none of it"


async def test_what_asks_for_nothing_of_members_is_no_form(reader: Reader) -> None:
    for kind in ("item.recycled", "order.paid", "nothing", "member.enrolled"):
        wrong = await send(reader, f"/do/send-deed/{kind}", {"once": "d1", "receipt": "R"})
        assert wrong.status_code == 422, kind
        assert 'id="wrong"' in wrong.text, kind
    assert await deeds(reader) == []


async def test_an_erased_member_takes_the_photo_along(reader: Reader) -> None:
    await send(reader, "/do/send-deed/item.repaired", {"once": "d1"}, picture())
    (deed,) = await deeds(reader)
    photo = str(deed["photo"])
    assert (await reader.client.get(photo)).status_code == 200
    assert (await reader.api.call("DELETE", f"{CLUB}/members/external:ananya")).status_code == 200
    assert (await reader.client.get(photo)).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--e--",
        b"--e\r\n\r\nx\r\n--e--",
        b'--e\r\nContent-Disposition: form-data; name="a"\r\n\r\n1',
        b'x--e\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--e--',
        b"--e\r\nContent-Disposition: form-data\r\n\r\n1\r\n--e--",
        b'--e\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--e--',
        b'--e\r\nContent-Disposition: form-data; name="a"\r\n\r\n\0\r\n--e--',
        b'--e\r\nX: y\r\nContent-Disposition: form-data; name="a"' + b" " * 3000 + b"\r\n\r\n1\r\n--e--",
        b'--e\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 200 + b"--e--",
    ],
)
def test_forms_that_are_none_are_refused(body: bytes) -> None:
    if body == b"--e--":
        assert take_apart(body, b"e") == ({}, b"")
        return
    with pytest.raises(Problem) as refused:
        take_apart(body, b"e")
    assert re.fullmatch("bad_request|nul_character", refused.value.code)


def test_a_form_is_taken_apart_as_browsers_write_it() -> None:
    photo = b"\xff\xd8\r\n\r\n--edg\0"
    read = take_apart(parcel({"a": " 1\r\n2 ", "b": "৪"}, photo, 'my "bag".jpg'), EDGE.encode())
    assert read.fields == {"a": "1\n2", "b": "৪"}
    assert read.file == photo
