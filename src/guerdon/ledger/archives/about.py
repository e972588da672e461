"""What an archive says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, NamedTuple

from guerdon.base.errors import Problem

FORM: Final = "guerdon.archive.v1"


class About(NamedTuple):
    """Which log, which month, and the signed head that all proofs lead to."""

    log: str
    month: str
    checkpoint: str


def about_of(raw: bytes, path: Path) -> About:
    """Read what an archive says of itself.

    Args:
        raw: as it stands in the file.
        path: what it is called in messages.

    Returns:
        What it says.

    Raises:
        Problem: `archive_unknown`.
    """
    try:
        said = json.loads(raw)
        about = About(str(said["log"]), str(said["month"]), str(said["checkpoint"]))
        is_known = said["format"] == FORM
    except (ValueError, KeyError, TypeError):
        raise _unknown(path) from None
    if not is_known:
        raise _unknown(path)
    return about


def _unknown(path: Path) -> Problem:
    return Problem("archive_unknown", f"{path} does not say what it is: it is no archive of Guerdon")
