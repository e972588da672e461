"""Time stamps (RFC 3161): asking an authority, and checking what it signed (RFC 5652, RFC 5816)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from guerdon.base.errors import Problem
from guerdon.connect.chain import der

_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    _SHA256: hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}
_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_STAMP: Final = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_DIGEST: Final = "1.2.840.113549.1.9.4"
_SIGNER: Final = "1.2.840.113549.1.9.16.2.12"
_SIGNER_V2: Final = "1.2.840.113549.1.9.16.2.47"
_CONTEXT_0: Final = 0xA0
_GRANTED: Final = (0, 1)
_LONGEST_PATH: Final = 5
_TIME: Final = re.compile(r"(\d{14})(?:\.(\d{1,6})\d*)?Z")
_DETAIL_LETTERS: Final = 300


class Stamp(NamedTuple):
    """What an authority said."""

    at: datetime
    policy: str
    """Object identifier of the policy that it was made under."""
    serial: int
    nonce: int | None
    signer: x509.Certificate


class _Signed(NamedTuple):
    """A token taken apart."""

    content: bytes
    certificates: list[x509.Certificate]
    signer: der.Value


def request(data: bytes, nonce: int, policy: str = "") -> bytes:
    """Write a request.

    Args:
        data: what is stamped; only its SHA-256 is sent.
        nonce: a number nobody foresees, which has to come back.
        policy: object identifier of the policy; empty where any will do.

    Returns:
        A `TimeStampReq`.
    """
    return der.write(
        der.SEQUENCE,
        der.write_number(1),
        _imprint(data),
        der.write_object_id(policy) if policy else b"",
        der.write_number(nonce),
        # The certificate shall come along, so that the token can be checked by itself.
        der.write(der.BOOLEAN, b"\xff"),
    )


def read_response(response: bytes) -> bytes:
    """Take the token out of an answer.

    Args:
        response: a `TimeStampResp`.

    Returns:
        The token.

    Raises:
        Problem: `stamp_invalid` for what is no answer; `stamp_refused` where the authority says no.
    """
    try:
        parts = der.read(response, der.SEQUENCE).parts()
        number, *words = parts[0].parts()
        status = number.number()
        said = [one.body.decode("utf-8", "replace") for text in words[:1] for one in text.parts()]
    except (ValueError, IndexError):
        raise _invalid("the authority's answer is no answer to a request for a stamp") from None
    if status not in _GRANTED:
        detail = f"the authority refuses with status {status}: {', '.join(said) or 'no reason given'}"
        raise Problem("stamp_refused", detail[:_DETAIL_LETTERS])
    if len(parts) < 2:
        raise _invalid("the authority grants a stamp and sends none")
    return parts[1].whole


def check(token: bytes, data: bytes, trusted: Sequence[x509.Certificate]) -> Stamp:
    """Check a token with nothing but what was stamped and certificates that are trusted.

    Args:
        token: what an authority signed.
        data: what it should be about.
        trusted: the authority's certificate, or of whoever issued it.

    Returns:
        What it says.

    Raises:
        Problem: `stamp_invalid` for what is no token; `stamp_wrong` where it is about something else, not
            signed as it says, or not by anybody who is trusted to stamp.
    """
    stamp, others = _read(token, data, trusted)
    _check_trust(stamp.signer, [*others, *trusted], trusted, stamp.at)
    return stamp


def read(token: bytes, data: bytes) -> Stamp:
    """Read a token by itself: what is signed in it, and that whoever it names signed it, trusted or not.

    Args:
        token: what an authority signed, with its certificate in it.
        data: what it should be about.

    Returns:
        What it says.

    Raises:
        Problem: `stamp_invalid` or `stamp_wrong`, as `check` says.
    """
    return _read(token, data, ())[0]


def _read(
    token: bytes, data: bytes, known: Sequence[x509.Certificate]
) -> tuple[Stamp, Sequence[x509.Certificate]]:
    try:
        signed = _take_apart(token)
        stamp, imprint = _read_content(signed.content)
        signer = _find_signer(signed, known)
        attributes = _attributes(signed.signer)
        digest = _digest_of(signed.signer)
    except (ValueError, IndexError, KeyError) as error:
        raise _invalid(f"this is no time stamp: {error}") from None
    if imprint != _imprint(data):
        raise _wrong("the stamp is about something else")
    _check_signature(signed, signer, attributes, digest)
    return Stamp(*stamp, signer), signed.certificates


def _imprint(data: bytes) -> bytes:
    algorithm = der.write(der.SEQUENCE, der.write_object_id(_SHA256), b"\x05\x00")
    return der.write(der.SEQUENCE, algorithm, der.write(der.OCTETS, hashlib.sha256(data).digest()))


def _take_apart(token: bytes) -> _Signed:
    kind, wrapped = der.read(token, der.SEQUENCE).parts()
    if kind.object_id() != _SIGNED_DATA:
        raise ValueError("it is not signed")
    parts = der.read(wrapped.body, der.SEQUENCE).parts()
    content_kind, content = parts[2].parts()
    if content_kind.object_id() != _STAMP:
        raise ValueError("something else is signed")
    certificates = [
        x509.load_der_x509_certificate(one.whole)
        for part in parts[3:-1]
        if part.tag == _CONTEXT_0
        for one in part.parts()
    ]
    (signer,) = der.read(parts[-1].whole, der.SET).parts()
    return _Signed(der.read(content.body, der.OCTETS).body, certificates, signer)


def _read_content(content: bytes) -> tuple[tuple[datetime, str, int, int | None], bytes]:
    version, policy, imprint, serial, at, *more = der.read(content, der.SEQUENCE).parts()
    if version.number() != 1:
        raise ValueError("it is of another version")
    nonces = [one.number() for one in more if one.tag == der.INTEGER]
    hash_kind, hashed = imprint.parts()
    # With the hash's parameters or without: both are one algorithm (RFC 5754, 2).
    plain = der.write(
        der.SEQUENCE,
        der.write(der.SEQUENCE, hash_kind.parts()[0].whole, b"\x05\x00"),
        der.write(der.OCTETS, hashed.octets()),
    )
    said = (_read_time(at), policy.object_id(), serial.number(), nonces[0] if nonces else None)
    return said, plain


def _read_time(value: der.Value) -> datetime:
    found = _TIME.fullmatch(value.body.decode("ascii", "replace"))
    if value.tag != der.GENERALIZED_TIME or found is None:
        raise ValueError("its time is none")
    whole = datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return whole + timedelta(microseconds=int((found[2] or "0").ljust(6, "0")))


def _find_signer(signed: _Signed, trusted: Sequence[x509.Certificate]) -> x509.Certificate:
    name = signed.signer.parts()[1]
    for one in (*signed.certificates, *trusted):
        if name.tag == der.SEQUENCE:
            issuer, serial = name.parts()
            if (issuer.whole, serial.number()) == (one.issuer.public_bytes(), one.serial_number):
                return one
    raise _wrong("the certificate of whoever signed the stamp is neither in it nor among those given")


def _attributes(signer: der.Value) -> dict[str, der.Value]:
    block = signer.parts()[3]
    if block.tag != _CONTEXT_0:
        raise ValueError("it has no signed attributes")
    found: dict[str, der.Value] = {}
    for one in block.parts():
        name, values = one.parts()
        (found[name.object_id()],) = values.parts()
    return found


def _digest_of(signer: der.Value) -> hashes.HashAlgorithm:
    name = signer.parts()[2].parts()[0].object_id()
    if name not in _HASHES:
        raise ValueError(f"it is hashed by {name}, which is not good enough")
    return _HASHES[name]


def _check_signature(
    signed: _Signed, signer: x509.Certificate, attributes: dict[str, der.Value], digest: hashes.HashAlgorithm
) -> None:
    said = attributes.get(_DIGEST), attributes.get(_CONTENT_TYPE)
    hashed = hashes.Hash(digest)
    hashed.update(signed.content)
    is_about = (
        said[0] is not None
        and said[0].body == hashed.finalize()
        and said[1] is not None
        and said[1].whole == der.write_object_id(_STAMP)
    )
    if not is_about:
        raise _wrong("the signature is about something else than the stamp")
    if not _names(attributes, signer):
        raise _wrong("the stamp names another certificate than the one that signed it")
    parts = signed.signer.parts()
    # What is signed is a set, though it is stored under another tag (RFC 5652, 5.4).
    message = bytes([der.SET]) + parts[3].whole[1:]
    try:
        _verify(signer, parts[5].octets(), message, digest)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, IndexError):
        raise _wrong("the signature under the stamp is wrong") from None


def _names(attributes: dict[str, der.Value], signer: x509.Certificate) -> bool:
    """Tell whether the stamp names the certificate, so that no other can stand in for it (RFC 5035)."""
    found = attributes.get(_SIGNER_V2)
    try:
        if found is not None:
            first = found.parts()[0].parts()[0].parts()
            name = first[0].parts()[0].object_id() if first[0].tag == der.SEQUENCE else _SHA256
            kind: hashes.HashAlgorithm = _HASHES[name]
            hashed = first[1] if first[0].tag == der.SEQUENCE else first[0]
        else:
            kind = hashes.SHA1()  # noqa: S303 - that is how RFC 3161 names a certificate; nothing is signed by it
            hashed = attributes[_SIGNER].parts()[0].parts()[0].parts()[0]
        return signer.fingerprint(kind) == hashed.octets()
    except (ValueError, IndexError, KeyError):
        return False


def _verify(signer: x509.Certificate, signature: bytes, message: bytes, digest: hashes.HashAlgorithm) -> None:
    key = signer.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, message, padding.PKCS1v15(), digest)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, message, ec.ECDSA(digest))
    else:
        raise UnsupportedAlgorithm("keys of this kind are not known")


def _check_trust(
    signer: x509.Certificate,
    known: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
    at: datetime,
) -> None:
    try:
        usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, ValueError):
        raise _wrong("the certificate that signed the stamp is not one for stamps") from None
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise _wrong("the certificate that signed the stamp is not one for stamps alone")
    at_hand = signer
    for _ in range(_LONGEST_PATH):
        if not at_hand.not_valid_before_utc <= at <= at_hand.not_valid_after_utc:
            raise _wrong("a certificate was not valid at the time of the stamp")
        if at_hand in trusted:
            return
        issuers = [one for one in known if _is_issuer(one, at_hand)]
        if not issuers:
            break
        at_hand = next((one for one in issuers if one in trusted), issuers[0])
    raise _wrong("the stamp is signed by nobody who is trusted")


def _is_issuer(one: x509.Certificate, issued: x509.Certificate) -> bool:
    if one == issued:
        return False
    try:
        issued.verify_directly_issued_by(one)
        return bool(one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False


def _invalid(detail: str) -> Problem:
    return Problem("stamp_invalid", detail)


def _wrong(detail: str) -> Problem:
    return Problem("stamp_wrong", detail)
