"""The working copy of a state while one event is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from guerdon.base.calendar import EPOCH_DAY
from guerdon.base.errors import Problem
from guerdon.base.exact import BIGINT_MAX, plain_text
from guerdon.base.ids import Chance
from guerdon.rules import holds, lots
from guerdon.rules.challenges.since import count_before, written_once
from guerdon.rules.decision import (
    Decision,
    Effect,
    Entry,
    NewRedemption,
    Reached,
    Returned,
    Shortfall,
    Skip,
    TierChange,
    Transaction,
    TransactionKind,
)
from guerdon.rules.entries import moved_entries
from guerdon.rules.events import Event
from guerdon.rules.limits import Draw
from guerdon.rules.losses import with_losses
from guerdon.rules.lots import Expired
from guerdon.rules.metrics import Counts, Metric, Tally, added, bucket_of
from guerdon.rules.pinned import tier_views
from guerdon.rules.program import Program
from guerdon.rules.scope import (
    AccountView,
    EventView,
    MetricValues,
    ProgramView,
    Scope,
    WalletViews,
    member_view,
)
from guerdon.rules.settling import Converted, settle_wallets
from guerdon.rules.state import Bucket, Hold, Lot, Shared, State, TierState, WalletState
from guerdon.rules.tiers import Cause, Ladder, change_of, keeps_tier, tier_path

_ZERO, _NO_WALLET = Decimal(0), WalletState()


class Draft:
    """Collects what an event changes; the state that it began from is never touched."""

    def __init__(self, program: Program, state: State, event: Event, chance: Chance) -> None:
        """Begin a decision.

        Args:
            program: what decides.
            state: what holds before the event.
            event: what happened.
            chance: seeded randomness for codes.
        """
        account = state.account
        self.program = program
        self.before = state
        self.event = event
        self.chance = chance
        # An account's clock never runs backwards, whatever a test clock says.
        self.now = max(event.booked_at, account.last_booked_at or event.booked_at)
        self.day = program.zone.day_of(event.occurred_at)
        last = account.last_occurred_at
        self.late = event.command is None and last is not None and event.occurred_at < last
        self.wallets: dict[str, WalletState] = dict(account.wallets)
        self.buckets = account.buckets
        self._buckets: dict[tuple[str, date], Bucket] | None = None
        self.joined_on = program.zone.day_of(account.created_at) if account.created_at else EPOCH_DAY
        self.tiers: dict[str, TierState] = dict(account.tiers)
        self.counters = account.counters
        self.shared = state.shared.counters
        self.badges = account.badges
        self.holds = account.holds
        self.takings = account.takings
        self.challenges = account.challenges
        self.reached: list[Reached] = []
        self.shared_holds = state.shared.holds
        self.effects: list[Effect] = []
        self.skipped: list[Skip] = []
        self.transactions: list[Transaction] = []
        self.redemptions: list[NewRedemption] = []
        self.chosen: list[NewRedemption] = []
        self.cancelled: list[int] = []
        self.restored: list[int] = []
        self.used: list[int] = []
        self.drawn: list[tuple[str, Decimal]] = []
        self.shortfalls: list[Shortfall] = []
        self.tier_changes: list[TierChange] = []
        self.new_badges: list[str] = []
        self.inputs: dict[str, Any] = {}
        self.personal: dict[str, None] = {}
        self.is_promised = False
        """Whether units are taken that a checkout promised: what is owed waits behind them."""
        self.counted: dict[str, Decimal] = {}
        self.kept: dict[str, tuple[str, ...]] = {}
        self.returned: Returned | None = None
        self.left: dict[str, Decimal] = {}
        self.held: dict[str, int] = {}
        self.won: dict[str, int] = {}
        """Draws of which there was a ticket, with the place of the prize that it won."""
        self.lowered: set[str] = set()
        """Metrics that counted something negative."""

    def wallet(self, key: str) -> WalletState:
        """Give a wallet as it stands in this decision.

        Args:
            key: the wallet's key.

        Returns:
            Its state; an empty one where nothing was ever booked.
        """
        return self.wallets.get(key, _NO_WALLET)

    def settle(self) -> None:
        """Book what time has done since the account was last touched: tier reviews, expiry, conversions.

        Units that an open checkout holds expire like others: a hold keeps them from being spent elsewhere and
        does not lengthen their life.
        """
        # A gift card's account is nobody's, and stands on no ladder.
        ladders = self.program.ladders if self.before.account.kind != "card" else {}
        for key, ladder in ladders.items():
            held = self.tiers.get(key)
            if held is None or held.definition != ladder.identity or held.is_due(self.now):
                self.retier(key, "definition" if held is not None else "reached")
        if self.holds or self.shared_holds:
            self.let_go(holds.lapsed(self.holds, self.now) + holds.lapsed(self.shared_holds, self.now))
        # In one order: the mark of what was found must come out the same when it is decided again.
        self.held = {key: self.wallets[key].held for key in sorted(self.wallets) if self.wallets[key].held}
        self.settle_wallets()

    def settle_wallets(self) -> None:
        """Book what time and the definition have done to the wallets as they stand in this decision."""
        settled = settle_wallets(self.program, self.wallets, self.now)
        if settled.wallets is self.wallets:
            return
        self.wallets = dict(settled.wallets)
        for key, expired in settled.expired:
            self._expire(key, expired)
        for one in settled.converted:
            self._convert(one)

    def _convert(self, one: Converted) -> None:
        """Post a conversion: each wallet balances by itself, against a book of the program's own."""
        if one.into is None:
            entries = moved_entries(one.given, -1, "expired")
            self.post("expire", one.wallet, entries, effective_at=self.now, reason=one.said)
            return
        entries = moved_entries(one.given, -1, "converted", one.into)
        self.post("convert", one.wallet, entries, effective_at=self.now, reason=one.said)
        if one.got:
            entries = moved_entries(one.got, 1, "converted", one.wallet)
            self.post("convert", one.into, entries, effective_at=self.now, reason=one.said)

    def let_go(self, gone: Sequence[Hold]) -> None:
        """Give back what open checkouts had set aside.

        Args:
            gone: holds of this account, or on shared counters; they are held no longer.
        """
        if not gone:
            return
        self.wallets = holds.give_back_units(self.wallets, gone)
        self.counters = holds.give_back_uses(self.counters, gone, "use")
        self.shared = holds.give_back_uses(self.shared, gone, "shared")
        self.holds, self.shared_holds = (
            holds.without(self.holds, gone),
            holds.without(self.shared_holds, gone),
        )

    def let_go_of(self, checkout: str) -> None:
        """Give back what one checkout had set aside.

        Args:
            checkout: its id, a UUID as text.
        """
        self.let_go(holds.of_checkout(self.holds, checkout) + holds.of_checkout(self.shared_holds, checkout))

    def retier(self, key: str, cause: Cause) -> tuple[TierChange, ...]:
        """Work a ladder's standing out anew and note what changed.

        Args:
            key: the ladder.
            cause: what else than time may have moved the account: something counted, or a changed definition.

        Returns:
            The changes; each that time made is dated with its own instant, the others with that of booking.
        """
        ladder = self.program.ladders[key]
        held = self.tiers.get(key)
        if held is not None and cause == "reached" and self._keeps_tier(ladder, held):
            return ()
        state, moves = tier_path(ladder, held, self.counts(), self.program.zone, self.now)
        changes = tuple(change_of(ladder, move, cause) for move in moves)
        self.tiers[key] = with_losses(state, changes, tells=ladder.tells_losses)
        self.tier_changes += changes
        return changes

    def _keeps_tier(self, ladder: Ladder, held: TierState) -> bool:
        if self.late or any(metric.identity in self.lowered for metric in ladder.metrics):
            return False
        return keeps_tier(ladder, held, self.counts(), self.program.zone, (self.day, self.now))

    def count(self, metric: Metric, tally: Tally) -> bool:
        """Count what the event counts in a metric.

        Args:
            metric: the metric.
            tally: what is counted.

        Returns:
            False where not all of it found room.
        """
        if tally.value < 0:
            self.lowered.add(metric.identity)
        key = (metric.identity, bucket_of(metric, self.day))
        bucket, fits = added(metric, self.buckets.get(key), tally)
        self.put_bucket(key, bucket)
        at, zone = self.event.occurred_at, self.program.zone
        self.challenges = count_before(self.challenges, (metric, at, zone), ((), (tally,)))
        return fits

    def put_bucket(self, key: tuple[str, date], bucket: Bucket) -> None:
        """Let a bucket hold something else.

        Args:
            key: the metric's identity and the bucket's first day.
            bucket: what it holds from now on.
        """
        if self._buckets is None:
            # One copy for all metrics of an event: the state that it began from is never touched.
            self._buckets = dict(self.buckets)
            self.buckets = self._buckets
        self._buckets[key] = bucket

    def counts(self) -> Counts:
        """Give what metrics have counted so far.

        Returns:
            The account's buckets, and when its years begin.
        """
        return Counts(self.buckets, self.joined_on)

    def room(self, draw: Draw) -> Decimal:
        """Tell how much can still be drawn from a counter; the decision keeps what the first look found.

        Args:
            draw: the counter with its bound.

        Returns:
            Bound less what is used; it can be negative after a definition lowered the bound.
        """
        left = draw.bound - (self.shared if draw.shared else self.counters).get(draw.counter, _ZERO)
        self.left.setdefault(draw.counter, left)
        return left

    def draw(self, draw: Draw, amount: Decimal) -> None:
        """Take from a counter, or give back with a negative amount.

        Args:
            draw: the counter.
            amount: how much.
        """
        if draw.shared:
            self.shared = {**self.shared, draw.counter: self.shared.get(draw.counter, _ZERO) + amount}
        else:
            self.counters = {**self.counters, draw.counter: self.counters.get(draw.counter, _ZERO) + amount}

    def fits(self, wallet_key: str, amount: int) -> bool:
        """Tell whether a wallet can hold so many units more.

        Args:
            wallet_key: the wallet.
            amount: in its scale, not negative.

        Returns:
            False where the sum would be too large to be stored.
        """
        wallet = self.wallet(wallet_key)
        return wallet.available + wallet.pending + amount <= BIGINT_MAX

    def add_units(self, wallet_key: str, lot: Lot, source: str = "") -> tuple[Entry, ...]:
        """Put units into a wallet; those whose time is over are gone at once, and the books show both.

        Args:
            wallet_key: the wallet.
            lot: the units with their dates.
            source: what caused it.

        Returns:
            The entry of the units, and two more where they expired.

        Raises:
            Problem: `balance_too_large`.
        """
        if not self.fits(wallet_key, lot.remaining):
            raise Problem("balance_too_large", f"the wallet {wallet_key} cannot hold so much")
        came = Entry("member", lot.remaining, lot.available_at, lot.expires_at, source)
        idle = self._idle_end(wallet_key)
        if min(lot.expires_at or lots.NEVER, idle or lots.NEVER) <= self.now:
            went = Entry("member", -lot.remaining, lot.available_at, lot.expires_at)
            return came, went, Entry("expired", lot.remaining, lot.available_at, lot.expires_at)
        self.wallets[wallet_key] = lots.add(
            self.wallet(wallet_key), lot, self.now, self.program.spending_order
        )
        self._touch(wallet_key, idle)
        return (came,)

    def take_units(self, wallet_key: str, amount: int) -> tuple[Lot, ...]:
        """Take available units out of a wallet.

        Args:
            wallet_key: the wallet.
            amount: in its scale, at most what is available and not held.

        Returns:
            What was taken of each lot.
        """
        self.wallets[wallet_key], taken = lots.take(self.wallet(wallet_key), amount, self.now)
        self._touch(wallet_key, self._idle_end(wallet_key))
        return taken

    def _idle_end(self, wallet_key: str) -> datetime | None:
        """Work out when a wallet expires if this event is its last activity, where it works so."""
        wallet = self.program.wallets.get(wallet_key)
        expires = wallet.expires if wallet is not None else None
        if expires is None or not expires.from_activity:
            return None
        ends = expires.instant(self.program.zone, self.event.occurred_at)
        return max(ends, self.wallet(wallet_key).idle_expires_at or ends)

    def _touch(self, wallet_key: str, idle: datetime | None) -> None:
        wallet = self.wallet(wallet_key)
        if idle is None or not (wallet.available or wallet.pending):
            return
        changes_at = idle if wallet.changes_at is None else min(idle, wallet.changes_at)
        self.wallets[wallet_key] = msgspec.structs.replace(
            wallet, idle_expires_at=idle, changes_at=changes_at
        )

    def post(self, kind: TransactionKind, wallet: str, entries: tuple[Entry, ...], **more: object) -> None:
        """Note a ledger transaction.

        Args:
            kind: what it is.
            wallet: the wallet's key.
            entries: they sum to zero.
            more: `redemption_id`, `reason`, `other_account` or `effective_at`, as `Transaction` has them.
        """
        more.setdefault("effective_at", self.event.occurred_at)
        self.transactions.append(Transaction(kind=kind, wallet=wallet, entries=entries, **more))  # type: ignore[arg-type]

    def _expire(self, wallet: str, expired: tuple[Expired, ...]) -> None:
        by_instant: dict[datetime, list[Lot]] = {}
        for gone in expired:
            by_instant.setdefault(gone.at, []).append(gone.lot)
        for instant, gone_lots in sorted(by_instant.items()):
            self.post("expire", wallet, moved_entries(gone_lots, -1, "expired"), effective_at=instant)

    def scope(self, event_type: str, data: dict[str, object] | None = None) -> Scope:
        """Make what expressions see now.

        Args:
            event_type: the event's type, or that of a follow-on.
            data: a follow-on's data; None gives the event's own.

        Returns:
            The scope.
        """
        event, account = self.event, self.before.account
        owner = member_view(account.owner)
        scope = Scope()
        scope.event = EventView(
            event_type,
            event.occurred_at,
            event.source,
            event.channel,
            event.store,
            event.data if data is None else data,
        )
        scope.order = scope.cart = event.order
        scope.account = AccountView(
            number=account.account_id,
            kind=account.kind,
            attributes=owner.attributes,
            owner=owner,
            members=account.members,
            tiers=tier_views(self.program, self.tiers, self._promised_tiers(event_type)),
            badges=tuple(self.badges),
        )
        member = self.before.member
        scope.member = owner if member is account.owner else member_view(member)
        scope.metrics = self.metric_values()
        scope.wallets = WalletViews(self.program.scales, self.wallets)
        scope.program = ProgramView(self.program.key, self.program.currency)
        scope.store, scope.now = event.store, event.occurred_at
        return scope

    def metric_values(self) -> MetricValues:
        """Show the metrics as they have been counted so far.

        Returns:
            Values by name, in the windows that the event's day is in.
        """
        return MetricValues(self.program.metrics, self.counts(), self.day)

    def _promised_tiers(self, event_type: str) -> Mapping[str, str]:
        # What an order sets off further on sees the tiers to which it led.
        taken = self.event.capture if event_type == self.event.type else None
        return taken.tiers if taken is not None else {}

    def state(self) -> State:
        """Give what holds after the event.

        Returns:
            The new state.
        """
        account, event = self.before.account, self.event
        # A return is a fact about an order that has its own day; it makes no later fact late.
        occurred_at = account.last_occurred_at
        if event.command is None and (occurred_at is None or event.occurred_at > occurred_at):
            occurred_at = event.occurred_at
        return State(
            account=msgspec.structs.replace(
                account,
                last_occurred_at=occurred_at,
                last_booked_at=self.now,
                wallets=self.wallets,
                buckets=self.buckets,
                tiers=self.tiers,
                counters=self.counters,
                badges=self.badges,
                holds=self.holds,
                takings=self.takings,
                challenges=written_once(account.challenges, self.challenges),
            ),
            member=self.before.member,
            shared=Shared(self.shared, self.shared_holds),
        )

    def decision(self) -> Decision:
        """Give the answer.

        Returns:
            The decision.
        """
        return Decision(
            version=self.program.version,
            effects=tuple(self.effects),
            skipped=tuple(self.skipped),
            transactions=tuple(self.transactions),
            redemptions=tuple(self.redemptions),
            chosen=tuple(self.chosen),
            cancelled=tuple(self.cancelled),
            restored=tuple(self.restored),
            used=tuple(self.used),
            drawn=tuple(self.drawn),
            shortfalls=tuple(self.shortfalls),
            tier_changes=tuple(self.tier_changes),
            badges=tuple(self.new_badges),
            reached=tuple(self.reached),
            late=self.late,
            inputs=self.inputs,
            personal=tuple(self.personal),
            # One way to write a number, however it was reckoned.
            counted=self.counted,
            kept=self.kept,
            returned=self.returned,
            left={counter: Decimal(plain_text(left)) for counter, left in self.left.items()},
            held=self.held,
        )
