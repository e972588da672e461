"""Keys for people's data: lookups by keyed hash, and one sealing key for each member."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from guerdon.base.errors import Problem
from guerdon.base.ids import Chance
from guerdon.rules.play.draws import lot_of

_KEY_BYTES = 32
_NONCE_BYTES = 12


class MemberKey:
    """One member's own key; who deletes its wrapped form erases what it sealed."""

    def __init__(self, member_id: int, key: bytes, random_bytes: Callable[[int], bytes]) -> None:
        """Open a key.

        Args:
            member_id: whose; bound into whatever is sealed.
            key: 32 bytes.
            random_bytes: n → n unguessable bytes.
        """
        self._member_id = member_id
        self._cipher = AESGCM(key)
        self._random_bytes = random_bytes

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """Encrypt something about the member (AES-256-GCM).

        Args:
            purpose: what it is, such as `profile` or `event:<id>`; asked for again when opening.
            plain: the bytes.

        Returns:
            Nonce, cipher text and tag: 28 bytes longer than `plain`.
        """
        nonce = self._random_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, self._bound(purpose))

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """Decrypt what `seal` made.

        Args:
            purpose: the one it was sealed for.
            sealed: nonce, cipher text and tag.

        Returns:
            The bytes.

        Raises:
            Problem: `sealed_data_unreadable` where key, purpose or bytes are not those of sealing.
        """
        return _decrypt(self._cipher, sealed, self._bound(purpose))

    def _bound(self, purpose: str) -> bytes:
        return b"member\0%d\0%s" % (self._member_id, purpose.encode("utf-8"))


class Vault:
    """A tenant's two keys, derived from the master key: one to find by, one to wrap members' keys with."""

    def __init__(
        self, master_key: bytes, tenant_id: int, random_bytes: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        """Derive a tenant's keys (HKDF-SHA-256, RFC 5869).

        Args:
            master_key: 32 bytes (`infra.settings.load_master_key`).
            tenant_id: whose keys.
            random_bytes: n → n unguessable bytes.

        Raises:
            Problem: `master_key_invalid`.
        """
        if len(master_key) != _KEY_BYTES:
            raise Problem("master_key_invalid", f"the master key is {_KEY_BYTES} bytes long")
        self.tenant_id = tenant_id
        self.random_bytes = random_bytes
        self._lookup_key = _derive(master_key, b"guerdon lookup %d" % tenant_id)
        self._wrapping = AESGCM(_derive(master_key, b"guerdon wrapping %d" % tenant_id))

    def digest(self, kind: str, value: str) -> bytes:
        """Give the keyed hash by which a value is found (HMAC-SHA-256).

        Args:
            kind: what the value is, such as `email`; the same text of two kinds is found apart.
            value: the value, normalised.

        Returns:
            32 bytes, the same for the same kind and value in this tenant alone.
        """
        return hmac.digest(self._lookup_key, f"{kind}\0{value}".encode(), "sha256")

    def seed_of(self, draw: str) -> bytes:
        """Give the seed of a draw, which is published when that is over.

        Args:
            draw: names it, and its program.

        Returns:
            32 bytes, always the same for one name in this tenant.
        """
        return self.digest("draw", draw)

    def chance(self, event_id: UUID) -> Chance:
        """Give the randomness of a decision.

        Args:
            event_id: of the event that is decided; the same one has the same chance again.

        Returns:
            The source; lots of draws hang on the draw and the ticket alone.
        """
        return Chance(
            lambda: self.digest("chance", event_id.hex),
            lambda draw, ticket: lot_of(self.seed_of(draw), ticket),
        )

    def make_key(self, member_id: int) -> tuple[bytes, MemberKey]:
        """Make a new member's key.

        Args:
            member_id: whose.

        Returns:
            The key as wrapped for storage (60 bytes), and opened.
        """
        key = self.random_bytes(_KEY_BYTES)
        nonce = self.random_bytes(_NONCE_BYTES)
        wrapped = nonce + self._wrapping.encrypt(nonce, key, _wrapped_for(member_id))
        return wrapped, MemberKey(member_id, key, self.random_bytes)

    def open_key(self, member_id: int, wrapped: bytes) -> MemberKey:
        """Unwrap a member's key.

        Args:
            member_id: whose.
            wrapped: as stored.

        Returns:
            The key.

        Raises:
            Problem: `sealed_data_unreadable` where the master key or the member is another one.
        """
        key = _decrypt(self._wrapping, wrapped, _wrapped_for(member_id))
        return MemberKey(member_id, key, self.random_bytes)


def _derive(master_key: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(master_key)


def _wrapped_for(member_id: int) -> bytes:
    return b"member key\0%d" % member_id


def _decrypt(cipher: AESGCM, sealed: bytes, bound: bytes) -> bytes:
    try:
        return cipher.decrypt(bytes(sealed[:_NONCE_BYTES]), bytes(sealed[_NONCE_BYTES:]), bound)
    except (InvalidTag, ValueError) as error:
        detail = "personal data cannot be read with this master key: it was sealed with another, or damaged"
        raise Problem("sealed_data_unreadable", detail) from error
