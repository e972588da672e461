"""Who plays in the demo's club: members by their habits, and each as the rooms below know them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from guerdon.cli.demo.scenes import STAFF, Scene
from guerdon.connect.samples import SampleWorld
from guerdon.connect.samples.filling import Filled
from guerdon.engine.boards.following import Following
from guerdon.engine.boards.joining import Joiner
from guerdon.infra.tx import Tx
from guerdon.members.identities import parse_ref, resolve
from guerdon.programs.staff import find_by_email

CROWD: Final = 200
"""In a club smaller than this, such as a test's, those who do more than buy would be a crowd."""


@dataclass(frozen=True, slots=True)
class Cast:
    """The members of a sample year, and what they did in it."""

    shown: str
    """The account that the demo points to; it takes part in everything."""
    filled: Filled
    joined: Mapping[str, datetime] = field(default_factory=dict)
    """Account → since when it is there, UTC; only of those who play no tricks."""
    last: Mapping[str, datetime] = field(default_factory=dict)
    """Account → the last that was heard of it in the year, UTC."""
    brought_back: Mapping[str, Sequence[datetime]] = field(default_factory=dict)
    """Account → when it brought back old things, UTC."""

    @property
    def is_crowd(self) -> bool:
        """Whether there are members enough for more than buying."""
        return len(self.filled.members) >= CROWD

    def recyclers(self, since: datetime) -> list[str]:
        """Find who brought something back.

        Args:
            since: when they have to be members, and from when it counts, UTC.

        Returns:
            Accounts, in order.
        """
        return sorted(one for one, at in self.joined.items() if at < since and self.bags(one, since))

    def bags(self, account: str, since: datetime) -> int:
        """Count what an account brought back.

        Args:
            account: whose.
            since: from the day before this instant on, UTC.

        Returns:
            How many things.
        """
        return sum(at >= since - timedelta(days=1) for at in self.brought_back.get(account, ()))


class Doer(NamedTuple):
    """A member of the sample who does something."""

    program_id: int
    account_id: int
    member_id: int


def cast_of(world: SampleWorld, filled: Filled, shown: str) -> Cast:
    """Read from the year who did what.

    Args:
        world: what happened.
        filled: the members.
        shown: the account that the demo points to.

    Returns:
        The cast.
    """
    last: dict[str, datetime] = {}
    brought_back: dict[str, list[datetime]] = defaultdict(list)
    for event in world.events:
        account = filled.accounts[event["subject"].removeprefix("external:")]
        last[account] = datetime.fromisoformat(event["time"])
        if event["type"] == "item.recycled":
            brought_back[account].append(last[account])
    joined = {filled.accounts[one.external_id]: one.joined_at for one in world.people if not one.trick}
    return Cast(shown, filled, joined, last, brought_back)


def doer(tx: Tx, scene: Scene, member: str) -> Doer:
    """Find a member.

    Args:
        tx: bound to the tenant.
        scene: where.
        member: such as `mem_…`.

    Returns:
        The numbers by which rooms know them.
    """
    live, ref = scene.house.live(tx, scene.program), parse_ref(member)
    found = resolve(tx, scene.house.vault(scene.tenant_id), live.program_id, [ref])[ref]
    return Doer(live.program_id, found.account_id, found.member_id)


def joiner(tx: Tx, scene: Scene, member: str, at: datetime) -> Joiner:
    """Give a member as boards and teams take them.

    Args:
        tx: bound to the tenant.
        scene: where.
        member: such as `mem_…`.
        at: when, UTC.

    Returns:
        Who joins.
    """
    live, who = scene.house.live(tx, scene.program), doer(tx, scene, member)
    following = Following(live.program_id, live.program, at)
    return Joiner(following, scene.house.vault(scene.tenant_id), who.account_id, who.member_id)


def judge(scene: Scene) -> str:
    """Give the manager, who decides, as the audit trail names them.

    Args:
        scene: where; its staff is there.

    Returns:
        Such as `staff:stf_…`.
    """
    email = STAFF[1][0]
    with scene.house.database.transaction(scene.tenant_id) as tx:
        found = find_by_email(tx, email)
    assert found is not None, "staff is made before anybody plays"
    return found[0].actor
