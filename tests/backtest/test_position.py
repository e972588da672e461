"""How far an import has come: kept whole, for the same input only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from guerdon.base.errors import Problem
from guerdon.connect.imports import Listener, Outcome, Position, Refused, feed
from guerdon.infra.lineindex import LineIndex, index_lines


class Book:
    """A destination that keeps what it got, and breaks where it is told to."""

    def __init__(self, breaks_at: int = -1) -> None:
        self.got: list[bytes] = []
        self.breaks_at = breaks_at

    def send(self, lines: Sequence[bytes]) -> Callable[[], Sequence[Outcome]]:
        if 0 <= self.breaks_at < len(self.got) + len(lines):
            raise Problem("engine_silent", "gone")
        self.got += lines
        return lambda: [Outcome("rejected", "odd") if b"7" in one else Outcome("applied") for one in lines]


def indexed(folder: Path, count: int = 3500, name: str = "lines") -> LineIndex:
    path = folder / name
    path.write_text("".join(f"{number}\n" for number in range(count)))
    return index_lines([str(path)], folder, int)


def test_what_was_answered_is_not_sent_again(tmp_path: Path) -> None:
    lines, heard = indexed(tmp_path), list[Refused]()
    listener = Listener(heard.append, lambda _size, _summary: None)
    file = tmp_path / "position"
    with pytest.raises(Problem, match="engine_silent"):
        feed(lines, Book(breaks_at=3000), listener, Position(file, "club", lines.digest()))
    position = Position(file, "club", lines.digest())
    assert (position.answered, position.last_applied) == (2000, 1999)
    book = Book()
    summary = feed(lines, book, listener, position)
    assert book.got[0] == b"2000"
    assert len(book.got) == 1500
    whole = feed(lines, Book(), Listener(lambda _: None, lambda _size, _summary: None))
    assert summary == whole
    assert len({one.line for one in heard}) == len(heard) == whole.rejected
    position.end()
    assert not file.exists()


def test_another_input_or_program_begins_anew(tmp_path: Path) -> None:
    lines = indexed(tmp_path)
    file = tmp_path / "position"
    Position(file, "club", lines.digest()).move(1000, 999, Position(file, "club", "x").summary())
    assert Position(file, "club", lines.digest()).answered == 1000
    assert Position(file, "shop", lines.digest()).answered == 0
    assert Position(file, "club", indexed(tmp_path, 3501, "more").digest()).answered == 0


def test_a_database_that_lacks_the_last_event_is_another_one(tmp_path: Path) -> None:
    position = Position(tmp_path / "position", "club", "digest")
    position.check(lambda _: False)
    position.move(1000, 998, position.summary())
    position.check(lambda place: place == 998)
    with pytest.raises(Problem, match="position_of_other_database"):
        position.check(lambda _: False)


@pytest.mark.parametrize("content", [b"", b"{}", b"no", b'{"program": "club"}'])
def test_a_file_of_something_else_is_not_overwritten(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "position"
    file.write_bytes(content)
    with pytest.raises(Problem, match="position_unreadable"):
        Position(file, "club", "digest")
    assert file.read_bytes() == content


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    position = Position(tmp_path / "none" / "position", "club", "digest")
    with pytest.raises(Problem, match="position_not_written"):
        position.move(1, 0, position.summary())
