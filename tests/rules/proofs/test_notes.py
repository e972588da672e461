"""Signed heads: read by whoever trusts the key, and refused where a letter is another."""

from __future__ import annotations

import base64

import pytest

from guerdon.base.errors import Problem
from guerdon.rules.proofs.notes import Checkpoint, NoteKey, public_of, read_checkpoint, sign_checkpoint

SECRET = bytes(range(32))
KEY = NoteKey("guerdon/main/club", public_of(SECRET))
HEAD = Checkpoint("guerdon/main/club", 12_345, bytes(reversed(range(32))))
NOTE = sign_checkpoint(HEAD, KEY.name, SECRET)


def refused(note: str, *keys: NoteKey) -> str:
    with pytest.raises(Problem) as caught:
        read_checkpoint(note, keys)
    return caught.value.code


def test_a_published_signed_note_is_what_we_would_read() -> None:
    # The example of Go's golang.org/x/mod/sumdb/note: another program made this key.
    key = NoteKey.read("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert key.name == "PeterNeumann"
    assert key.text == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_what_was_signed_is_read() -> None:
    assert read_checkpoint(NOTE, [KEY]) == HEAD
    assert NoteKey.read(KEY.text) == KEY
    stranger = sign_checkpoint(HEAD, "witness", bytes(32)).rpartition("\n\n")[2]
    assert read_checkpoint(NOTE + stranger, [KEY]) == HEAD


def test_whatever_is_changed_is_seen() -> None:
    for place in range(len(NOTE) - 1):
        changed = NOTE[:place] + ("A" if NOTE[place] != "A" else "B") + NOTE[place + 1 :]
        assert refused(changed, KEY) in ("checkpoint_invalid", "checkpoint_not_signed"), place
    assert refused(NOTE, NoteKey(KEY.name, public_of(bytes(32)))) == "checkpoint_not_signed"
    assert refused(NOTE) == "checkpoint_not_signed"
    for text in ("", "\n", "a\n1\n", NOTE[:-1], NOTE + "x\n", NOTE.replace("12345", "012345"), NOTE * 60):
        assert refused(text, KEY) == "checkpoint_invalid"


@pytest.mark.parametrize("text", ["", "club", "club+1+2", KEY.text[:-3], KEY.text.replace("+", "-")])
def test_a_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Problem, match=r"club\+0a1b2c3d|the number of this key") as caught:
        NoteKey.read(text)
    assert caught.value.code == "log_key_invalid"


def test_the_number_of_a_key_is_its_own() -> None:
    name, _, rest = KEY.text.partition("+")
    other = "00000000" + rest[8:]
    with pytest.raises(Problem, match="not that of its name"):
        NoteKey.read(f"{name}+{other}")
    assert base64.b64decode(rest[9:])[1:] == KEY.public
