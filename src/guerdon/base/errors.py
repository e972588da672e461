"""The one kind of error that people see: a stable code, where it is, and what was expected."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong place in an input."""

    pointer: str
    """JSON pointer (RFC 6901) to the place, `""` for the whole input."""
    code: str
    """Stable snake_case word that programs may compare with."""
    detail: str
    """A sentence for people: what is wrong and what was expected."""


class Problem(Exception):  # noqa: N818 - the word of RFC 9457, and of the API
    """A refusal of the domain, carried as a value up to the door that shows it."""

    def __init__(self, code: str, detail: str, faults: tuple[Fault, ...] = ()) -> None:
        """Make a problem.

        Args:
            code: stable snake_case word, the same in API, CLI and logs.
            detail: one or two sentences for people, without personal data.
            faults: the wrong places, where the problem is about an input.
        """
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.faults = faults

    def __reduce__(self) -> tuple[type[Problem], tuple[str, str, tuple[Fault, ...]]]:
        # Exceptions are copied from `args`, which hold the one sentence. Between processes a more special
        # problem travels as a plain one: code, detail and places are all that anybody shows.
        return Problem, (self.code, self.detail, self.faults)

    @classmethod
    def at(cls, pointer: str, code: str, detail: str) -> Problem:
        """Make a problem about one place of an input.

        Args:
            pointer: JSON pointer to the place.
            code: stable snake_case word.
            detail: what is wrong there and what was expected.

        Returns:
            The problem with that one fault.
        """
        return cls(code, detail, (Fault(pointer, code, detail),))
