"""What an account has at the instant at which it leaves for another one."""

from __future__ import annotations

import msgspec

from guerdon.base.ids import Chance
from guerdon.rules.contents import Contents, contents_of
from guerdon.rules.events import Event, Tick
from guerdon.rules.program import Program
from guerdon.rules.state import AccountState, State
from guerdon.rules.step import step

_NO_CHANCE = Chance(bytes(8))


def settled_before(program: Program, state: State, event: Event) -> AccountState:
    """Work out an account as leaving finds it, after what time has done until then.

    Args:
        program: what decides.
        state: the account with all that it has gathered, as it is before it leaves.
        event: with which it leaves.

    Returns:
        The account.
    """
    passing = msgspec.structs.replace(event, command=Tick())
    return step(program, state, passing, _NO_CHANCE)[0].account


def contents_left(program: Program, state: State, event: Event) -> Contents:
    """Work out what goes with an account that is merged.

    Args:
        program: what decides.
        state: the account with all that it has gathered, as it is before it leaves.
        event: with which it leaves.

    Returns:
        Its contents after what time has done until then.
    """
    counted = {metric.identity for metric in program.metrics.values()}
    return contents_of(settled_before(program, state, event), counted)
