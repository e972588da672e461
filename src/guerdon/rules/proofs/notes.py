"""Signed notes and checkpoints, as transparency logs write them (C2SP signed-note and tlog-checkpoint)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from guerdon.base.errors import Problem
from guerdon.rules.proofs.merkle import HASH_BYTES

ED25519: Final = b"\x01"
COSIGNATURE: Final = b"\x04"
"""Kind of the keys that witnesses sign with (C2SP tlog-cosignature)."""
ID_BYTES: Final = 4
DASH: Final = "— "
_NAME: Final = re.compile(r"[^\s+\ufeff]{1,200}")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,17}")
NOTE_BYTES_AT_MOST: Final = 10_000


class NoteKey(NamedTuple):
    """Whose signature it is: a name, and the public half of an Ed25519 key."""

    name: str
    public: bytes
    kind: bytes = ED25519

    @property
    def key_id(self) -> bytes:
        """The first four bytes of the hash of name, kind and key, which stand before each signature."""
        return hashlib.sha256(f"{self.name}\n".encode() + self.kind + self.public).digest()[:ID_BYTES]

    @property
    def text(self) -> str:
        """The key as it is published: name, number and key with `+` between them."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.kind + self.public).decode()}"

    @classmethod
    def read(cls, text: str, kind: bytes = ED25519) -> Self:
        """Read a key that was published.

        Args:
            text: as `text` writes it.
            kind: what it is for.

        Returns:
            The key.

        Raises:
            Problem: `log_key_invalid`.
        """
        name, _, rest = text.strip().partition("+")
        number, _, key = rest.partition("+")
        public = decoded(key)
        if public is None or public[:1] != kind or len(public) != 1 + HASH_BYTES:
            raise Problem(
                "log_key_invalid", "expected a key such as club+0a1b2c3d+AfJ…, with Ed25519's 32 bytes"
            )
        found = cls(name, public[1:], kind)
        if not _NAME.fullmatch(name) or found.key_id.hex() != number:
            raise Problem("log_key_invalid", "the number of this key is not that of its name and its bytes")
        return found


class Checkpoint(NamedTuple):
    """The head of a log: how many leaves it has, and their root."""

    origin: str
    """Names the log."""
    size: int
    root: bytes

    @property
    def body(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign_checkpoint(checkpoint: Checkpoint, name: str, private: bytes) -> str:
    """Sign the head of a log.

    Args:
        checkpoint: what is signed.
        name: of the key.
        private: its 32 secret bytes.

    Returns:
        The signed note.
    """
    signer = Ed25519PrivateKey.from_private_bytes(private)
    key = NoteKey(name, signer.public_key().public_bytes_raw())
    signature = key.key_id + signer.sign(checkpoint.body.encode())
    return f"{checkpoint.body}\n{DASH}{name} {base64.b64encode(signature).decode()}\n"


def public_of(private: bytes) -> bytes:
    """Give the public half of a key.

    Args:
        private: 32 secret bytes.

    Returns:
        32 bytes that everybody may know.
    """
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def read_checkpoint(note: str, keys: Sequence[NoteKey]) -> Checkpoint:
    """Read the head of a log, and make sure that it was signed.

    Args:
        note: the signed note; signatures by others are let stand.
        keys: of those who are trusted.

    Returns:
        The checkpoint.

    Raises:
        Problem: `checkpoint_invalid` for what is none; `checkpoint_not_signed` where none of the keys signed
            it, or one of them signed something else.
    """
    checkpoint, _ = read_signed(note, keys)
    return checkpoint


def read_signed(note: str, keys: Sequence[NoteKey]) -> tuple[Checkpoint, int]:
    """Read the head of a log, and which key signed it.

    Args:
        note: the signed note; signatures by others are let stand.
        keys: of those who are trusted.

    Returns:
        The checkpoint, and the place in `keys` of the last one that signed it.

    Raises:
        Problem: as `read_checkpoint` says.
    """
    body, checkpoint = _body(note)
    signer = -1
    for line in note[len(body) + 1 :].split("\n")[:-1]:
        name, _, packed = line.removeprefix(DASH).rpartition(" ")
        signature = decoded(packed)
        if not line.startswith(DASH) or not _NAME.fullmatch(name) or signature is None:
            raise Problem("checkpoint_invalid", f"a signature was expected, not {line[:60]!r}")
        for place, key in enumerate(keys):
            if (key.name, key.key_id) == (name, signature[:ID_BYTES]):
                if not is_signature(key, signature[ID_BYTES:], body.encode()):
                    raise Problem("checkpoint_not_signed", f"the signature of {name} is for something else")
                signer = max(signer, place)
    if signer < 0:
        names = ", ".join(sorted({key.name for key in keys})) or "nobody"
        raise Problem("checkpoint_not_signed", f"no signature of {names} stands under this checkpoint")
    return checkpoint, signer


def read_unsigned(note: str) -> Checkpoint:
    """Read the head of a log without asking who signed it, where it is known to be ours.

    Args:
        note: the signed note.

    Returns:
        The checkpoint.

    Raises:
        Problem: `checkpoint_invalid`.
    """
    return _body(note)[1]


def signed_text(note: str) -> str:
    """Give what the signatures of a head are over.

    Args:
        note: the signed note.

    Returns:
        Its text with the newline at its end.

    Raises:
        Problem: `checkpoint_invalid`.
    """
    return _body(note)[0]


def _body(note: str) -> tuple[str, Checkpoint]:
    head, gap, _ = note.partition("\n\n")
    lines = head.split("\n")
    is_whole = bool(gap) and len(note.encode()) <= NOTE_BYTES_AT_MOST and note.endswith("\n")
    root = decoded(lines[2]) if len(lines) > 2 and lines[0] and _SIZE.fullmatch(lines[1]) else None
    if not is_whole or root is None or len(root) != HASH_BYTES:
        detail = "expected a log's name, its size, its root in base64, an empty line, and signatures"
        raise Problem("checkpoint_invalid", detail)
    return head + "\n", Checkpoint(lines[0], int(lines[1]), root)


def is_signature(key: NoteKey, signature: bytes, message: bytes) -> bool:
    """Tell whether a signature is a key's.

    Args:
        key: whose.
        signature: 64 bytes.
        message: what was signed.

    Returns:
        False where it is not, or where either is none.
    """
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def decoded(text: str) -> bytes | None:
    """Read base64 that is written in the one canonical way.

    Args:
        text: with its padding, without spaces.

    Returns:
        The bytes, None where it is written otherwise.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # One way to write it only, so that nobody can change a letter and still have what was signed.
    return data if base64.b64encode(data).decode() == text else None
