"""Which accounts are handed over."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from guerdon.web.peers.heat import Heat


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_account_is_hot_from_so_many_calls_of_a_second_until_a_second_after() -> None:
    clock = Clock()
    heat = Heat(3, clock)
    assert [heat.note(7) for _ in range(4)] == [False, False, True, True]
    assert heat.note(8) is False
    clock.now = 101.0
    assert (heat.note(7), heat.note(8)) == (True, False)
    clock.now = 102.5
    assert heat.note(7) is False


def test_after_a_pause_nothing_is_hot() -> None:
    clock = Clock()
    heat = Heat(2, clock)
    assert [heat.note(7) for _ in range(2)] == [False, True]
    clock.now = 102.0
    assert heat.note(7) is False


def test_with_one_call_everything_is_hot() -> None:
    assert Heat(1, Clock()).note(7) is True


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.25, 0.5, 2.0])), max_size=60))
def test_no_account_is_hot_that_was_not_asked_about_so_often_within_two_seconds(
    calls: list[tuple[int, float]],
) -> None:
    clock, said = Clock(), []
    heat = Heat(4, clock)
    for account, pause in calls:
        clock.now += pause
        said.append((clock.now, account, heat.note(account)))
    for place, (now, account, is_hot) in enumerate(said):
        # A second and the one after it, each of which begins with a call.
        lately = Counter(who for at, who, _ in said[: place + 1] if now - at < 4)
        assert not is_hot or lately[account] >= 4
