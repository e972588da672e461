"""What is told about a person at enrolment, and later changed: checked, and in normal form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from guerdon.base.errors import Fault, Problem
from guerdon.members.attributes import Sorted, escaped, is_clean, read_attributes, read_day, unknown_detail
from guerdon.members.identities import Kind, Ref, expected_form, normal_ref
from guerdon.rules.definition import Datum

NAME_LENGTH = 200
LANGUAGE_LENGTH = 35
REFERRAL_CODE_LENGTH = 100
TOPICS_AT_MOST = 50

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", re.ASCII)
_TOPIC = re.compile(r"[a-z][a-z0-9_.-]{0,62}", re.ASCII)
_IDENTITY_FIELDS: tuple[tuple[str, Kind], ...] = (
    ("external_id", "external"),
    ("email", "email"),
    ("phone", "phone"),
)
_PROFILE_FIELDS = frozenset(
    {
        "external_id",
        "email",
        "phone",
        "name",
        "birthday",
        "language",
        "attributes",
        "consents",
        "referral_code",
    }
)
_PATCH_FIELDS = frozenset({"attributes", "language", "consents"})


@dataclass(frozen=True, slots=True)
class Profile:
    """A person who is to be enrolled."""

    identities: tuple[Ref, ...] = ()
    """External id, e-mail, phone: those that were given, in normal form."""
    external_id: str = ""
    email: str = ""
    phone: str = ""
    """As they were written, spaces around them left out."""
    name: str = ""
    birthday: date | None = None
    language: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    personal_attributes: Mapping[str, Any] = field(default_factory=dict)
    consents: Mapping[str, bool] = field(default_factory=dict)
    referral_code: str = ""


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """What is to change about a member."""

    language: str | None = None
    """None leaves it."""
    attributes: Sorted = field(default_factory=Sorted)
    consents: Mapping[str, bool] = field(default_factory=dict)


def read_profile(sent: Any, declared: Mapping[str, Datum], today: date) -> Profile:
    """Check what is told at enrolment.

    Args:
        sent: decoded JSON, numbers as int or exact Decimal: `external_id`, `email`, `phone`, `name`,
            `birthday`, `language`, `attributes`, `consents`, `referral_code`, each optional; null is as good
            as absent.
        declared: the definition's `attributes`.
        today: the program's local day, after which nobody is born.

    Returns:
        The profile.

    Raises:
        Problem: `member_invalid` with a fault for each wrong place.
    """
    faults: list[Fault] = []
    given = _given(sent, _PROFILE_FIELDS, faults)
    identities = tuple(
        ref for name, kind in _IDENTITY_FIELDS if (ref := _identity(given, name, kind, faults)) is not None
    )
    attributes = read_attributes(given.get("attributes", {}), declared, removable=False)
    profile = Profile(
        identities=identities,
        external_id=_text(given, "external_id"),
        email=_text(given, "email"),
        phone=_text(given, "phone"),
        name=_name(given, faults),
        birthday=_birthday(given, today, faults),
        language=_language(given, faults) or "",
        attributes=attributes.plain,
        personal_attributes=attributes.personal,
        consents=_consents(given, faults),
        referral_code=_referral_code(given, faults),
    )
    _refuse(faults + attributes.faults)
    return profile


def read_change(sent: Any, declared: Mapping[str, Datum]) -> ProfileChange:
    """Check what is to change about a member.

    Args:
        sent: decoded JSON: `attributes` (null removes one), `language`, `consents`, each optional.
        declared: the definition's `attributes`.

    Returns:
        The change.

    Raises:
        Problem: `member_invalid` with a fault for each wrong place.
    """
    faults: list[Fault] = []
    given = _given(sent, _PATCH_FIELDS, faults)
    attributes = read_attributes(given.get("attributes", {}), declared, removable=True)
    change = ProfileChange(_language(given, faults), attributes, _consents(given, faults))
    _refuse(faults + attributes.faults)
    return change


def _refuse(faults: list[Fault]) -> None:
    if faults:
        places = ", ".join(fault.pointer or "the whole" for fault in faults[:5])
        raise Problem("member_invalid", f"this cannot be kept about a member: {places}", tuple(faults))


def _given(sent: Any, fields: frozenset[str], faults: list[Fault]) -> dict[str, Any]:
    if not isinstance(sent, Mapping):
        faults.append(Fault("", "wrong_type", "expected an object"))
        return {}
    faults.extend(
        Fault(f"/{escaped(name)}", "unknown_field", unknown_detail("field", name, fields))
        for name in sent
        if name not in fields
    )
    return {name: value for name, value in sent.items() if name in fields and value is not None}


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _identity(given: Mapping[str, Any], name: str, kind: Kind, faults: list[Fault]) -> Ref | None:
    if name not in given:
        return None
    try:
        return normal_ref(kind, given[name].strip() if isinstance(given[name], str) else "")
    except Problem:
        faults.append(Fault(f"/{name}", f"{name}_invalid", f"expected {expected_form(kind)}"))
        return None


def _name(given: Mapping[str, Any], faults: list[Fault]) -> str:
    value = given.get("name", "")
    if isinstance(value, str) and len(value) <= NAME_LENGTH and is_clean(value):
        return value.strip()
    detail = f"expected a name of at most {NAME_LENGTH} characters without control characters"
    faults.append(Fault("/name", "name_invalid", detail))
    return ""


def _birthday(given: Mapping[str, Any], today: date, faults: list[Fault]) -> date | None:
    if "birthday" not in given:
        return None
    day = read_day(given["birthday"])
    if day is None:
        faults.append(Fault("/birthday", "birthday_invalid", "expected a day such as 1990-02-28"))
    elif day > today:
        faults.append(Fault("/birthday", "birthday_in_future", "a birthday is not in the future"))
    return day


def _language(given: Mapping[str, Any], faults: list[Fault]) -> str | None:
    value = given.get("language")
    if value is None:
        return None
    if isinstance(value, str) and len(value) <= LANGUAGE_LENGTH and _LANGUAGE.fullmatch(value):
        return value
    detail = f"expected a language tag such as en or pt-BR, at most {LANGUAGE_LENGTH} characters"
    faults.append(Fault("/language", "language_invalid", detail))
    return None


def _consents(given: Mapping[str, Any], faults: list[Fault]) -> dict[str, bool]:
    sent = given.get("consents", {})
    if not isinstance(sent, Mapping) or len(sent) > TOPICS_AT_MOST:
        detail = f"expected an object of at most {TOPICS_AT_MOST} topics, each true or false"
        faults.append(Fault("/consents", "consent_invalid", detail))
        return {}
    for topic, value in sent.items():
        if not isinstance(value, bool) or _TOPIC.fullmatch(topic) is None:
            detail = "expected a topic such as email_marketing with true or false"
            faults.append(Fault(f"/consents/{escaped(topic)}", "consent_invalid", detail))
    return dict(sent)


def _referral_code(given: Mapping[str, Any], faults: list[Fault]) -> str:
    value = given.get("referral_code", "")
    if isinstance(value, str) and len(value) <= REFERRAL_CODE_LENGTH and is_clean(value):
        return value.strip()
    detail = f"expected a code of at most {REFERRAL_CODE_LENGTH} characters"
    faults.append(Fault("/referral_code", "referral_code_invalid", detail))
    return ""
