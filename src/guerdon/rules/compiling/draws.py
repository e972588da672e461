"""Draws as compiled: each is a campaign that makes tickets, and one more for each prize."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

import msgspec

from guerdon.rules import definition as written
from guerdon.rules.compiling.campaigns import Place, campaign_of
from guerdon.rules.compiling.compiler import Compiling
from guerdon.rules.definition import Limits
from guerdon.rules.definition.campaigns import closing, opening
from guerdon.rules.definition.canonical import canonical_data
from guerdon.rules.own_events import DRAW_WON
from guerdon.rules.parts import Campaign, Schedule, Wallet
from guerdon.rules.play.draws import PrizeDraw

DRAW: Final = "draw"
"""How the keys of its campaigns begin."""
_WORDS: Final = frozenset({"name", "description", "picture", "seed"})


def draw_of(work: Compiling, key: str, one: written.Draw) -> PrizeDraw:
    """Compile a draw.

    Args:
        work: the compilation.
        key: its key in the document.
        one: what is written of it.

    Returns:
        The draw.
    """
    ends = one.ends if one.kind == "instant" or one.ends is not None else one.drawn_at
    return PrizeDraw(
        key=key,
        identity=f"{key}@{_hash(work.definition.timezone, one)}",
        kind=one.kind,
        chances=tuple(Fraction(0) if prize.odds is None else prize.odds.chance for prize in one.prizes),
        winners=tuple(None if prize.winners is None else int(prize.winners) for prize in one.prizes),
        starts=None if one.starts is None else opening(one.starts),
        ends=None if ends is None else closing(ends),
        drawn_at=None if one.drawn_at is None else opening(one.drawn_at),
    )


def draw_campaigns(
    work: Compiling, wallets: Mapping[str, Wallet], draws: Mapping[str, PrizeDraw]
) -> list[Campaign]:
    """Compile what draws do.

    Args:
        work: the compilation; it takes the faults.
        wallets: the compiled wallets.
        draws: the compiled draws.

    Returns:
        For each draw the campaign that makes tickets, whose key comes first, and those of its prizes.
    """
    made = []
    for key, one in work.definition.draws.items():
        draw, at = draws[key], f"/draws/{key}"
        of_draw = written.Campaign.model_construct(
            trigger=one.trigger, when=one.when, audience=one.audience, limits=one.limits, then=()
        )
        ticket = campaign_of(work, f"{DRAW}:{key}", of_draw, wallets, Place(at, at))
        running = Schedule(None, None, None, one.starts, draw.ends)
        made.append(msgspec.structs.replace(ticket, draw=draw, schedule=running))
        for place, prize in enumerate(one.prizes, 1):
            made.append(_prize(work, wallets, draw, (place, prize)))
    return made


def _prize(
    work: Compiling, wallets: Mapping[str, Wallet], draw: PrizeDraw, prize: tuple[int, written.DrawPrize]
) -> Campaign:
    key, (place, one) = draw.key, prize
    at = f"/draws/{key}/prizes/{place - 1}"
    is_instant = draw.kind == "instant"
    # As many as win a raffle are told that they did: there is nothing to count.
    limits = Limits.model_validate({"total": one.winners} if is_instant and one.winners is not None else {})
    of_draw = work.definition.draws[key]
    won = f"event.data.draw == '{key}' && event.data.prize == {place}"
    of_prize = written.Campaign.model_construct(
        trigger=of_draw.trigger if is_instant else DRAW_WON,
        # With the draw's own condition it falls where the ticket would, when a part of an order comes back.
        when=of_draw.when if is_instant else written.ExpressionText(won, f"{at}/prize"),
        audience=of_draw.audience if is_instant else None,
        limits=limits,
        then=one.prize,
    )
    made = campaign_of(work, f"{DRAW}:{key}:{place}", of_prize, wallets, Place(at, f"{at}/prize"))
    return msgspec.structs.replace(made, wins=(key, place)) if is_instant else made


def _hash(timezone: str, one: written.Draw) -> str:
    said: Any = canonical_data(one)
    prizes = [{name: value for name, value in prize.items() if name != "name"} for prize in said["prizes"]]
    said = {**{name: value for name, value in said.items() if name not in _WORDS}, "prizes": prizes}
    return hashlib.blake2b(json.dumps([timezone, said], sort_keys=True).encode(), digest_size=6).hexdigest()
