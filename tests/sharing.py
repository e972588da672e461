"""How a run is shared among workers, and which files took longest."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import pytest
from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]  # it ships no types

LONGEST_FIRST: Final = (
    *("tests/docs/test_commands.py", "tests/demo/", "tests/web/browser/", "tests/rooms/audit/"),
    *("tests/care/", "tests/cli/", "tests/rooms/cluster/", "tests/web/console/", "tests/world/"),
    *("tests/web/test_witness.py", "tests/faults/", "tests/docs/", "tests/examples/", "tests/backtest/"),
    *("tests/real/", "tests/web/", "tests/rooms/"),
)
"""Beginnings of paths, by the time behind them; the rest starts no servers, and fills what is left."""
SHOWN: Final = 10


def rank_of(nodeid: str) -> int:
    """Tell how early a test begins: the lower, the earlier."""
    found = (rank for rank, path in enumerate(LONGEST_FIRST) if nodeid.startswith(path))
    return next(found, len(LONGEST_FIRST))


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def group_of(nodeid: str) -> str:
    """Tell what stays on one worker: the group that a test names, else its file.

    Args:
        nodeid: as workers give it, with `@group` at its end where the test is marked so.

    Returns:
        The same word for all tests that must not be taken apart.
    """
    # An @ within brackets is a parameter's.
    group = nodeid.rpartition("]")[2].partition("@")[2]
    # By file, since fixtures of a module would else be made once by every worker.
    return group or file_of(nodeid)


class Plugin:
    """What a run asks: in what order, who gets what, and what is told at its end."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Put the longest first where there are workers; alone, a run keeps its order."""
        if hasattr(config, "workerinput"):
            items.sort(key=lambda item: rank_of(item.nodeid))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Share by file where `--dist loadgroup` is asked for."""
        if config.getvalue("dist") != "loadgroup":
            return None
        # Else the files with most tests would begin, and not the longest.
        config.option.loadscopereorder = False
        scheduler = LoadGroupScheduling(config, log)
        scheduler._split_scope = group_of
        return scheduler

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the files in which a whole run spends its time."""
        sums: Counter[str] = Counter()
        for kind in ("passed", "failed", "error", ""):
            for report in terminalreporter.getreports(kind):
                # Whole milliseconds; a report of collecting has no duration.
                sums[file_of(report.nodeid)] += round(1000 * getattr(report, "duration", 0))
        if len(sums) > SHOWN:
            terminalreporter.section(f"{SHOWN} slowest files, of {sum(sums.values()) // 1000} s in all")
            for name, spent in sums.most_common(SHOWN):
                terminalreporter.line(f"{spent / 1000:7.1f} s  {name}")
