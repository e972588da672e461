"""Accounts: balances now and as they were, the ledger, adjustments and transfers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_text, to_scaled
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.answers import Answer
from guerdon.engine.commands import AdjustBalance, MergeAccounts, TransferUnits
from guerdon.infra.tx import Tx
from guerdon.ledger.statements import Posted, list_transactions, load_balances
from guerdon.members.accounts import AccountRow, list_accounts, load_accounts
from guerdon.members.members import Desk, list_of_account
from guerdon.members.merging.moving import list_merged
from guerdon.rules.program import Program
from guerdon.web.api.calls.call import Call, Paged, admitted, answer, listing
from guerdon.web.api.shapes import BalanceShape
from guerdon.web.api.shapes.accounts import (
    AccountLine,
    Accounts,
    AccountShape,
    EntryShape,
    Ledger,
    MergeShape,
    PastAccount,
    PastWallet,
    Posting,
    TransactionShape,
)
from guerdon.web.api.standing import show_standing
from guerdon.web.callers import read_instant
from guerdon.web.outline import TIME, operation

ROUTER: Final = APIRouter(tags=["Accounts"])
Reading = Annotated[Call, Depends(admitted("accounts:read"))]
Writing = Annotated[Call, Depends(admitted("accounts:write"))]


class Adjustment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units that an operator adds or takes."""

    wallet: str
    amount: Decimal
    """Negative takes."""
    reason: str


class Merge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Into which account another one goes."""

    into: str
    """The id of the account that stays."""
    reason: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    """Why, for the audit trail; name no person in it."""


class Transfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units that go to another account."""

    to: str
    """The other account's id."""
    wallet: str
    amount: Decimal


@ROUTER.get("/v1/programs/{program}/accounts", summary="List accounts", **operation(Accounts))
def all_accounts(call: Reading, program: str, wanted: Paged) -> Response:
    """Oldest first."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        rows = list_accounts(tx, live.program_id, wanted.after(int) or 0, wanted.limit + 1)
    return listing(rows, wanted, lambda row: row.account_id, _line)


@ROUTER.get(
    "/v1/programs/{program}/accounts/{account}",
    summary="One account, now or as it was",
    **operation(AccountShape | PastAccount),
)
def one_account(
    call: Reading,
    program: str,
    account: str,
    at: Annotated[str | None, Query(max_length=40, json_schema_extra=dict(TIME))] = None,
) -> Response:
    """With `at=TIME` the balances are those of that instant, worked out from the ledger's entries alone."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        row = find_account(tx, live.program_id, account)
        if at is not None:
            # A `+` of an offset that was not encoded arrives as a space.
            instant = read_instant(at.replace(" ", "+"), "time_invalid", "`at`")
            return answer(_past(tx, live.program, row, instant))
        standing = show_standing(tx, live.program, row.account_id, call.now)
        desk = Desk(call.house.vault(call.tenant_id), live.program_id)
        members = [number_text("mem", one.member_id) for one in list_of_account(tx, desk, row.account_id)]
        merged = [number_text("acc", one) for one in list_merged(tx, [row.account_id])]
    return answer(
        AccountShape(
            id=number_text("acc", row.account_id),
            kind=row.kind,
            created_at=row.created_at,
            members=members,
            at=call.now,
            wallets=standing.wallets,
            tiers=standing.tiers,
            badges=standing.badges,
            merged_into=_optional("acc", row.merged_into),
            merged_from=merged,
        )
    )


@ROUTER.get("/v1/programs/{program}/accounts/{account}/ledger", summary="Transactions", **operation(Ledger))
def ledger(call: Reading, program: str, account: str, wanted: Paged) -> Response:
    """Transactions with their entries, newest first."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        row = find_account(tx, live.program_id, account)
        rows = list_transactions(tx, row.account_id, wanted.limit + 1, wanted.after(int))
    return listing(rows, wanted, lambda one: one.seq, lambda one: _posted(live.program, one))


@ROUTER.post(
    "/v1/programs/{program}/accounts/{account}/adjustments",
    summary="Add or take units",
    **operation(Posting, body=Adjustment, status=201),
)
async def adjust(call: Writing, program: str, account: str) -> Response:
    """By an operator, for a reason, which the ledger keeps."""
    asked = call.read(Adjustment)
    account_id, amount = await to_thread.run_sync(_prepare, call, program, account, asked)
    said = await call.ask(
        AdjustBalance(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            account_id=account_id,
            wallet=asked.wallet,
            amount=amount,
            reason=asked.reason,
        )
    )
    return answer(_posting(account, said), 201)


@ROUTER.post(
    "/v1/programs/{program}/accounts/{account}/transfers",
    summary="Give units to another account",
    **operation(Posting, body=Transfer, status=201),
)
async def transfer(call: Writing, program: str, account: str) -> Response:
    """Available units move lot by lot and keep their expiry."""
    asked = call.read(Transfer)
    other = parse_number("acc", asked.to)
    if other is None:
        raise Problem.at("/to", "account_invalid", "expected an account's id, `acc_…`")
    account_id, amount = await to_thread.run_sync(_prepare, call, program, account, asked)
    said = await call.ask(
        TransferUnits(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            account_id=account_id,
            to_account=other,
            wallet=asked.wallet,
            amount=amount,
        )
    )
    return answer(_posting(account, said), 201)


@ROUTER.post(
    "/v1/programs/{program}/accounts/{account}/merge/preview",
    summary="What a merge would move",
    **operation(MergeShape, body=Merge),
)
async def preview_merge(call: Writing, program: str, account: str) -> Response:
    """Decided as the merge itself, and nothing is changed."""
    return answer(await _merge(call, program, account, looks=True))


@ROUTER.post(
    "/v1/programs/{program}/accounts/{account}/merge",
    summary="Merge an account into another",
    **operation(MergeShape, body=Merge),
)
async def merge(call: Writing, program: str, account: str) -> Response:
    """Everything that it has goes over, with whoever acts for it; what comes for it later lands there too."""
    return answer(await _merge(call, program, account, looks=False))


async def _merge(call: Call, program: str, account: str, *, looks: bool) -> MergeShape:
    asked = call.read(Merge)
    into = parse_number("acc", asked.into)
    if into is None:
        raise Problem.at("/into", "account_invalid", "expected an account's id, `acc_…`")
    gone = parse_number("acc", account)
    if gone is None:
        raise Problem("account_not_found", "there is no such account")
    said = await call.ask(
        MergeAccounts(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=None if looks else call.once,
            account_id=gone,
            into_account=into,
            by=call.caller.actor,
            reason=asked.reason,
            looks=looks,
        )
    )
    shown = _posting(said.account, said)
    told = {**said.merged, "balances": {}, "transactions": list(shown.transactions)}
    found = msgspec.convert(told, MergeShape)
    return msgspec.structs.replace(found, balances=shown.balances)


def find_account(tx: Tx, program_id: int, account: str) -> AccountRow:
    """Find the account that an address names.

    Args:
        tx: bound to the tenant.
        program_id: in which program.
        account: its id as people see it, `acc_…`.

    Returns:
        Its row.

    Raises:
        Problem: `account_not_found`.
    """
    number = parse_number("acc", account)
    row = load_accounts(tx, program_id, [number]).get(number) if number is not None else None
    if row is None:
        raise Problem("account_not_found", "there is no such account")
    return row


def _prepare(call: Call, program: str, account: str, asked: Adjustment | Transfer) -> tuple[int, int]:
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        row = find_account(tx, live.program_id, account)
    wallet = live.program.wallets.get(asked.wallet)
    if wallet is None:
        known = ", ".join(live.program.wallets)
        raise Problem.at("/wallet", "unknown_wallet", f"no such wallet; this program has {known}")
    return row.account_id, to_scaled(asked.amount, wallet.scale, "/amount")


def _posting(account: str, said: Answer) -> Posting:
    balances: dict[str, BalanceShape] = {
        key: BalanceShape(available=one.available, pending=one.pending, held=one.held, debt=one.debt)
        for key, one in said.balances.items()
    }
    return Posting(account=account, balances=balances, transactions=list(said.transactions))


def _line(row: AccountRow) -> AccountLine:
    return AccountLine(
        id=number_text("acc", row.account_id), kind=row.kind, created_at=row.created_at, members=row.members
    )


def _past(tx: Tx, program: Program, row: AccountRow, at: Any) -> PastAccount:
    held = load_balances(tx, row.account_id, at)
    shown = {}
    for key, wallet in program.wallets.items():
        available, pending = held.get(key, (0, 0))
        shown[key] = PastWallet(
            available=scaled_text(available, wallet.scale), pending=scaled_text(pending, wallet.scale)
        )
    return PastAccount(id=number_text("acc", row.account_id), kind=row.kind, at=at, wallets=shown)


def _posted(program: Program, one: Posted) -> TransactionShape:
    scale = program.scales.get(one.wallet, 0)
    entries: Sequence[EntryShape] = [
        EntryShape(
            book=entry.book,
            amount=scaled_text(entry.amount, scale),
            available_at=entry.available_at,
            expires_at=entry.expires_at,
            source=entry.source or None,
        )
        for entry in one.entries
    ]
    gained = sum(entry.amount for entry in one.entries if entry.book == "member")
    return TransactionShape(
        id=str(one.transaction_id),
        seq=one.seq,
        kind=one.kind,
        wallet=one.wallet,
        amount=scaled_text(gained, scale),
        effective_at=one.effective_at,
        booked_at=one.booked_at,
        event=str(one.event_id),
        redemption=_optional("red", one.redemption_id),
        other_account=_optional("acc", one.other_account),
        reason=one.reason or None,
        hash=one.leaf_hash.hex(),
        entries=entries,
    )


def _optional(prefix: str, number: int | None) -> str | None:
    return number_text(prefix, number) if number is not None else None
