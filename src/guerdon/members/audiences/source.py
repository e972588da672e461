"""Where a statement over all accounts finds what a condition reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from guerdon.rules.expressions.selecting import SqlColumn


class Source(NamedTuple):
    """What stands beside the accounts, which the statement calls `a`."""

    columns: Mapping[str, SqlColumn]
    """Dotted path → SQL of its value for the account."""
    join: str = ""
    """SQL that brings the rows that the columns read, at most one for each account."""
    parameters: Mapping[str, Any] = {}
    """Of the join."""
