"""Boards against a plain model, in whatever order things happened and were followed."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from guerdon.engine.audit.run import Audit
from guerdon.play.boards import rows
from guerdon.play.boards.rows import Place, Stand, count_above, find_rank, list_near, list_top, write_stands
from guerdon.play.boards.windows import Kept, Window, begin_board, lock_board, open_window
from tests.rooms.engine.conftest import NOW, TENANT
from tests.rooms.play.conftest import Boards, live_at_random

TODAY = NOW.date().replace(day=1)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges that are full with four rows."""
    monkeypatch.setattr(rows, "FULL", 4)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("seed", [1, 2])
def test_boards_are_what_a_plain_count_of_everything_is(boards: Boards, seed: int) -> None:
    live_at_random(boards, seed, 45)
    boards.check()


@pytest.mark.usefixtures("narrow")
def test_ranks_of_many_are_those_of_sorting_them(boards: Boards) -> None:
    chance = random.Random(7)
    place = Place(boards.program_id, "recyclers", TODAY)
    known: dict[int, Decimal] = {}
    with boards.database.transaction(TENANT) as tx:
        begin_board(tx, place.program_id, Kept(place.board, "x", TODAY, 0))
        assert lock_board(tx, place.program_id, place.board) is not None
        open_window(tx, place.program_id, place.board, Window(TODAY, None, None))
        for _ in range(60):
            whose = chance.sample(range(1, 80), 12)
            new = {
                one: Stand(Decimal(chance.choice(["1", "2", "2", "2.5", "7", str(chance.randrange(1, 60))])))
                for one in whose
                if chance.random() < 0.8
            }
            write_stands(tx, place[:2], {TODAY: new}, whose)
            known = {one: value for one, value in known.items() if one not in whose}
            known |= {one: stand.value for one, stand in new.items()}
        order = sorted(known, key=lambda one: (-known[one], one))
        ranks = {one: 1 + sum(value > known[one] for value in known.values()) for one in known}
        for one in order:
            found = find_rank(tx, place, one)
            assert found is not None
            assert (found.rank, found.value) == (ranks[one], known[one])
        assert find_rank(tx, place, 999) is None
        assert count_above(tx, place, Decimal(0)) == len(known)
        top = list_top(tx, place, 500)
        assert [(one.rank, one.participant) for one in top] == [(ranks[one], one) for one in order]
        middle = top[len(top) // 2]
        near = list_near(tx, place, middle, 3)
        at = order.index(middle.participant)
        assert [one.participant for one in near] == order[at - 3 : at + 4]
        assert near == top[at - 3 : at + 4]
        counts = tx.execute("select count(*), max(count) from board_ranges").fetchone()
        assert counts is not None
        assert counts[0] > 8
    boards_check_ranges(boards)


def boards_check_ranges(boards: Boards) -> None:
    total = boards.rows("select (select sum(count) from board_ranges) = (select count(*) from board_rows)")
    assert total == [(True,)]


def test_equals_share_a_rank_and_stand_in_the_order_of_their_accounts(boards: Boards) -> None:
    for name, grams in (("anna", 5), ("bela", 9), ("chris", 9), ("dora", 12)):
        boards.come(name)
        boards.recycle(name, grams)
    boards.settle()
    with boards.database.transaction(TENANT) as tx:
        top = list_top(tx, Place(boards.program_id, "recyclers", TODAY), 10)
    names = {person.account: name for name, person in boards.people.items()}
    assert [(one.rank, names[one.participant]) for one in top] == [
        (1, "dora"),
        (2, "bela"),
        (2, "chris"),
        (4, "anna"),
    ]


def test_rows_that_were_changed_are_found(boards: Boards) -> None:
    for name, grams in (("anna", 5), ("bela", 9)):
        boards.come(name)
        boards.join(name)
        boards.recycle(name, grams)
    boards.settle()
    with boards.database.transaction(TENANT) as tx:
        # The webhooks' reader is registered nowhere here, and what nobody waits for is not kept.
        assert tx.execute("select count(*) from outbox").fetchone() == (0,)
    assert boards.audit() == []
    changes = {
        "update board_rows set value = value + 1 where board = 'recyclers'": "board_rows",
        "update board_rows set score = decode(repeat('01', 16), 'hex')": "board_rows",
        "update board_rows set participant = participant + 1 where board = 'recyclers'": "board_rows",
        "delete from board_rows where board = 'recyclers' and value = 5": "board_rows",
        "delete from board_names": "board_rows",
        "update board_ranges set count = count + 1 where board = 'recyclers'": "board_ranges",
        "update board_ranges set from_score = decode(repeat('ff', 16), 'hex')": "board_ranges",
    }
    for statement, table in changes.items():
        with boards.database.transaction(TENANT) as tx:
            assert tx.execute(statement).rowcount > 0
            assert table in {one.table for one in Audit(tx, boards.vault, now=boards.now).run()}, statement
            tx.rollback()
