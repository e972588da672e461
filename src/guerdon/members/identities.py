"""The ways to name a member: references, their normal form, and finding whom they mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, cast

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.ids import Chance, number_text, parse_number
from guerdon.infra.arrays import byteas
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault

Kind = Literal["member", "card", "email", "phone", "external"]
KINDS: frozenset[str] = frozenset({"member", "card", "email", "phone", "external"})
EXTERNAL_LENGTH = 200
EMAIL_LENGTH = 254

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CARD = re.compile(r"[0-9A-Z]{4,40}")
_PHONE = re.compile(r"\+?[0-9]{5,20}")
_PHONE_FILLING = re.compile(r"[\s\-‐-―().\[\]/]+")
_CARD_FILLING = re.compile(r"[\s\-]+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_CARD_RANDOM_LETTERS = 12


class Ref(msgspec.Struct, frozen=True, gc=False):
    """A reference to a member, in normal form."""

    kind: Kind
    value: str
    """The normalised value; for `member` the number in decimal digits."""


class Found(msgspec.Struct, frozen=True, gc=False):
    """Whom a reference means."""

    account_id: int
    member_id: int


def parse_ref(text: str) -> Ref:
    """Read a reference as people and shops write it.

    Args:
        text: `mem_…`, or `card:…`, `email:…`, `phone:…`, `external:…`; any other text without a colon is an
            external id.

    Returns:
        The reference in normal form.

    Raises:
        Problem: `reference_invalid`; its detail does not repeat the value.
    """
    number = parse_number("mem", text)
    if number is not None:
        return member_ref(number)
    kind, colon, value = text.partition(":")
    if not colon:
        return normal_ref("external", text)
    if kind not in KINDS - {"member"}:
        forms = "`mem_…`, `card:…`, `email:…`, `phone:…`, `external:…`, or an external id without a colon"
        raise Problem("reference_invalid", f"expected {forms}")
    return normal_ref(cast("Kind", kind), value)


def member_ref(member_id: int) -> Ref:
    """Refer to a member by number.

    Args:
        member_id: the number.

    Returns:
        The reference.
    """
    return Ref("member", str(member_id))


def normal_ref(kind: Kind, value: str) -> Ref:
    """Bring an identity into the form in which it is compared.

    Args:
        kind: what it is.
        value: as written; an e-mail is trimmed and its case folded, a phone keeps its digits and a leading
            `+`, a card loses spaces and dashes and is upper-case, an external id stays as it is.

    Returns:
        The reference.

    Raises:
        Problem: `reference_invalid`; its detail does not repeat the value.
    """
    normal = _NORMAL[kind](value)
    if normal is None:
        raise Problem("reference_invalid", f"expected {_EXPECTED[kind]}")
    return Ref(kind, normal)


def expected_form(kind: Kind) -> str:
    """Say what an identity looks like.

    Args:
        kind: what it is.

    Returns:
        Words that go on from "expected".
    """
    return _EXPECTED[kind]


def ask_resolve(tx: Tx, vault: Vault, program_id: int, refs: Iterable[Ref]) -> Callable[[], dict[Ref, Found]]:
    """Ask whom references mean, all in one statement.

    Args:
        tx: bound to the tenant.
        vault: the tenant's keys.
        program_id: in which program.
        refs: references in normal form.

    Returns:
        What reads the answer, by reference; unknown ones are left out. In a pipeline it may be called later.
    """
    by_digest = {vault.digest(ref.kind, ref.value): ref for ref in refs}
    if not by_digest:
        return dict
    cursor = tx.execute(
        "select digest, account_id, member_id from identities"
        " where program_id = %s and digest = any(%s::bytea[])",
        (program_id, byteas(list(by_digest))),
    )
    return lambda: {by_digest[digest]: Found(*found) for digest, *found in cursor.fetchall()}


def resolve(tx: Tx, vault: Vault, program_id: int, refs: Iterable[Ref]) -> dict[Ref, Found]:
    """Find whom references mean, all in one statement.

    Args:
        tx: bound to the tenant.
        vault: the tenant's keys.
        program_id: in which program.
        refs: references in normal form.

    Returns:
        Account and member by reference; unknown ones are left out.
    """
    return ask_resolve(tx, vault, program_id, refs)()


def make_card(chance: Chance) -> str:
    """Make a card number.

    Args:
        chance: source of its letters.

    Returns:
        12 letters of Crockford's base 32 and a check letter (Luhn's sum modulo 32), which finds each single
        wrong letter and nearly each swapped pair.
    """
    letters = chance.letters(_CARD_RANDOM_LETTERS, _LETTERS)
    return letters + _LETTERS[-_luhn_sum(letters, 2) % 32]


def is_made_card(card: str) -> bool:
    """Tell whether a text can be a card number that `make_card` made.

    Args:
        card: in normal form.

    Returns:
        Whether length, letters and check letter are right.
    """
    right_letters = len(card) == _CARD_RANDOM_LETTERS + 1 and all(letter in _LETTERS for letter in card)
    return right_letters and _luhn_sum(card, 1) % 32 == 0


def _luhn_sum(letters: Sequence[str], factor: int) -> int:
    total = 0
    for letter in reversed(letters):
        product = _LETTERS.index(letter) * factor
        total += product // 32 + product % 32
        factor = 3 - factor
    return total


def _normal_member(value: str) -> str | None:
    return value if value.isascii() and value.isdecimal() else None


def _normal_card(value: str) -> str | None:
    card = _CARD_FILLING.sub("", value).upper()
    return card if _CARD.fullmatch(card) else None


def _normal_email(value: str) -> str | None:
    email = unicodedata.normalize("NFC", value.strip().casefold())
    right = len(email) <= EMAIL_LENGTH and email.isprintable() and _EMAIL.fullmatch(email)
    return email if right else None


def _normal_phone(value: str) -> str | None:
    bare = _PHONE_FILLING.sub("", value)
    # Digits of other scripts are the same digits.
    phone = "".join(str(unicodedata.decimal(letter, letter)) for letter in bare)
    return phone if _PHONE.fullmatch(phone) else None


def _normal_external(value: str) -> str | None:
    return value if 0 < len(value) <= EXTERNAL_LENGTH and value.isprintable() else None


_NORMAL: dict[Kind, Callable[[str], str | None]] = {
    "member": _normal_member,
    "card": _normal_card,
    "email": _normal_email,
    "phone": _normal_phone,
    "external": _normal_external,
}
_EXPECTED: dict[Kind, str] = {
    "member": f"a member's id such as {number_text('mem', 0)}",
    "card": "a card number of 4 to 40 letters and digits",
    "email": f"an e-mail address with one @, at most {EMAIL_LENGTH} characters",
    "phone": "a phone number of 5 to 20 digits, with + and country code where it has one",
    "external": f"an external id of 1 to {EXTERNAL_LENGTH} characters, without control characters",
}
