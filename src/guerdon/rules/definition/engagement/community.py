"""What members say to each other, and what they show to others."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, WithJsonSchema

from guerdon.rules.definition.scalars.part import DescribedPart, Listed
from guerdon.rules.definition.scalars.texts import Text
from guerdon.rules.definition.scalars.values import Count, Flag, Line, matching

MAX_WORDS: Final = 1_000
_ADDRESS: Final = r"https://[^\s\"'<>\\^`{|}]{1,500}"
WebAddress = Annotated[
    str,
    matching(_ADDRESS, "bad_address", "an address that begins with https:// was expected", 508),
    WithJsonSchema({"type": "string", "pattern": f"^{_ADDRESS}$"}),
]
Approve = Literal["closed", "all", "first", "none"]
Shareable = Literal["purchase", "reward", "badge"]


class Community(DescribedPart):
    """Posts, questions and answers of members."""

    approve: Approve = "closed"
    """What somebody looks at before it is shown: all, each member's first, or none; closed: nobody posts."""
    words: Annotated[tuple[Line, ...], Listed(), Field(max_length=MAX_WORDS)] = ()
    """Words with which it waits for somebody, whatever `approve` says."""
    links: Literal["hold", "refuse", "allow"] = "hold"
    """What is done with addresses, e-mail addresses and phone numbers in it."""
    photos: Flag = True
    """Whether a photo may be with it."""
    max_per_day: Count = 5
    """How many posts, questions and answers a member writes in a day."""
    likes_per_day: Count = 50
    """How many likes a member gives in a day."""
    reports: Count = 3
    """So many members who report it take it off the page until somebody has looked."""
    on_hide: Literal["take_back", "keep"] = "take_back"
    """Whether what it brought its author goes when staff hides it; so of what was said of a share."""

    @property
    def takes_back(self) -> bool:
        """Whether what a post brought goes when staff hides it."""
        return self.on_hide == "take_back"


class Sharing(DescribedPart):
    """Addresses under which members show what they bought, took or earned."""

    of: Annotated[tuple[Shareable, ...], Listed(), Field(max_length=3)] = ()
    """What can be shown: a purchase, a reward, a badge; nothing without it."""
    to: WebAddress | None = None
    """Where the page leads those who want to join; it gets `share=` with the code."""
    text: Text | None = None
    """A sentence about the program for those who do not know it."""
    max_per_day: Count = 10
    """How many addresses a member makes in a day."""
    visits_per_day: Count = 20
    """How many visits of a member's addresses count in a day."""
