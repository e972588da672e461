"""Signed access: a shop learns offline, from a public key, who may come in, and nothing about the person."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from guerdon.base.errors import Problem

Digest = Callable[[str, str], bytes]
"""Kind and value → 32 bytes that only the tenant's key gives (`members.crypto.Vault.digest`)."""
TOKEN_LASTS: Final = timedelta(minutes=15)
"""How long an access token is good: whoever loses the access has it no longer than that."""
_TOKEN_AT_MOST: Final = 2_000
_DOOR: Final = "door"
"""For whom tickets are."""
_SHOP: Final = "shop"
"""For whom access tokens are."""


class Access(NamedTuple):
    """What a token says: no name, no address, only our own numbers."""

    program: str
    account: str
    member: str
    reward: str
    redemption: str = ""
    """Empty where the access need not be taken."""
    sku: str = ""
    """The product that it opens."""
    collection: str = ""
    """The products that it opens."""
    ends_at: datetime | None = None
    """When the access itself is over, None without end; of a token that was read, when the token is."""


class Ticket(NamedTuple):
    """What a ticket says: whoever shows it has so many seats."""

    program: str
    account: str
    reward: str
    redemption: str
    quantity: int


class Signer:
    """Signs and checks tokens and tickets of one program (Ed25519, as JSON Web Tokens; RFC 7519, 8037)."""

    def __init__(self, digest: Digest, program: str, numbers: Sequence[int] = (1,)) -> None:
        """Derive the program's keys: they are stored nowhere, and the same whenever they are asked for.

        Args:
            digest: the tenant's keyed hash.
            program: the program's key.
            numbers: of the keys that are good (`rewards.access_keys`); the last one signs.
        """
        self._program = program
        self._keys = [_Key.derived(digest, program, number) for number in numbers]

    def public(self) -> list[dict[str, str]]:
        """Give the public keys.

        Returns:
            JSON Web Keys of all whose tokens are good, the one that signs last.
        """
        return [one.public for one in self._keys]

    def sign(self, access: Access, now: datetime) -> tuple[str, datetime]:
        """Write a token that is good from now on, for a quarter of an hour at most.

        Args:
            access: what it says.
            now: the instant.

        Returns:
            A JSON Web Token for the audience `shop`, and when it is over.
        """
        over = now + TOKEN_LASTS
        if access.ends_at is not None:
            over = min(over, access.ends_at)
        over = over.replace(microsecond=0)
        claims: dict[str, Any] = {
            "iss": f"guerdon/{access.program}",
            "aud": _SHOP,
            "sub": access.account,
            "member": access.member,
            "reward": access.reward,
        }
        for name in ("redemption", "sku", "collection"):
            if getattr(access, name):
                claims[name] = getattr(access, name)
        claims |= {"iat": int(now.timestamp()), "exp": int(over.timestamp())}
        return self._keys[-1].written(claims), over

    def ticket(self, ticket: Ticket, issued_at: datetime) -> str:
        """Write what a member shows at the door; the same ticket gives the same text.

        Args:
            ticket: what it says.
            issued_at: when the reward was taken.

        Returns:
            A JSON Web Token for the audience `door`, without an end.
        """
        return self._keys[-1].written(
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
            Problem: `ticket_invalid`, at `/code`, where no good key of this program signed it.
        """
        wrong = Problem.at("/code", "ticket_invalid", "this program did not sign this ticket")
        claims = self._claims(code, _DOOR, wrong)
        return Ticket(self._program, claims.sub, claims.reward, claims.jti, claims.quantity)

    def read(self, token: str) -> Access:
        """Read an access token, also one that is over.

        Args:
            token: as a shop got it.

        Returns:
            What it says, with its own end.

        Raises:
            Problem: `access_token_invalid`, at `/token`, where no good key of this program signed it.
        """
        wrong = Problem.at("/token", "access_token_invalid", "this program did not sign this token")
        claims = self._claims(token, _SHOP, wrong)
        if claims.exp is None:
            raise wrong
        over = datetime.fromtimestamp(claims.exp, UTC)
        own = (claims.sub, claims.member, claims.reward, claims.redemption, claims.sku, claims.collection)
        return Access(self._program, *own, over)

    def _claims(self, token: str, audience: str, wrong: Problem) -> _Claims:
        signed, _, signature = token.strip().rpartition(".")
        if len(token) > _TOKEN_AT_MOST or signed.count(".") != 1:
            raise wrong
        try:
            proof, said = _bytes(signature), _bytes(signed.partition(".")[2])
            # What the head says of how it was signed decides nothing: there is one way.
            if not any(one.has_signed(proof, signed) for one in self._keys):
                raise wrong
            claims = msgspec.json.decode(said, type=_Claims)
        except (msgspec.MsgspecError, binascii.Error, ValueError):
            raise wrong from None
        if claims.iss != f"guerdon/{self._program}" or claims.aud != audience:
            raise wrong
        return claims


class _Key(NamedTuple):
    secret: Ed25519PrivateKey
    public: dict[str, str]

    @classmethod
    def derived(cls, digest: Digest, program: str, number: int) -> _Key:
        # No program's key has a slash in it.
        name = program if number == 1 else f"{program}/{number}"
        secret = Ed25519PrivateKey.from_private_bytes(digest("access", name))
        x = _text(secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        kid = _text(digest("access key", x)[:9])
        public = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x}
        return cls(secret, public)

    def written(self, claims: dict[str, Any]) -> str:
        head = {"alg": "EdDSA", "typ": "JWT", "kid": self.public["kid"]}
        signed = f"{_text(msgspec.json.encode(head))}.{_text(msgspec.json.encode(claims))}"
        return f"{signed}.{_text(self.secret.sign(signed.encode()))}"

    def has_signed(self, proof: bytes, signed: str) -> bool:
        try:
            self.secret.public_key().verify(proof, signed.encode())
        except InvalidSignature:
            return False
        return True


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    aud: str
    sub: str
    reward: str
    jti: str = ""
    member: str = ""
    redemption: str = ""
    sku: str = ""
    collection: str = ""
    quantity: int = 1
    exp: int | None = None


def _text(plain: bytes) -> str:
    return base64.urlsafe_b64encode(plain).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(plain) != text:
        # The last letter has bits that say nothing: one token has one text.
        raise ValueError
    return plain
