"""Trying an expression on an event and a member, without anything being decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

from guerdon.base.errors import Problem
from guerdon.base.ids import Chance
from guerdon.rules.definition import nearest_to
from guerdon.rules.draft import Draft
from guerdon.rules.events import Event, Tick
from guerdon.rules.expressions import EXACT, Type, compile_expression
from guerdon.rules.program import Program
from guerdon.rules.scope import Scope, TierView, WalletView, environment_for
from guerdon.rules.segments import Segment, asked_for, belongs_to, see_segments
from guerdon.rules.state import AccountState, MemberState, Shared, State
from guerdon.rules.stepping import exactly

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_SEED = bytes(8)


@dataclass(frozen=True, slots=True)
class Somebody:
    """The member and account that an expression is tried on; what is left out is as for a new member."""

    member: MemberState = field(default_factory=lambda: MemberState(member_id=1))
    kind: str = "person"
    tiers: Mapping[str, str] = field(default_factory=dict)
    """Ladder → tier."""
    badges: tuple[str, ...] = ()
    metrics: Mapping[str, Decimal] = field(default_factory=dict)
    """Metric → value; where it is left out 0, or nothing for extremes and last times."""
    wallets: Mapping[str, Decimal] = field(default_factory=dict)
    """Wallet → available units; 0 where it is left out."""


def try_expression(program: Program, text: str, event: Event, somebody: Somebody) -> tuple[Any, Type]:
    """Evaluate an expression as a campaign of an event's type would see it.

    Args:
        program: declares what there is.
        text: the expression.
        event: what happened.
        somebody: to whom.

    Returns:
        The value and its static type.

    Raises:
        ExpressionError: the expression does not compile.
        EvaluationError: it has no value here.
        Problem: `unknown_tier`, `unknown_ladder`, `unknown_metric` or `unknown_wallet` of somebody.
    """
    expression = compile_expression(text, environment_for(program.definition, event.type))
    scope = _scope(program, event, somebody)
    with localcontext(EXACT):
        see_segments({event.type: asked_for([expression], program.segments)}, scope, event.type)
        return expression(scope), expression.type


def segments_at(
    program: Program, account: AccountState, at: datetime, asked: Iterable[Segment] | None = None
) -> tuple[str, ...]:
    """Tell which segments an account is in.

    Args:
        program: declares them.
        account: as stored, with all buckets of the metrics that ladders and segments read.
        at: the instant, UTC.
        asked: the segments that matter; None asks for all.

    Returns:
        Keys of the segments in alphabetical order, those that rest left out.
    """
    some = program.segments.values() if asked is None else asked
    active = [one for one in sorted(some, key=lambda one: one.key) if not one.inactive]
    tick = Event("guerdon.tick", at, at, command=Tick())
    draft = Draft(program, State(account, account.owner, Shared()), tick, Chance(_SEED))
    with exactly():
        draft.settle()
        return belongs_to(active, draft.scope(tick.type))


def _scope(program: Program, event: Event, somebody: Somebody) -> Scope:
    member = somebody.member
    badges = dict.fromkeys(somebody.badges, _EPOCH)
    account = AccountState(account_id=1, kind=somebody.kind, owner=member, badges=badges)
    scope = Draft(program, State(account, member, Shared()), event, Chance(_SEED)).scope(event.type)
    tiers = dict(scope.account.tiers)
    for key, tier in somebody.tiers.items():
        tiers[key] = _tier(program, key, tier)
    scope.account = type(scope.account)(
        number=1,
        kind=somebody.kind,
        attributes=scope.account.attributes,
        owner=scope.account.owner,
        members=1,
        tiers=tiers,
        badges=somebody.badges,
    )
    _known("metric", somebody.metrics, program.metrics)
    _known("wallet", somebody.wallets, program.wallets)
    zero = Decimal(0)
    counted = {key: zero for key, one in program.metrics.items() if one.fold in ("sum", "distinct", "streak")}
    scope.metrics.update({**counted, **somebody.metrics})
    scope.wallets = {key: WalletView(somebody.wallets.get(key, zero), zero, zero) for key in program.wallets}
    return scope


def _tier(program: Program, ladder: str, tier: str) -> TierView:
    _known("ladder", (ladder,), program.ladders)
    tiers = program.ladders[ladder].tiers
    _known("tier", (tier,), [one.key for one in tiers])
    level, found = next((level, one) for level, one in enumerate(tiers) if one.key == tier)
    return TierView(found.key, level, found.rate, found.benefits)


def _known(kind: str, names: Any, known: Any) -> None:
    for name in names:
        if name not in known:
            near = nearest_to(name, sorted(known))
            hint = f"; did you mean '{near}'?" if near else ""
            raise Problem(f"unknown_{kind}", f"there is no {kind} '{name}' in this program{hint}")
