"""Every read and every lock that a batch needs, in as few round trips as possible and in one order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import msgspec
from psycopg.pq import TransactionStatus

from guerdon.base.errors import Problem
from guerdon.base.ids import IdMaker
from guerdon.engine import keys
from guerdon.engine.cards.gathering import ask_codes, check_locked, set_cards, tell_coupons
from guerdon.engine.checkouts.gathering import (
    FoundCheckouts,
    add_heirs,
    add_rivals,
    ask_found,
    ask_shared_holds,
    set_checkouts,
    set_coupons,
)
from guerdon.engine.checkouts.rows import CheckoutRow, lock_checkouts
from guerdon.engine.commands import IngestEvent, ReleaseHolds
from guerdon.engine.counting import Counting, behind, recount
from guerdon.engine.events import StoredEvent, ask_stored
from guerdon.engine.intake import Item, order_key
from guerdon.engine.joining import NOBODY_KNOWN, enrol_newcomers
from guerdon.engine.joining.invited import Invited, facts_of, find_invited
from guerdon.engine.merging.gathering import (
    Leaving,
    check_heirs,
    merge_in,
    read_leaving,
    set_heirs,
    why_not_merged,
)
from guerdon.engine.replaying.facts import read_fact
from guerdon.engine.returns.choosing import check_chosen, part_chosen, set_redemption
from guerdon.engine.returns.gathering import (
    ask_returned,
    check_paid_chosen,
    counters_of,
    find_paid,
    lock_guests,
    orders_of,
    returned_redemptions,
    set_earlier,
)
from guerdon.engine.returns.rows import ask_returns
from guerdon.infra import failpoints
from guerdon.infra.tx import Tx, tenant_statement
from guerdon.ledger.holds import ask_holds
from guerdon.ledger.statements import load_spent
from guerdon.ledger.wallets import Wallets, add_lots, ask_lots, ask_wallets, read_wallets
from guerdon.members.accounts import AccountRow, ask_accounts
from guerdon.members.crypto import MemberKey, Vault
from guerdon.members.identities import Found, Ref, ask_resolve
from guerdon.members.merging.moving import ask_heirs
from guerdon.members.standing import Standing, Wanted, ask_standing, load_own_counters, load_standing
from guerdon.members.states import LoadedMembers, ask_members
from guerdon.programs.counters import ask_counters
from guerdon.programs.programs import LiveVersion, ask_live, hold_version
from guerdon.rewards.cards import CardRow, ask_cards
from guerdon.rewards.redemptions import Redemption, ask_issued, ask_redemptions, ask_takings
from guerdon.rules import events
from guerdon.rules.needs import Needs, needs_of
from guerdon.rules.program import Program
from guerdon.rules.settling import lots_missing
from guerdon.rules.state import AccountState, Hold, HoldKey, Takings

_ALSO_OF_GUESTS = (events.PriceCart, events.ReturnOrder)
_NO_MEMBER = Problem.at("/member", "member_not_found", "no member is known by this reference")


class Place(NamedTuple):
    """Where a batch runs."""

    vault: Vault
    program_id: int
    program: Program
    ids: IdMaker
    counts_members: bool
    """Whether some limit of the program counts by member."""
    pinned: Callable[[int], Program]
    """The program with an earlier version's campaigns."""
    recorded: Callable[[int], Program]
    """An earlier version as it was."""
    metrics_since: int
    """The earliest version since which all metrics are counted as events come."""

    @property
    def counting(self) -> Counting:
        """By what metrics are counted from events."""
        return Counting(self.vault, self.program, self.recorded, self.metrics_since, read_fact)


class Gathered:
    """What a batch reads and may change."""

    __slots__ = (
        "accounts",
        "anonymous",
        "bounds",
        "calls",
        "cards",
        "checkouts",
        "earlier",
        "heirs",
        "invited",
        "items",
        "known_events",
        "known_orders",
        "leaving",
        "live",
        "members",
        "place",
        "redemptions",
        "rows",
        "shared",
        "shared_holds",
        "with_lots",
    )

    def __init__(self, place: Place, items: Sequence[Item]) -> None:
        """Begin with nothing.

        Args:
            place: where the batch runs.
            items: its commands.
        """
        self.place = place
        self.items = items
        self.live: LiveVersion | None = None
        self.rows: dict[int, AccountRow] = {}
        self.accounts: dict[int, AccountState] = {}
        self.members = LoadedMembers({}, {})
        self.shared: dict[str, Decimal] = {}
        self.shared_holds: dict[HoldKey, Hold] = {}
        self.bounds: dict[str, Decimal | None] = {}
        self.checkouts: dict[keys.Pair, CheckoutRow] = {}
        self.anonymous: Mapping[str, int] = {}
        self.cards: dict[int, CardRow] = {}
        self.known_events: dict[keys.Pair, keys.KnownEvent] = {}
        self.known_orders: dict[keys.Pair, keys.KnownEvent] = {}
        self.calls: dict[keys.Pair, keys.KnownCall] = {}
        self.earlier: dict[UUID, StoredEvent] = {}
        self.redemptions: dict[int, Redemption] = {}
        self.heirs: dict[int, int] = {}
        """Of accounts that were merged and whose events are known: which stands for them."""
        self.invited: dict[int, Invited] = {}
        """Newcomers whom somebody invited, by member."""
        self.leaving: Leaving | None = None
        """What hangs on the account that this batch merges."""
        self.with_lots: set[int] = set()

    def heir_of(self, account_id: int) -> int:
        """Give the account that stands for one.

        Args:
            account_id: of an event that is known.

        Returns:
            Itself, where it was not merged.
        """
        return self.heirs.get(account_id, account_id)

    def key_of(self, member_id: int) -> MemberKey | None:
        """Give a member's own key.

        Args:
            member_id: somebody who was gathered.

        Returns:
            The key; None for whom was erased.
        """
        loaded = self.members.by_id.get(member_id)
        return loaded.open_key(self.place.vault) if loaded is not None else None


def gather(tx: Tx, place: Place, items: Sequence[Item]) -> Gathered | None:
    """Read and lock all that a batch can touch.

    Args:
        tx: bound to the tenant, or outside of a transaction, which is begun and bound here.
        place: where the batch runs.
        items: its commands, read.

    Returns:
        What was gathered; None where another version of the program is live, with nothing locked or written.
    """
    merging = merge_in(items)
    gathered = Gathered(place, items)
    if not _find_subjects(tx, gathered):
        return None
    enrol_newcomers(tx, place, items)
    gathered.invited = find_invited(tx, place, items)
    failpoints.reach("before_lock")
    _read_and_lock(tx, gathered)
    _read_more(tx, gathered)
    if merging is not None and why_not_merged(gathered.rows, merging) is None:
        gathered.leaving = read_leaving(tx, gathered, merging)
        add_missing_lots(tx, gathered, (merging.account_id, merging.other_account))
    return gathered


def add_missing_lots(tx: Tx, gathered: Gathered, account_ids: Iterable[int]) -> None:
    """Read the lots of accounts whose need for them showed only while the batch was decided.

    Args:
        tx: the transaction; the accounts are locked.
        gathered: changed in place.
        account_ids: whose.
    """
    missing = sorted(set(account_ids) - gathered.with_lots)
    gathered.with_lots.update(missing)
    wallets: Wallets = {one: dict(gathered.accounts[one].wallets) for one in missing}
    place = gathered.place
    orders = dict.fromkeys(place.program.wallets, place.program.spending_order)
    add_lots(wallets, ask_lots(tx, missing), missing, orders)
    for account_id, held in wallets.items():
        state = gathered.accounts[account_id]
        gathered.accounts[account_id] = msgspec.structs.replace(state, wallets=held)


def _find_subjects(tx: Tx, gathered: Gathered) -> bool:
    """Find out whom the commands are about; all of it may be asked before any lock."""
    place, items = gathered.place, gathered.items
    live_items = [one for one in items if one.problem is None]
    refs = {item.ref for item in live_items if item.ref is not None}
    taken = {item.redemption_id for item in live_items if item.redemption_id}
    now = max(item.job.command.received_at for item in items)
    calls = {(once.scope, once.key) for item in items if (once := item.job.command.once) is not None}
    with tx.pipeline():
        if tx.info.transaction_status == TransactionStatus.IDLE:
            # With the first question, for beginning and binding are round trips of their own elsewhere.
            tx.execute(tenant_statement(place.vault.tenant_id), prepare=False)
        hold_version(tx, place.program_id)
        live = ask_live(tx, place.program.key)
        found = ask_resolve(tx, place.vault, place.program_id, refs)
        issued = ask_issued(tx, place.program_id, taken)
        known = keys.ask_calls(tx, place.vault.tenant_id, calls, now)
        checkouts = ask_found(tx, place.program_id, live_items)
        returned = ask_returned(tx, place.program_id, live_items)
        codes = ask_codes(tx, place.program_id, place.vault, live_items)
    gathered.live = live()
    if gathered.live is None or gathered.live.version != place.program.version:
        return False
    gathered.calls = known()
    by_ref, by_redemption = found(), issued()
    for item in live_items:
        if item.ref is not None:
            _set_subject(item, by_ref)
        elif item.redemption_id:
            set_redemption(item, by_redemption.get(item.redemption_id))
    part_chosen(items)
    _find_checkouts(tx, gathered, checkouts())
    set_heirs(tx, items)
    find_paid(tx, items, returned(), gathered.checkouts, (place.program_id, place.recorded))
    tell_coupons(tx, place, live_items)
    set_cards(tx, (place.program_id, place.program), items, (codes(), gathered.checkouts))
    return True


def _find_checkouts(tx: Tx, gathered: Gathered, found: FoundCheckouts) -> None:
    found = add_heirs(tx, found)
    carts = [item for item in gathered.items if item.problem is None and item.cart is not None]
    set_coupons(tx, gathered.place, carts, found)
    set_checkouts(gathered.items, found, gathered.place.pinned)
    found = add_rivals(tx, gathered.place.program_id, gathered.items, found)
    gathered.checkouts, gathered.anonymous = dict(found.rows), found.anonymous
    gathered.bounds.update(dict.fromkeys(found.counters))
    for item in gathered.items:
        if isinstance(item.job.command, ReleaseHolds):
            gathered.bounds.update(dict.fromkeys(item.job.command.counters))


def _set_subject(item: Item, by_ref: dict[Ref, Found]) -> None:
    found = by_ref.get(item.ref) if item.ref is not None else None
    if found is not None:
        item.account_id, item.member_id = found.account_id, found.member_id
    elif not (isinstance(item.job.command, IngestEvent) and item.job.command.enrol):
        item.problem = NOBODY_KNOWN if isinstance(item.job.command, IngestEvent) else _NO_MEMBER


def _read_and_lock(tx: Tx, gathered: Gathered) -> None:
    """Lock in the order that everybody keeps, and read what the locks protect; one round trip."""
    place, items = gathered.place, gathered.items
    about = [item for item in items if item.problem is None]
    cards = {one for item in about for one in item.card_accounts}
    theirs = {one for item in about for one in (item.account_id, item.other_account) if one}
    rivals = {gathered.checkouts[pair].account_id for item in about for pair in item.ends}
    account_ids = sorted(theirs | rivals | cards)
    wanted, spends, cooling = _needs(gathered, about, account_ids)
    spends = sorted({*spends, *cards})
    event_keys = {
        (item.event.source, item.event.id) for item in about if item.event is not None and item.event.id
    }
    orders = {key for item in about if (key := order_key(item)) is not None}
    actors = {item.member_id for item in about if item.member_id is not None}
    now = max(item.job.command.received_at for item in items)
    found = gathered.checkouts
    with tx.pipeline():
        rows = ask_accounts(tx, place.program_id, account_ids)
        shared = ask_counters(tx, place.program_id, gathered.bounds)
        checkouts = lock_checkouts(tx, place.program_id, found)
        holds = ask_holds(tx, account_ids)
        own = {row.checkout_id for row in found.values()}
        shared_holds = ask_shared_holds(tx, place.program_id, gathered.bounds, own, now)
        known_events = keys.ask_events(tx, place.program_id, event_keys)
        known_orders = keys.ask_orders(tx, place.program_id, orders)
        wallets = ask_wallets(tx, account_ids)
        lots = ask_lots(tx, spends) if spends else None
        standing = ask_standing(tx, wanted)
        members = ask_members(tx, account_ids, actors)
        redemptions = ask_redemptions(tx, account_ids, _redemptions_of(about))
        takings = ask_takings(tx, account_ids, cooling)
        earlier = ask_returns(tx, *orders_of(about))
        card_rows = ask_cards(tx, cards)
    gathered.rows, gathered.shared = rows(), shared()
    check_heirs(about, gathered.rows)
    gathered.known_events, gathered.known_orders = known_events(), known_orders()
    gathered.members, gathered.redemptions, held = members(), redemptions(), read_wallets(wallets)
    if lots is not None:
        orders_of_spending = dict.fromkeys(place.program.wallets, place.program.spending_order)
        add_lots(held, lots, spends, orders_of_spending)
        gathered.with_lots.update(spends)
    gathered.checkouts, gathered.shared_holds = checkouts(), shared_holds()
    gathered.cards = card_rows()
    check_locked(found, gathered.checkouts)
    stood = _counted(tx, gathered, wanted, standing())
    _make_states(gathered, held, (stood, holds(), takings()))
    clocks = [item.event.booked_at for item in about if item.event is not None]
    clocks += [row.last_booked_at for row in gathered.rows.values() if row.last_booked_at is not None]
    ended = (place.program, max(clocks, default=now))
    check_paid_chosen(about, gathered.redemptions)
    before = lock_guests(tx, about, gathered.known_orders, earlier())
    set_earlier(tx, about, before, (place.program_id, place.recorded, gathered.key_of), ended)


def _counted(tx: Tx, gathered: Gathered, wanted: Wanted, found: dict[int, Standing]) -> dict[int, Standing]:
    """Count accounts that are behind the live version, before anything is decided about them."""
    counting = gathered.place.counting
    late = behind(counting, gathered.rows.values())
    if not late:
        return found
    recount(tx, counting, late)
    return load_standing(tx, wanted)


def _redemptions_of(about: Sequence[Item]) -> set[int]:
    numbers = {item.redemption_id for item in about if item.redemption_id} | returned_redemptions(about)
    for item in about:
        numbers.update(number for _, number in item.coupons.values())
        if item.event is not None and item.event.capture is not None:
            numbers.update(item.event.capture.coupons)
    return numbers


def _needs(
    gathered: Gathered, about: Sequence[Item], account_ids: Sequence[int]
) -> tuple[Wanted, list[int], set[str]]:
    metrics: set[str] = set()
    counters: set[str] = set()
    takings: set[str] = set()
    spends: set[int] = set()
    oldest: date | None = None
    seen: dict[tuple[str, date, int | None], Needs] = {}
    program = gathered.place.program
    for item, event in facts_of(about, gathered.invited):
        if event is None or not (
            item.account_id or isinstance(event.command, _ALSO_OF_GUESTS) or event.capture
        ):
            continue
        # Ordinary facts of one type and day differ in nothing that is needed, unless limits count by member.
        alike = None
        if event.command is None and event.capture is None:
            who = item.member_id if gathered.place.counts_members else None
            alike = (event.type, program.zone.day_of(event.occurred_at), who)
        needs = seen.get(alike) if alike is not None else None
        if needs is None:
            needs = needs_of(_deciding(gathered.place, event), event, item.member_id)
            metrics |= needs.metrics
            counters.update(needs.counters)
            takings |= needs.takings
            if isinstance(event.command, events.ReturnOrder):
                counters_of(needs.shared, gathered.bounds)
            else:
                gathered.bounds.update(needs.shared)
            oldest = needs.oldest_bucket_on if oldest is None else min(oldest, needs.oldest_bucket_on)
            if alike is not None:
                seen[alike] = needs
        if needs.lots and item.account_id:
            spends.add(item.account_id)
    return Wanted(account_ids, metrics, oldest, counters, challenges=True), sorted(spends), takings


def _deciding(place: Place, event: events.Event) -> Program:
    """Give the program that decides an event: an order of a checkout is decided by the one that priced it."""
    return place.program if event.captured is None else place.pinned(event.captured.version)


def _make_states(
    gathered: Gathered,
    wallets: Wallets,
    stood: tuple[dict[int, Standing], dict[int, dict[HoldKey, Hold]], dict[int, Takings]],
) -> None:
    owners = gathered.members.owners
    standing, holds, takings = stood
    for account_id, row in gathered.rows.items():
        stands = standing[account_id]
        owner = owners.get(account_id)
        gathered.accounts[account_id] = AccountState(
            account_id=account_id,
            kind=row.kind,
            created_at=row.created_at,
            last_occurred_at=row.last_occurred_at,
            last_booked_at=row.last_booked_at,
            wallets=wallets.get(account_id, {}),
            buckets=stands.buckets,
            tiers=stands.tiers,
            counters=stands.counters,
            badges=stands.badges,
            owner=owner.state if owner is not None else None,
            members=row.members,
            holds=holds.get(account_id, {}),
            takings=takings.get(account_id, {}),
            challenges=stands.challenges,
        )


def _read_more(tx: Tx, gathered: Gathered) -> None:
    """Read what the first answers showed to be needed: due lots, first decisions, units to give back."""
    _add_held_counters(tx, gathered)
    due = _due_accounts(gathered)
    if due:
        add_missing_lots(tx, gathered, due)
    known = [
        (one.account_id, one.event_id)
        for one in (*gathered.known_events.values(), *gathered.known_orders.values())
    ]
    # What confirmed a checkout is its answer whenever it is asked again.
    known += [
        (one.account_id, one.event_id) for one in gathered.checkouts.values() if one.event_id is not None
    ]
    if known:
        gathered.earlier = ask_stored(tx, {one for one, _ in known}, {one for _, one in known})()
        gathered.heirs = ask_heirs(tx, {one for one, _ in known} - gathered.rows.keys())()
    for item in gathered.items:
        if item.event is not None and isinstance(item.event.command, events.CancelRedemption):
            taken = gathered.redemptions.get(item.redemption_id)
            check_chosen(item.event.command, taken)
            spent = load_spent(tx, taken.made_for, taken.seqs) if taken is not None and taken.seqs else {}
            asked = msgspec.structs.replace(item.event.command, spent=spent)
            item.event = msgspec.structs.replace(item.event, command=asked)


def _add_held_counters(tx: Tx, gathered: Gathered) -> None:
    """Read the counters that open carts hold something of, which any decision may let go."""
    missing = {
        (account_id, hold.name)
        for account_id, state in gathered.accounts.items()
        for hold in state.holds.values()
        if hold.kind == "use" and hold.name not in state.counters
    }
    if not missing:
        return
    found = load_own_counters(tx, {one for one, _ in missing}, {name for _, name in missing})
    for account_id, counters in found.items():
        state = gathered.accounts[account_id]
        merged = {**counters, **state.counters}
        gathered.accounts[account_id] = msgspec.structs.replace(state, counters=merged)


def _due_accounts(gathered: Gathered) -> set[int]:
    """Find the accounts whose wallets time changes before the batch is through with them."""
    due = set()
    met: set[int] = set()
    for item in gathered.items:
        # A redemption that is used has no event, and yet its answer shows what the wallets hold by then.
        now = item.event.booked_at if item.event is not None else item.job.command.received_at
        if item.account_id in met and _is_historical(item):
            # History runs through months within a batch: what it brings may expire in it.
            due.add(item.account_id)
        met.add(item.account_id)
        for account_id in (item.account_id, item.other_account):
            state = gathered.accounts.get(account_id)
            if state is not None and lots_missing(gathered.place.program, state, now):
                due.add(account_id)
    return due


def _is_historical(item: Item) -> bool:
    command = item.job.command
    return isinstance(command, IngestEvent) and command.historical and item.account_id != 0
