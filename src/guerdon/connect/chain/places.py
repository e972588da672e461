"""Where anchors go, as the settings say."""

from __future__ import annotations

import re
import stat
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from guerdon.base.errors import Problem
from guerdon.connect.chain.signing import Key, address_text, read_address
from guerdon.infra.settings import Settings

if TYPE_CHECKING:
    from cryptography import x509

_GWEI: Final = 10**9
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_KEY_BYTES: Final = 1000
_PARTS: Final = 3
_OBJECT_ID: Final = re.compile(r"[0-2]\.([1-3]?[0-9])(\.(0|[1-9][0-9]{0,20})){1,30}")


class Chain(NamedTuple):
    """A contract on a chain."""

    url: str
    chain_id: int
    contract: bytes
    confirmations: int = 12
    """Blocks, its own among them, after which an anchor counts as final."""
    fee_limit: int = 100 * _GWEI
    """Most that is paid, wei for a unit of gas."""
    patience: timedelta = timedelta(minutes=5)
    """After it a transaction that is in no block is sent again for more."""

    @property
    def place(self) -> str:
        """Its name (CAIP-10)."""
        return f"eip155:{self.chain_id}:{address_text(self.contract)}"


class Authority(NamedTuple):
    """A time-stamp authority."""

    url: str
    certificates: tuple[x509.Certificate, ...]
    """Trusted: the authority's own, or of whoever issued it."""
    policy: str = ""
    """Object identifier of the policy that is asked for; empty where any will do."""

    @property
    def place(self) -> str:
        """Its name, without what may be secret in its address."""
        parts = urlsplit(self.url)
        return f"rfc3161:{parts.hostname or ''}{parts.path.rstrip('/')}"[:300]


def find_chain(settings: Settings) -> Chain | None:
    """Read which contract is told of heads.

    Args:
        settings: of this process.

    Returns:
        The contract, None where none is configured.

    Raises:
        Problem: `settings_invalid`.
    """
    url, contract = settings.anchor_chain_url, settings.anchor_contract
    if url is None and not contract:
        return None
    if url is None or not contract:
        missing = "anchor_chain_url" if url is None else "anchor_contract"
        raise _wrong(missing, "anchors on a chain need a node's address and a contract")
    chain_id, address = _read_contract(contract)
    limit = settings.anchor_fee_limit_gwei * _GWEI
    address_of_node = _url("anchor_chain_url", url.get_secret_value())
    return Chain(address_of_node, chain_id, address, settings.anchor_confirmations, limit)


def find_node_url(settings: Settings) -> str:
    """Read where a chain's node listens.

    Args:
        settings: of this process.

    Returns:
        Its address.

    Raises:
        Problem: `settings_invalid` where there is none.
    """
    if settings.anchor_chain_url is None:
        raise _wrong("anchor_chain_url", "the address of a chain's node is needed")
    return _url("anchor_chain_url", settings.anchor_chain_url.get_secret_value())


def load_key(settings: Settings) -> Key:
    """Read the key that signs transactions; it never leaves this process.

    Args:
        settings: of this process.

    Returns:
        The key.

    Raises:
        Problem: `settings_invalid` where there is none, or others could read its file.
    """
    path = settings.anchor_key_file
    if path is None:
        raise _wrong("anchor_key_file", "anchors on a chain are signed: name the file of a key")
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")[:_KEY_BYTES]
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong("anchor_key_file", f"the key's file cannot be read: {type(error).__name__}") from None
    if mode & _OTHERS:
        raise _wrong("anchor_key_file", "others can read the key's file: chmod 600 it")
    try:
        return Key.read(text)
    except ValueError:
        raise _wrong("anchor_key_file", "the key's file does not hold 64 hexadecimal digits") from None


def find_authority(settings: Settings) -> Authority | None:
    """Read which authority stamps heads.

    Args:
        settings: of this process.

    Returns:
        The authority, None where none is configured.

    Raises:
        Problem: `settings_invalid`.
    """
    url = settings.anchor_authority_url
    if url is None:
        return None
    path = settings.anchor_authority_certificates
    if path is None:
        detail = "a stamp is worth as much as the certificate it is checked with: name its file"
        raise _wrong("anchor_authority_certificates", detail)
    policy = settings.anchor_authority_policy
    if policy and not _OBJECT_ID.fullmatch(policy):
        raise _wrong("anchor_authority_policy", "a policy is an object identifier such as 1.2.3.4")
    return Authority(_url("anchor_authority_url", url.get_secret_value()), load_certificates(path), policy)


def load_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """Read certificates that are trusted to stamp.

    Args:
        path: of a file with one or several, PEM.

    Returns:
        The certificates.

    Raises:
        Problem: `settings_invalid`.
    """
    # Late, as it takes longer to import than most commands run, and few have to do with stamps.
    from cryptography import x509

    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except OSError as error:
        detail = f"the authority's certificates cannot be read: {type(error).__name__}"
        raise _wrong("anchor_authority_certificates", detail) from None
    except ValueError:
        detail = "expected certificates in PEM, from -----BEGIN CERTIFICATE----- on"
        raise _wrong("anchor_authority_certificates", detail) from None


def _read_contract(text: str) -> tuple[int, bytes]:
    parts = text.strip().split(":")
    expected = "expected eip155:, a chain's number, : and an address, as guerdon anchor deploy prints it"
    if len(parts) != _PARTS or parts[0] != "eip155" or not parts[1].isascii() or not parts[1].isdigit():
        raise _wrong("anchor_contract", expected)
    try:
        return int(parts[1]), read_address(parts[2])
    except ValueError as error:
        raise _wrong("anchor_contract", f"{expected}; {error}") from None


def _url(name: str, text: str) -> str:
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        raise _wrong(name, "an address begins with http:// or https:// and names a host")
    return text


def _wrong(name: str, detail: str) -> Problem:
    return Problem.at(f"/{name}", "settings_invalid", f"GUERDON_{name.upper()}: {detail}")
