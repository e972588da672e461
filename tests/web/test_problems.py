"""Error codes and their HTTP status."""

from __future__ import annotations

import ast

import pytest

from guerdon.base.errors import Problem
from guerdon.web.bodies import shape_problem
from guerdon.web.problems import body_of, extra_headers, status_of
from tests.architecture.source import ours


def _codes() -> set[str]:
    """Every code that a Problem is made with by name, below the roof."""
    found = set()
    for module in ours():
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            place = {"Problem": 0, "Problem.at": 1}.get(name)
            if place is not None and len(node.args) > place:
                value = node.args[place]
                if isinstance(value, ast.Constant):
                    found.add(str(value.value))
    return found


def test_what_passes_by_itself_says_come_again() -> None:
    passing = {"overloaded", "shutting_down", "database_unavailable", "enrolment_contended", "not_ready"}
    assert passing <= _codes()
    for code in passing:
        assert status_of(code) == 503
        assert dict(extra_headers(code))[b"retry-after"].isdigit()


def test_faults_of_ours_are_5xx_and_nothing_else_is() -> None:
    ours_alone = {code for code in _codes() if status_of(code) == 500}
    assert ours_alone == {"internal_error", "sealed_data_unreadable", "master_key_invalid", "log_key_lost"}
    assert all(400 <= status_of(code) < 500 or status_of(code) in (500, 503) for code in _codes())


def test_what_is_not_found_is_404() -> None:
    missing = {code for code in _codes() if code.endswith("_not_found")} - {"postgres_not_found"}
    assert {"program_not_found", "member_not_found", "account_not_found", "redemption_not_found"} <= missing
    assert {status_of(code) for code in missing} == {404}


def test_a_problem_is_shown_with_its_places() -> None:
    shown = body_of(Problem.at("/amount", "too_many_digits", "at most 2 decimal places are kept here"))
    assert (shown.status, shown.code, shown.title) == (422, "too_many_digits", "Too many digits")
    assert shown.type == "urn:guerdon:problem:too_many_digits"
    assert [(one.pointer, one.code) for one in shown.errors] == [("/amount", "too_many_digits")]


@pytest.mark.parametrize(
    ("words", "pointer", "code"),
    [
        ("Expected `str`, got `int` - at `$.lines[3].id`", "/lines/3/id", "wrong_type"),
        ("Object contains unknown field `a/b~c` - at `$.data`", "/data/a~1b~0c", "unknown_field"),
        ("Object missing required field `wallet`", "/wallet", "missing_field"),
        ("Expected `int` >= 1 - at `$.quantity`", "/quantity", "wrong_value"),
        ("Expected `object`, got `array`", "", "wrong_type"),
    ],
)
def test_a_decoder_s_words_become_a_pointer(words: str, pointer: str, code: str) -> None:
    problem = shape_problem(words)
    assert (problem.code, problem.faults[0].pointer) == (code, pointer)
