"""What an account is shown of what only some are shown, as things stand now."""

from __future__ import annotations

from datetime import datetime

from guerdon.base.ids import Chance
from guerdon.engine.looking.offers import Looker, load_state
from guerdon.infra.tx import Tx
from guerdon.rules.draft import Draft
from guerdon.rules.events import Event
from guerdon.rules.expressions import EvaluationError, Expression
from guerdon.rules.program import Exclusive
from guerdon.rules.scope import Scope
from guerdon.rules.segments import see_segments
from guerdon.rules.step import exactly
from guerdon.rules.stepping import PLAYING


def load_exclusives(tx: Tx, looker: Looker, now: datetime) -> list[Exclusive]:
    """Find what is for an account, and shown now.

    Args:
        tx: bound to the tenant; nothing is locked.
        looker: who looks, and where.
        now: the instant, UTC.

    Returns:
        In the order of the document; where a condition has no value, it is for others.
    """
    program = looker.program
    local = program.zone.local(now).replace(tzinfo=None)
    shown = [one for one in program.content.values() if one.is_shown_at(local)]
    if all(one.audience is None for one in shown):
        return shown
    event = Event(PLAYING, now, now, source="guerdon", channel="system")
    with exactly():
        draft = Draft(program, load_state(tx, looker, now), event, Chance(bytes(8)))
        draft.settle()
        scope = draft.scope(PLAYING)
        see_segments(program.segments_of, scope, PLAYING)
        return [one for one in shown if _holds(one.audience, scope)]


def _holds(audience: Expression | None, scope: Scope) -> bool:
    try:
        return audience is None or bool(audience.evaluate(scope))
    except EvaluationError:
        return False
