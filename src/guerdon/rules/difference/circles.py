"""What is said of the community and of what members share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guerdon.rules.definition import Community, Part, Sharing
from guerdon.rules.difference.sections import Saying
from guerdon.rules.difference.voice import Voice, coded, listed, names

_APPROVED: Final = {
    "closed": "nothing, as it is closed",
    "all": "what somebody approved",
    "first": "what is of members of whom somebody approved something",
    "none": "everything at once",
}
_LINKS: Final = {"hold": "wait for somebody", "refuse": "be no part of it", "allow": "stand"}


def _count(noun: str) -> Any:
    def read(value: Any, _: Voice) -> str:
        return f"{value} {noun}{'' if value == 1 else 's'}"

    return read


def _listed(value: Any, _: Voice) -> str:
    return listed([coded(one) for one in value]) or "nothing"


FIELDS: Final[Mapping[tuple[type[Part], str], Saying]] = {
    (Community, "approve"): ("shows", lambda value, _: _APPROVED[value]),
    (Community, "words"): ("keeps back what has the words", _listed),
    (Community, "links"): ("lets an address in a text", lambda value, _: _LINKS[value]),
    (Community, "photos"): ("takes", lambda value, _: "photos" if value else "no photos"),
    (Community, "max_per_day"): ("takes of a member in a day", _count("post")),
    (Community, "likes_per_day"): ("takes of a member in a day", _count("like")),
    (Community, "reports"): ("takes a post off the page after", _count("report")),
    (Community, "on_hide"): (
        "lets what a post brought",
        lambda value, _: "go when it is hidden" if value == "take_back" else "stay when it is hidden",
    ),
    (Sharing, "of"): ("is of", _listed),
    (Sharing, "to"): ("leads to", lambda value, _: str(value) if value else "no address"),
    (Sharing, "text"): ("says", lambda value, _: names(value) if value else "nothing of the program"),
    (Sharing, "max_per_day"): (
        "gives a member in a day",
        lambda v, _: f"{v} address{'' if v == 1 else 'es'}",
    ),
    (Sharing, "visits_per_day"): ("counts for a member in a day", _count("visit")),
}
