"""Problems travel between processes whole."""

from __future__ import annotations

import copy

from guerdon.base.errors import Fault, Problem
from guerdon.rules.expressions import ExpressionError


def test_a_problem_keeps_code_detail_and_places_on_its_way_between_processes() -> None:
    sent = Problem.at("/lines/0/price", "too_many_digits", "at most 2 decimal places are kept here")
    arrived = copy.copy(sent)
    assert (arrived.code, arrived.detail) == ("too_many_digits", "at most 2 decimal places are kept here")
    assert arrived.faults == (Fault("/lines/0/price", "too_many_digits", arrived.detail),)


def test_a_special_problem_arrives_as_a_plain_one() -> None:
    sent = ExpressionError("unknown_name", "there is no `oder`", (1, 3, 4), "order")
    arrived = copy.copy(sent)
    assert type(arrived) is Problem
    assert arrived.code == "unknown_name"
