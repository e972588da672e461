"""Many at once, and whoever is killed between the friend's order and the advocate's prize."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from guerdon.engine.referring import due
from tests.rooms.engine.referring.conftest import Club

CALLERS = 64


def test_64_callers_settle_one_friend_once(club: Club) -> None:
    anna = club.enrol("anna")
    code = club.code(anna)
    for number in range(6):
        club.enrol(f"f{number}", referral_code=code)
        club.buys(f"f{number}", "40.00", f"o{number}")
    start = threading.Barrier(CALLERS)

    def call() -> None:
        start.wait()
        club.settle()

    threads = [threading.Thread(target=call) for _ in range(CALLERS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert club.points(anna) == 6 * 204
    assert sorted(row[2] for row in club.states()) == [1, 2, 3, 4, 5, 6]
    assert {row[3] for row in club.states()} == {True}
    assert club.rows("select count(*) from redemptions") == [(1,)]
    club.audit()


class Killed(BaseException):
    """Stands for a process that ends here."""


@pytest.mark.parametrize("step", ["review", "mark_told", "mark_reversed"])
def test_who_is_killed_between_order_and_prize_neither_loses_nor_doubles_it(
    club: Club, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    anna = club.enrol("anna")
    club.enrol("ben", referral_code=club.code(anna))
    club.buys("ben", "40.00", "o1")
    if step == "mark_reversed":
        club.settle()
        club.returns("o1")
    with monkeypatch.context() as patch:
        patch.setattr(due, step, _killing(Killed()))
        with pytest.raises(Killed):
            club.settle()
    club.settle()
    assert club.settle() == 0
    assert club.points(anna) == (0 if step == "mark_reversed" else 204)
    assert club.rows("select count(*) from events where type = 'referral.completed'") == [(1,)]
    club.audit()


def _killing(end: BaseException) -> Callable[..., None]:
    def act(*_: object, **__: object) -> None:
        raise end

    return act
