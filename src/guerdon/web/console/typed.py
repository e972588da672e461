"""Numbers as people type them."""

from __future__ import annotations

import re
from typing import Final

_GROUPED: Final = re.compile(r"-?\d{1,3}(,\d{2,3})*,\d{3}(\.\d*)?")


def ungrouped(typed: str) -> str:
    """Take the commas out of a number that is written as pages write them: 1,250.00 or 12,34,567.

    Any other comma stays, so that nobody who means a half by 0,5 gets five.

    Args:
        typed: any text; a true minus is read as one.

    Returns:
        Text for `Decimal`, which refuses what has a comma left.
    """
    text = typed.strip().replace("−", "-")
    return text.replace(",", "") if _GROUPED.fullmatch(text) else text
