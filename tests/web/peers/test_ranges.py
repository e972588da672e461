"""Which engine has which accounts."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from guerdon.web.peers.ranges import RANGES, holders, range_of

ENGINES = st.sets(st.text("0123456789abcdef", min_size=16, max_size=16), min_size=1, max_size=9)


@given(ENGINES)
def test_each_range_has_one_holder_and_all_agree_on_it(engines: set[str]) -> None:
    found = holders(engines)
    assert len(found) == RANGES
    assert set(found) <= engines
    assert found == holders(sorted(engines, reverse=True))


@given(ENGINES, st.randoms(use_true_random=False))
def test_only_the_ranges_of_whoever_ends_move(engines: set[str], chance: Random) -> None:
    gone = chance.choice(sorted(engines))
    rest = engines - {gone}
    if not rest:
        return
    for before, after in zip(holders(engines), holders(rest), strict=True):
        assert before in (after, gone)


def test_engines_have_about_as_many_each() -> None:
    chance = Random(11)
    for count in range(2, 9):
        names = [f"{chance.getrandbits(64):016x}" for _ in range(count)]
        shares = Counter(holders(names))
        assert min(shares.values()) > RANGES / count * 0.55, shares
        assert max(shares.values()) < RANGES / count * 1.6, shares


def test_accounts_that_were_made_one_after_another_lie_in_many_ranges() -> None:
    # Numbers of accounts begin with the time: those of one hour differ in few of their bits.
    for first in (1, 1 << 20, 0x0199_8000_0000_0000):
        counts = Counter(range_of(first + number) for number in range(RANGES * 100))
        assert len(counts) == RANGES
        assert max(counts.values()) < 200
        assert set(counts) == set(range(RANGES))


def test_the_range_of_an_account_never_changes() -> None:
    """Engines of two releases would else each hand to the other."""
    assert [range_of(number) for number in (0, 1, 2, 42, 2**62 + 7)] == [0, 158, 60, 245, 147]
