"""The documents hold together: links lead somewhere, ADRs are listed and name what enforces them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, committed_files

LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))


def _documents() -> list[Path]:
    return [path for path in committed_files() if path.suffix == ".md"]


def test_relative_links_lead_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in _documents()
        for target in LINK.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_decisions_are_numbered_without_gaps_or_twins() -> None:
    numbers = [int(path.name[:4]) for path in ADRS]
    assert len(numbers) == len(set(numbers))
    assert numbers[0] == 1


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.stem)
def test_a_decision_is_one_page_and_names_what_enforces_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "## What enforces it" in text
    assert len(text.split()) <= 800, "an ADR is one page"
