"""Lines of files in order, read by place, whatever the files are like."""

from __future__ import annotations

import gzip
import io
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.errors import Problem
from guerdon.infra.lineindex import LineIndex, index_lines


def number_of(line: bytes) -> int | None:
    return int(line) if line.strip().lstrip(b"-").isdigit() else None


def in_order(index: LineIndex) -> list[bytes]:
    with ExitStack() as stack:
        read = index.reader(stack)
        return [read(one) for one in index.order]


def made(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def test_sorted_input_is_left_as_it_is(tmp_path: Path) -> None:
    index = index_lines([made(tmp_path, "a", b"1\n1\n2\n\n \n3")], tmp_path, number_of)
    assert index.is_sorted
    assert in_order(index) == [b"1", b"1", b"2", b"3"]
    assert index.place_of(3) == (str(tmp_path / "a"), 6)


def test_several_files_become_one_order(tmp_path: Path) -> None:
    names = [made(tmp_path, "a", b"5\r\n1\r\n"), made(tmp_path, "b", b"\xef\xbb\xbf3\n")]
    index = index_lines(names, tmp_path, number_of)
    assert not index.is_sorted
    assert in_order(index) == [b"1", b"3", b"5"]


def test_a_line_without_a_key_stays_beside_the_one_before(tmp_path: Path) -> None:
    index = index_lines([made(tmp_path, "a", b"x\n5\ny\n1\nz\n")], tmp_path, number_of)
    assert in_order(index) == [b"x", b"1", b"z", b"5", b"y"]
    assert (index.keyed, index.greatest) == (2, 5)


def test_compressed_files_and_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = made(tmp_path, "a.gz", gzip.compress(b"2\n4\n"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"3\n")))
    index = index_lines([packed, "-"], tmp_path, number_of)
    assert in_order(index) == [b"2", b"3", b"4"]
    assert index.place_of(2) == ("standard input", 1)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_lines"),
        (b"\n\n", "no_lines"),
        (gzip.compress(b"1\n2\n3\n" * 1000)[:-20], "file_broken"),
        (b"\x1f\x8bnot at all", "file_broken"),
    ],
    # Packed bytes hold the time of packing, and the workers of a run must call a test alike.
    ids=["empty", "blank lines", "cut short", "not packed"],
)
def test_bad_files_are_named(tmp_path: Path, content: bytes, code: str) -> None:
    with pytest.raises(Problem) as caught:
        index_lines([made(tmp_path, "bad.gz", content)], tmp_path, number_of)
    assert caught.value.code == code
    assert "bad.gz" in caught.value.detail


def test_a_file_that_is_not_there_and_a_folder(tmp_path: Path) -> None:
    for name, code in ((tmp_path / "none", "file_not_found"), (tmp_path, "file_unreadable")):
        with pytest.raises(Problem) as caught:
            index_lines([str(name)], tmp_path, number_of)
        assert caught.value.code == code


def test_a_file_that_shrinks_is_noticed(tmp_path: Path) -> None:
    name = made(tmp_path, "a", b"1\n22\n")
    index = index_lines([name], tmp_path, number_of)
    Path(name).write_bytes(b"1\n2")
    with pytest.raises(Problem, match="file_changed"):
        in_order(index)


def test_progress_adds_up_to_the_size(tmp_path: Path) -> None:
    heard: list[int] = []
    line = b"7" * 18 + b"\n"
    index = index_lines([made(tmp_path, "a", line * 200_000)], tmp_path, number_of, heard.append)
    assert len(heard) == 3
    assert sum(heard) <= index.size == len(line) * 200_000


@given(keys=st.lists(st.integers(0, 9), min_size=1, max_size=40))
def test_the_order_is_stable(tmp_path_factory: pytest.TempPathFactory, keys: list[int]) -> None:
    folder = tmp_path_factory.mktemp("stable")
    lines = [f"{key} {place}".encode() for place, key in enumerate(keys)]
    name = made(folder, "a", b"\n".join(lines))
    index = index_lines([name], folder, lambda line: int(line.split()[0]))
    assert in_order(index) == sorted(lines, key=lambda line: int(line.split()[0]))
