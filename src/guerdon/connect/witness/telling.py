"""Telling a witness of a head: a line in a file, a webhook, or another Guerdon that remembers what it saw."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from guerdon.base.errors import Problem
from guerdon.connect.webhooks.signing import message_text, sign
from guerdon.connect.witness.named import Witness
from guerdon.infra.http import Reply
from guerdon.rules.proofs.cosigned import read_cosignature
from guerdon.rules.proofs.notes import Checkpoint

USER_AGENT: Final = "Guerdon-Witness/1"
TYPE: Final = "log.checkpoint.signed"
_CONFLICT: Final = 409
INCONSISTENT: Final = "checkpoint_inconsistent"
"""What a witness says of a log that does not begin with what it saw."""
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{1,59}")
Post = Callable[[str, Mapping[str, str], bytes], Reply]
"""Address, headers and body → the answer."""
Prove = Callable[[int], list[bytes]]
"""Size of an earlier log, no larger than ours → the proof that ours begins with it."""


class Told(NamedTuple):
    """What became of it."""

    problem: str = ""
    """A snake_case word, empty where the witness took it."""
    is_refusal: bool = False
    """Whether the witness saw another log under this name."""
    line: str = ""
    """What it signed."""


class News(NamedTuple):
    """What a witness is told."""

    checkpoint: Checkpoint
    note: str
    told_size: int
    """Of the last head that it took, 0 where it took none."""
    prove: Prove
    now: datetime


def tell(witness: Witness, news: News, post: Post) -> Told:
    """Tell a witness of a head.

    Args:
        witness: whom.
        news: the head.
        post: how calls are made.

    Returns:
        What became of it; a call that failed is told as its problem.
    """
    try:
        if witness.file is not None:
            return write_line(Path(witness.file).expanduser(), news)
        if witness.webhook is not None:
            return _tell_webhook(witness, witness.webhook, news, post)
        return _tell_guerdon(witness, (witness.guerdon or "").rstrip("/"), news, post)
    except Problem as problem:
        return Told(problem.code)


def write_line(path: Path, news: News) -> Told:
    """Add a head to a file, so that it is on the disk when this returns.

    Args:
        path: of the file, made where it is missing.
        news: the head.

    Returns:
        What became of it: a head may stand twice where the process died in between.
    """
    head = news.checkpoint
    line = {
        "log": head.origin,
        "size": head.size,
        "root": head.root.hex(),
        "note": news.note,
        "written_at": news.now,
    }
    data = msgspec.json.encode(line) + b"\n"
    try:
        is_new = not path.exists()
        with path.open("ab", buffering=0) as file:
            if file.write(data) != len(data):
                return Told("file_full")
            os.fsync(file.fileno())
        if is_new:
            _settle_name(path.parent)
    except OSError as error:
        return Told(f"file_{(error.strerror or 'failed').lower().replace(' ', '_')}"[:60])
    return Told()


def _settle_name(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _tell_webhook(witness: Witness, url: str, news: News, post: Post) -> Told:
    head = news.checkpoint
    # The same head is the same message, however often it is sent.
    message = message_text(UUID(bytes=hashlib.sha256(news.note.encode()).digest()[:16]))
    event = {
        "specversion": "1.0",
        "id": message,
        "source": head.origin,
        "type": TYPE,
        "time": news.now.astimezone(UTC),
        "datacontenttype": "application/json",
        "data": {"log": head.origin, "size": head.size, "root": head.root.hex(), "note": news.note},
    }
    body = msgspec.json.encode(event)
    signed = sign([witness.secret_bytes], message, news.now, body)
    headers = {"content-type": "application/cloudevents+json", "user-agent": USER_AGENT, **signed}
    reply = post(url, headers, body)
    return Told() if 200 <= reply.status < 300 else Told(f"answered_{reply.status}")


def _tell_guerdon(witness: Witness, url: str, news: News, post: Post) -> Told:
    def ask(old: int) -> Reply:
        body = write_request(old, news.prove(old), news.note)
        return post(f"{url}/add-checkpoint", _headers(witness), body)

    size = news.checkpoint.size
    # A log that shrank is shown to the witness too, who then knows.
    old = news.told_size if news.told_size <= size else 0
    reply = ask(old)
    if reply.status == _CONFLICT:
        seen = _size_in(reply.body)
        if seen is None or seen == old:
            return Told("witness_saw_another", is_refusal=True)
        if seen > size:
            return Told("witness_saw_more", is_refusal=True)
        reply = ask(seen)
        if reply.status == _CONFLICT:
            is_refusal = _size_in(reply.body) == seen
            return Told("witness_saw_another" if is_refusal else "witness_is_ahead", is_refusal)
    if 200 <= reply.status < 300:
        return _cosigned(witness, news, reply)
    code = _code_in(reply)
    return Told("witness_saw_another", is_refusal=True) if code == INCONSISTENT else Told(code)


def write_request(old: int, proof: list[bytes], note: str) -> bytes:
    """Write what a witness is asked to sign (C2SP tlog-witness, add-checkpoint).

    Args:
        old: size of the head that the witness signed last.
        proof: that the log of the note begins with it.
        note: the signed head.

    Returns:
        The body of the request.
    """
    steps = "".join(base64.b64encode(step).decode() + "\n" for step in proof)
    return f"old {old}\n{steps}\n{note}".encode()


def _headers(witness: Witness) -> dict[str, str]:
    return {
        "authorization": f"Bearer {witness.api_key}",
        "content-type": "text/plain; charset=utf-8",
        "user-agent": USER_AGENT,
    }


def _cosigned(witness: Witness, news: News, reply: Reply) -> Told:
    try:
        line = reply.body.decode()
    except UnicodeDecodeError:
        return Told("cosignature_wrong")
    read_cosignature(news.note, line, witness.note_key)
    return Told(line=line)


def _size_in(body: bytes) -> int | None:
    text = body.decode("ascii", "replace").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _code_in(reply: Reply) -> str:
    """Take the word from what the witness said, so that people read it where they look for what is wrong."""
    try:
        code = msgspec.json.decode(reply.body, type=_Refusal).code
    except (msgspec.MsgspecError, UnicodeDecodeError):
        code = ""
    return code if _CODE.fullmatch(code) else f"answered_{reply.status}"


class _Refusal(msgspec.Struct, frozen=True):
    code: str
