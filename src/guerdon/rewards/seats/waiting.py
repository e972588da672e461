"""Waiting lists for seats: first come, first served, with one number that everybody counts by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from guerdon.base.errors import Problem
from guerdon.infra.tx import Tx
from guerdon.programs.counters import load_counters, lock_counters, take
from guerdon.programs.holds import load_lapsed
from guerdon.rules.limits import Draw, stock_draw
from guerdon.rules.parts import Reward
from guerdon.rules.seating import waiting_draw

State = Literal["waiting", "called", "seated", "left", "passed"]
OPEN: Final = ("waiting", "called")

_COLUMNS: Final = "program_id, reward, number, member_id, state, joined_at, changed_at, reason, redemption_id"
_SELECT: Final = f"select {_COLUMNS} from seat_waits"  # noqa: S608 - columns of ours
_LINE: Final = (
    f"{_SELECT} where program_id = %s and reward = %s and state in ('waiting', 'called')"
    " order by number limit %s"
)
_MINE: Final = (
    f"{_SELECT} where program_id = %s and member_id = %s and reward = %s and state in ('waiting', 'called')"
)
_OF_MEMBER: Final = (
    f"{_SELECT} where program_id = %s and member_id = %s and state in ('waiting', 'called')"
    " order by reward, number"
)
_INSERT: Final = """
insert into seat_waits (program_id, reward, number, member_id, state, joined_at, changed_at)
select %(program)s, %(reward)s, coalesce(max(number), 0) + 1, %(member)s, 'waiting', %(now)s, %(now)s
from seat_waits where program_id = %(program)s and reward = %(reward)s
returning number
"""
_MOVE: Final = """
update seat_waits set state = %s, changed_at = %s, reason = %s, redemption_id = %s
where program_id = %s and reward = %s and number = %s and state = %s
"""
_AHEAD: Final = """
select count(*) from seat_waits
where program_id = %s and reward = %s and state in ('waiting', 'called') and number < %s
"""
_REWARDS: Final = """
select distinct reward from seat_waits
where program_id = %s and state in ('waiting', 'called') order by reward
"""
_COUNTS: Final = """
select reward, count(*) from seat_waits
where program_id = %s and state in ('waiting', 'called') group by reward
"""
_ONE: Final = Decimal(1)
_NOTHING: Final = Decimal(0)


class Wait(NamedTuple):
    """One person's place in a line."""

    program_id: int
    reward: str
    number: int
    """The order of the line."""
    member_id: int
    state: State
    joined_at: datetime
    changed_at: datetime
    reason: str
    """Why somebody was passed over, as a code."""
    redemption_id: int | None

    @property
    def name(self) -> str:
        """What tells it from others of its program: the reward and the number."""
        return f"{self.reward}/{self.number}"


def join(tx: Tx, program_id: int, reward: Reward, member_id: int, now: datetime) -> tuple[Wait, bool]:
    """Stand in line for a seat.

    Args:
        tx: bound to the tenant; the reward's counters get locked.
        program_id: of which program.
        reward: with seats.
        member_id: who waits.
        now: the instant, UTC.

    Returns:
        The place, and whether it is new: nobody stands twice in one line.

    Raises:
        Problem: `no_waiting_list`, or `seats_free` where one can be taken at once.
    """
    stock, line = _counters(reward)
    used = lock_counters(tx, program_id, (stock.counter, line.counter))
    found = find(tx, program_id, reward.key, member_id)
    if found is not None:
        return found, False
    left = stock.bound - _taken(tx, program_id, stock, used[stock.counter], now)
    if left > used[line.counter]:
        raise Problem("seats_free", "there are seats left: take one")
    values = {"program": program_id, "reward": reward.key, "member": member_id, "now": now}
    row = tx.execute(_INSERT, values).fetchone()
    assert row is not None
    _count(tx, program_id, line, _ONE)
    made: State = "waiting"
    return Wait(program_id, reward.key, row[0], member_id, made, now, now, "", None), True


def leave(tx: Tx, program_id: int, reward: Reward, member_id: int, now: datetime) -> Wait:
    """Leave a line.

    Args:
        tx: bound to the tenant; the reward's counters get locked.
        program_id: of which program.
        reward: with seats.
        member_id: who waits no more.
        now: the instant, UTC.

    Returns:
        The place as it was left.

    Raises:
        Problem: `no_waiting_list`, `not_waiting`, or `seat_called` where a seat is being given right now.
    """
    stock, line = _counters(reward)
    lock_counters(tx, program_id, (stock.counter, line.counter))
    found = find(tx, program_id, reward.key, member_id)
    if found is None:
        raise Problem("not_waiting", "this member does not wait for a seat of this reward")
    if found.state == "called":
        raise Problem("seat_called", "a seat is given to this member just now; it can be given back then")
    return _moved(tx, found, ("left", "", None), now)


def call_next(tx: Tx, program_id: int, reward: Reward, now: datetime) -> list[Wait]:
    """Call the first in line, as many as there are seats.

    Args:
        tx: bound to the tenant; the reward's counters get locked.
        program_id: of which program.
        reward: with seats.
        now: the instant, UTC.

    Returns:
        All who are called and not seated yet, those of earlier calls among them, in the order of the line.

    Raises:
        Problem: `no_waiting_list`.
    """
    stock, line = _counters(reward)
    used = lock_counters(tx, program_id, (stock.counter, line.counter))
    left = int(stock.bound - _taken(tx, program_id, stock, used[stock.counter], now))
    there = [Wait(*row) for row in tx.execute(_LINE, (program_id, reward.key, max(left, 0) + 1_000))]
    called = [one for one in there if one.state == "called"]
    waiting = [one for one in there if one.state == "waiting"]
    fresh = [] if reward.is_called_off else waiting[: max(left - len(called), 0)]
    return sorted([*called, *(_moved(tx, one, ("called", "", None), now) for one in fresh)], key=_number)


def settle(tx: Tx, wait: Wait, reward: Reward, became: tuple[State, str, int | None], now: datetime) -> bool:
    """Note what became of somebody who was called.

    Args:
        tx: bound to the tenant; the reward's counters get locked.
        wait: the place, called.
        reward: with seats.
        became: `seated`, `passed`, or `waiting` again; why, as a code; and the redemption of a seat.
        now: the instant, UTC.

    Returns:
        False where somebody else noted it before.
    """
    stock, line = _counters(reward)
    lock_counters(tx, wait.program_id, (stock.counter, line.counter))
    found = find(tx, wait.program_id, wait.reward, wait.member_id)
    if found is None or found.state != "called" or found.number != wait.number:
        return False
    _moved(tx, found, became, now)
    return True


def dismiss(tx: Tx, program_id: int, reward: Reward, waits: Sequence[Wait], now: datetime) -> int:
    """Let people wait no more for what was called off.

    Args:
        tx: bound to the tenant; the reward's counters get locked.
        program_id: of which program.
        reward: with a line.
        waits: their places, as they were read before the lock.
        now: the instant, UTC.

    Returns:
        How many places were ended here.
    """
    stock, line = _counters(reward)
    lock_counters(tx, program_id, (stock.counter, line.counter))
    ended = 0
    for wait in waits:
        found = find(tx, program_id, reward.key, wait.member_id)
        if found is not None and found.number == wait.number and found.state == "waiting":
            _moved(tx, found, ("passed", "reward_called_off", None), now)
            ended += 1
    return ended


def find(tx: Tx, program_id: int, reward: str, member_id: int) -> Wait | None:
    """Find a member's place in a line.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        reward: the reward's key.
        member_id: who.

    Returns:
        The place, None where they do not wait.
    """
    row = tx.execute(_MINE, (program_id, member_id, reward)).fetchone()
    return None if row is None else Wait(*row)


def list_of_member(tx: Tx, program_id: int, member_id: int) -> list[Wait]:
    """List the lines in which a member stands.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_id: who.

    Returns:
        By reward.
    """
    return [Wait(*row) for row in tx.execute(_OF_MEMBER, (program_id, member_id))]


def list_line(tx: Tx, program_id: int, reward: str, limit: int) -> list[Wait]:
    """List who waits.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        reward: the reward's key.
        limit: how many at most.

    Returns:
        In the order of the line.
    """
    return [Wait(*row) for row in tx.execute(_LINE, (program_id, reward, limit))]


def place_in_line(tx: Tx, wait: Wait) -> int:
    """Tell how far somebody is from a seat.

    Args:
        tx: bound to the tenant.
        wait: the place.

    Returns:
        1 for who is next.
    """
    row = tx.execute(_AHEAD, (wait.program_id, wait.reward, wait.number)).fetchone()
    return 1 + (row[0] if row is not None else 0)


def count_waiting(tx: Tx, program_id: int) -> dict[str, int]:
    """Count who waits.

    Args:
        tx: bound to the tenant.
        program_id: of which program.

    Returns:
        By reward; those for which nobody waits are left out.
    """
    return dict(tx.execute(_COUNTS, (program_id,)).fetchall())


def list_awaited(tx: Tx, program_id: int) -> list[str]:
    """List the rewards for which somebody waits.

    Args:
        tx: bound to the tenant.
        program_id: of which program.

    Returns:
        Their keys in order.
    """
    return [row[0] for row in tx.execute(_REWARDS, (program_id,))]


def seats_left(tx: Tx, program_id: int, reward: Reward, now: datetime) -> int:
    """Tell how many seats nobody has, whoever waits for them; nothing is locked.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        reward: with seats.
        now: the instant, UTC.

    Returns:
        Seats, never less than none.
    """
    stock = stock_draw(reward.key, reward.stock or 0)
    used = load_counters(tx, program_id, (stock.counter,)).get(stock.counter, _NOTHING)
    return max(0, int(stock.bound - _taken(tx, program_id, stock, used, now)))


def _counters(reward: Reward) -> tuple[Draw, Draw]:
    if not reward.has_line or reward.stock is None:
        raise Problem("no_waiting_list", "only rewards with `seats` and a price have a waiting list")
    return stock_draw(reward.key, reward.stock), waiting_draw(reward.key)


def _taken(tx: Tx, program_id: int, stock: Draw, used: Decimal, now: datetime) -> Decimal:
    # Carts that nobody paid in time hold nothing, whether or not it was let go.
    return used - load_lapsed(tx, program_id, (stock.counter,), now).get(stock.counter, _NOTHING)


def _moved(tx: Tx, wait: Wait, became: tuple[State, str, int | None], now: datetime) -> Wait:
    state, reason, redemption_id = became
    key = (wait.program_id, wait.reward, wait.number)
    done = tx.execute(_MOVE, (state, now, reason, redemption_id, *key, wait.state)).rowcount
    assert done == 1, "the line is locked"
    if wait.state in OPEN and state not in OPEN:
        _count(tx, wait.program_id, waiting_draw(wait.reward), -_ONE)
    return wait._replace(state=state, changed_at=now, reason=reason, redemption_id=redemption_id)


def _count(tx: Tx, program_id: int, line: Draw, more: Decimal) -> None:
    wrong = take(tx, program_id, {line.counter: (more, line.bound)})
    assert not wrong, "the counter is locked, and counts rows"


def _number(one: Wait) -> int:
    return one.number
