"""Explanation of a stored decision: run again from what was stored, with one reason for every campaign."""

from guerdon.rules.explain.returned import Came
from guerdon.rules.explain.run import Explanation, Known, Outcome, explain
from guerdon.rules.explain.told import People
from guerdon.rules.explain.words import as_data, in_words, input_text

__all__ = [
    "Came",
    "Explanation",
    "Known",
    "Outcome",
    "People",
    "as_data",
    "explain",
    "in_words",
    "input_text",
]
