"""Secrets that are shared with other systems, sealed with a key of the tenant's own."""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from guerdon.base.errors import Problem

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class SecretBox:
    """A tenant's key for shared secrets, derived from the master key (HKDF-SHA-256, RFC 5869)."""

    def __init__(self, master_key: bytes, tenant_id: int) -> None:
        """Derive the key.

        Args:
            master_key: 32 bytes (`infra.settings.load_master_key`).
            tenant_id: whose.
        """
        info = b"guerdon shared secrets %d" % tenant_id
        key = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(master_key)
        self._cipher = AESGCM(key)

    def seal(self, owner: str, secret: bytes) -> bytes:
        """Encrypt a secret (AES-256-GCM).

        Args:
            owner: what it belongs to, such as `webhook:123`; asked for again when opening.
            secret: the bytes.

        Returns:
            Nonce, cipher text and tag: 28 bytes longer than the secret.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, owner.encode())

    def open(self, owner: str, sealed: bytes) -> bytes:
        """Decrypt what `seal` made.

        Args:
            owner: the one it was sealed for.
            sealed: nonce, cipher text and tag.

        Returns:
            The secret.

        Raises:
            Problem: `sealed_data_unreadable` where key, owner or bytes are others.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], owner.encode())
        except (InvalidTag, ValueError):
            detail = "a shared secret cannot be read with this master key: it was sealed with another"
            raise Problem("sealed_data_unreadable", detail) from None
