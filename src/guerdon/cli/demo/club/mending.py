"""Bags that members of the demo's club had mended: they told of it, and staff looked at most of it."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Final

from guerdon.base.ids import number_text
from guerdon.cli.demo.club.cast import Cast, doer, judge
from guerdon.cli.demo.scenes import Scene
from guerdon.connect.samples.goods import ARTICLES
from guerdon.engine.deeds.telling import tell_due
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.programs.programs import LiveVersion
from guerdon.rewards.deeds.queue import Deed, State, Wanted, add, decide, list_deeds

_TYPE: Final = "item.repaired"
_TOLD: Final = 18
_WAIT: Final = 4
"""So many at the end nobody has looked at yet."""
_REFUSED: Final = 5
"""Which one was no repair."""
_WHY_NOT: Final = "This was a new bag, not a mended one"
_AGO_DAYS: Final = 6


def tell_of_repairs(scene: Scene, cast: Cast) -> None:
    """Let members tell of bags that were mended, and the manager look at most of them.

    Args:
        scene: where.
        cast: the members; the one that the demo points to has one approved and one waiting.
    """
    if not cast.is_crowd:
        return
    house = scene.house
    with house.database.transaction(scene.tenant_id) as tx:
        live = house.live(tx, scene.program)
        if _TYPE not in live.program.definition.events:
            return
        # A start that was broken off told of them before.
        if not list_deeds(tx, live.program_id, Wanted(1)):
            _tell(tx, scene, cast)
    line = LiveVersion(live.program_id, scene.program, live.version)
    tell_due(house.database, house.engine, (scene.tenant_id, line), scene.now)


def _tell(tx: Tx, scene: Scene, cast: Cast) -> None:
    chance, who = Random(f"{scene.seed}:mending"), judge(scene)
    there = sorted(
        one for one, at in cast.joined.items() if at < scene.ended_at - timedelta(days=_AGO_DAYS + 1)
    )
    others = chance.sample([one for one in there if one != cast.shown], _TOLD - 2)
    tellers = [cast.shown, *others, cast.shown]
    bags = [one.sku for one in ARTICLES if "backpack" in one.categories]
    for place, account in enumerate(tellers):
        mended_at = scene.ended_at - timedelta(days=_AGO_DAYS * (1 - place / _TOLD), minutes=7)
        sent_at = scene.at(0.1 + 0.6 * place / _TOLD)
        member = doer(tx, scene, cast.filled.members[account])
        deed = Deed(
            program_id=member.program_id,
            deed_id=scene.house.ids.number(),
            member_id=member.member_id,
            type=_TYPE,
            occurred_at=mended_at,
            data={"sku": chance.choice(bags)},
            photo=None,
            receipt=f"MEND-{2200 + place}",
            state="waiting",
            sent_at=sent_at,
            sent_by=f"member:{cast.filled.members[account]}",
        )
        add(tx, deed)
        if place < _TOLD - _WAIT:
            _judge(tx, scene, deed, ("refused" if place == _REFUSED else "approved", who))


def _judge(tx: Tx, scene: Scene, deed: Deed, how: tuple[State, str]) -> None:
    state, who = how
    at, reason = deed.sent_at + timedelta(minutes=4), _WHY_NOT if state == "refused" else ""
    decide(tx, deed, state, (who, reason), at)
    detail = {"type": deed.type, "member": number_text("mem", deed.member_id), "reason": reason}
    record(tx, Act(at, who, f"deed.{state}", deed.name, deed.program_id, detail), scene.house.ids)
