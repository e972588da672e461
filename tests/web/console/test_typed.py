"""Numbers as people type them: groups are read, and no comma makes a tenth into a whole."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import pytest

from guerdon.web.console.typed import ungrouped


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("25", "25"),
        (" 25.50 ", "25.50"),
        ("1,250.00", "1250.00"),
        ("1,000,000", "1000000"),
        ("12,34,567.8", "1234567.8"),
        ("−1,250", "-1250"),
        ("১,২৫০", "1250"),
        ("0.5", "0.5"),
    ],
)
def test_groups_are_read(typed: str, meant: str) -> None:
    assert Decimal(ungrouped(typed)) == Decimal(meant)


@pytest.mark.parametrize("typed", ["0,5", "20,50", "1,2", ",5", "1,,000", "12,3456", "1.000,50", "1,0000"])
def test_any_other_comma_is_no_number(typed: str) -> None:
    with pytest.raises(InvalidOperation):
        Decimal(ungrouped(typed))
