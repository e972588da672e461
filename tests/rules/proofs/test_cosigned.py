"""What witnesses sign: the form of C2SP's cosignature/v1, and that nothing else passes for it."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guerdon.base.errors import Problem
from guerdon.rules.proofs.cosigned import cosign, read_cosignature, witness_key
from guerdon.rules.proofs.notes import (
    COSIGNATURE,
    Checkpoint,
    NoteKey,
    public_of,
    read_checkpoint,
    sign_checkpoint,
)

SECRET, OTHER = bytes(range(32)), bytes(range(1, 33))
LOG = NoteKey("guerdon/main/club", public_of(OTHER))
NOTE = sign_checkpoint(Checkpoint(LOG.name, 12, bytes(range(32))), LOG.name, OTHER)
KEY = witness_key("witness.example/w1", SECRET)
SECONDS = 1_763_000_000
LINE = cosign(NOTE, KEY.name, SECRET, SECONDS)


def test_the_message_is_that_of_the_specification() -> None:
    body = NOTE.partition("\n\n")[0] + "\n"
    message = f"cosignature/v1\ntime {SECONDS}\n{body}".encode()
    name, _, packed = LINE.removeprefix("— ").rstrip("\n").rpartition(" ")
    raw = base64.b64decode(packed)
    assert name == KEY.name
    assert raw[:4] == KEY.key_id
    assert raw[4:12] == SECONDS.to_bytes(8, "big")
    Ed25519PrivateKey.from_private_bytes(SECRET).public_key().verify(raw[12:], message)
    assert len(raw) == 76


def test_what_was_cosigned_is_read_and_the_log_s_own_signature_stays() -> None:
    assert read_cosignature(NOTE, LINE, KEY) == SECONDS
    assert read_cosignature(NOTE + LINE, LINE, NoteKey.read(KEY.text, COSIGNATURE)) == SECONDS
    assert read_checkpoint(NOTE + LINE, [LOG]).size == 12


@pytest.mark.parametrize(
    ("note", "line", "key"),
    [
        (NOTE.replace("\n12\n", "\n13\n"), LINE, KEY),
        (NOTE, cosign(NOTE, KEY.name, OTHER, SECONDS), KEY),
        (NOTE, cosign(NOTE, "another", SECRET, SECONDS), KEY),
        (NOTE, LINE[:-5] + "AAA=\n", KEY),
        (NOTE, "", KEY),
        (NOTE, LINE + LINE, KEY),
        (NOTE, LINE, KEY._replace(name="another")),
        (NOTE, NOTE.rpartition("\n\n")[2], KEY),
    ],
)
def test_whatever_is_changed_is_refused(note: str, line: str, key: NoteKey) -> None:
    with pytest.raises(Problem) as caught:
        read_cosignature(note, line, key)
    assert caught.value.code == "cosignature_wrong"


def test_a_witness_and_a_log_do_not_sign_for_each_other() -> None:
    with pytest.raises(Problem, match="expected a key"):
        NoteKey.read(KEY.text)
    with pytest.raises(Problem, match="expected a key"):
        NoteKey.read(LOG.text, COSIGNATURE)
    same = NoteKey(KEY.name, KEY.public)
    assert same.key_id != KEY.key_id
