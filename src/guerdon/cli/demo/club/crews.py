"""Crews of the demo's club: founded some weeks ago, by some of those who bring old bags back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from guerdon.base.errors import Problem
from guerdon.cli.demo.club.cast import Cast, joiner
from guerdon.cli.demo.scenes import Scene
from guerdon.engine.boards.closing import close_due
from guerdon.engine.teams import acting
from guerdon.infra.tx import Tx
from guerdon.programs.programs import LiveVersion

_KIND: Final = "crew"
_FOUNDED: Final = timedelta(days=50)
_CREWS: Final = (("Switchbacks", 6), ("পথের সাথী", 5), ("Slow Bus", 4), ("राही", 3))
"""What each is called, and how many are in it."""
_SHORT_OF: Final = 9
_THERE_ALREADY: Final = ("team_already", "name_taken")
"""A start that was broken off made it before."""


def found_crews(scene: Scene, cast: Cast) -> None:
    """Let members found crews and be let in; one waits at the door of each.

    Args:
        scene: where.
        cast: the members; the one that the demo points to leads the first crew.
    """
    if not cast.is_crowd:
        return
    house = scene.house
    with house.database.transaction(scene.tenant_id) as tx:
        live = house.live(tx, scene.program)
    if _KIND not in live.program.definition.teams:
        return
    founded_at = scene.ended_at - _FOUNDED
    eager = [one for one in cast.recyclers(founded_at) if one != cast.shown]
    for place, (name, size) in enumerate(_CREWS):
        first = [cast.shown] if place == 0 else []
        crew = _chosen(cast, [*first, *eager[place :: len(_CREWS)]], (size, founded_at))
        at = max(founded_at + timedelta(days=place), cast.joined.get(crew[0], founded_at) + timedelta(days=1))
        _found(scene, cast, name, (crew, at))
    # Whose time is over, and what was reached together, is told as a tick would.
    line = LiveVersion(live.program_id, scene.program, live.version)
    close_due(house.database, house.engine, (scene.tenant_id, line), scene.now)


def _chosen(cast: Cast, eager: Sequence[str], how: tuple[int, datetime]) -> list[str]:
    """Choose who is in a crew, and who waits: together they are short of what brings the prize.

    Whoever joined weeks ago did so after the bags were counted, so a goal that they reached would be told of
    the day on which they joined.
    """
    size, founded_at = how
    crew, bags = [eager[0]], cast.bags(eager[0], founded_at)
    for one in eager[1:]:
        count = cast.bags(one, founded_at)
        if bags + count <= _SHORT_OF and len(crew) <= size:
            crew.append(one)
            bags += count
    return crew


def _found(scene: Scene, cast: Cast, name: str, who: tuple[Sequence[str], datetime]) -> None:
    crew, at = who
    try:
        with scene.house.database.transaction(scene.tenant_id) as tx:
            _fill(tx, scene, [cast.filled.members[one] for one in crew], (name, at))
    except Problem as problem:
        if problem.code not in _THERE_ALREADY:
            raise


def _fill(tx: Tx, scene: Scene, members: Sequence[str], what: tuple[str, datetime]) -> None:
    name, at = what
    team = acting.found(tx, joiner(tx, scene, members[0], at), _KIND, name, scene.house.ids)
    for place, member in enumerate(members[1:], 1):
        is_let_in = place < len(members) - 1
        # Whoever still waits asked on the last day.
        asked_at = at + timedelta(hours=9 * place) if is_let_in else scene.at(0.3)
        asks = joiner(tx, scene, member, asked_at)
        acting.join(tx, asks, team.team_id)
        if is_let_in:
            captain = joiner(tx, scene, members[0], asked_at + timedelta(hours=2))
            acting.let_in(tx, captain, team.team_id, asks.account_id)
