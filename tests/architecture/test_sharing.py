"""How a run is shared: what is named is there, and what belongs together stays together."""

from __future__ import annotations

import pytest

from tests.architecture.source import ROOT
from tests.sharing import LONGEST_FIRST, group_of, rank_of


def test_what_begins_first_is_there() -> None:
    assert [path for path in LONGEST_FIRST if not (ROOT / path).exists()] == []
    early = [rank_of("tests/docs/test_commands.py::test_a"), rank_of("tests/docs/test_site.py::test_a")]
    assert early == sorted(early)
    assert rank_of("tests/base/test_ids.py::test_a") == len(LONGEST_FIRST) > max(early)


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/base/test_ids.py::test_a", "tests/base/test_ids.py"),
        ("tests/base/test_ids.py::test_a[a@b.example]", "tests/base/test_ids.py"),
        ("tests/base/test_ids.py::test_a[a@b.example]@browser", "browser"),
        ("tests/base/test_ids.py::test_a@browser", "browser"),
    ],
)
def test_a_group_is_what_a_test_names_or_its_file(nodeid: str, group: str) -> None:
    assert group_of(nodeid) == group
