"""Which invitations look like one person's or one circle's, and what the program does with them."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from guerdon.rules.definition import Review
from guerdon.rules.orders import Order

Reason = Literal["same_person", "circle", "same_address", "same_card", "same_device"]
Verdict = Literal["allow", "hold", "refuse"]
TRACES: Final[Mapping[str, Reason]] = {
    "address": "same_address",
    "card": "same_card",
    "device": "same_device",
}
"""What an event may say of where it came from: attributes of an order, or data of another event."""
CHAIN_AT_MOST: Final = 20
"""So many invitations are followed upwards for a circle."""
_ORDER: Final[Sequence[Verdict]] = ("allow", "hold", "refuse")
_TAG: Final = re.compile(r"\+[^@]*(?=@)")
_DOTLESS: Final = frozenset({"gmail.com", "googlemail.com"})
_FILLING: Final = re.compile(r"[\W_]+")


def verdict_on(review: Review, reasons: Iterable[str]) -> Verdict:
    """Tell what becomes of an invitation.

    Args:
        review: what the program says to each reason.
        reasons: what was found.

    Returns:
        The strictest word; `allow` where nothing was found.
    """
    said: list[Verdict] = [getattr(review, one) for one in reasons]
    return max(said, key=_ORDER.index, default="allow")


def traces_in(order: Order | None, data: Mapping[str, Any]) -> dict[str, str]:
    """Find what an event says of card, device and address.

    Args:
        order: the event's order, None for another event.
        data: what another event carries.

    Returns:
        By kind, the value in a form that does not depend on how it was written; kinds that it does not name
        are left out.
    """
    said = order.attributes if order is not None else data
    found = {kind: _normal(said[kind]) for kind in TRACES if said.get(kind) is not None}
    return {kind: value for kind, value in found.items() if value}


def _normal(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return _FILLING.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def mailbox_of(email: str) -> str:
    """Name the mailbox behind an address, where one person can write it in several ways.

    Args:
        email: the address, or empty.

    Returns:
        Without what stands behind a plus; without dots where the provider takes no notice of them.
    """
    plain = _TAG.sub("", email.casefold())
    name, at, place = plain.rpartition("@")
    return f"{name.replace('.', '')}{at}{place}" if place in _DOTLESS else plain


def is_same_person(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Tell whether two profiles are one person's.

    Args:
        one: `email`, `name` and `birthday`, each empty where it is not known.
        other: likewise.

    Returns:
        True for one mailbox, and for one name with one birthday.
    """
    mailboxes = [mailbox_of(each["email"]) for each in (one, other)]
    if mailboxes[0] and mailboxes[0] == mailboxes[1]:
        return True
    people = [(_normal(each["name"]), each["birthday"]) for each in (one, other)]
    return all(people[0]) and people[0] == people[1]
