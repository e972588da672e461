"""How far an import has come, in a small file: what was answered is not sent again after an interruption."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import msgspec

from guerdon.base.errors import Problem
from guerdon.connect.imports.feed import Summary


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    """What the file says."""

    program: str
    input: str
    """Digest of all lines: another input begins anew."""
    answered: int
    """Lines in order of time that were answered."""
    last_applied: int
    """Place in that order of the last line that is in the database; -1 for none."""
    summary: Summary


_DECODER = msgspec.json.Decoder(_Kept)


class Position:
    """The place up to which everything was answered."""

    def __init__(self, path: Path, program: str, digest: str) -> None:
        """Look where an earlier run of the same import was ended.

        Args:
            path: the file; it need not be there.
            program: the program's key.
            digest: of the input.

        Raises:
            Problem: `position_unreadable`.
        """
        self._path = path
        self._kept = _Kept(program, digest, 0, -1, Summary())
        found = self._read()
        if found is not None and (found.program, found.input) == (program, digest):
            self._kept = found

    @property
    def answered(self) -> int:
        """How many lines need not be sent again."""
        return self._kept.answered

    @property
    def last_applied(self) -> int:
        """Place of the last line that the database should know; -1 for none."""
        return self._kept.last_applied

    def summary(self) -> Summary:
        """Give the sums so far.

        Returns:
            A copy to go on counting with.
        """
        return Summary(**asdict(self._kept.summary))

    def move(self, answered: int, last_applied: int, summary: Summary) -> None:
        """Keep that more was answered; the file is whole at any moment.

        Args:
            answered: lines in order of time, from the first.
            last_applied: place of the last of them that was applied, now or before; -1 for none.
            summary: the sums so far.

        Raises:
            Problem: `position_not_written`.
        """
        kept = self._kept
        kept.answered, kept.summary = answered, summary
        kept.last_applied = max(last_applied, kept.last_applied)
        part = self._path.with_name(f"{self._path.name}.part")
        try:
            with part.open("wb") as file:
                file.write(msgspec.json.encode(kept))
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError as error:
            raise Problem(
                "position_not_written", f"{self._path} cannot be written: {error.strerror}"
            ) from None

    def check(self, is_known: Callable[[int], bool]) -> None:
        """See that the database is the one that was filled.

        Args:
            is_known: place of a line → whether the database has its event.

        Raises:
            Problem: `position_of_other_database`.
        """
        last = self._kept.last_applied
        if last >= 0 and not is_known(last):
            detail = (
                f"{self._path} says that events were imported which this database does not have;"
                " delete it to import everything"
            )
            raise Problem("position_of_other_database", detail)

    def end(self) -> None:
        """Forget the position: all is done, and sending again is harmless."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> _Kept | None:
        try:
            return _DECODER.decode(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError):
            detail = f"{self._path} is no position of an import; name another file or delete it"
            raise Problem("position_unreadable", detail) from None
