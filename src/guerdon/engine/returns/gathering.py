"""What a batch reads for the returns in it, beside what any command needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from guerdon.base.errors import Problem
from guerdon.engine.checkouts.promise import promised_order
from guerdon.engine.checkouts.rows import CheckoutRow
from guerdon.engine.commands import Apart, ConfirmCheckout, RedeemReward
from guerdon.engine.events import StoredEvent, ask_stored
from guerdon.engine.intake import Item, order_key
from guerdon.engine.keys import KnownEvent, Pair, ask_orders
from guerdon.engine.returns.captures import find_captures
from guerdon.engine.returns.choosing import chosen_among
from guerdon.engine.returns.paid import Recorded, read_paid, returned_of, since_last
from guerdon.engine.returns.rows import ReturnRow, ask_returns
from guerdon.engine.returns.shared import load_shared_lives
from guerdon.engine.returns.warranties import find_warranties, warranties_of
from guerdon.infra.arrays import bigints
from guerdon.infra.tx import Tx
from guerdon.ledger.lives import load_lives
from guerdon.members.crypto import MemberKey
from guerdon.members.merging.moving import ask_heirs, list_line, load_edges
from guerdon.rewards.redemptions import Redemption, load_redemptions
from guerdon.rules.events import PaidOrder, ReturnOrder
from guerdon.rules.lives import LifeKey, LotLife
from guerdon.rules.own_events import SOURCE, TAKEN_BACK
from guerdon.rules.program import Program
from guerdon.rules.undo import decisions_of, ended_lots, redemptions_of

_LOCK = "select pg_advisory_xact_lock(key) from unnest(%s::bigint[]) as orders (key)"
_UNKNOWN = Problem.at("/data/order", "order_not_found", "no order of this id was paid")


def ask_returned(tx: Tx, program_id: int, items: Sequence[Item]) -> Callable[[], dict[Pair, KnownEvent]]:
    """Ask for the orders that something came back of.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        items: the commands, read.

    Returns:
        What reads the answer, by source and id. In a pipeline it may be called later.
    """
    named = {("", command.asked.order) for item in items if (command := return_of(item)) is not None}
    return ask_orders(tx, program_id, named)


def find_paid(
    tx: Tx,
    items: Sequence[Item],
    known: Mapping[Pair, KnownEvent],
    checkouts: Mapping[Pair, CheckoutRow],
    place: tuple[int, Recorded],
) -> None:
    """Tell returns which order they are about, and whose it is.

    Args:
        tx: bound to the tenant; nothing is locked, and nothing of a paid order ever changes.
        items: all commands of the batch, changed in place.
        known: the orders of these ids.
        checkouts: those that commands of the batch are about.
        place: the program, and what gives a version as it was.

    Raises:
        Apart: where an earlier command of this batch pays an order, confirms the checkout of one, or takes a
            warranty for one.
    """
    program_id, recorded = place
    wanted: list[tuple[Item, KnownEvent]] = []
    for at, item in enumerate(items):
        command = return_of(item)
        if item.problem is not None or command is None:
            continue
        try:
            one = _choose(item, command, known)
        except Problem as problem:
            item.problem = problem
            continue
        if any(_pays(earlier, item, command, checkouts) for earlier in items[:at]):
            raise Apart(at)
        if one is not None:
            wanted.append((item, one))
        else:
            item.problem = _UNKNOWN
    stored = _stored(tx, [one for _, one in wanted])
    taken = find_captures(tx, program_id, stored)
    whose = {one.event_id: _whose(one, taken.get(one.event_id, ())) for _, one in wanted}
    heirs = ask_heirs(tx, whose.values())()
    for item, one in wanted:
        paid = read_paid(stored[one.event_id], recorded, None, taken.get(one.event_id, ()))
        account_id = item.order_account = whose[one.event_id]
        line = list_line(tx, [account_id]) if account_id in heirs else {account_id}
        item.order_line = frozenset(line)
        _set_order(item, paid, heirs.get(account_id, account_id))
    _set_warranties(tx, items)
    _set_chosen(tx, items)


def return_of(item: Item) -> ReturnOrder | None:
    """Give what a command says came back.

    Args:
        item: any command.

    Returns:
        The return, or None.
    """
    command = item.event.command if item.event is not None else None
    return command if isinstance(command, ReturnOrder) else None


def _set_chosen(tx: Tx, items: Sequence[Item]) -> None:
    """Tell returns what was chosen of redemptions that their orders made."""
    for item in items:
        command = return_of(item)
        if item.problem is not None or command is None or command.paid is None or item.event is None:
            continue
        decisions = list(decisions_of(command.paid))
        program = command.paid.program
        numbers = {
            made.redemption_id
            for decision in decisions
            for made in decision.redemptions
            if (reward := program.rewards.get(made.reward)) is not None and reward.choices
        }
        if numbers:
            chosen = chosen_among(decisions, load_redemptions(tx, [item.account_id], numbers))
            paid = msgspec.structs.replace(command.paid, chosen=chosen)
            command = msgspec.structs.replace(command, paid=paid)
            item.event = msgspec.structs.replace(item.event, command=command)


def check_paid_chosen(items: Sequence[Item], redemptions: Mapping[int, Redemption]) -> None:
    """Make sure that nothing was chosen of redemptions of orders before they were locked.

    Args:
        items: the commands of the batch.
        redemptions: as locked.

    Raises:
        AssertionError: where another process was faster; the batch is gathered again.
    """
    for item in items:
        command = return_of(item)
        if command is not None and command.paid is not None:
            now = chosen_among(decisions_of(command.paid), redemptions)
            if now != command.paid.chosen:
                raise AssertionError("something was chosen of an order that was coming back")


def _set_warranties(tx: Tx, items: Sequence[Item]) -> None:
    """Tell returns which warranties were taken for lines of their orders."""
    about = [item for item in items if item.problem is None and item.account_id and return_of(item)]
    found = find_warranties(tx, about)
    for item in about:
        command = return_of(item)
        assert item.event is not None and command is not None  # noqa: PT018 - as chosen above
        if command.paid is not None and (mine := warranties_of(found, item.account_id, command.paid)):
            command = msgspec.structs.replace(
                command, paid=msgspec.structs.replace(command.paid, warranties=mine)
            )
            item.event = msgspec.structs.replace(item.event, command=command)


def _whose(known: KnownEvent, captures: Sequence[StoredEvent]) -> int:
    """Tell whose an order is: a guest's may be a member's by what a checkout took for it."""
    return known.account_id or next((one.account_id for one in captures if one.account_id), 0)


def _stored(tx: Tx, found: Sequence[KnownEvent]) -> dict[UUID, StoredEvent]:
    return ask_stored(tx, {one.account_id for one in found}, {one.event_id for one in found})()


def _choose(item: Item, command: ReturnOrder, known: Mapping[Pair, KnownEvent]) -> KnownEvent | None:
    """Choose the order by its source; a checkout that named none stands for any."""
    assert item.event is not None
    # What is given as an order is has a source of ours, and only our own events take it back.
    is_own = item.event.type in TAKEN_BACK
    of_id = {
        source: one
        for (source, name), one in known.items()
        if name == command.asked.order and source.startswith(SOURCE) == is_own
    }
    source = item.event.source
    if source:
        return of_id.get(source) or of_id.get("")
    if len(of_id) > 1:
        detail = "orders of several sources have this id: name the `source`"
        raise Problem.at("/data/order", "order_ambiguous", detail)
    return next(iter(of_id.values()), None)


def _pays(earlier: Item, item: Item, command: ReturnOrder, checkouts: Mapping[Pair, CheckoutRow]) -> bool:
    assert item.event is not None
    pair = order_key(earlier)
    if isinstance(earlier.job.command, RedeemReward):
        covers = earlier.job.command.covers
        return covers is not None and covers.order == command.asked.order
    if isinstance(earlier.job.command, ConfirmCheckout) and earlier.checkout is not None:
        row = checkouts.get(earlier.checkout)
        is_open = row is not None and row.status == "open"
        return row is not None and is_open and promised_order(row.promised) == command.asked.order
    return pair is not None and pair[1] == command.asked.order and item.event.source in ("", pair[0])


def _set_order(item: Item, paid: PaidOrder, account_id: int) -> None:
    assert item.event is not None
    if item.ref is not None and item.account_id != account_id:
        detail = "this order is another member's"
        item.problem = Problem.at("/subject", "order_of_another_member", detail)
        return
    item.account_id, item.member_id = account_id, paid.member_id
    source = item.event.source or paid.event.source
    if item.sent is not None:
        item.sent = msgspec.structs.replace(item.sent, source=source)
    command = msgspec.structs.replace(item.event.command, paid=paid)  # type: ignore[type-var]  # a return
    item.event = msgspec.structs.replace(item.event, source=source, command=command)


def orders_of(items: Sequence[Item]) -> tuple[set[int], set[UUID]]:
    """List the orders that something came back of.

    Args:
        items: the commands, their orders found.

    Returns:
        Accounts, 0 for guests, and the events that paid.
    """
    accounts: set[int] = set()
    events: set[UUID] = set()
    for item in items:
        command = return_of(item)
        if command is not None and command.paid is not None:
            accounts |= item.order_line | ({0} if command.paid.is_guests else set())
            events.add(UUID(command.paid.event_id))
    return accounts, events


def lock_guests(
    tx: Tx, items: Sequence[Item], known: Mapping[Pair, KnownEvent], rows: list[ReturnRow]
) -> list[ReturnRow]:
    """Lock orders of guests that something comes back of, or for which checkouts take something.

    No account is locked for them, and yet what happens to one must happen one after the other.

    Args:
        tx: bound to the tenant; everything else is locked.
        items: the commands, their orders found.
        known: the orders that are known, by source and id.
        rows: the earlier returns, as read before.

    Returns:
        The earlier returns as they are now.
    """
    orders = {
        UUID(command.paid.event_id)
        for item in items
        if (command := return_of(item)) is not None and command.paid is not None and command.paid.is_guests
    }
    confirms = [item for item in items if isinstance(item.job.command, ConfirmCheckout)]
    # A checkout that names no source stands for an order of any.
    named = {key[1] for item in confirms if (key := order_key(item)) is not None}
    orders |= {paid.event_id for (_, name), paid in known.items() if name in named and not paid.account_id}
    if not orders:
        return rows
    keys = sorted(int.from_bytes(one.bytes[8:], signed=True) for one in orders)
    tx.execute(_LOCK, (bigints(keys),))
    return ask_returns(tx, *orders_of(items))()


def returned_redemptions(items: Sequence[Item]) -> set[int]:
    """List the redemptions that returns may take back.

    Args:
        items: the commands, their orders found.

    Returns:
        Their numbers.
    """
    commands = [command for item in items if (command := return_of(item)) is not None]
    return {number for one in commands if one.paid is not None for number in redemptions_of(one.paid)}


def set_earlier(
    tx: Tx,
    items: Sequence[Item],
    rows: Sequence[ReturnRow],
    reading: tuple[int, Recorded, Callable[[int], Any]],
    ended: tuple[Program, datetime],
) -> None:
    """Tell returns what came back of their orders before, and what was sealed of the orders.

    Args:
        tx: bound to the tenant; the accounts are locked.
        items: the commands, changed in place.
        rows: the earlier returns.
        reading: the program, what gives a version as it was, and a member's key by number.
        ended: the live definition, and the latest instant of the batch's clocks: lots that end by then may
            have expired.

    Raises:
        AssertionError: where a checkout took something for one of the orders meanwhile; the batch must be
            gathered again then.
    """
    about = [item for item in items if item.problem is None and return_of(item) is not None]
    accounts, events = orders_of(about)
    if not events:
        return
    events |= {row.return_event for row in rows}
    stored = ask_stored(tx, accounts, events)()
    lives = _lives(tx, about, ended)
    taken = _captured_meanwhile(tx, about, reading[0])
    _check_warranties(tx, about)
    for item in about:
        command = return_of(item)
        assert command is not None and command.paid is not None and item.event is not None  # noqa: PT018 - gathered
        order_event = UUID(command.paid.event_id)
        earlier = tuple(
            returned_of(stored[row.return_event]) for row in rows if row.order_event == order_event
        )
        paid = _opened(command.paid, stored[order_event], reading[1:])
        returns = [row.return_event for row in rows if row.order_event == order_event]
        fresh = since_last(taken.get(order_event, ()), returns)
        whose = lives.get(item.order_account, {})
        paid = msgspec.structs.replace(paid, earlier=earlier, lives=whose, fresh=fresh)
        command = msgspec.structs.replace(command, paid=paid)
        item.event = msgspec.structs.replace(item.event, command=command)


def _lives(
    tx: Tx, about: Sequence[Item], ended: tuple[Program, datetime]
) -> dict[int, dict[LifeKey, LotLife]]:
    wanted: dict[tuple[int, int], set[LifeKey]] = {}
    for item in about:
        command = return_of(item)
        if command is not None and command.paid is not None and item.account_id:
            keys = ended_lots(command.paid, *ended)
            wanted.setdefault((item.order_account, item.account_id), set()).update(keys)
    edges = load_edges(tx, {account_id for _, account_id in wanted})
    if not edges:
        # Nothing was merged into these accounts, so that each order is still of its own.
        return load_lives(tx, {(account_id, key) for (_, account_id), keys in wanted.items() for key in keys})
    found: dict[int, dict[LifeKey, LotLife]] = {}
    for whose, keys in wanted.items():
        lives = load_shared_lives(tx, whose, keys, edges)
        # Orders of several accounts that became one may have had lots of the same dates: each has its own.
        found[whose[0]] = {**found.get(whose[0], {}), **lives}
    return found


def _captured_meanwhile(
    tx: Tx, about: Sequence[Item], program_id: int
) -> dict[UUID, tuple[StoredEvent, ...]]:
    """Look once more at what checkouts took: the locks may have come later than a confirmation."""
    orders = {UUID(one.paid.event_id): one.paid for item in about if (one := return_of(item)) and one.paid}
    found = find_captures(tx, program_id, orders)
    for event_id, paid in orders.items():
        with_order = paid.event.capture is not None
        if len(found.get(event_id, ())) + with_order != len(paid.captures):
            raise AssertionError("a checkout took something for an order that was coming back")
    return found


def _check_warranties(tx: Tx, about: Sequence[Item]) -> None:
    """Look once more: the locks may have come later than a warranty."""
    found = find_warranties(tx, about)
    for item in about:
        command = return_of(item)
        assert command is not None and command.paid is not None  # noqa: PT018 - gathered
        if warranties_of(found, item.account_id, command.paid) != command.paid.warranties:
            raise AssertionError("a warranty was taken for an order that was coming back, or taken back")


def _opened(
    paid: PaidOrder, stored: StoredEvent, reading: tuple[Recorded, Callable[[int], MemberKey | None]]
) -> PaidOrder:
    if stored.sealed is None or paid.member_id is None:
        return paid
    recorded, key_of = reading
    opened = read_paid(stored, recorded, key_of(paid.member_id))
    return msgspec.structs.replace(paid, event=opened.event)


def counters_of(shared: Collection[str], bounds: dict[str, Any]) -> None:
    """Let counters be locked without a bound: what comes back is never too much.

    Args:
        shared: counter keys.
        bounds: bounds by counter, changed in place.
    """
    for key in shared:
        bounds.setdefault(key, None)
