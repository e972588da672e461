"""Markdown to HTML: anchors on headings, colours in code, links that lead to pages of the site."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight  # type: ignore[import-untyped]  # it ships no types
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]  # it ships no types
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]  # it ships no types
from pygments.util import ClassNotFound  # type: ignore[import-untyped]  # it ships no types

_OUTSIDE: Final = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)")
_FORMATTER: Final = HtmlFormatter(nowrap=True)


@dataclass(frozen=True)
class Section:
    """A heading and the words under it."""

    level: int
    anchor: str
    title: str
    words: str


@dataclass
class Rendered:
    """A document as HTML."""

    html: str
    sections: list[Section]
    files: set[str] = field(default_factory=set)
    """Files of the project that it leads to and that are no pages."""


def render(text: str, source: str, places: Mapping[str, str]) -> Rendered:
    """Turn a document into HTML.

    Args:
        text: Markdown.
        source: its path from the root of the project.
        places: path of a document → its path within the site.

    Returns:
        The HTML of its body, its sections, and the files that it needs beside it.
    """
    parser = MarkdownIt("commonmark", {"html": False, "highlight": _coloured}).enable(
        ["table", "strikethrough"]
    )
    tokens = parser.parse(text)
    files: set[str] = set()
    here = places[source]
    for token in _all(tokens):
        if "style" in token.attrs:
            # Only columns of figures have one; how they look is the style sheet's affair.
            token.attrSet("class", "n" if "right" in str(token.attrs.pop("style")) else "")
        for name in ("href", "src"):
            address = token.attrGet(name)
            if isinstance(address, str):
                token.attrSet(name, _led(address, source, here, places, files))
    _anchor(tokens)
    html = parser.renderer.render(tokens, parser.options, {})
    # Wide tables scroll by themselves, and a keyboard can reach them.
    html = html.replace("<table>", '<div class="wide" tabindex="0"><table>').replace(
        "</table>", "</table></div>"
    )
    return Rendered(html, _sections(tokens), files)


def _all(tokens: Sequence[Token]) -> list[Token]:
    return [one for token in tokens for one in (token, *(token.children or ()))]


def _led(address: str, source: str, here: str, places: Mapping[str, str], files: set[str]) -> str:
    if _OUTSIDE.match(address) or address.startswith("#"):
        return address
    path, hash_mark, anchor = address.partition("#")
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    if wanted in places:
        target = places[wanted]
    else:
        files.add(wanted)
        target = f"files/{wanted}"
    return posixpath.relpath(target, posixpath.dirname(here) or ".") + hash_mark + anchor


def _anchor(tokens: Sequence[Token]) -> None:
    taken: dict[str, int] = {}
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            slug = slug_of(_plain(inline))
            count = taken.get(slug, 0)
            taken[slug] = count + 1
            opening.attrSet("id", f"{slug}-{count}" if count else slug)


def slug_of(title: str) -> str:
    """Make an anchor of a heading, as well-known hosts of documents do."""
    kept = "".join(one for one in title.lower() if one in " -_" or unicodedata.category(one)[0] in "LNM")
    return kept.strip().replace(" ", "-")


def _plain(inline: Token) -> str:
    return "".join(one.content for one in inline.children or () if one.type in ("text", "code_inline"))


def _sections(tokens: Sequence[Token]) -> list[Section]:
    found: list[tuple[int, str, str, list[str]]] = []
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            title = _plain(tokens[place + 1])
            found.append((int(token.tag[1]), str(token.attrGet("id")), title, []))
        elif found and token.type == "inline":
            found[-1][3].append(_plain(token))
        elif found and token.type == "fence":
            found[-1][3].append(token.content)
    return [Section(level, anchor, title, " ".join(words)) for level, anchor, title, words in found]


def _coloured(code: str, language: str, _attributes: Any) -> str:
    """Colour code; a session's commands can be told from what they print."""
    name = "console" if language == "console" else language or "text"
    try:
        lexer: Callable[..., Any] = get_lexer_by_name(name, stripnl=False)
    except ClassNotFound:
        return f'<pre tabindex="0"><code>{escape(code)}</code></pre>'
    body = highlight(code, lexer, _FORMATTER)
    return f'<pre tabindex="0" data-language="{escape(language)}"><code>{body}</code></pre>'
