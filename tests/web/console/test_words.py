"""What the console says: each text in each language, with the same places; no English of a template's own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import pytest
from jinja2 import Environment, nodes

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.programs.staff import ROLES
from guerdon.rules.cards.paying import REFUSALS
from guerdon.web.console import opened, story
from guerdon.web.console.boards import room as boards
from guerdon.web.console.community import room as community
from guerdon.web.console.draws import room as draws
from guerdon.web.console.quizzes import room as quizzes
from guerdon.web.console.referrals import room as referrals
from guerdon.web.console.rooms import entrance, members
from guerdon.web.console.services import room as services
from guerdon.web.console.shop import card, cards, codes, coupons, rewards, sold
from guerdon.web.languages import saying
from guerdon.web.languages.saying import LANGUAGES, Saying, choose_language
from guerdon.web.languages.words import CATALOGUES, Said
from tests.architecture.source import ROOT

CONSOLE = ROOT / "src" / "guerdon" / "web" / "console"
SOURCE = ROOT / "src" / "guerdon"
OTHERS = sorted(set(LANGUAGES) - {"en"})
# Chosen by a value: what `t(…)` and `text(…)` get that is not written where they are called.
CHOSEN = {
    *ROLES,
    *story._TITLES.values(),
    *story._REASONS.values(),
    *story._MOVES.values(),
    *story.CARD_TITLES.values(),
    *cards.STATES.values(),
    *card.DONE.values(),
    *members.DONE.values(),
    *opened.MONEY.values(),
    *REFUSALS.values(),
    *sold.STATES.values(),
    *sold.TENDERS.values(),
    *sold.REASONS.values(),
    *coupons.STATES.values(),
    *coupons.LIMITED.values(),
    *codes.WHY_NOT.values(),
    *rewards.KINDS.values(),
    *rewards.STATES.values(),
    *quizzes.KINDS.values(),
    *draws.STATES.values(),
    *(said for said, _ in referrals.STATES.values()),
    *referrals.REASONS.values(),
    *boards.JOINED_BY.values(),
    *community.KINDS.values(),
    *community.STATES.values(),
    *community.WHY.values(),
    *community.REPORTED.values(),
    *community.DONE.values(),
    *services.VIEWS.values(),
    *services.STATES.values(),
    *services.DONE.values(),
    *("Used", "Given back", "Sent", "{amount} on a code", "{amount} of the budget of {name}"),
    entrance._TOO_OLD,
    entrance._WRONG,
    *("added", "removed", "changed", "review", "definition", "returned", "merged"),
    "{tier} from now on, {cause}",
    *("Together, version {version}", "Awarded, version {version}", "{count} commands lie in quarantine"),
    "{count} rewards wait to be handed out",
}
NAMES = {"Guerdon", "HMAC", "SHA", "UTC", "https", "sha", "hex", "base"}
SPOKEN = ("aria-label", "placeholder", "title", "alt")


def templates() -> list[Path]:
    return sorted((CONSOLE / "templates").glob("*.html"))


def parsed(path: Path) -> nodes.Template:
    return Environment().parse(path.read_text(encoding="utf-8"))  # noqa: S701 - parsed and never rendered


def template_texts(path: Path) -> Iterator[str]:
    for call in parsed(path).find_all(nodes.Call):
        called = call.node
        name = called.attr if isinstance(called, nodes.Getattr) else getattr(called, "name", "")
        place = {"t": 0, "text": 0, "count": 1}.get(name)
        if place is not None and len(call.args) > place and isinstance(call.args[place], nodes.Const):
            yield str(call.args[place].value)  # type: ignore[attr-defined]  # a constant, as asked above


def refusals(path: Path) -> Iterator[str]:
    """Find the sentences of refusals that are written whole: in the call, or in a name `detail` before it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        said: ast.expr | None = None
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Problem", "Problem.at"):
            said = node.args[-1]
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "detail":
            said = node.value
        if isinstance(said, ast.Constant) and isinstance(said.value, str):
            yield said.value


def module_texts(path: Path) -> Iterator[str]:
    yield from refusals(path)
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            place = {"text": 0, "count": 1}.get(call.func.attr)
            if place is not None and len(call.args) > place:
                said = call.args[place]
                if isinstance(said, ast.Constant) and isinstance(said.value, str):
                    yield said.value


def texts() -> set[str]:
    found = {text for path in templates() for text in template_texts(path)}
    return found | {text for path in CONSOLE.rglob("*.py") for text in module_texts(path)} | CHOSEN


def forms(said: Said) -> list[str]:
    return [said] if isinstance(said, str) else list(said.values())


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def refused() -> set[str]:
    """Collect the codes of refusals that are written in the source."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call):
                place = {"Problem": 0, "Problem.at": 1, "Fault": 1}.get(ast.unparse(call.func))
                if place is not None and len(call.args) > place:
                    said = call.args[place]
                    if isinstance(said, ast.Constant):
                        found.add(str(said.value))
    return found


@pytest.mark.parametrize("language", OTHERS)
def test_each_text_is_said_in_each_language(language: str) -> None:
    assert len(texts()) > 300
    assert sorted(texts() - CATALOGUES[language].keys()) == []


@pytest.mark.parametrize("language", OTHERS)
def test_each_refusal_has_a_title_in_each_language(language: str) -> None:
    assert len(refused()) > 150
    assert sorted(code for code in refused() if f"problem {code}" not in CATALOGUES[language]) == []


@pytest.mark.parametrize("language", OTHERS)
def test_translations_keep_their_places_and_their_script(language: str) -> None:
    script = {"bn": "[ঀ-৿]", "hi": "[ऀ-ॿ]"}[language]
    other = {"hi": "[ঀ-ৣ৲-৿]", "bn": "[ऀ-ॣ०-ॿ]"}[language]
    for key, said in CATALOGUES[language].items():
        for form in forms(said):
            assert places(form) == (set() if key.startswith("problem ") else places(key)), key
            assert re.search(script, form) or not re.search(r"[A-Za-z]{2}", re.sub(r"{\w+}|UTC", "", form)), (
                key
            )
            assert re.search(other, form) is None, key
        if isinstance(said, dict):
            assert set(said) == {"one", "other"}, key
            assert "{count}" in key, key


def test_the_languages_have_the_same_texts_and_none_that_no_page_says() -> None:
    first, *rest = (CATALOGUES[language].keys() for language in OTHERS)
    assert all(one == first for one in rest)
    assert sorted({key for key in first if not key.startswith("problem ")} - texts()) == []


class Spoken(HTMLParser):
    """Collects what a browser would say or show of a template's own HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside.append(tag)
        self.words += [value or "" for name, value in attrs if name in SPOKEN]

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not {"code", "script", "style"} & set(self._inside):
            self.words.append(data)


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.stem)
def test_no_template_has_english_of_its_own(path: Path) -> None:
    spoken = Spoken()
    # What stands between the braces is another matter; a digit keeps its place.
    template = parsed(path)
    classes = [one for one in template.find_all(nodes.Block) if one.name == "body_class"]
    kept = {id(output) for one in classes for output in one.find_all(nodes.Output)}
    spoken.feed(
        "".join(
            node.data if isinstance(node, nodes.TemplateData) else "0"
            for output in template.find_all(nodes.Output)
            if id(output) not in kept
            for node in output.nodes
        )
    )
    words = {word for text in spoken.words for word in re.findall(r"[A-Za-z]{2,}", text)}
    assert words - NAMES == set()


def test_numbers_are_grouped_and_written_as_the_reader_does() -> None:
    million = Decimal("12345678.50")
    assert Saying("en").number(million) == "12,345,678.50"
    assert Saying("bn").number(million) == "১,২৩,৪৫,৬৭৮.৫০"
    assert Saying("bn", "latn").number(-million) == "−1,23,45,678.50"
    assert Saying("hi").number(million) == "1,23,45,678.50"
    assert Saying("hi", "own").number(million) == "१,२३,४५,६७८.५०"
    assert Saying("en", "own").number(7) == "7"
    assert Saying("hi").signed(100000) == "+1,00,000"
    assert [Saying(one).short(Decimal(2_340_000)) for one in ("en", "bn", "hi")] == [
        "2.3M",
        "২৩.৪ লাখ",
        "23.4 लाख",
    ]
    assert Saying("en").short(Decimal(2_000)) == "2k"


def test_days_and_money_are_written_as_the_reader_does() -> None:
    day, zone = date(2026, 3, 9), Zone("Asia/Kolkata")
    at = datetime(2026, 3, 9, 19, 5, tzinfo=UTC)
    assert Saying("en").day_long(day) == "9 March 2026"
    assert Saying("bn").day_long(day) == "৯ মার্চ ২০২৬"
    assert Saying("hi").day_long(day) == "9 मार्च 2026"
    assert Saying("bn").moment(at, zone) == "১০ মার্চ ২০২৬, ০০:৩৫"
    assert Saying("bn", "latn").moment(at, zone) == "10 মার্চ 2026, 00:35"
    assert Saying("hi").money(Decimal("1234567.50"), "INR") == "₹12,34,567.50"
    assert Saying("bn").money(Decimal("1234567.50"), "BDT") == "৳১২,৩৪,৫৬৭.৫০"
    assert Saying("en").money(Decimal("0.006"), "CHF") == "CHF 0.006"
    assert Saying("en").money(Decimal(500), "JPY") == "JP¥500"
    assert Saying("en").money(Decimal("0.01"), "USD") == "$0.01"
    assert Saying("hi").money_whole(Decimal("1234567.50"), "INR") == "₹12,34,568"
    assert Saying("en").money_whole(Decimal("-1.49"), "USD") == "−$1"


def test_counted_things_take_the_form_of_their_number() -> None:
    words = ("{count} wrong place", "{count} wrong places")
    assert Saying("en").count(*words, 1) == "1 wrong place"
    assert Saying("en").count(*words, 0) == "0 wrong places"
    assert Saying("hi").count(*words, 1) == "1 गलत जगह"
    assert Saying("hi").count(*words, 2) == "2 गलत जगहें"
    assert Saying("bn").count(*words, 2) == "২টি ভুল জায়গা"


def test_a_refusal_has_a_title_where_its_sentence_is_english() -> None:
    told = Problem("insufficient_units", "12 units are there and 40 are asked for")
    assert Saying("en").refusal(told) == told.detail
    assert Saying("hi").refusal(told) == f"पर्याप्त नहीं हैं ({told.detail})"
    known = Problem("page_not_found", "There is no such page.")
    assert Saying("bn").refusal(known) == "এমন কোনো পাতা নেই।"
    assert Saying("bn").problem("no_such_code") == "No such code"


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("", "en"),
        ("bn-BD,bn;q=0.9,en;q=0.8", "bn"),
        ("hi-IN", "hi"),
        ("fr,de;q=0.7", "en"),
        ("en;q=0.3, hi;q=0.9", "hi"),
        ("bn;q=0, hi;q=0.1", "hi"),
        ("bn;q=nonsense, *", "en"),
        ("," * 3000 + "hi", "en"),
    ],
)
def test_a_browser_that_was_told_nothing_gets_what_it_asks_for(accepted: str, chosen: str) -> None:
    assert choose_language(accepted) == chosen
    assert chosen in saying.LANGUAGES
