"""Every conformance case passes, or stands in not_applicable.txt with the reason why it cannot."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from tests.conformance.cases import Case, listed, load, objection


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
    passed = Counter(case.section for case in cases if not objections[case.name])
    others = Counter(case.section for case in cases if objections[case.name])
    rows = [(name, passed[name], others[name]) for name in dict.fromkeys(case.section for case in cases)]
    lines = [f"{name:<18} {good:>7} {other:>15}" for name, good, other in rows]
    lines.append(f"{'all':<18} {passed.total():>7} {others.total():>15}")
    with capsys.disabled():
        sys.stdout.write("\n".join(["", f"{'section':<18} {'passed':>7} {'not applicable':>15}", *lines, ""]))
    assert passed.total() + others.total() == len(cases)
