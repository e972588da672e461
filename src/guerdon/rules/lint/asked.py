"""What a check is asked about."""

from __future__ import annotations

from dataclasses import dataclass

from guerdon.rules.definition import Definition
from guerdon.rules.lint.figures import Figures
from guerdon.rules.program import Program


@dataclass(frozen=True, slots=True)
class Asked:
    """A definition, and what is known about it."""

    definition: Definition
    program: Program
    """The same, compiled."""
    figures: Figures | None
    """The history at hand, or None."""
