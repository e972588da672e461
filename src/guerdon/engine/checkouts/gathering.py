"""What a batch reads and locks for the checkouts in it, beside what any command needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec

from guerdon.base.errors import Problem
from guerdon.engine.checkouts.promise import paid, read_promise
from guerdon.engine.checkouts.rows import (
    CheckoutRow,
    ask_anonymous,
    ask_held_counters,
    find_checkouts,
    find_rivals,
)
from guerdon.engine.commands import Apart, CancelCheckout, ConfirmCheckout, OpenCheckout
from guerdon.engine.intake import Item, order_key
from guerdon.engine.keys import Pair
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.members.merging.moving import ask_heirs
from guerdon.programs.holds import ask_lapsed, ask_of_checkouts
from guerdon.rewards.coupons import Candidates, ask_batches, find_codes
from guerdon.rewards.redemptions import ask_codes, ask_issued
from guerdon.rules.coupons.standing import granted_money
from guerdon.rules.events import Event, PriceCart
from guerdon.rules.program import Program
from guerdon.rules.state import Hold, HoldKey

ANOTHERS = "this order is another member's"


def no_checkout(pair: Pair) -> Problem:
    """Say that a checkout is not there.

    Args:
        pair: source and id, as they were asked for.

    Returns:
        The problem `checkout_not_found`.
    """
    source, name = pair
    of = f"of the source {source!r}" if source else "without a `source`: say it where it was opened with one"
    return Problem("checkout_not_found", f"there is no checkout {name!r} {of}")


class FoundCheckouts(NamedTuple):
    """Checkouts as they were found before anything was locked."""

    rows: Mapping[Pair, CheckoutRow]
    counters: Sequence[str]
    """Shared counters that they hold something of."""
    codes: Mapping[str, tuple[int, int]]
    """Account and redemption of coupon codes."""
    batches: Candidates
    """By folded code, batches that it may be of."""
    anonymous: Mapping[str, int]
    """How many open checkouts of guests hold something, by who opened them."""
    rivals: Sequence[CheckoutRow] = ()
    """Members' open checkouts of the orders that are told of."""
    heirs: Mapping[int, int] = {}
    """Of accounts of checkouts that are over and that were merged since: which stands for them."""


def ask_found(tx: Tx, program_id: int, items: Sequence[Item]) -> Callable[[], FoundCheckouts]:
    """Ask for the checkouts that commands are about, and for the coupons of their carts.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        items: the commands, read.

    Returns:
        What reads the answer. In a pipeline it may be called later.
    """
    pairs = {item.checkout for item in items if item.checkout is not None}
    codes = {code for item in items if item.cart is not None for code in item.cart.sent.coupons}
    rows = find_checkouts(tx, program_id, pairs)
    counters = ask_held_counters(tx, program_id, pairs)
    known, batches = ask_codes(tx, program_id, codes), ask_batches(tx, program_id, codes)
    opened = [one.job.command for one in items if isinstance(one.job.command, OpenCheckout)]
    guests = [one for one in opened if one.member is None and one.caller]
    callers = {one.caller for one in guests}
    anonymous = ask_anonymous(tx, program_id, callers, guests[0].received_at) if guests else dict
    told = {key[1] for item in items if item.ref is not None and (key := order_key(item)) is not None}
    confirmed = {one.job.command.id for one in items if isinstance(one.job.command, ConfirmCheckout)}
    rivals = find_rivals(tx, program_id, told, confirmed)
    return lambda: FoundCheckouts(rows(), counters(), known(), batches(), anonymous(), rivals())


def add_heirs(tx: Tx, found: FoundCheckouts) -> FoundCheckouts:
    """Find which accounts stand for those of checkouts that are over: what is open moves with its account.

    Args:
        tx: bound to the tenant.
        found: what was found.

    Returns:
        The same with them.
    """
    over = {row.account_id for row in found.rows.values() if row.status != "open"}
    return found._replace(heirs=ask_heirs(tx, over)()) if over else found


def add_rivals(tx: Tx, program_id: int, items: Sequence[Item], found: FoundCheckouts) -> FoundCheckouts:
    """Tell orders which checkouts of other members they end, for these cannot become the same order any more.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        items: all commands of the batch, changed in place; whom they are about is known.
        found: what was found.

    Returns:
        The same with the checkouts that are ended, and the shared counters that these hold something of.
    """
    if not found.rivals:
        return found
    ended: dict[Pair, CheckoutRow] = {}
    for item in items:
        key = order_key(item) if item.problem is None else None
        for row in found.rivals if key is not None else ():
            if key == (row.source, row.order_id) and item.account_id != row.account_id:
                item.ends = (*item.ends, (row.source, row.id))
                ended[row.source, row.id] = row
    if not ended:
        return found
    counters = ask_held_counters(tx, program_id, ended)()
    return found._replace(rows={**ended, **found.rows}, counters=[*found.counters, *counters])


def set_checkouts(items: Sequence[Item], found: FoundCheckouts, pinned: Callable[[int], Program]) -> None:
    """Tell commands whom their checkouts are about, and what these come to.

    Args:
        items: all commands of the batch, changed in place.
        found: what was found.
        pinned: gives the program with an earlier version's campaigns.

    Raises:
        Apart: where a command ends a checkout that an earlier one of this batch opens or prices anew.
    """
    opened: set[Pair] = set()
    becoming: dict[Pair, set[int]] = {}
    for place, item in enumerate(items):
        if item.problem is not None:
            continue
        if item.checkout is None:
            key = order_key(item)
            if key is not None and item.ref is not None and becoming.get(key, set()) - {item.account_id}:
                raise Apart(place)
            continue
        if item.cart is not None:
            opened.add(item.checkout)
            becoming.setdefault((item.checkout[0], item.cart.sent.id), set()).add(item.account_id)
        elif item.checkout in opened:
            raise Apart(place)
        set_checkout(item, found, pinned)
        key = order_key(item)
        if key is not None and becoming.get(key, set()) - {item.account_id}:
            raise Apart(place)


def set_checkout(item: Item, found: FoundCheckouts, pinned: Callable[[int], Program]) -> None:
    """Tell a command whom its checkout is about, and what it comes to.

    Args:
        item: the command, changed in place.
        found: what was found.
        pinned: gives the program with an earlier version's campaigns.
    """
    row = found.rows.get(item.checkout) if item.checkout is not None else None
    command = item.job.command
    if not isinstance(command, ConfirmCheckout | CancelCheckout):
        if row is not None and row.account_id != item.account_id:
            item.other_account = found.heirs.get(row.account_id, row.account_id)
        return
    if row is None:
        item.problem = no_checkout(item.checkout or ("", ""))
        return
    account_id = found.heirs.get(row.account_id, row.account_id)
    if item.ref is not None and item.account_id != account_id:
        item.problem = Problem.at("/member", "order_of_another_member", ANOTHERS)
        return
    item.account_id, item.member_id = account_id, row.member_id
    now = command.received_at
    if isinstance(command, ConfirmCheckout):
        # Attributes that were sealed do not change what has to be gathered.
        item.event = paid(row, read_promise(row), pinned(row.version), now)[1]
    else:
        item.event = Event("guerdon.cancel_checkout", now, now, source="guerdon", command=PriceCart())


class Pricing(Protocol):
    """Where a batch runs, as far as coupons use it."""

    @property
    def vault(self) -> Vault:
        """The tenant's keys."""
        ...

    @property
    def program_id(self) -> int:
        """Whose carts."""
        ...

    @property
    def program(self) -> Program:
        """The program that prices."""
        ...


def set_coupons(tx: Tx, place: Pricing, items: Sequence[Item], found: FoundCheckouts) -> None:
    """Tell carts what their coupons stand for, so that the limits of these are gathered.

    Args:
        tx: bound to the tenant.
        place: where the batch runs.
        items: the commands with carts, changed in place.
        found: what was found.
    """
    if not found.codes and not found.batches:
        return
    issued = ask_issued(tx, place.program_id, {number for _, number in found.codes.values()})()
    typed = {code for item in items if item.cart is not None for code in item.cart.sent.coupons}
    asked = (typed - set(found.codes), found.batches)
    known = find_codes(tx, place.program_id, asked, place.vault.digest)
    for item in items:
        if item.cart is None or item.event is None:
            continue
        sent = item.cart.sent
        numbers = [found.codes[code][1] for code in sent.coupons if code in found.codes]
        item.coupons = {code: found.codes[code] for code in sent.coupons if code in found.codes}
        item.codes = {code: known[code] for code in sent.coupons if code in known}
        named = {*sent.rewards, *(issued[one].reward for one in numbers if one in issued)}
        day = place.program.zone.day_of(item.event.occurred_at)
        asking = (item.member_id, day, item.cart.store)
        draws = [draw for code in item.codes.values() for draw in code.uses(*asking)]
        draws += [code.money for code in item.codes.values() if code.money is not None]
        for number in numbers:
            reward = place.program.rewards.get(issued[number].reward) if number in issued else None
            if reward is not None and reward.money is not None:
                draws.append(granted_money(number, reward.money))
        command = PriceCart(tuple(sorted(named)), tuple(draws))
        item.event = msgspec.structs.replace(item.event, command=command)


def ask_shared_holds(
    tx: Tx, program_id: int, counters: Collection[str], checkouts: Collection[UUID], now: datetime
) -> Callable[[], dict[HoldKey, Hold]]:
    """Ask for the holds on locked counters that are over, and for those of checkouts.

    Args:
        tx: bound to the tenant; the counters are locked.
        program_id: whose.
        counters: their keys.
        checkouts: ids of the checkouts that the batch is about.
        now: the latest instant of the batch.

    Returns:
        What reads the answer, by key. In a pipeline it may be called later.
    """
    if not counters:
        return dict
    lapsed = ask_lapsed(tx, program_id, counters, now)
    if not checkouts:
        return lapsed
    own = ask_of_checkouts(tx, program_id, checkouts)
    return lambda: {**lapsed(), **own()}
