"""What witnesses sign: that they saw a head, and when (C2SP tlog-cosignature, cosignature/v1)."""

from __future__ import annotations

import base64
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guerdon.base.errors import Problem
from guerdon.rules.proofs.notes import (
    COSIGNATURE,
    DASH,
    ID_BYTES,
    NoteKey,
    decoded,
    is_signature,
    public_of,
    signed_text,
)

_TIME_BYTES: Final = 8
_LENGTH: Final = ID_BYTES + _TIME_BYTES + 64


def witness_key(name: str, private: bytes) -> NoteKey:
    """Give the public half of a witness's key.

    Args:
        name: the witness's.
        private: 32 secret bytes.

    Returns:
        The key as others know it.
    """
    return NoteKey(name, public_of(private), COSIGNATURE)


def cosign(note: str, name: str, private: bytes, seconds: int) -> str:
    """Sign that a head was seen.

    Args:
        note: the signed note; whoever calls has made sure that it fits what was seen before.
        name: the witness's.
        private: its 32 secret bytes.
        seconds: when it was seen, since 1970 UTC.

    Returns:
        The line that goes under the note, with its newline.

    Raises:
        Problem: `checkpoint_invalid`.
    """
    signature = Ed25519PrivateKey.from_private_bytes(private).sign(_message(note, seconds))
    packed = witness_key(name, private).key_id + seconds.to_bytes(_TIME_BYTES, "big") + signature
    return f"{DASH}{name} {base64.b64encode(packed).decode()}\n"


def read_cosignature(note: str, line: str, key: NoteKey) -> int:
    """Make sure that a witness signed a head.

    Args:
        note: the signed note.
        line: what the witness said.
        key: the witness's, of the kind `COSIGNATURE`.

    Returns:
        When it was seen, in seconds since 1970 UTC.

    Raises:
        Problem: `cosignature_wrong`, `checkpoint_invalid`.
    """
    name, signature = _read_line(line)
    if (name, signature[:ID_BYTES]) != (key.name, key.key_id):
        raise Problem("cosignature_wrong", f"this is no signature of the witness {key.name}")
    seconds = int.from_bytes(signature[ID_BYTES : ID_BYTES + _TIME_BYTES], "big")
    if not is_signature(key, signature[ID_BYTES + _TIME_BYTES :], _message(note, seconds)):
        raise Problem("cosignature_wrong", f"the signature of the witness {key.name} is for something else")
    return seconds


def signer_of(line: str) -> tuple[str, bytes]:
    """Tell whose signature a line says that it is; nothing is checked but its form.

    Args:
        line: what a witness said.

    Returns:
        The name of the witness, and the number of its key, 4 bytes.

    Raises:
        Problem: `cosignature_wrong`.
    """
    name, signature = _read_line(line)
    return name, signature[:ID_BYTES]


def _read_line(line: str) -> tuple[str, bytes]:
    name, _, packed = line.removesuffix("\n").removeprefix(DASH).rpartition(" ")
    signature = decoded(packed)
    if not name or signature is None or len(signature) != _LENGTH:
        raise Problem("cosignature_wrong", "this is no signature of a witness")
    return name, signature


def _message(note: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{signed_text(note)}".encode()
