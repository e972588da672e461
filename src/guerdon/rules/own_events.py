"""Events that the engine's own rooms make: nobody else may send them, and what they carry is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from guerdon.rules.definition import Datum, Definition

SOURCE: Final = "guerdon:"
"""How the sources of the engine's own events begin; nobody else's do."""
QUIZ_FINISHED: Final = "quiz.finished"
SEAT_FREED: Final = "seat.freed"
SEAT_CALLED_OFF: Final = "seat.called_off"
"""What somebody had a seat for, or waited for, does not take place."""
POST_APPROVED: Final = "post.approved"
ANSWER_APPROVED: Final = "answer.approved"
POST_LIKED: Final = "post.liked"
POST_HIDDEN: Final = "post.hidden"
"""What was approved was hidden by staff: a return, of the event that was the approval, or of a like."""
SHARE_APPROVED: Final = "share.approved"
SHARE_VISITED: Final = "share.visited"
SHARE_JOINED: Final = "share.joined"
BOARD_CLOSED: Final = "board.closed"
DRAW_WON: Final = "draw.won"
TIER_LOST: Final = "tier.lost"
TEAM_REACHED: Final = "team.reached"
QUIZZES: Final = f"{SOURCE}quizzes"
"""The source of what quizzes come to."""
DEEDS: Final = f"{SOURCE}deeds"
"""The source of deeds that were approved; their types are the program's own."""
SEATS: Final = f"{SOURCE}seats"
"""The source of seats for those who waited."""

TIERS: Final = f"{SOURCE}tiers"
"""The source of tiers that were lost."""
DRAWS: Final = f"{SOURCE}draws"
"""The source of who won a raffle."""
BOARDS: Final = f"{SOURCE}boards"
"""The source of who stood where on a leaderboard when its time was over."""
TEAMS: Final = f"{SOURCE}teams"
"""The source of goals that teams reached together."""
COMMUNITY: Final = f"{SOURCE}community"
"""The source of what becomes of posts."""
SHARING: Final = f"{SOURCE}sharing"
"""The source of what becomes of shares."""

_POST: Final = {
    "post": "string",
    "kind": "string",
    "product": "string",
    "bought": "bool",
    "has_photo": "bool",
    "words": "int",
}
_SHARE: Final = {"share": "string", "kind": "string", "what": "string"}
REFERRALS: Final = f"{SOURCE}referrals"
"""The source of what becomes of invitations."""
REFERRAL_JOINED: Final = "referral.joined"
REFERRAL_COMPLETED: Final = "referral.completed"
REFERRAL_REVERSED: Final = "referral.reversed"
"""What brought the advocate's prize came back: a return, of the event that was the completion."""
OCCASIONS: Final = f"{SOURCE}occasions"
"""The source of birthdays and anniversaries."""
MEMBER_BIRTHDAY: Final = "member.birthday"
MEMBER_ANNIVERSARY: Final = "member.anniversary"
ORDER_ANNIVERSARY: Final = "order.anniversary"

_DATA: Final[Mapping[str, Mapping[str, str]]] = {
    TIER_LOST: {"ladder": "string", "tier": "string", "now": "string", "cause": "string"},
    DRAW_WON: {"draw": "string", "prize": "int", "ticket": "int"},
    REFERRAL_JOINED: {"referral": "string"},
    REFERRAL_COMPLETED: {"referral": "string", "friends": "int", "net": "decimal"},
    REFERRAL_REVERSED: {},
    MEMBER_BIRTHDAY: {"year": "int"},
    MEMBER_ANNIVERSARY: {"years": "int"},
    ORDER_ANNIVERSARY: {"years": "int"},
    BOARD_CLOSED: {"leaderboard": "string", "rank": "int", "window": "string"},
    TEAM_REACHED: {"challenge": "string", "times": "int", "window": "string"},
    QUIZ_FINISHED: {"quiz": "string", "attempt": "int", "points": "int", "of": "int", "passed": "bool"},
    POST_APPROVED: _POST,
    ANSWER_APPROVED: {**_POST, "question": "string"},
    POST_HIDDEN: {},
    POST_LIKED: {"post": "string", "kind": "string", "product": "string"},
    SHARE_APPROVED: {**_SHARE, "post": "string"},
    SHARE_VISITED: {**_SHARE, "number": "int"},
    SHARE_JOINED: _SHARE,
    SEAT_FREED: {"reward": "string", "number": "int"},
    SEAT_CALLED_OFF: {"reward": "string", "waited": "bool"},
}
_DATUMS: Final[Mapping[str, Mapping[str, Datum]]] = {
    kind: {name: Datum.model_validate({"type": one}) for name, one in data.items()}
    for kind, data in _DATA.items()
}
TYPES: Final = frozenset(_DATA)
"""Their types."""
GIVEN: Final = frozenset({REFERRAL_COMPLETED, POST_APPROVED, ANSWER_APPROVED, POST_LIKED, SHARE_APPROVED})
"""Events of which all can come back as an order does."""
TAKEN_BACK: Final = frozenset({REFERRAL_REVERSED, POST_HIDDEN})
"""What they bring comes back by these."""
PAYS: Final = frozenset({"order.paid", *GIVEN})
"""Events of which something can come back."""


def has_order(event_type: str) -> bool:
    """Tell whether an event of a type carries an order.

    Args:
        event_type: such as `order.paid`.

    Returns:
        False for the anniversary of an order, which carries years.
    """
    return event_type.startswith("order.") and event_type not in _DATA


def declared_data(definition: Definition, event_type: str) -> Mapping[str, Datum]:
    """Tell what an event of a type carries.

    Args:
        definition: what the program declares.
        event_type: such as `item.recycled`.

    Returns:
        By name: its type, and whether it is personal; empty for a type that nobody declares.
    """
    own = _DATUMS.get(event_type)
    if own is not None:
        return own
    declared = definition.events.get(event_type)
    return declared.data if declared is not None else {}
