"""What is told: CloudEvents with the effects and balances of a decision, and nothing about a person."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from guerdon.base.exact import scaled_text
from guerdon.base.ids import number_text
from guerdon.connect.webhooks.signing import message_text
from guerdon.engine.answers import Balance, decided
from guerdon.engine.events import StoredEvent
from guerdon.engine.showing.notices import SEND, USE
from guerdon.infra.arrays import bigints, columns, instants, uuids
from guerdon.infra.tx import Tx
from guerdon.rewards.redemptions import Redemption, load_redemptions
from guerdon.rules.challenges import is_level
from guerdon.rules.decision import Decision, Transaction
from guerdon.rules.events import ARRIVED
from guerdon.rules.own_events import GIVEN
from guerdon.rules.program import Program

_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")
_INTERNAL: Final = "guerdon."
_OF_REDEMPTIONS: Final = "redemption."
_TELLS: Final = {
    "redemption.issued": "issued",
    "redemption.chosen": "issued",
    "redemption.restored": "issued",
    "redemption.sent": "sent",
    "redemption.used": "used",
    "redemption.cancelled": "cancelled",
}
# Open lots, less what came after the event: few rows, however long an account's history is.
_BALANCES: Final = """
select asked.event_id, moved.wallet,
    coalesce(sum(moved.units) filter (where moved.available_at <= asked.booked_at), 0)::bigint,
    coalesce(sum(moved.units) filter (where moved.available_at > asked.booked_at), 0)::bigint
from unnest(%s::bigint[], %s::uuid[], %s::bigint[], %s::timestamptz[])
        as asked (account_id, event_id, last_seq, booked_at),
    lateral (
        select wallet, available_at, expires_at, remaining as units from lots
        where lots.account_id = asked.account_id
        union all
        select wallet, available_at, expires_at, -amount from entries
        where entries.account_id = asked.account_id and entries.seq > asked.last_seq and book = 'member'
    ) moved
where moved.expires_at > asked.booked_at
group by 1, 2
"""


class Message(NamedTuple):
    """One notice, ready to be sent."""

    message_id: UUID
    account_id: int
    program_id: int
    event_id: UUID
    type: str
    body: bytes


class Notice(NamedTuple):
    """What is told of an event."""

    type: str
    named: Mapping[int, Redemption] = {}
    """The redemptions that it may name, by number."""


class Held(NamedTuple):
    """What a wallet held right after an event, in its scale."""

    available: int
    pending: int


Balances = Mapping[UUID, Mapping[str, Held]]


def told(notices: Iterable[str]) -> list[str]:
    """Choose the notices that others hear of.

    Args:
        notices: of one event, as the outbox has them.

    Returns:
        All but those of our own commands, whose effects have names of their own.
    """
    return [name for name in notices if not name.startswith(_INTERNAL)]


def message_id_of(event_id: UUID, account_id: int, notice: str) -> UUID:
    """Give a notice its id: the same however often it is worked out, and in the order of time.

    Args:
        event_id: of the event (UUIDv7).
        account_id: whose.
        notice: its type.

    Returns:
        A UUIDv7 with the event's time and bits of a hash.
    """
    digest = hashlib.sha256(f"{event_id} {account_id} {notice}".encode()).digest()
    # Version, counting bits and time stay those of the event, so that ids sort as events do.
    return UUID(int=event_id.int >> 62 << 62 | int.from_bytes(digest[:8], "big") >> 2)


def load_balances_after(tx: Tx, events: Sequence[StoredEvent]) -> Balances:
    """Work out what accounts held right after events.

    Args:
        tx: bound to the tenant.
        events: with an account.

    Returns:
        By event and wallet; wallets without units are left out.
    """
    asked = [
        (one.account_id, one.event_id, one.first_seq + one.transactions - 1, one.booked_at)
        for one in events
        if one.account_id
    ]
    if not asked:
        return {}
    found: dict[UUID, dict[str, Held]] = {}
    for event_id, wallet, available, pending in tx.execute(
        _BALANCES, columns(asked, (bigints, uuids, bigints, instants))
    ):
        found.setdefault(event_id, {})[wallet] = Held(available, pending)
    return found


def load_named(tx: Tx, events: Sequence[StoredEvent]) -> Mapping[int, Redemption]:
    """Read the redemptions that notices of events name: taken, sent, used, given back.

    Args:
        tx: bound to the tenant.
        events: with their decisions.

    Returns:
        By number.
    """
    named = {one.event_id: _named(one) for one in events if one.account_id}
    numbers = {number for some in named.values() for number in some}
    return load_redemptions(tx, {one.account_id for one in events}, numbers) if numbers else {}


def _named(event: StoredEvent) -> dict[int, str]:
    """Tell what an event did to redemptions: by number, how they stood right after it."""
    decision = event.decided
    named = {one.redemption_id: "issued" for one in (*decision.redemptions, *decision.chosen)}
    named |= dict.fromkeys(decision.restored, "issued")
    named |= dict.fromkeys(decision.used, "used")
    named |= dict.fromkeys(decision.cancelled, "cancelled")
    if event.type in _NOTED:
        named[_NOTES.decode(event.text).data.redemption_id] = _NOTED[event.type]
    return named


class _Noted(msgspec.Struct, frozen=True):
    redemption_id: int
    tracking: str = ""


class _Note(msgspec.Struct, frozen=True):
    data: _Noted


class _From(msgspec.Struct, frozen=True):
    from_account: int


class _Arrival(msgspec.Struct, frozen=True):
    data: _From


_ARRIVALS: Final = msgspec.json.Decoder(_Arrival)
_NOTES: Final = msgspec.json.Decoder(_Note)
_NOTED: Final = {SEND: "sent", USE: "used"}


def write_message(program: Program, event: StoredEvent, held: Mapping[str, Held], notice: Notice) -> bytes:
    """Write a notice as a CloudEvent.

    Args:
        program: for its key and the scales of its wallets.
        event: with its decision.
        held: what the account held right after it.
        notice: its type, and the redemptions that it names.

    Returns:
        JSON.
    """
    decision = event.decided
    key, name = program.key, notice.type
    data: dict[str, Any] = {
        "program": key,
        "program_version": event.version,
        "account": number_text("acc", event.account_id) if event.account_id else None,
        "member": number_text("mem", event.member_id) if event.member_id is not None else None,
        # Facts that the engine itself made have no id from outside.
        "event": {"id": event.id or str(event.event_id), "source": event.source, "type": event.type},
        # What is given as an order is has an id of one as well, and nobody's shop knows it.
        "order": event.order_id if event.type not in GIVEN else None,
        "channel": event.channel or None,
        "store": event.store or None,
        "booked_at": event.booked_at,
        "late": event.late,
        **_decision(program, event, decision),
        "redemptions": _redemptions(event, notice),
        **_merged(event),
        "balances": _balances(program, held) if event.account_id else {},
    }
    envelope = {
        "specversion": "1.0",
        "id": message_text(message_id_of(event.event_id, event.account_id, name)),
        "source": f"/v1/programs/{key}",
        "type": name,
        "time": event.occurred_at,
        "datacontenttype": "application/json",
        "data": data,
    }
    if data["account"] is not None:
        envelope["subject"] = data["account"]
    return _ENCODER.encode(envelope)


def _decision(program: Program, event: StoredEvent, decision: Decision) -> dict[str, Any]:
    answer = decided(program, event.id, "applied", decision)
    return {
        "effects": answer.effects,
        "units": [_moved(program, one) for one in decision.transactions],
        "cancelled": [number_text("red", one) for one in decision.cancelled],
        "tiers": [
            {
                "ladder": one.ladder,
                "before": one.before,
                "after": one.after,
                "direction": one.direction,
                "cause": one.cause,
                "at": one.at,
            }
            for one in decision.tier_changes
        ],
        "badges": decision.badges,
        "challenges": [
            {"challenge": one.challenge, "round": one.round}
            for one in decision.reached
            if not is_level(one.challenge)
        ],
    }


def _merged(event: StoredEvent) -> dict[str, Any]:
    """Say which account went into this one, where one did."""
    if event.type != ARRIVED:
        return {}
    return {"merged": {"account": number_text("acc", _ARRIVALS.decode(event.text).data.from_account)}}


def _redemptions(event: StoredEvent, notice: Notice) -> list[dict[str, Any]]:
    """Name what whoever fulfils it needs to know: which, of what, how many, and how it stood right after."""
    shown = []
    for number, status in sorted(_named(event).items()):
        # A notice of one kind names those of that kind; all others name all.
        if notice.type.startswith(_OF_REDEMPTIONS) and _TELLS.get(notice.type, status) != status:
            continue
        row = notice.named.get(number)
        if row is None:
            continue
        told: dict[str, Any] = {
            "id": number_text("red", number),
            "reward": row.reward,
            "kind": row.kind,
            "quantity": row.quantity,
            "choice": row.choice or None,
            "chosen_from": row.fixed.chosen_from or None,
            "code": row.code or None,
            "campaign": row.campaign or None,
            "status": status,
            "tracking": _tracking(event, number),
            "account": number_text("acc", row.account_id),
            "member": number_text("mem", row.member_id) if row.member_id is not None else None,
            "issued_at": row.issued_at,
            "expires_at": row.expires_at,
        }
        shown.append(told | _fixed(row))
    return shown


def _fixed(row: Redemption) -> dict[str, Any]:
    fixed = {name: one for name, one in row.particulars.items() if name != "chosen_from"}
    return {"particulars": fixed} if fixed else {}


def _tracking(event: StoredEvent, number: int) -> str | None:
    if event.type != SEND:
        return None
    noted = _NOTES.decode(event.text).data
    return noted.tracking or None if noted.redemption_id == number else None


def _moved(program: Program, transaction: Transaction) -> dict[str, str | datetime]:
    amount = sum(entry.amount for entry in transaction.entries if entry.book == "member")
    return {
        "kind": transaction.kind,
        "wallet": transaction.wallet,
        "amount": scaled_text(amount, _scale(program, transaction.wallet)),
        "effective_at": transaction.effective_at,
    }


def _balances(program: Program, held: Mapping[str, Held]) -> dict[str, Balance]:
    nothing = Held(0, 0)
    shown = {}
    for wallet in program.wallets:
        units, scale = held.get(wallet, nothing), _scale(program, wallet)
        shown[wallet] = Balance(
            scaled_text(units.available, scale), scaled_text(units.pending, scale), scaled_text(0, scale)
        )
    return shown


def _scale(program: Program, wallet: str) -> int:
    return program.scales.get(wallet, 0)
