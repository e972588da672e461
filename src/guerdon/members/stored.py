"""How members are written in their rows: plain parts as exact JSON, what names them sealed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from guerdon.members.crypto import MemberKey

_PURPOSE = "profile"


class StoredProfile(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed under the member's own key."""

    card: str = ""
    external_id: str = ""
    email: str = ""
    phone: str = ""
    name: str = ""
    birthday: str = ""
    """`YYYY-MM-DD`."""
    attributes: dict[str, Any] = {}
    """The personal ones."""


class Consent(msgspec.Struct, frozen=True):
    """What a person said to a topic, and when."""

    given: bool
    at: datetime


_ENCODER = msgspec.json.Encoder(decimal_format="number")
_ATTRIBUTES = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_PROFILE = msgspec.json.Decoder(StoredProfile, float_hook=Decimal)
_CONSENTS = msgspec.json.Decoder(dict[str, Consent])


def seal_profile(key: MemberKey, profile: StoredProfile) -> bytes:
    """Seal a profile.

    Args:
        key: the member's own.
        profile: what names them.

    Returns:
        The sealed bytes.
    """
    return key.seal(_PURPOSE, _ENCODER.encode(profile))


def open_profile(key: MemberKey, sealed: bytes) -> StoredProfile:
    """Open a sealed profile.

    Args:
        key: the member's own.
        sealed: what `seal_profile` made.

    Returns:
        The profile, numbers as int or exact Decimal.

    Raises:
        Problem: `sealed_data_unreadable`.
    """
    return _PROFILE.decode(key.open(_PURPOSE, sealed))


def encode_attributes(attributes: Mapping[str, Any]) -> str:
    """Write plain attributes.

    Args:
        attributes: by name: text, int, exact Decimal, bool or a list of them.

    Returns:
        JSON with exact numbers.
    """
    return _ENCODER.encode(attributes).decode("utf-8") if attributes else "{}"


def decode_attributes(text: str) -> dict[str, Any]:
    """Read plain attributes.

    Args:
        text: JSON.

    Returns:
        By name: text, int, exact Decimal, bool or a list; a date is text such as `2027-02-01`.
    """
    return {} if text == "{}" else _ATTRIBUTES.decode(text)


def encode_consents(consents: Mapping[str, Consent]) -> str:
    """Write consents.

    Args:
        consents: by topic.

    Returns:
        JSON of {topic: {given, at}}.
    """
    return _ENCODER.encode(consents).decode("utf-8") if consents else "{}"


def decode_consents(text: str) -> dict[str, Consent]:
    """Read consents.

    Args:
        text: JSON of {topic: {given, at}}.

    Returns:
        What was said, by topic.
    """
    return {} if text == "{}" else _CONSENTS.decode(text)


def told(consents: Mapping[str, bool], at: datetime) -> dict[str, Consent]:
    """Date consents.

    Args:
        consents: whether each was given, by topic.
        at: when they were told.

    Returns:
        The consents, by topic.
    """
    return {topic: Consent(given, at) for topic, given in consents.items()}
