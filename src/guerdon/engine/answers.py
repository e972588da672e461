"""The answer to a command: one form for live decisions, duplicates and explanations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from guerdon.base.errors import Fault, Problem
from guerdon.base.exact import plain_text, scaled_text
from guerdon.base.ids import number_text
from guerdon.engine.showing.returns import return_view
from guerdon.rules.decision import Decision, Effect
from guerdon.rules.program import Program
from guerdon.rules.settling import needs_lots, settle_wallets
from guerdon.rules.state import WalletState

Status = Literal["applied", "duplicate", "rejected"]


class Balance(msgspec.Struct, frozen=True, omit_defaults=True):
    """A wallet as decimal strings."""

    available: str
    pending: str
    held: str
    debt: str = "0"
    """What later units repay first."""


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why something was refused."""

    code: str
    detail: str
    errors: tuple[Mapping[str, str], ...] = ()
    """`pointer`, `code` and `detail` of each wrong place."""


class Answer(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What became of a command."""

    id: str = ""
    """The event's id as sent; of other commands that of the event they made."""
    status: Status
    effects: Sequence[Mapping[str, Any]] = ()
    skipped: Sequence[Mapping[str, str]] = ()
    balances: Mapping[str, Balance] = {}
    late: bool = False
    guest: bool = False
    problem: Refusal | None = None
    account: str = ""
    member: str = ""
    redemptions: Sequence[Mapping[str, Any]] = ()
    transactions: Sequence[str] = ()
    """Ids of the ledger transactions."""
    created: bool = False
    """Whether a member, or a checkout, was new."""
    shortfalls: Sequence[Mapping[str, str]] = ()
    """What was promised and could not be had."""
    returned: Mapping[str, Any] = {}
    """What came back of an order, and what that undid."""
    quote: Mapping[str, Any] = {}
    """Of a cart or checkout."""
    gift_cards: Sequence[Mapping[str, Any]] = ()
    """Those that the command made, with their codes: `id`, `code`, `ending`, `amount`, `expires_at`,
    `redemption`."""
    merged: Mapping[str, Any] = {}
    """What goes from one account to another, as `engine.showing.merges` writes it."""


def refused(event_id: str, problem: Problem) -> Answer:
    """Answer a command that was refused.

    Args:
        event_id: the event's id as sent, as far as it could be read.
        problem: why.

    Returns:
        The answer.
    """
    errors = tuple(_fault(fault) for fault in problem.faults)
    return Answer(id=event_id, status="rejected", problem=Refusal(problem.code, problem.detail, errors))


def problem_in(refusal: Refusal) -> Problem:
    """Make a problem of what the engine refused something with.

    Args:
        refusal: as it was answered.

    Returns:
        The problem, with each wrong place.
    """
    faults = tuple(Fault(one["pointer"], one["code"], one["detail"]) for one in refusal.errors)
    return Problem(refusal.code, refusal.detail, faults)


def accepted(said: Answer) -> Answer:
    """Give an answer that is no refusal.

    Args:
        said: by the engine.

    Returns:
        The same.

    Raises:
        Problem: the refusal.
    """
    if said.problem is not None:
        raise problem_in(said.problem)
    return said


def decided(program: Program, event_id: str, status: Status, decision: Decision) -> Answer:
    """Answer from a decision, without the account's part.

    Args:
        program: for the scales of its wallets.
        event_id: the event's id.
        status: `applied` or `duplicate`.
        decision: what was decided, now or the first time.

    Returns:
        The answer; `with_account` adds to it.
    """
    if decision.problem_code:
        return refused(event_id, Problem(decision.problem_code, decision.problem_detail))
    return Answer(
        id=event_id,
        status=status,
        effects=[effect_view(program, effect) for effect in decision.effects],
        skipped=[
            _without_blanks({"campaign": skip.campaign, "reason": skip.reason, "detail": skip.detail})
            for skip in decision.skipped
        ],
        late=decision.late,
        returned=return_view(program, decision.returned) if decision.returned is not None else {},
        shortfalls=[
            {"kind": one.kind, "name": one.name, "amount": plain_text(one.amount), "reason": one.reason}
            for one in decision.shortfalls
        ],
        redemptions=[
            {
                "id": number_text("red", one.redemption_id),
                "reward": one.reward,
                "kind": one.kind,
                "quantity": one.quantity,
                "code": one.code,
                "expires_at": one.expires_at,
            }
            for one in decision.redemptions
        ],
    )


def effect_view(program: Program, effect: Effect) -> dict[str, Any]:
    """Show an effect as the API does.

    Args:
        program: for the scales of its wallets.
        effect: what a campaign did.

    Returns:
        `campaign` and one entry named after the kind of effect.
    """
    if effect.kind == "award":
        wallet = program.wallets.get(effect.wallet)
        amount = scaled_text(effect.amount, wallet.scale if wallet is not None else 0)
        shown: dict[str, Any] = {"wallet": effect.wallet, "amount": amount}
        if effect.cut:
            shown["not_earned"] = scaled_text(effect.cut, wallet.scale if wallet is not None else 0)
            shown["limit"] = effect.limit
    elif effect.kind == "multiply":
        by = plain_text(effect.factor) if effect.factor is not None else ""
        shown = _without_blanks({"wallet": effect.wallet, "by": by})
    elif effect.kind == "badge":
        shown = {"badge": effect.badge}
    elif effect.kind == "ticket":
        key, number = effect.draw.partition("@")[0], effect.amount
        shown = {"draw": key, "number": number} | ({"prize": effect.prize} if effect.prize else {})
    elif effect.kind == "discount":
        amount = scaled_text(effect.amount, program.digits)
        shown = _without_blanks({"amount": amount, "reward": effect.reward, "code": effect.code})
    elif effect.kind == "pay":
        units = scaled_text(effect.amount, program.scales.get(effect.wallet, 0))
        card = number_text("gft", effect.card) if effect.card else ""
        return {"pay": _without_blanks({"wallet": effect.wallet, "amount": units, "gift_card": card})}
    else:
        redemption = number_text("red", effect.redemption_id) if effect.redemption_id is not None else ""
        spent = {key: scaled_text(units, program.scales.get(key, 0)) for key, units in effect.spent.items()}
        named = {"reward": effect.reward, "redemption": redemption, "code": effect.code, "spent": spent}
        shown = _without_blanks(named)
    return {"campaign": effect.campaign, effect.kind: shown}


def balances_view(program: Program, wallets: Mapping[str, WalletState], now: datetime) -> dict[str, Balance]:
    """Show an account's wallets at an instant.

    Args:
        program: for the scales and the list of its wallets.
        wallets: as booked.
        now: the instant; what is due or given up by then is settled where the lots were gathered.

    Returns:
        Every wallet of the program by key, empty ones too.
    """
    shown = {}
    if not needs_lots(program, wallets, now):
        wallets = settle_wallets(program, wallets, now).wallets
    for key, wallet in program.wallets.items():
        state = wallets.get(key, _EMPTY)
        scale = wallet.scale
        shown[key] = Balance(
            scaled_text(state.free, scale),
            scaled_text(state.pending, scale),
            scaled_text(state.held, scale),
            scaled_text(state.debt, scale) if state.debt else "0",
        )
    return shown


_EMPTY = WalletState()


def _fault(fault: Fault) -> dict[str, str]:
    return {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail}


def _without_blanks(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
