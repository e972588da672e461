"""The site: a page for each document, what they need beside them, and words to search."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from scripts.site.markdown import Rendered, render
from scripts.site.pages import GROUPS, Page, find_pages
from scripts.site.verbs import with_verbs

LOOK: Final = Path(__file__).parent / "look"
_STATIC: Final = ("src/guerdon/web/static/tokens.css", "src/guerdon/web/static/icon.svg")
_OURS: Final = ("site.css", "site.js")
_FONTS: Final = "src/guerdon/web/static/vendor/fonts"
_WORDS_KEPT: Final = 4_000


def build(root: Path, target: Path) -> list[Page]:
    """Write the site.

    Args:
        root: of the project.
        target: a folder; what stood there is replaced where a site made it.

    Returns:
        The pages.
    """
    _clear(target)
    pages = find_pages(root)
    places = {page.source: page.place for page in pages}
    template = Environment(
        loader=FileSystemLoader(LOOK), autoescape=select_autoescape(), undefined=StrictUndefined
    ).get_template("page.html")
    index: list[dict[str, str]] = []
    files: set[str] = set()
    for number, page in enumerate(pages):
        done = render(with_verbs(page.text), page.source, places)
        files |= done.files
        index += _entries(page, done)
        near = pages[max(0, number - 1) : number], pages[number + 1 : number + 2]
        shown = template.render(**_seen(page, pages, done), before=near[0], after=near[1])
        path = target / page.place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    _copy(root, target, sorted(files))
    words = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
    (target / "look" / "words.js").write_text(f"window.WORDS = {words};\n", encoding="utf-8")
    return pages


def _clear(target: Path) -> None:
    if target.exists() and any(target.iterdir()):
        if not (target / "look" / "words.js").is_file():
            raise SystemExit(f"{target} holds something that is no site: name another folder")
        shutil.rmtree(target)
    (target / "look").mkdir(parents=True, exist_ok=True)
    # What was begun and not ended is a site as well.
    (target / "look" / "words.js").touch()


def _seen(page: Page, pages: Sequence[Page], done: Rendered) -> dict[str, Any]:
    groups = {
        group: [one for one in pages if one.group == group]
        for group in GROUPS
        if any(one.group == group for one in pages)
    }
    first = next((one.words for one in done.sections if one.words), page.title)
    return {
        "page": page,
        "groups": groups,
        "current": page.source if page.group else "docs/adr/README.md",
        "body": Markup(done.html),  # noqa: S704 - made by our own renderer, which takes no HTML
        "sections": [one for one in done.sections if one.level in (2, 3)],
        "summary": first[:150].rsplit(" ", 1)[0],
    }


def _entries(page: Page, done: Rendered) -> Iterator[dict[str, str]]:
    for one in done.sections:
        url = page.place if one.level == 1 else f"{page.place}#{one.anchor}"
        yield {"p": page.title, "h": one.title, "u": url, "w": one.words[:_WORDS_KEPT]}


def _copy(root: Path, target: Path, files: Sequence[str]) -> None:
    for name in files:
        source = (root / name).resolve()
        # What leads out of the project, or to nothing, is left for the check of links to name.
        if source.is_file() and root in source.parents:
            path = target / "files" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, path)
    for source in [*(root / one for one in _STATIC), *(LOOK / one for one in _OURS)]:
        shutil.copyfile(source, target / "look" / source.name)
    # With their licences, where the tokens look for them.
    shutil.copytree(root / _FONTS, target / "look" / "vendor" / "fonts", dirs_exist_ok=True)
