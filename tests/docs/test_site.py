"""The documents as a site: every page is there, every link leads somewhere, and it works from a folder."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from scripts.site.build import build
from scripts.site.links import broken_links
from scripts.site.markdown import render, slug_of
from scripts.site.pages import Page
from tests.architecture.source import ROOT

FLAGS = ("--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND")
LONG_ENOUGH = 40


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Page]]:
    folder = tmp_path_factory.mktemp("documents") / "site"
    return folder, build(ROOT, folder)


def test_every_link_leads_to_the_place_it_names(site: tuple[Path, list[Page]]) -> None:
    assert broken_links(site[0]) == []


def test_every_document_is_a_page(site: tuple[Path, list[Page]]) -> None:
    folder, pages = site
    documents = {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"} | {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")
    }
    assert {page.source for page in pages} == documents
    assert len({page.place for page in pages}) == len(pages)
    for page in pages:
        text = (folder / page.place).read_text(encoding="utf-8")
        assert text.count("<h1") == 1, page.source
        assert '<html lang="en">' in text
        assert not re.search(r"(style=|<script>|onclick=)", text), "everything stands in files of its own"


def test_each_page_can_be_reached_from_the_first(site: tuple[Path, list[Page]]) -> None:
    folder, pages = site
    seen, ahead = set(), ["index.html"]
    while ahead:
        place = ahead.pop()
        if place in seen:
            continue
        seen.add(place)
        text = (folder / place).read_text(encoding="utf-8")
        links = re.findall(r'href="([^"#:]+\.html)', text)
        paths = (((folder / place).parent / link).resolve() for link in links)
        ahead += [path.relative_to(folder.resolve()).as_posix() for path in paths]
    assert seen == {page.place for page in pages}


def test_what_is_searched_is_there(site: tuple[Path, list[Page]]) -> None:
    folder, _ = site
    said = (folder / "look" / "words.js").read_text(encoding="utf-8")
    words = json.loads(said.removeprefix("window.WORDS = ").rstrip(";\n"))
    assert len(words) > LONG_ENOUGH
    for one in words:
        place, _, anchor = one["u"].partition("#")
        assert not anchor or f'id="{anchor}"' in (folder / place).read_text(encoding="utf-8")


def test_the_command_line_has_a_section_for_each_verb(site: tuple[Path, list[Page]]) -> None:
    text = (site[0] / "cli.html").read_text(encoding="utf-8")
    for anchor in ("guerdon-demo", "guerdon-backtest", "guerdon-keys-create", "guerdon-staff-add"):
        assert f'id="{anchor}"' in text
    assert "--historical" in text


def test_building_again_takes_the_place_of_the_old_one_and_of_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    build(ROOT, folder)
    (folder / "gone.html").write_text("an old page", encoding="utf-8")
    build(ROOT, folder)
    assert not (folder / "gone.html").exists()
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter.txt").write_text("keep me", encoding="utf-8")
    with pytest.raises(SystemExit, match="no site"):
        build(ROOT, precious)
    assert (precious / "letter.txt").exists()


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("[away](no-such.md)", "there is no such file"),
        ("[nowhere](#nowhere)", "there is no such place in it"),
        ("[there](other.md#nowhere)", "there is no such place in it"),
        ("![a picture](no-such.png)", "there is no such file"),
        ("[out](../../outside.md)", "there is no such file"),
        ("[root](/etc/passwd)", "there is no such file"),
        ("[what](ftp://x.example/y)", "relative"),
        ("[fine](other.md#second-part)", ""),
        ("[fine](https://example.org)", ""),
    ],
)
def test_a_broken_link_is_noticed(document: str, why: str, tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "docs").mkdir(parents=True)
    (root / "src" / "guerdon" / "web").mkdir(parents=True)
    shutil.copytree(ROOT / "src" / "guerdon" / "web" / "static", root / "src" / "guerdon" / "web" / "static")
    (root / "README.md").write_text(
        f"# One\n\n[other](docs/other.md)\n\n{document.replace('other.md', 'docs/other.md')}\n"
    )
    (root / "docs" / "other.md").write_text("# Other\n\n## Second part\n\nText.\n", encoding="utf-8")
    build(root, tmp_path / "site")
    broken = broken_links(tmp_path / "site")
    if why:
        assert len(broken) == 1, broken
        assert why in broken[0]
    else:
        assert broken == []


def test_a_stylesheet_that_leads_nowhere_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "look").mkdir()
    said = '@font-face { src: url("fonts/no.woff2"); } a { background: url(data:image/png;base64,x); }'
    (tmp_path / "look" / "site.css").write_text(said)
    assert broken_links(tmp_path) == ["look/site.css: fonts/no.woff2: there is no such file"]


def test_markdown_takes_no_html_and_anchors_are_of_their_own() -> None:
    done = render("# A `b`, c!\n\n## A\n\n## A\n\n<script>x</script>\n", "a.md", {"a.md": "a.html"})
    assert "<script>" not in done.html
    assert [one.anchor for one in done.sections] == ["a-b-c", "a", "a-1"]
    assert slug_of("What's a lot, and why?") == "whats-a-lot-and-why"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "pages are looked at in Chromium: scripts/ensure-chromium brings it"
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield found
        found.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_can_be_read_from_a_folder_on_a_phone_and_on_a_desk(
    site: tuple[Path, list[Page]], browser: Browser, width: int, theme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)  # type: ignore[arg-type]  # of two
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("requestfailed", lambda request: faults.append(f"{request.url}: {request.failure}"))
    for one in site[1]:
        page.goto((site[0] / one.place).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{one.place} is too wide"
    page.keyboard.press("/")
    page.keyboard.type("backtest two")
    page.locator("#found a").first.wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/*.html*")
    page.get_by_role("button", name="Theme").click()
    other = "dark" if theme == "light" else "light"
    assert page.evaluate("document.documentElement.dataset.theme") == other
    # What was still being fetched when the next page was opened is given up, and no fault.
    assert [one for one in faults if not one.endswith("net::ERR_ABORTED")] == []
    context.close()


def test_without_scripts_everything_can_be_read(site: tuple[Path, list[Page]], browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto((site[0] / "index.html").as_uri())
    page.get_by_role("link", name="Earn", exact=True).first.click()
    assert page.get_by_role("heading", level=1).inner_text() == "Earn"
    context.close()
