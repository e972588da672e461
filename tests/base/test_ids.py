"""Identifiers sort by time, never repeat, and read back."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.ids import Chance, IdMaker, number_text, parse_number

NOW = 1_800_000_000_000  # a moment of 2027, in milliseconds
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def maker(clock: list[int], bits: int = 0) -> IdMaker:
    times = iter(clock)
    return IdMaker(lambda: next(times), lambda count: bits & ((1 << count) - 1))


@given(st.lists(st.integers(NOW, NOW + 50), min_size=2, max_size=50), st.integers(0, 2**64))
def test_numbers_and_uuids_rise_whatever_the_clock_does(clock: list[int], bits: int) -> None:
    numbers, uuids = maker(clock, bits), maker(clock, bits)
    made = [numbers.number() for _ in clock]
    stamped = [uuids.uuid() for _ in clock]
    assert all(one < other for one, other in pairwise(made))
    assert all(0 < one < 2**63 for one in made)
    assert all(one < other for one, other in pairwise(stamped))
    assert all(one.version == 7 and one.variant == "specified in RFC 4122" for one in stamped)


def test_a_uuid_begins_with_its_time() -> None:
    made = maker([NOW], 2**64 - 1).uuid()
    assert made.int >> 80 == NOW
    assert isinstance(made, UUID)


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_a_number_reads_back_and_sorts_as_its_text(one: int, other: int) -> None:
    text = number_text("mem", one)
    assert parse_number("mem", text) == one
    assert parse_number("acc", text) is None
    assert (one < other) == (text < number_text("mem", other))
    assert len(text) == len("mem_") + 13


def test_what_no_identifier_is() -> None:
    for text in (
        "",
        "mem",
        "mem_",
        "mem_0",
        "mem_" + "0" * 14,
        "mem_" + "u" * 13,
        "mem_" + "z" * 13,
        "MEM_" + "0" * 13,
    ):
        assert parse_number("mem", text) is None


@given(st.binary(min_size=8, max_size=64), st.lists(st.integers(1, 512), max_size=20))
def test_chance_repeats_and_stays_within_its_bits(seed: bytes, counts: list[int]) -> None:
    first, second = Chance(seed), Chance(seed)
    drawn = [first.bits(count) for count in counts]
    assert drawn == [second.bits(count) for count in counts]
    assert all(0 <= one < 2**count for one, count in zip(drawn, counts, strict=True))


def test_chance_differs_by_seed_and_by_draw() -> None:
    one, other = Chance(b"seed-one"), Chance(b"seed-two")
    draws = [one.bits(64) for _ in range(500)] + [other.bits(64) for _ in range(500)]
    assert len(set(draws)) == 1_000


def test_letters_use_the_whole_alphabet() -> None:
    chance = Chance(b"letters!")
    text = chance.letters(100, ALPHABET) + chance.letters(100, ALPHABET) + chance.letters(100, ALPHABET)
    assert len(text) == 300
    assert set(text) == set(ALPHABET)
