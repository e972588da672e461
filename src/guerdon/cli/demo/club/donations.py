"""What members of the demo's club gave away: in months before, of which the last is due, and today."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from guerdon.base.calendar import period_start
from guerdon.base.errors import Problem
from guerdon.cli.demo.club.cast import Cast, judge
from guerdon.cli.demo.scenes import Scene
from guerdon.engine.charity.paying import Office, pay_out
from guerdon.engine.commands import RedeemReward
from guerdon.members.identities import parse_ref
from guerdon.rewards.charity.payouts import Asked, Place
from guerdon.rewards.counting import count_redemptions
from guerdon.wiring import Live

_REWARD: Final = "bag_for_a_child"
_COSTS: Final = 250
_ENOUGH: Final = 2 * _COSTS - 100
_MONTHS: Final = 3
_A_MONTH: Final = 9
_TODAY: Final = 4


def give_away(scene: Scene, cast: Cast) -> None:
    """Let members give for the cause of the club; the charity was paid for all months but the last.

    Whoever gave in a month before was quiet since: what happens to an account happens in order of time.

    Args:
        scene: where.
        cast: the members; the one that the demo points to gives today, if they can.
    """
    if not cast.is_crowd:
        return
    with scene.house.database.transaction(scene.tenant_id) as tx:
        live = scene.house.live(tx, scene.program)
        given = count_redemptions(tx, live.program_id).get(_REWARD)
    gift = live.program.rewards[_REWARD].gift if _REWARD in live.program.rewards else None
    if gift is None:
        return
    months = _months(live, scene.ended_at)
    # A start that was broken off let them give before, perhaps others.
    if given is None:
        _give_all(scene, cast, live, months)
    for number, month in enumerate(months[:-1], 4711):
        _pay(scene, live, (gift.cause, *month), f"transfer {number}")


def _give_all(scene: Scene, cast: Cast, live: Live, months: Sequence[tuple[date, date]]) -> None:
    chance = Random(f"{scene.seed}:gifts")
    for opens_on, ends_on in months:
        begins_at, ends_at = live.program.zone.start_of(opens_on), live.program.zone.start_of(ends_on)
        able = [one for one in _able(cast) if cast.last.get(one, ends_at) < begins_at]
        _give(scene, cast, chance.sample(able, min(_A_MONTH, len(able))), (begins_at, ends_at))
    others = chance.sample([one for one in _able(cast) if one != cast.shown], _TODAY)
    today = [*([cast.shown] if cast.filled.available[cast.shown] >= _COSTS else []), *others]
    _give(scene, cast, today, (scene.at(0), scene.at(0.02)))


def _months(live: Live, ended_at: datetime) -> list[tuple[date, date]]:
    """Give the months before the last one of the year, each with the first day after it."""
    months: list[tuple[date, date]] = []
    day = period_start("month", live.program.zone.day_of(ended_at))
    for _ in range(_MONTHS):
        ends_on, day = day, period_start("month", day - timedelta(days=1))
        months.insert(0, (day, ends_on))
    return months


def _able(cast: Cast) -> list[str]:
    available = cast.filled.available
    return [one for one in sorted(cast.joined) if available.get(one, 0) >= _ENOUGH]


def _give(scene: Scene, cast: Cast, accounts: list[str], when: tuple[datetime, datetime]) -> None:
    begins_at, ends_at = when
    asked = []
    for place, account in enumerate(accounts, 1):
        at = begins_at + (ends_at - begins_at) * place / (len(accounts) + 1)
        told = scene.told(f"give-{begins_at:%Y-%m}-{account}", 0, reward=_REWARD)
        asked.append(
            RedeemReward(**told | {"received_at": at, "member": parse_ref(cast.filled.members[account])})
        )
        cast.filled.available[account] -= _COSTS
    scene.asked(asked)


def _pay(scene: Scene, live: Live, what: tuple[str, date, date], reference: str) -> None:
    house = scene.house
    office = Office(house.database, house.engine, house.ids, scene.tenant_id, scene.program)
    asked = Asked(*what, reference, judge(scene))
    try:
        pay_out(office, Place(live.program_id, live.program.zone), asked, scene.now)
    except Problem as problem:
        # In a year as short as a test's nobody gave that early, and another start may have paid it.
        if problem.code != "nothing_due":
            raise
