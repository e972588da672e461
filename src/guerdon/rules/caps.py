"""Caps: how many units of a wallet an account can still earn, and who gets less where that is not enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from guerdon.base.exact import plain_text, round_scaled, scaled_decimal, spread
from guerdon.rules.awards import Part, budget_draws
from guerdon.rules.draft import Draft
from guerdon.rules.limits import Caps, Draw, balance_counter, earning_draws
from guerdon.rules.program import Wallet

REASON = "earning_limit"


def keep_caps(draft: Draft, parts: Iterable[Part]) -> None:
    """Cut awards to what may still be earned in their wallets, and count what is.

    What is left is split over the awards of the event by largest remainder, ties by campaign key.

    Args:
        draft: the decision.
        parts: the awards as their budgets left them, changed in place; `refusal` of one that gets nothing
            says `earning_limit`.
    """
    by_wallet: dict[str, list[Part]] = {}
    for part in parts:
        if part.units and draft.program.wallets[part.award.wallet].caps is not None:
            by_wallet.setdefault(part.award.wallet, []).append(part)
    for key, of_wallet in by_wallet.items():
        _keep(draft, draft.program.wallets[key], of_wallet)


def _keep(draft: Draft, wallet: Wallet, parts: list[Part]) -> None:
    caps = wallet.caps
    assert caps is not None, "the others were left out"
    draws = earning_draws(caps, wallet.key, draft.day)
    room, limit, bound = min(_rooms(draft, wallet, caps, draws), key=lambda one: one[0])
    total = sum(part.units for part in parts)
    granted = min(total, round_scaled(max(room, Decimal(0)), wallet.scale, "floor"))
    if granted < total:
        detail = f"{limit}: no more than {plain_text(bound)} {wallet.key}"
        parts.sort(key=lambda part: part.campaign.key)
        for part, share in zip(parts, spread(granted, [part.units for part in parts]), strict=True):
            _cut(draft, wallet, part, share)
            part.limit = limit if part.cut else ""
            part.refusal = part.refusal if share else (REASON, detail)
    for draw in draws:
        draft.draw(draw, scaled_decimal(granted, wallet.scale))


def _rooms(
    draft: Draft, wallet: Wallet, caps: Caps, draws: Iterable[Draw]
) -> Iterator[tuple[Decimal, str, Decimal]]:
    """List what each limit has room for, its name and its bound; each is looked at, for decisions keep it."""
    if caps.per_event is not None:
        yield caps.per_event - _earned(draft, wallet), "per_event", caps.per_event
    for draw, (per, _) in zip(draws, caps.periods, strict=True):
        yield draft.room(draw), f"per_{per}", draw.bound
    if caps.balance is not None:
        room = caps.balance - _balance(draft, wallet)
        # Kept as it was before this event's campaigns redeemed anything: an explanation begins from there.
        draft.left.setdefault(balance_counter(wallet.key), room - _redeemed(draft, wallet))
        yield room, "balance", caps.balance


def _earned(draft: Draft, wallet: Wallet) -> Decimal:
    """Tell what this event has earned so far: follow-ons come after what set them off."""
    effects = [one for one in draft.effects if one.kind == "award" and one.wallet == wallet.key]
    return scaled_decimal(sum(one.amount for one in effects), wallet.scale)


def _redeemed(draft: Draft, wallet: Wallet) -> Decimal:
    return scaled_decimal(sum(one.spent.get(wallet.key, 0) for one in draft.effects), wallet.scale)


def _balance(draft: Draft, wallet: Wallet) -> Decimal:
    state = draft.wallet(wallet.key)
    # What is owed is repaid first, unless what is held is not even there: then it has to wait.
    owed = state.debt if state.available >= state.held else 0
    return scaled_decimal(state.available + state.pending - owed, wallet.scale)


def _cut(draft: Draft, wallet: Wallet, part: Part, share: int) -> None:
    """Leave a part so many units, and give its budgets back what the others would have taken."""
    part.cut, part.units = part.units - share, share
    for draw, cost in budget_draws(part.campaign, wallet, draft.day) if part.cut else ():
        draft.draw(draw, -scaled_decimal(part.cut, wallet.scale) * cost)
