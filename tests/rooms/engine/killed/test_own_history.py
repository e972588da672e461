"""A history in which posts were approved, hidden and approved again comes to the same in a backtest."""

from __future__ import annotations

from pathlib import Path

from guerdon.infra.linefiles import LineFile
from guerdon.insight.backtest import Request, open_history, run_backtest
from guerdon.insight.backtest.stored import look_once, write_events
from guerdon.rules.report import ISSUED
from tests.rooms.engine.conftest import TENANT
from tests.rooms.engine.killed.acts import AFTER, CLUB, Club

_DRAWS = CLUB.index("draws:\n"), CLUB.index("challenges:\n")
PLAIN = CLUB[: _DRAWS[0]] + CLUB[_DRAWS[1] :]
"""Who wins a draw is chance, and nobody here has a ticket."""


def test_a_backtest_of_posts_that_were_hidden_comes_to_the_same(club: Club, tmp_path: Path) -> None:
    expected = club.posts()
    club.due()
    assert club.has() == +expected
    path = tmp_path / "own.ndjson"
    with club.database.transaction(TENANT) as tx:
        look_once(tx)
        written = write_events(tx, club.program_id, path, lambda _: None)
    history = open_history([LineFile("own", path, path.stat().st_size)], tmp_path)
    done = run_backtest(Request(PLAIN.encode(), "club.yaml", AFTER, people=written.people), history)
    assert not done.rejects, done.rejects
    issued = sum(row[ISSUED] for row in done.tally.months["points"].values())
    live = club.rows("select sum(amount) from entries where wallet = 'points' and book = 'issued'")
    assert issued == -live[0][0] == expected.total()
