"""Who is told of signed heads: read from the file that `GUERDON_WITNESSES` names."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Annotated, Final

import msgspec

from guerdon.base.errors import Problem
from guerdon.infra.http import check_url
from guerdon.rules.proofs.notes import COSIGNATURE, NoteKey

_MARK: Final = "whsec_"
_SECRET_AT_LEAST: Final = 16
WITNESSES_AT_MOST: Final = 20


class Witness(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of them: a file, a webhook, or another Guerdon."""

    name: Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9_-]{0,59}\Z")]
    """Under which it is shown; a witness of another name is told everything anew."""
    file: str | None = None
    """A file that a line is added to for each head, best on another machine's disk."""
    webhook: str | None = None
    """An address that gets each head as a CloudEvent, signed as Standard Webhooks says."""
    secret: str | None = None
    """The webhook's secret, `whsec_…`."""
    guerdon: str | None = None
    """The address of another Guerdon, such as `https://witness.example/v1/witness`."""
    api_key: str | None = None
    """A key of that Guerdon with the scope `witness:push`."""
    key: str | None = None
    """The public key that it signs with, as its `GET /v1/witness` says."""
    logs: tuple[str, ...] = ()
    """Only these logs, such as `guerdon/main/club`; all of them where it is empty."""

    @property
    def kind(self) -> str:
        """What it is: `file`, `webhook` or `guerdon`."""
        return "file" if self.file is not None else "webhook" if self.webhook is not None else "guerdon"

    @property
    def note_key(self) -> NoteKey:
        """The key of another Guerdon."""
        return NoteKey.read(self.key or "", COSIGNATURE)

    @property
    def secret_bytes(self) -> bytes:
        """The webhook's secret; empty where it is none."""
        try:
            return base64.b64decode((self.secret or "").removeprefix(_MARK), validate=True)
        except (binascii.Error, ValueError):
            return b""

    def wants(self, origin: str) -> bool:
        """Tell whether it is told of a log.

        Args:
            origin: the log's name.

        Returns:
            Whether its file says so.
        """
        return not self.logs or origin in self.logs


def read_witnesses(path: Path, *, allow_loopback: bool = False) -> list[Witness]:
    """Read who is told.

    Args:
        path: a JSON file with a list.
        allow_loopback: whether addresses of this machine are allowed.

    Returns:
        The witnesses.

    Raises:
        Problem: `settings_invalid`, with the place in the file.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=list[Witness])
    except OSError as error:
        raise _wrong("", f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _wrong("", f"{path} is no list of witnesses: {error}") from None
    if len(found) > WITNESSES_AT_MOST:
        raise _wrong("", f"at most {WITNESSES_AT_MOST} witnesses can be told")
    names: set[str] = set()
    for place, one in enumerate(found):
        if one.name in names:
            raise _wrong(f"/{place}/name", f"two witnesses are called {one.name}")
        names.add(one.name)
        _check(f"/{place}", one, allow_loopback=allow_loopback)
    return found


def _check(at: str, one: Witness, *, allow_loopback: bool) -> None:
    if [one.file, one.webhook, one.guerdon].count(None) != 2:
        raise _wrong(at, "a witness is one of `file`, `webhook` and `guerdon`")
    if one.file is not None and not Path(one.file).expanduser().is_absolute():
        raise _wrong(f"{at}/file", "the whole path of a file was expected, from / on")
    url = one.webhook if one.webhook is not None else one.guerdon
    if url is not None:
        try:
            check_url(url, allow_loopback=allow_loopback)
        except Problem as problem:
            raise _wrong(f"{at}/{one.kind}", problem.detail) from None
    if one.webhook is not None and len(one.secret_bytes) < _SECRET_AT_LEAST:
        raise _wrong(f"{at}/secret", f"a secret is whsec_ and at least {_SECRET_AT_LEAST} bytes in base64")
    if one.guerdon is not None:
        _check_guerdon(at, one)
    _refuse_strangers(at, one)


def _check_guerdon(at: str, one: Witness) -> None:
    if not one.api_key or not one.api_key.isascii() or not one.api_key.isprintable():
        raise _wrong(f"{at}/api_key", "another Guerdon asks for a key with the scope witness:push")
    try:
        NoteKey.read(one.key or "", COSIGNATURE)
    except Problem:
        raise _wrong(
            f"{at}/key", "the key that this witness signs with, as its GET /v1/witness says"
        ) from None


def _refuse_strangers(at: str, one: Witness) -> None:
    belongs = {"file": (), "webhook": ("secret",), "guerdon": ("api_key", "key")}[one.kind]
    for name in ("secret", "api_key", "key"):
        if getattr(one, name) is not None and name not in belongs:
            raise _wrong(f"{at}/{name}", f"a {one.kind} has no {name}")


def _wrong(pointer: str, detail: str) -> Problem:
    return Problem.at(f"/witnesses{pointer}", "settings_invalid", f"GUERDON_WITNESSES: {detail}")
