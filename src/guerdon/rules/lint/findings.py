"""What a warning consists of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LintWarning:
    """Something that is allowed, and that somebody should look at before it goes live."""

    code: str
    """Stable snake_case word."""
    pointer: str
    """JSON pointer into the definition."""
    place: str
    """The place in words, such as ``campaign `welcome` ``."""
    sentence: str
    """What is the matter."""
    advice: str
    """What to do."""
