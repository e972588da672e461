"""Cards: a few lines of text drawn on paper, for those who show a preview of a page."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
SIZE: Final = (1200, 630)
_PAPER: Final = (247, 243, 237)
_INK: Final = (38, 32, 28)
_MARK: Final = (178, 104, 28)
_MARGIN: Final = 90
_SCRIPTS: Final = ((0x0980, 0x09FF, "bengali"), (0x0900, 0x097F, "devanagari"))
_JOINERS: Final = frozenset("\u200c\u200d")


class Line(NamedTuple):
    """A line of a card."""

    text: str
    height: int
    """Pixels of its letters."""
    is_marked: bool = False
    """Whether it stands in the colour of what matters less."""


def draw_card(lines: Sequence[Line], fonts: Path) -> bytes:
    """Draw a card.

    Args:
        lines: from above; a line that is too long is broken, and cut after two.
        fonts: the folder with the fonts of Bengali and Devanagari; Latin letters come with the drawer.

    Returns:
        A PNG file of 1200 by 630 pixels.
    """
    image = Image.new("RGB", SIZE, _PAPER)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 24, SIZE[1]), fill=_MARK)
    top = _MARGIN
    for line in lines:
        for row in _rows(line, fonts):
            _write(pen, (_MARGIN, top), row, (line, fonts))
            top += round(line.height * 1.35)
        top += 18
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _rows(line: Line, fonts: Path) -> list[str]:
    rows = [""]
    for word in line.text.split():
        longer = f"{rows[-1]} {word}".strip()
        if not rows[-1] or _width(longer, line.height, fonts) <= SIZE[0] - 2 * _MARGIN:
            rows[-1] = longer
        else:
            rows.append(word)
    kept = rows[:2]
    while kept and len(kept[-1]) > 1 and _width(kept[-1], line.height, fonts) > SIZE[0] - 2 * _MARGIN:
        kept[-1] = kept[-1][:-1]
    return kept


def _width(text: str, height: int, fonts: Path) -> float:
    return sum(_font(script, height, fonts).getlength(run) for script, run in _runs(text))


def _write(pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, how: tuple[Line, Path]) -> None:
    line, fonts = how
    left, top = float(at[0]), at[1]
    for script, run in _runs(text):
        font = _font(script, line.height, fonts)
        pen.text(
            (left, top + line.height), run, font=font, fill=_MARK if line.is_marked else _INK, anchor="ls"
        )
        left += font.getlength(run)


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """Cut a text where its script changes; letters without a font lose their marks or are left out."""
    script, run = "", ""
    for letter in text:
        own = script if letter in _JOINERS else _script(letter)
        plain = letter if own else _plain(letter)
        if own != script and run:
            yield script, run
            run = ""
        script, run = own, run + plain
    if run:
        yield script, run


def _script(letter: str) -> str:
    return next((name for first, last, name in _SCRIPTS if first <= ord(letter) <= last), "")


def _plain(letter: str) -> str:
    if letter in "–—−":
        return "-"
    if letter in "‘’“”":
        return "'"
    base = unicodedata.normalize("NFKD", letter)[0]
    return base if base.isascii() else ""


@cache
def _font(script: str, height: int, fonts: Path) -> Font:
    if not script:
        return ImageFont.load_default(height)
    return ImageFont.truetype(str(fonts / f"noto-sans-{script}.woff2"), height)
