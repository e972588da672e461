"""What a stored decision tells about the moment in which it was made: what expressions saw, what was left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice, product
from typing import Any, Final

import msgspec

from guerdon.base.exact import scaled_decimal, to_scaled
from guerdon.base.ids import parse_number
from guerdon.rules.decision import Decision, Transaction
from guerdon.rules.events import Event
from guerdon.rules.expressions import (
    BOOL,
    DECIMAL,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    ListOf,
    MapOf,
    Namespace,
    Record,
    Type,
)
from guerdon.rules.expressions.literals import duration
from guerdon.rules.limits import Draw, balance_counter, earning_draws, money_draw, units_draw, use_draws
from guerdon.rules.lots import NEVER
from guerdon.rules.program import Campaign, Program, Reward
from guerdon.rules.scope import EventView, ProgramView, Scope, environment_for
from guerdon.rules.spending import reward_draws
from guerdon.rules.state import (
    AccountState,
    Lot,
    MemberState,
    Shared,
    State,
    Taking,
    Takings,
    TierState,
    WalletState,
)
from guerdon.rules.stepping import FOLLOW_ONS

GUESSES_AT_MOST: Final = 256
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ONE: Final = Decimal(1)
_PLENTY: Final = Decimal(10) ** 18


class Told(dict[str, Any]):
    """Recorded values by name, read by item or by attribute; what was absent then is absent now."""

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


class People(msgspec.Struct, frozen=True):
    """Who a decision is about, as they are now: what it read of personal values is theirs to keep."""

    member: MemberState | None = None
    """Who acted; None where that person was erased, or is not asked for."""
    owner: MemberState | None = None

    def at(self, path: str) -> Any:
        """Give a personal value.

        Args:
            path: dotted, such as `member.birthday`.

        Returns:
            The value, None where the person or the value is gone.
        """
        root, *names = path.split(".")
        person = self.member if root == "member" else self.owner
        value: Any = person
        for name in names[1:] if names[0] == "owner" else names:
            value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
        return value or None


NOBODY: Final = People()


def told_scope(
    program: Program, event: Event, trigger: tuple[str, Mapping[str, Any]], decision: Decision, people: People
) -> Scope:
    """Make what expressions saw, from what the decision recorded.

    Args:
        program: the version that decided.
        event: the event.
        trigger: the type that set campaigns off, the event's own or a follow-on's, and its data.
        decision: with its inputs by dotted path; those of a follow-on may stand behind its type and a slash.
        people: who has the personal values that it read.

    Returns:
        The scope.
    """
    event_type, data = trigger
    scope, seen = Scope(), _values(program, event_type, decision, people)
    scope.event = EventView(event_type, event.occurred_at, event.source, event.channel, event.store, data)
    scope.order = scope.cart = event.order
    scope.account = seen.get("account", Told())
    scope.member = seen.get("member", Told())
    scope.metrics = seen.get("metrics", Told())
    scope.wallets = seen.get("wallets", Told())
    scope.program = ProgramView(program.key, program.currency)
    scope.store = event.store
    scope.now = event.occurred_at
    return scope


def _values(program: Program, event_type: str, decision: Decision, people: People) -> dict[str, Any]:
    roots = environment_for(program.definition, event_type).roots
    found, inputs = Told(), decision.inputs
    for path in program.inputs_of.get(event_type, ()):
        kept = inputs.get(f"{event_type}/{path}", inputs.get(path))
        names = path.split(".")
        node = _node(found, names)
        if kept is not None:
            node[names[-1]] = parsed_input(kept, _type_at(roots, names))
    for path in program.personal_of.get(event_type, ()):
        names = path.split(".")
        node = _node(found, names)
        value = people.at(path) if path in decision.personal else None
        if value is not None or names[-1] == "birthday":
            node[names[-1]] = value or ""
    return found


def _node(found: Told, names: list[str]) -> Told:
    for name in names[:-1]:
        found = found.setdefault(name, Told())
    return found


def _type_at(roots: Record, names: list[str]) -> Type:
    kind: Type = roots
    for name in names:
        if isinstance(kind, Record | Namespace):
            # What a challenge of a later version read may not be declared in this one.
            kind = kind.fields.get(name, STRING)
        elif isinstance(kind, MapOf):
            kind = kind.value
    return kind


def parsed_input(kept: Any, kind: Type) -> Any:
    """Read a value as decisions write it.

    Args:
        kept: a text, or a list or map of such.
        kind: what the expression saw.

    Returns:
        The value.
    """
    if isinstance(kind, ListOf):
        return tuple(parsed_input(one, kind.item) for one in kept)
    if isinstance(kind, MapOf):
        return {name: parsed_input(one, kind.value) for name, one in kept.items()}
    text = str(kept)
    if kind == BOOL:
        return text == "true"
    if kind == INT:
        return int(text)
    if kind == DECIMAL:
        return Decimal(text)
    if kind == TIMESTAMP:
        return datetime.fromisoformat(text)
    if kind == DURATION:
        return _span(text)
    return text


def _span(text: str) -> timedelta:
    """Read a duration as Python writes it: `1 day, 2:03:04.5`."""
    days, _, clock = text.rpartition(", ")
    hours, minutes, seconds = (Decimal(part) for part in clock.split(":"))
    clock_part: timedelta = duration(f"{hours * 3600 + minutes * 60 + seconds}s")
    return timedelta(days=int(days.split()[0]) if days else 0) + clock_part


def told_states(program: Program, event: Event, decision: Decision) -> Iterator[State]:
    """Make states in which an event would be decided as it was, as far as limits, stock and funds go.

    A decision stores what limits, budgets and stock that it looked at had left. It does not store what was
    left of units; but what it gave is what there was room for, and what it refused is what there was none
    for. Tiers that nothing recorded are tried in turn.

    Args:
        program: the version that decided.
        event: the event.
        decision: as stored.

    Yields:
        States without members, at least one.
    """
    wallets = {key: _wallet(program, event, decision, key) for key in program.wallets}
    own, shared = _counters(program, event, decision)
    badges = dict.fromkeys(_badges(program, decision), event.occurred_at)
    ladders = list(program.ladders)
    restricted = any(reward.tiers or reward.price_by_tier for reward in program.rewards.values())
    takings = _takings(program, event, decision)
    levels = [_levels(program, decision, key, restricted) for key in ladders]
    for chosen in islice(product(*levels), GUESSES_AT_MOST):
        tiers = {
            key: TierState(level, event.occurred_at, None, level, date.min, "")
            for key, level in zip(ladders, chosen, strict=True)
        }
        account = AccountState(
            0,
            wallets=wallets,
            tiers=tiers,
            counters=own,
            badges=badges,
            created_at=event.occurred_at,
            takings=takings,
        )
        yield State(account, None, Shared(shared))


def _takings(program: Program, event: Event, decision: Decision) -> Takings:
    """Tell which rewards campaigns could not take because they had been taken too lately."""
    skips = {one.campaign: one.reason for one in decision.skipped}
    taken = {(one.campaign, one.particulars.chosen_from or one.reward) for one in decision.redemptions}
    found: dict[str, tuple[Taking, ...]] = {}
    for campaign in program.campaigns:
        if campaign.trigger not in (event.type, *FOLLOW_ONS):
            continue
        for redeem in campaign.redeems:
            waits = program.rewards[redeem.reward].cooling is not None
            reason = skips.get(campaign.key, "reward_cooling")
            if waits and reason == "reward_cooling" and (campaign.key, redeem.reward) not in taken:
                found[redeem.reward] = (Taking(0, event.booked_at),)
    return found


def reached(program: Program, decision: Decision) -> list[tuple[str, str]]:
    """List the tiers that an event led up to.

    Args:
        program: the version that decided.
        decision: as stored.

    Returns:
        Ladder and tier, in the order in which they were reached.
    """
    return [
        (one.ladder, one.after)
        for one in decision.tier_changes
        if one.cause == "reached"
        and program.ladders[one.ladder].level_of(one.after) > program.ladders[one.ladder].level_of(one.before)
    ]


def _levels(program: Program, decision: Decision, ladder: str, restricted: bool) -> list[str]:
    changes = [one for one in decision.tier_changes if one.ladder == ladder]
    first = next((one.before for one in changes if one.cause == "reached"), None)
    if first is not None:
        return [first]
    if changes:
        return [changes[-1].after]
    keys = [tier.key for tier in program.ladders[ladder].tiers]
    key, level = (decision.inputs.get(f"account.tiers.{ladder}.{name}") for name in ("key", "level"))
    if key is not None:
        return [str(key)]
    if level is not None:
        return [keys[int(level)]]
    return keys if restricted else keys[:1]


def _badges(program: Program, decision: Decision) -> list[str]:
    told = decision.inputs.get("account.badges")
    if told is not None:
        # Where only a follow-on read them, those that the event itself gave are among them.
        return [badge for badge in told if badge not in decision.badges]
    given = {badge for campaign in program.campaigns for badge in campaign.badges}
    return sorted(given - set(decision.badges))


def _wallet(program: Program, event: Event, decision: Decision, key: str) -> WalletState:
    scale = program.wallets[key].scale
    told = {
        name: to_scaled(Decimal(decision.inputs[path]), scale)
        for name in ("available", "pending", "held")
        if (path := f"wallets.{key}.{name}") in decision.inputs
    }
    held = told.get("held", 0)
    available = told.get("available")
    if available is None:
        available = _needed(event, decision, key)
    available += held
    pending = told.get("pending", _pending(program, decision, key, available))
    there = (Lot(_BEGINNING, None, available), Lot(NEVER, None, pending))
    gone = any(
        entry.book == "expired" for one in _transactions(decision, key, "award") for entry in one.entries
    )
    lots = tuple(lot for lot in there if lot.remaining > 0)
    return WalletState(available, pending, held, idle_expires_at=None if gone else NEVER, lots=lots)


def _pending(program: Program, decision: Decision, key: str, available: int) -> int:
    """Make up the balance that a limit on it had found."""
    wallet, left = program.wallets[key], decision.left.get(balance_counter(key))
    if left is None or wallet.caps is None or wallet.caps.balance is None:
        return 0
    return to_scaled(wallet.caps.balance - left, wallet.scale) - available


def _transactions(decision: Decision, wallet: str, kind: str) -> Iterator[Transaction]:
    return (one for one in decision.transactions if one.wallet == wallet and one.kind == kind)


def _needed(event: Event, decision: Decision, key: str) -> int:
    """Tell how many units must have been there for what campaigns redeemed, one after the other."""
    redeemed = {one.redemption_id for one in decision.redemptions if one.campaign}
    needed = running = 0
    for transaction in decision.transactions:
        if transaction.wallet != key or transaction.kind not in ("award", "redeem"):
            continue
        if transaction.kind == "redeem" and transaction.redemption_id not in redeemed:
            continue
        running += sum(
            entry.amount
            for entry in transaction.entries
            if entry.book == "member" and (entry.available_at or event.booked_at) <= event.booked_at
        )
        needed = max(needed, -running)
    return needed


def _counters(
    program: Program, event: Event, decision: Decision
) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    own: dict[str, Decimal] = {}
    shared: dict[str, Decimal] = {}
    day = program.zone.day_of(event.occurred_at)
    rooms = [room for one in program.campaigns for room in _campaign_room(program, one, decision, day)]
    rooms += [room for one in program.rewards.values() for room in _reward_room(program, one, decision, day)]
    rooms += [
        (draw, _PLENTY)
        for key, one in program.wallets.items()
        if one.caps is not None
        for draw in earning_draws(one.caps, key, day)
    ]
    # What must have happened before was only looked at where it had.
    rooms += [(Draw(one.after, _ONE, shared=False), _ONE) for one in program.campaigns if one.after]
    looked_at = {_for_nobody(counter): left for counter, left in decision.left.items()}
    for draw, room in rooms:
        used = draw.bound - looked_at.get(draw.counter, room)
        (shared if draw.shared else own)[draw.counter] = used
    return own, shared


def _for_nobody(counter: str) -> str:
    """Name a member's counter as that of nobody, for that is who acts when a decision is run again."""
    kind, owner, whose, *rest = counter.split("/")
    return "/".join((kind, owner, "nobody" if parse_number("mem", whose) is not None else whose, *rest))


def _reward_room(
    program: Program, reward: Reward, decision: Decision, day: date
) -> Iterator[tuple[Draw, Decimal]]:
    """List a reward's counters with the room that they had: what was given, more where nothing ended it."""
    givers = [one for one in program.campaigns if _gives(one, reward.key)]
    acted = {one.campaign for one in decision.effects}
    refused = {one.reason for one in decision.skipped if any(one.campaign == giver.key for giver in givers)}
    # A repetition that ended does not say why; and one effect of several may have been refused in silence.
    is_silent = any(one.key in acted for one in givers)
    count = sum(1 for one in decision.redemptions if one.reward == reward.key)
    for draw, amount, code in reward_draws(reward, 1, None, day):
        yield draw, amount * count if is_silent or code in refused else _PLENTY


def _gives(campaign: Campaign, reward: str) -> bool:
    return reward in campaign.grants or any(one.reward == reward for one in campaign.redeems)


def _campaign_room(
    program: Program, campaign: Campaign, decision: Decision, day: date
) -> Iterator[tuple[Draw, Decimal]]:
    """List a campaign's counters with the room that they had: one use, and what was drawn of its budgets."""
    owner = f"campaign/{campaign.key}"
    reason = next((one.reason for one in decision.skipped if one.campaign == campaign.key), "")
    for draw in use_draws(campaign.limits, owner, None, day):
        yield draw, Decimal(0) if reason == "limit_reached" else _ONE
    is_open = reason not in ("", "budget_spent")
    money = Decimal(0)
    for key, wallet in program.wallets.items():
        amount = scaled_decimal(_awarded(decision, campaign.key, key), wallet.scale)
        money += amount * (wallet.cost or 0)
        units = units_draw(campaign.limits, owner, key, day)
        if units is not None:
            yield units, _PLENTY if is_open else amount
    granted = [one for one in decision.effects if one.campaign == campaign.key and one.kind == "grant"]
    money += sum((program.rewards[one.reward].cost or Decimal(0) for one in granted), Decimal(0))
    spent = money_draw(campaign.limits, owner, day)
    if spent is not None:
        yield spent, _PLENTY if is_open else money


def _awarded(decision: Decision, campaign: str, wallet: str) -> int:
    awards = (one for one in decision.effects if one.kind == "award" and one.wallet == wallet)
    return sum(one.amount for one in awards if one.campaign == campaign)
