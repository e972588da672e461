"""Photos that strangers send: read with limits, and written anew so that nothing but the picture is left."""

from __future__ import annotations

import io
import warnings
from typing import Final, NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError

from guerdon.base.errors import Problem

MOST_BYTES: Final = 1_500_000
MOST_PIXELS: Final = 40_000_000
LONGEST_SIDE: Final = 1_600
"""Pixels of what is kept."""
_LEAST_SIDE: Final = 16
_QUALITY: Final = 82
FORMATS: Final = ("JPEG", "PNG", "WEBP")
_PAPER: Final = (255, 255, 255)
_UNREADABLE: Final = Problem.at(
    "/photo", "photo_unreadable", "a photo is a JPEG, PNG or WebP file that is whole"
)


class Picture(NamedTuple):
    """A photo as it was written anew."""

    data: bytes
    """JPEG, without anything beside the picture."""
    width: int
    height: int


def rewrite(data: bytes, most: int = MOST_BYTES) -> Picture:
    """Read a photo and write it anew: upright, no larger than needed, and with nothing hidden in it.

    Places and times that cameras note, thumbnails, colour profiles, comments, further frames and whatever
    hangs behind the file are gone.

    Args:
        data: a JPEG, PNG or WebP file.
        most: bytes that it may have.

    Returns:
        The picture.

    Raises:
        Problem: `photo_too_large`, `photo_too_small` or `photo_unreadable`.
    """
    if len(data) > most:
        raise Problem.at("/photo", "photo_too_large", f"a photo has at most {most} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                return _written(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        raise _too_many() from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, Warning, ArithmeticError):
        raise _UNREADABLE from None
    except (TypeError, LookupError, AttributeError, RuntimeError):
        # Files that are broken on purpose make the decoder stumble in ways of its own.
        raise _UNREADABLE from None


def _written(image: Image.Image) -> Picture:
    width, height = image.size
    # Before a pixel is read: a file of some kilobytes can claim to be a wall.
    if width * height > MOST_PIXELS:
        raise _too_many()
    if min(width, height) < _LEAST_SIDE:
        detail = f"a photo has at least {_LEAST_SIDE} pixels on each side"
        raise Problem.at("/photo", "photo_too_small", detail)
    if image.format == "JPEG":
        image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    see_through = upright.convert("RGBA")
    # On new paper, for a picture takes along what its file said.
    paper = Image.new("RGB", see_through.size, _PAPER)
    paper.paste(see_through, mask=see_through.getchannel("A"))
    out = io.BytesIO()
    paper.save(out, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return Picture(out.getvalue(), *paper.size)


def _too_many() -> Problem:
    return Problem.at("/photo", "photo_too_large", f"a photo has at most {MOST_PIXELS:,} pixels")
