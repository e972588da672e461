"""Signed access: a shop learns offline, from a public key, who may come in, and nothing about the person."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from guerdon.base.errors import Problem

Digest = Callable[[str, str], bytes]
"""Kind and value → 32 bytes that only the tenant's key gives (`members.crypto.Vault.digest`)."""
_TOKEN_AT_MOST = 2_000
_DOOR = "door"
"""For whom tickets are; access tokens are for nobody in particular."""


class Access(NamedTuple):
    """What a token says: no name, no address, only our own numbers."""

    program: str
    account: str
    reward: str
    redemption: str
    starts_at: datetime | None
    ends_at: datetime | None


class Ticket(NamedTuple):
    """What a ticket says: whoever shows it has so many seats."""

    program: str
    account: str
    reward: str
    redemption: str
    quantity: int


class Signer:
    """Signs and checks the access tokens of one program (Ed25519, as JSON Web Tokens; RFC 7519, 8037)."""

    def __init__(self, digest: Digest, program: str) -> None:
        """Derive the program's key: it is stored nowhere, and the same whenever it is asked for.

        Args:
            digest: the tenant's keyed hash.
            program: the program's key.
        """
        self._key = Ed25519PrivateKey.from_private_bytes(digest("access", program))
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._program = program
        self._public = _text(public)
        self._name = _text(digest("access key", self._public)[:9])

    def public(self) -> dict[str, str]:
        """Give the public key.

        Returns:
            A JSON Web Key.
        """
        return {
            "kty": "OKP",
            "crv": "Ed25519",
            "alg": "EdDSA",
            "use": "sig",
            "kid": self._name,
            "x": self._public,
        }

    def sign(self, access: Access, issued_at: datetime) -> str:
        """Write a token; the same access gives the same one.

        Args:
            access: what it says.
            issued_at: when the reward was taken.

        Returns:
            A JSON Web Token.
        """
        claims: dict[str, Any] = {
            "iss": f"guerdon/{access.program}",
            "sub": access.account,
            "jti": access.redemption,
            "reward": access.reward,
            "iat": int(issued_at.timestamp()),
        }
        for name, instant in (("nbf", access.starts_at), ("exp", access.ends_at)):
            if instant is not None:
                claims[name] = int(instant.timestamp())
        return self._written(claims)

    def ticket(self, ticket: Ticket, issued_at: datetime) -> str:
        """Write what a member shows at the door; the same ticket gives the same text.

        Args:
            ticket: what it says.
            issued_at: when the reward was taken.

        Returns:
            A JSON Web Token for the audience `door`, without an end.
        """
        return self._written(
            {
                "iss": f"guerdon/{ticket.program}",
                "aud": _DOOR,
                "sub": ticket.account,
                "jti": ticket.redemption,
                "reward": ticket.reward,
                "quantity": ticket.quantity,
                "iat": int(issued_at.timestamp()),
            }
        )

    def read_ticket(self, code: str) -> Ticket:
        """Read a ticket.

        Args:
            code: as a door got it.

        Returns:
            What it says; whether it was used or given back says the redemption.

        Raises:
            Problem: `ticket_invalid`, at `/code`, where this program did not sign it.
        """
        wrong = Problem.at("/code", "ticket_invalid", "this program did not sign this ticket")
        claims = self._claims(code, wrong)
        if claims.aud != _DOOR:
            raise wrong
        return Ticket(self._program, claims.sub, claims.reward, claims.jti, claims.quantity)

    def _written(self, claims: dict[str, Any]) -> str:
        head = {"alg": "EdDSA", "typ": "JWT", "kid": self._name}
        signed = f"{_text(msgspec.json.encode(head))}.{_text(msgspec.json.encode(claims))}"
        return f"{signed}.{_text(self._key.sign(signed.encode()))}"

    def read(self, token: str) -> Access:
        """Read a token, whenever it holds.

        Args:
            token: as a shop got it.

        Returns:
            What it says.

        Raises:
            Problem: `access_token_invalid`, at `/token`, where this program did not sign it.
        """
        wrong = Problem.at("/token", "access_token_invalid", "this program did not sign this token")
        claims = self._claims(token, wrong)
        if claims.aud:
            raise wrong
        return Access(
            self._program, claims.sub, claims.reward, claims.jti, _instant(claims.nbf), _instant(claims.exp)
        )

    def _claims(self, token: str, wrong: Problem) -> _Claims:
        signed, _, signature = token.strip().rpartition(".")
        if len(token) > _TOKEN_AT_MOST or signed.count(".") != 1:
            raise wrong
        try:
            self._key.public_key().verify(_bytes(signature), signed.encode())
            claims = msgspec.json.decode(_bytes(signed.partition(".")[2]), type=_Claims)
        except (InvalidSignature, msgspec.MsgspecError, binascii.Error, ValueError):
            raise wrong from None
        if claims.iss != f"guerdon/{self._program}":
            raise wrong
        return claims


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    jti: str
    reward: str
    aud: str = ""
    quantity: int = 1
    nbf: int | None = None
    exp: int | None = None


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _text(plain: bytes) -> str:
    return base64.urlsafe_b64encode(plain).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
