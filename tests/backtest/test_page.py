"""The report page: its figures are those of report.json, it needs nothing else, and it can be read."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from decimal import Decimal
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.insight.backtest import write_report
from guerdon.insight.backtest.page.charts import scale_of
from guerdon.insight.backtest.page.wording import grouped
from tests.backtest.tries import event, order, tried

PROGRAM = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, scale: 2, rounding: floor, expires: {after: 60d, from: earned}, cost: "0.0125"}
  leaves: {unit: leaves}
metrics:
  spend: {event: order.paid, value: order.net, window: calendar_year}
ladders:
  club: {metric: spend, tiers: {bronze: {from: 0}, gold: {from: 100}}}
campaigns:
  base_earn: {trigger: order.paid, then: [{award: {wallet: points, amount: order.net}}]}
  "twice": {trigger: order.paid, when: order.net > 50, then: [{multiply: {wallet: points, by: 2}}]}
  thanks: {trigger: order.paid, when: order.net > 90, then: [{grant: {reward: pen}}, {badge: {badge: big}}]}
  voucher:
    trigger: order.paid
    then: [{redeem: {reward: dollar, while: wallets.points.available >= 100}}]
  never: {trigger: review.posted, then: [{award: {wallet: leaves, amount: "1"}}]}
badges: {big: {name: Big}}
rewards:
  pen: {kind: product, cost: "1.10"}
  dollar: {kind: coupon, price: {points: "50"}, discount: {amount: "1.00"}}
"""
SCRIPT = "<script>alert(1)</script>"
VOID = {"meta", "link", "line", "path", "rect", "circle"}


class Page(HTMLParser):
    """The page as tables, headings and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.attributes: list[tuple[str, str, str]] = []
        self.tags: Counter[str] = Counter()
        self.headings: list[int] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.open: list[str] = []
        self._table: list[list[str]] = []
        self._caption = ""
        self._said = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self._table.append([])
        if tag in ("th", "td", "caption"):
            self._said = ""

    def handle_data(self, data: str) -> None:
        self._said += data

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag
        if tag in ("th", "td"):
            self._table[-1].append(self._said.strip())
        if tag == "caption":
            self._caption = self._said.strip()
        if tag == "table":
            self.tables[self._caption] = self._table
            self._table = []

    def values(self, name: str) -> list[str]:
        return [value for _, one, value in self.attributes if one == name]


def history() -> list[dict[str, Any]]:
    return [
        order("anna", "2024-11-05T12:00:00Z", "95.50"),
        order("anna", "2025-01-05T12:00:00Z", "20.25"),
        order(SCRIPT, "2025-01-06T12:00:00Z", "60.00"),
        order("bob", "2025-02-06T12:00:00Z", "7.77"),
        order("carl", "2025-03-06T12:00:00Z", "30.00"),
        event("box.opened", None, "2025-03-06T12:00:00Z"),
    ]


def written(folder: Path, *programs: str) -> tuple[Page, dict[str, Any]]:
    write_report(folder, [tried(folder, history(), one) for one in programs], ["a.yaml", "b.yaml"])
    text = (folder / "report.html").read_text(encoding="utf-8")
    return Page(text), json.loads((folder / "report.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, dict[str, Any]]:
    return written(tmp_path_factory.mktemp("one"), PROGRAM)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, dict[str, Any]]:
    return written(tmp_path_factory.mktemp("two"), PROGRAM, PROGRAM.replace("by: 2", "by: 0"))


def plain(text: str) -> str:
    return text.replace(",", "").replace("$", "").replace("−", "-").replace("+", "")


def test_each_figure_is_that_of_the_report(one: tuple[Page, dict[str, Any]]) -> None:
    page, report = one
    points = report["wallets"]["points"]
    names = ("issued", "spent", "expired", "outstanding", "liability")
    table = page.tables["Points by month"]
    assert table[0] == ["Month", *(name.capitalize() for name in names)]
    shown = {row[0]: [Decimal(plain(cell)) for cell in row[1:]] for row in table[1:]}
    assert list(shown) == ["Nov 2024", "Dec 2024", "Jan 2025", "Feb 2025", "Mar 2025", "All"]
    for month, row in points["by_month"].items():
        named = {"2024-11": "Nov 2024", "2025-01": "Jan 2025", "2025-02": "Feb 2025", "2025-03": "Mar 2025"}
        assert shown[named[month]] == [Decimal(row[key]) for key in names]
    # Nothing happened in December: what stood at November's end still stands.
    assert shown["Dec 2024"] == [0, 0, 0, *shown["Nov 2024"][3:]]
    assert shown["All"] == [Decimal(points[key]) for key in names]
    assert Decimal(points["liability"]) == round(Decimal(points["outstanding"]) * Decimal("0.0125"), 2)
    tiers = {row[0]: row[1:] for row in page.tables["Tiers of club"][1:]}
    club = report["ladders"]["club"]
    assert tiers == {
        "bronze": [str(club["population"]["bronze"]), "—"],
        "gold": [str(club["population"]["gold"]), str(club["reached"]["gold"])],
    }
    for name, _, fired, cost in page.tables["Campaigns"][1:]:
        campaign = report["campaigns"][name]
        assert plain(fired) == str(campaign["fired"])
        assert plain(cost) == campaign.get("cost", "—")


def test_what_campaigns_cost(one: tuple[Page, dict[str, Any]]) -> None:
    campaigns = one[1]["campaigns"]
    assert campaigns["thanks"]["granted"] == {"pen": 1}
    assert campaigns["thanks"]["badges"] == {"big": 1}
    assert campaigns["thanks"]["cost"] == "1.10"
    awarded = Decimal(campaigns["base_earn"]["awarded"]["points"])
    assert awarded == (Decimal("95.50") + 60) * 2 + Decimal("20.25") + Decimal("7.77") + 30
    assert Decimal(campaigns["base_earn"]["cost"]) == Decimal("4.61")  # 369.02 × 0.0125 is 4.61275
    assert set(campaigns["voucher"]["redeemed"]) == {"dollar"}
    assert "cost" not in campaigns["voucher"]
    assert campaigns["never"] == {"fired": 0, "awarded": {}, "discounted": "0.00"}


def test_the_answer_stands_first(one: tuple[Page, dict[str, Any]], two: tuple[Page, dict[str, Any]]) -> None:
    page, report = one
    issued, left = (grouped(report["wallets"]["points"][key]) for key in ("issued", "outstanding"))
    assert f"<h1>On 5 orders worth $213.52, this program gives {issued} points to 4 accounts." in page.text
    assert f"{left} points are left at the end, which will cost $" in page.text
    assert (
        "<h1>The second definition gives 311.00 fewer points. 0 accounts get more and 2 less." in two[0].text
    )


def test_who_gains_and_who_loses(two: tuple[Page, dict[str, Any]]) -> None:
    page, report = two
    changes = report["comparison"]["changes"]["points"]
    assert changes["by_size"] == [
        {"change": "less", "at_least": "100.00", "below": "1000.00", "accounts": 2},
        {"change": "same", "accounts": 2},
    ]
    assert changes["gain"] == []
    assert changes["lose"] == [
        {"account": "anna", "first": "211.25", "second": "20.25", "change": "-191.00"},
        {"account": SCRIPT, "first": "120.00", "second": "0.00", "change": "-120.00"},
    ]
    rows = page.tables["Who loses most"][1:]
    assert [[plain(cell) for cell in row] for row in rows] == [list(one.values()) for one in changes["lose"]]
    assert "Who gains most" not in page.tables
    assert "First: a.yaml, grey. Second: b.yaml." in page.text
    assert report["comparison"]["ladders"]["club"] == {"higher": 0, "lower": 0, "same": 4}


@pytest.mark.parametrize("which", ["one", "two"])
def test_the_page_needs_nothing_else(which: str, request: pytest.FixtureRequest) -> None:
    page: Page = request.getfixturevalue(which)[0]
    assert not {"script", "img", "iframe", "object", "form", "use", "image"} & set(page.tags)
    assert set(page.values("href")) == {"data:,"}
    names = {name for _, name, _ in page.attributes}
    assert not {"src", "srcset", "style", "xlink:href"} & names
    assert not [name for name in names if name.startswith("on")]
    assert "url(" not in page.text
    assert "@import" not in page.text
    assert "http" not in page.text
    assert "&lt;script&gt;" in page.text or which == "one"


@pytest.mark.parametrize("which", ["one", "two"])
def test_the_page_can_be_read_with_other_senses(which: str, request: pytest.FixtureRequest) -> None:
    page: Page = request.getfixturevalue(which)[0]
    assert ("html", "lang", "en") in page.attributes
    assert page.tags["title"] > page.tags["svg"]
    assert page.tags["main"] == page.tags["h1"] == 1
    assert all(after - before <= 1 for before, after in zip([0, *page.headings], page.headings, strict=False))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert set(page.values("aria-labelledby")) <= set(ids)
    assert page.tags["svg"] == page.values("role").count("img") > 0
    assert page.tags["caption"] == page.tags["table"] > 0
    assert page.tags["th"] == len(page.values("scope"))
    assert page.tags["details"] == page.tags["summary"] > 0
    assert not page.open


def test_nothing_at_all_is_a_page_too(tmp_path: Path) -> None:
    program = "program: p\ncurrency: JPY\ntimezone: UTC\nwallets: {points: {unit: points}}\n"
    write_report(tmp_path, [tried(tmp_path, [event("box.opened", "a", "2025-01-01T00:00:00Z")], program)])
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "<h1>On 1 event, this program gives nothing to 1 account.</h1>" in page.text
    assert "No points were issued, spent or expired." in page.text


def css(name: str, package: str) -> str:
    return resources.files(package).joinpath(*name.split("/")).read_text(encoding="utf-8")


def tokens(text: str) -> list[dict[str, tuple[float, float, float]]]:
    """Light and dark colours."""
    found: list[dict[str, tuple[float, float, float]]] = []
    for part in text.split("prefers-color-scheme: dark", 1):
        pairs = re.findall(r"(--[a-z0-9-]+): oklch\(([0-9.]+) ([0-9.]+) ([0-9.]+)\)", part)
        colours: dict[str, tuple[float, float, float]] = {}
        for key, *rest in pairs:
            colours.setdefault(key, (float(rest[0]), float(rest[1]), float(rest[2])))
        found.append(colours)
    return found


def luminance(colour: tuple[float, float, float]) -> float:
    lightness, chroma, hue = colour
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_words_and_marks_stand_out_from_their_paper() -> None:
    for colours in tokens(css("templates/report.css", "guerdon.insight.backtest.page")):
        for paper in ("--ground", "--paper"):
            for name, least in (("--ink", 12), ("--ink-2", 6), ("--ink-3", 4.5), ("--brand-text", 4.5)):
                assert contrast(colours[name], colours[paper]) >= least, (name, paper)
        assert contrast(colours["--brand-mark"], colours["--paper"]) >= 3
        assert contrast(colours["--brand-mark"], colours["--brand-wash"]) >= 3


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_its_neutrals_are_those_of_all_our_pages() -> None:
    ours = tokens(css("templates/report.css", "guerdon.insight.backtest.page"))
    shared = tokens(css("static/tokens.css", "guerdon.web"))
    for mine, theirs in zip(ours, shared, strict=True):
        for name in ("--ground", "--paper", "--rule", "--rule-2", "--edge", "--ink", "--ink-2", "--ink-3"):
            assert mine[name] == theirs[name], name


@given(st.lists(st.decimals(0, 10**12, places=2), max_size=20))
def test_a_scale_begins_at_zero_and_holds_everything(values: list[Decimal]) -> None:
    scale = scale_of(values)
    assert scale.ticks[0].text == "0"
    assert 2 <= len(scale.ticks) <= 6
    assert all(scale.y(value) >= 16 for value in values)
    assert scale.y(scale.top) == 16
    assert scale.y(Decimal(0)) == 150
