"""Do all links of a site lead somewhere, to the very place they name?"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_CSS_LINK: Final = re.compile(r"""url\(\s*["']?([^"')]+)["']?\s*\)""")


class _Reader(HTMLParser):
    """Collects what a page has and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.twins: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - inherited
        for name, value in attrs:
            if name == "id" and value:
                if value in self.anchors:
                    self.twins.append(value)
                self.anchors.add(value)
            elif name in ("href", "src") and value is not None:
                self.links.append(value)


def broken_links(site: Path) -> list[str]:
    """Check every link of a site, without leaving this machine.

    Args:
        site: its folder.

    Returns:
        `page: link: why`, sorted; addresses of other machines are only read.
    """
    pages: dict[str, _Reader] = {}
    for path in sorted(site.rglob("*.html")):
        if "files" in path.relative_to(site).parts[:1]:
            continue
        reader = _Reader()
        reader.feed(path.read_text(encoding="utf-8"))
        pages[path.relative_to(site).as_posix()] = reader
    broken = [f"{place}: id {one} stands twice" for place, page in pages.items() for one in page.twins]
    links = [(place, link) for place, page in pages.items() for link in page.links]
    for place, link in [*links, *_of_stylesheets(site)]:
        why = _why_broken(site, place, link, pages)
        if why:
            broken.append(f"{place}: {link}: {why}")
    return sorted(broken)


def _of_stylesheets(site: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(site.rglob("*.css")):
        for link in _CSS_LINK.findall(path.read_text(encoding="utf-8")):
            if not link.startswith("data:"):
                yield path.relative_to(site).as_posix(), link


def _why_broken(site: Path, place: str, link: str, pages: dict[str, _Reader]) -> str:
    parts = urlsplit(link)
    if parts.scheme in ("http", "https", "mailto"):
        return "" if parts.netloc or parts.scheme == "mailto" else "it names no machine"
    if parts.scheme or parts.netloc or link.startswith("/"):
        return "a link of this site is relative, so that it works from a folder"
    path = unquote(parts.path)
    target = posixpath.normpath(posixpath.join(posixpath.dirname(place), path)) if path else place
    if target.startswith("..") or not (site / target).is_file():
        return "there is no such file"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return "there is no such place in it"
    return ""
