"""Programs, their versions, and the health of the house, as they are answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from guerdon.web.api.shapes import Answered


class ProgramShape(Answered, frozen=True):
    """A version of a program."""

    program: str
    version: int
    live: bool
    sha256: str
    applied_by: str
    applied_at: datetime
    definition: Any
    """The definition in canonical form."""
    source: str
    """The document as it was sent."""
    counting: CountingShape | None = None
    """How far metrics are counted from history, of the live version."""


class CountingShape(Answered, frozen=True):
    """How far new and changed metrics are counted from history."""

    waiting: int
    """Accounts that are not counted yet; each is at the latest before its next decision."""
    accounts: int
    """All accounts to which anything happened."""


class ProgramLine(Answered, frozen=True):
    """A program in a list."""

    program: str
    version: int


class Programs(Answered, frozen=True):
    """The tenant's programs."""

    data: Sequence[ProgramLine]
    next: str | None


class VersionShape(Answered, frozen=True):
    """A version without its text."""

    version: int
    sha256: str
    applied_by: str
    applied_at: datetime


class Versions(Answered, frozen=True):
    """All versions of a program, newest first."""

    data: Sequence[VersionShape]
    next: str | None


class ChangeShape(Answered, frozen=True):
    """One thing that a definition changes."""

    section: str
    pointer: str
    kind: str
    """`added`, `removed` or `changed`."""
    sentence: str
    before: Any
    after: Any


class DifferenceShape(Answered, frozen=True):
    """What lies between two versions."""

    program: str
    before: int
    after: int
    changes: Sequence[ChangeShape]
    """Empty where both say the same."""


class WarningShape(Answered, frozen=True):
    """Something that is allowed, and that somebody should look at."""

    code: str
    pointer: str
    place: str
    sentence: str
    advice: str


class Applied(Answered, frozen=True):
    """What became of applying a definition, or with `dry_run` what would become of it."""

    program: str
    version: int
    changed: bool
    """False where the live version says the same already."""
    dry_run: bool
    changes: Sequence[ChangeShape]
    warnings: Sequence[WarningShape]


class Health(Answered, frozen=True):
    """Whether it lives, or is ready."""

    status: str
