"""Only `ledger.journal` writes units, and nothing anywhere changes or deletes what it wrote."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGE, ours

TABLES = r"(?:only\s+)?(?:\w+\.)?(?P<table>entries|transactions|lots|wallets)\b"
WRITING = re.compile(
    r"\b(?:insert\s+into|update|delete\s+from|merge\s+into|copy|truncate)\s+" + TABLES, re.IGNORECASE
)
CHANGING = re.compile(
    r"\b(?:update|delete\s+from|merge\s+into|truncate)\s+(?:only\s+)?(?:\w+\.)?(?:entries|transactions)\b",
    re.IGNORECASE,
)

ARCHIVES = "ledger/sql/archives.py"
"""Moves what a recorded file covers, and has it back: the owner's, and held by triggers to just that."""


def _docstrings(tree: ast.Module) -> set[int]:
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, owners) and node.body and isinstance(node.body[0], ast.Expr)
    }


def _texts() -> Iterator[tuple[Path, str]]:
    for module in ours():
        skipped = _docstrings(module.tree)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
                yield module.path, node.value
    for path in sorted(PACKAGE.rglob("*.sql")):
        yield path, re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))


def _may_write(path: Path) -> bool:
    place = path.relative_to(PACKAGE).as_posix()
    return re.match(r"ledger/(sql/)?journal[/._]", place) is not None or place == ARCHIVES


def test_only_the_journal_writes_units() -> None:
    found = [
        f"{path}: {text[:80]!r}" for path, text in _texts() if WRITING.search(text) and not _may_write(path)
    ]
    assert not found


def test_nothing_changes_the_journal() -> None:
    found = [
        f"{path}: {text[:80]!r}"
        for path, text in _texts()
        if CHANGING.search(text) and path != PACKAGE / ARCHIVES
    ]
    assert not found


def test_archives_only_take_rows_out_and_put_them_back() -> None:
    texts = [text for path, text in _texts() if path == PACKAGE / ARCHIVES]
    changing = [found.group().lower() for text in texts for found in CHANGING.finditer(text)]
    assert sorted(set(changing)) == ["delete from entries", "delete from transactions"]


@pytest.mark.parametrize(
    "text", ["INSERT INTO guerdon.lots (a)", "update  wallets set a = 1", "delete from only entries"]
)
def test_a_writing_statement_is_seen(text: str) -> None:
    assert WRITING.search(text)


@pytest.mark.parametrize(
    "text", ["select 1 from lots for update of lots", "insert into event_lots (a)", "grant insert on lots"]
)
def test_a_harmless_statement_is_not(text: str) -> None:
    assert not WRITING.search(text)


@pytest.mark.parametrize(
    ("place", "allowed"),
    [
        ("ledger/journal.py", True),
        ("ledger/sql/journal_post.sql", True),
        ("ledger/sql/archives.py", True),
        ("ledger/archives/moving.py", False),
        ("ledger/wallets.py", False),
        ("engine/apply.py", False),
    ],
)
def test_who_may_write(place: str, *, allowed: bool) -> None:
    assert _may_write(PACKAGE / place) is allowed
