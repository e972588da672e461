"""Photos of strangers are written anew: what hides in a file is gone, what is too much is refused."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from guerdon.base.errors import Problem
from guerdon.infra.pictures.photos import LONGEST_SIDE, MOST_BYTES, rewrite

SECRET = b"where-it-was-taken"


def picture(kind: str, size: tuple[int, int] = (60, 40), mode: str = "RGB", **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, (10, 200, 30, 0)[: len(mode)]).save(out, kind, **more)
    return out.getvalue()


def exif(turned: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[0x010E] = SECRET.decode()
    made[0x0112] = turned
    return made


@pytest.mark.parametrize(
    "data",
    [
        picture("JPEG", exif=exif(), comment=SECRET, icc_profile=SECRET) + SECRET,
        picture("PNG", exif=exif()) + SECRET,
        picture("WEBP", exif=exif(), xmp=SECRET),
    ],
)
def test_nothing_but_the_picture_is_left(data: bytes) -> None:
    assert SECRET in data
    made = rewrite(data)
    assert SECRET not in made.data
    with Image.open(io.BytesIO(made.data)) as image:
        assert (image.format, image.size, image.mode) == ("JPEG", (60, 40), "RGB")
        assert not image.getexif()
        assert not {"comment", "icc_profile", "exif", "xmp"} & image.info.keys()


def test_a_photo_stands_upright_and_is_no_larger_than_needed() -> None:
    made = rewrite(picture("JPEG", (3000, 1000), exif=exif(6)))
    assert (made.width, made.height) == (533, LONGEST_SIDE)


def test_what_is_seen_through_is_paper() -> None:
    made = rewrite(picture("PNG", mode="RGBA"))
    with Image.open(io.BytesIO(made.data)) as image:
        assert min(image.getpixel((5, 5))) > 250  # type: ignore[arg-type]


def wall() -> bytes:
    """A PNG of some kilobytes that says it has 400 million pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(9_000)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (wall(), "photo_too_large"),
        (bytes(MOST_BYTES + 1), "photo_too_large"),
        (picture("PNG", (8, 100)), "photo_too_small"),
        (picture("GIF"), "photo_unreadable"),
        (picture("BMP"), "photo_unreadable"),
        (picture("JPEG")[:300], "photo_unreadable"),
        (picture("PNG")[:60], "photo_unreadable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "photo_unreadable"),
        (b"", "photo_unreadable"),
    ],
)
def test_what_is_no_photo_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Problem) as refused:
        rewrite(data)
    assert (refused.value.code, refused.value.faults[0].pointer) == (code, "/photo")
