"""Explanation of a stored decision: run again from what was stored, with one reason for every campaign."""

from guerdon.rules.explain.run import Explanation, Outcome, explain
from guerdon.rules.explain.words import in_words

__all__ = ["Explanation", "Outcome", "explain", "in_words"]
