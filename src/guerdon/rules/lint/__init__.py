"""Warnings about a definition that is right and yet may cost money or do nothing."""

from guerdon.rules.lint.figures import Figures, Holding, LadderMoves, Spread
from guerdon.rules.lint.findings import LintWarning
from guerdon.rules.lint.lint import lint, lint_change

__all__ = ["Figures", "Holding", "LadderMoves", "LintWarning", "Spread", "lint", "lint_change"]
