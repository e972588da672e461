"""Every conformance case passes, or stands in not_applicable.txt with the reason why it cannot."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conformance.cases import Case, closing, listed, load, objection, table


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return load()


@pytest.fixture(scope="module")
def objections(cases: list[Case]) -> dict[str, str]:
    return {case.name: objection(case) for case in cases}


def test_the_files_are_complete(cases: list[Case]) -> None:
    assert len(cases) == len({case.name for case in cases}) == 2344
    assert len({case.section for case in cases}) == 28


def test_each_case_that_is_not_listed_passes(objections: dict[str, str]) -> None:
    allowed = listed()
    failed = {name: why for name, why in objections.items() if why and name not in allowed}
    assert failed == {}


def test_no_listed_case_passes_and_each_exists(objections: dict[str, str]) -> None:
    assert [name for name in listed() if name not in objections] == []
    assert [name for name in listed() if not objections[name]] == []


def test_each_listed_case_has_a_reason() -> None:
    assert all(len(reason.split()) >= 4 for reason in listed().values())


def test_the_table(cases: list[Case], objections: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    rows = table(cases, objections)
    with capsys.disabled():
        sys.stdout.write(f"\n{rows}")
    assert len(rows.splitlines()) == 28 + 2
    assert rows.splitlines()[-1].split()[1:] == ["1289", "1055"]


def test_the_language_page_has_the_closing_list() -> None:
    page = (Path(__file__).parents[2] / "docs/language.md").read_text(encoding="utf-8")
    assert closing(listed()) in page
    assert "Of the 2,344 cases of CEL's conformance files, 1,289 pass." in page
