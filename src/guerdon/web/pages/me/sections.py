"""The parts into which the page is cut: what each shows, and which of them a program has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from guerdon.infra.tx import Tx
from guerdon.rules.definition import Definition
from guerdon.rules.referrals.keys import is_offered
from guerdon.web.pages.me import seats
from guerdon.web.pages.me.circles.inviting import load_inviting
from guerdon.web.pages.me.circles.posts import load_community
from guerdon.web.pages.me.circles.ranks import load_board_views
from guerdon.web.pages.me.circles.sharing import load_sharing
from guerdon.web.pages.me.circles.teams import load_kind_views
from guerdon.web.pages.me.giving import load_cause_views
from guerdon.web.pages.me.goals.challenges import load_badge_views, load_challenge_views
from guerdon.web.pages.me.goals.climbing import load_ladder_views
from guerdon.web.pages.me.goals.deeds import is_for_members, load_deed_views
from guerdon.web.pages.me.goals.draws import load_draw_views
from guerdon.web.pages.me.goals.playing import load_quiz_views
from guerdon.web.pages.me.holding import load_wallet_views
from guerdon.web.pages.me.pieces import load_for_you
from guerdon.web.pages.me.reader import Reader
from guerdon.web.pages.me.rewards import load_reward_views
from guerdon.web.pages.me.story import load_story
from guerdon.web.pages.me.taken import load_taken_views

_LATELY: Final = 4
"""Lines of the story that stand on the first page."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a section."""

    before: UUID | None = None
    """Of the story: only what was before this event."""
    older: str = ""
    """Of posts: only those before this one."""


def load_have(tx: Tx, reader: Reader, _: Wanted) -> dict[str, Any]:
    """Load what a member has.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        What its templates show.
    """
    return {
        "wallets": load_wallet_views(tx, reader),
        "ladders": load_ladder_views(tx, reader),
        "taken": load_taken_views(tx, reader),
        "for_you": load_for_you(tx, reader),
        "sharing": load_sharing(tx, reader),
        "lately": load_story(tx, reader, None, _LATELY),
    }


def load_do(tx: Tx, reader: Reader, _: Wanted) -> dict[str, Any]:
    """Load what a member can do.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        What its templates show.
    """
    return {
        "quizzes": load_quiz_views(tx, reader),
        "challenges": load_challenge_views(tx, reader),
        "badges": load_badge_views(tx, reader),
        "deeds": load_deed_views(tx, reader),
        "draws": load_draw_views(tx, reader),
        "sharing": load_sharing(tx, reader),
    }


def load_rewards(tx: Tx, reader: Reader, _: Wanted) -> dict[str, Any]:
    """Load what a member can take, and give to.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        What its templates show.
    """
    return {
        "wallets": load_wallet_views(tx, reader),
        "rewards": load_reward_views(tx, reader),
        "waits": seats.load_wait_views(tx, reader),
        "causes": load_cause_views(tx, reader),
    }


def load_club(tx: Tx, reader: Reader, wanted: Wanted) -> dict[str, Any]:
    """Load what a member does with others.

    Args:
        tx: bound to the tenant.
        reader: whose.
        wanted: which part of the posts.

    Returns:
        What its templates show.
    """
    return {
        "boards": load_board_views(tx, reader),
        "kinds": load_kind_views(tx, reader),
        "community": load_community(tx, reader, wanted.older),
        "inviting": load_inviting(tx, reader),
        "sharing": load_sharing(tx, reader, is_offering=True),
    }


def load_you(tx: Tx, reader: Reader, wanted: Wanted) -> dict[str, Any]:
    """Load what happened, and what is kept of a member.

    Args:
        tx: bound to the tenant.
        reader: whose.
        wanted: which part of the story.

    Returns:
        What its templates show.
    """
    return {"story": load_story(tx, reader, wanted.before), "newest": wanted.before is None}


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with an address of its own."""

    name: str
    """In the address; empty for the first."""
    icon: str
    load: Callable[[Tx, Reader, Wanted], dict[str, Any]]
    is_there: Callable[[Definition], bool] = lambda _: True

    @property
    def key(self) -> str:
        """By which its template and its words are found."""
        return self.name or "have"

    @property
    def path(self) -> str:
        """Behind the page's address."""
        return f"/{self.name}" if self.name else ""


def _can_do(definition: Definition) -> bool:
    kinds = (definition.challenges, definition.quizzes, definition.badges, definition.draws)
    return any(kinds) or any(is_for_members(one) for one in definition.events.values())


def _has_others(definition: Definition) -> bool:
    kinds = (definition.leaderboards, definition.teams, definition.sharing.of)
    return any(kinds) or definition.community.approve != "closed" or is_offered(definition)


SECTIONS: Final[Mapping[str, Section]] = {
    one.name: one
    for one in (
        Section("", "home", load_have),
        Section("do", "flag", load_do, _can_do),
        Section("rewards", "gift", load_rewards),
        Section("club", "people", load_club, _has_others),
        Section("you", "user", load_you),
    )
}
"""By name, in the order of the dock."""


def sections_of(definition: Definition) -> list[Section]:
    """Give the sections that a program has.

    Args:
        definition: the program's.

    Returns:
        In the order of the dock.
    """
    return [one for one in SECTIONS.values() if one.is_there(definition)]
