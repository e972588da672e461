"""Explanation of a stored decision: run again from what was stored, with one reason for every campaign."""

from guerdon.rules.explain.run import Explanation, Outcome, explain
from guerdon.rules.explain.words import as_data, in_words

__all__ = ["Explanation", "Outcome", "as_data", "explain", "in_words"]
