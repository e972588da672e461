"""Redemptions: each taking of a reward, from issued to used or cancelled."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from guerdon.base.errors import Problem
from guerdon.infra.tx import Tx
from guerdon.rules.coupons.codes import fold
from guerdon.rules.particulars import Particulars
from guerdon.rules.state import Taking, Takings

Status = Literal["issued", "sent", "used", "cancelled"]

_COLUMNS = """account_id, redemption_id, member_id, event_id, reward, kind, quantity, price, seqs, code,
    campaign, choice, version, status, issued_at, expires_at, changed_at, tracking, particulars, steps,
    origin_account"""
_SELECT = f"select {_COLUMNS} from redemptions"  # noqa: S608 - a list of columns of ours
_INSERT = f"""
insert into redemptions (program_id, {_COLUMNS})
select %s::bigint, account_id, redemption_id, member_id, event_id, reward, kind, quantity, price,
    string_to_array(seqs, ',')::bigint[], code, campaign, choice, version, status, issued_at, expires_at,
    changed_at, tracking, particulars, steps, origin_account
from unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::uuid[], %s::text[], %s::text[], %s::integer[],
    %s::jsonb[], %s::text[], %s::text[], %s::text[], %s::text[], %s::integer[], %s::text[], %s::timestamptz[],
    %s::timestamptz[], %s::timestamptz[], %s::text[], %s::jsonb[], %s::jsonb[], %s::bigint[])
    as d ({_COLUMNS})
"""  # noqa: S608 - columns of ours
_INSERT_CODES = """
insert into coupon_codes (program_id, code, account_id, redemption_id)
select %s::bigint, * from unnest(%s::text[], %s::bigint[], %s::bigint[])
"""
# As the index says it: O is 0, I and L are 1, U is V, and dashes and spaces do not count.
_CODES = """
select code, account_id, redemption_id from coupon_codes
where program_id = %s and translate(upper(code), 'ILOU- ', '110V') = any(%s::text[])
"""
_ISSUED = """
select redemption_id, account_id, reward, quantity, seqs, issued_at, member_id, choice, particulars,
    origin_account
from redemptions
where redemption_id = any(%s::bigint[]) and program_id = %s
"""
_WARRANTIES = """
select redemption_id, particulars -> 'covers' ->> 'order',
    account_id, reward, quantity, seqs, issued_at, member_id, choice, particulars,
    origin_account
from redemptions
where account_id = any(%s::bigint[]) and kind = 'warranty' and status <> 'cancelled'
    and particulars -> 'covers' ->> 'order' = any(%s::text[])
order by redemption_id
"""
_SET_STATUS = """
update redemptions set status = d.status, changed_at = d.changed_at, tracking = d.tracking, steps = d.steps
from unnest(%s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::jsonb[])
    as d (account_id, redemption_id, status, changed_at, tracking, steps)
where redemptions.account_id = any(%s::bigint[]) and redemptions.redemption_id = any(%s::bigint[])
    and redemptions.account_id = d.account_id and redemptions.redemption_id = d.redemption_id
    and (redemptions.status = case when d.status = 'issued' then 'used' else 'issued' end
        or redemptions.status = 'sent' and d.status in ('sent', 'used', 'cancelled'))
"""
_CHOOSE = """
update redemptions set reward = %(reward)s, kind = %(kind)s, code = %(code)s, choice = %(choice)s,
    expires_at = %(expires_at)s, particulars = %(particulars)s::jsonb, changed_at = %(changed_at)s,
    steps = %(steps)s::jsonb
where account_id = %(account_id)s and redemption_id = %(redemption_id)s and status = 'issued' and choice = ''
    and not particulars ? 'chosen_from'
"""
_TAKINGS = """
select account_id, coalesce(particulars ->> 'chosen_from', reward), redemption_id, issued_at from redemptions
where account_id = any(%s::bigint[]) and status <> 'cancelled' and (campaign = '' or price <> '{}'::jsonb)
    and coalesce(particulars ->> 'chosen_from', reward) = any(%s::text[])
order by issued_at, redemption_id
"""
_OPEN = """
select distinct reward from redemptions
where program_id = %s and status in ('issued', 'sent') and reward = any(%s::text[])
"""
_NEWEST = 2**63 - 1


class Redemption(NamedTuple):
    """One taking of a reward."""

    account_id: int
    redemption_id: int
    member_id: int | None
    event_id: UUID
    reward: str
    kind: str
    quantity: int
    price: Mapping[str, int]
    """Units paid, by wallet in its scale, for all of the quantity."""
    seqs: Sequence[int]
    """Numbers of the transactions that paid for it."""
    code: str
    campaign: str
    choice: str
    version: int
    status: Status
    issued_at: datetime
    expires_at: datetime | None
    changed_at: datetime
    tracking: str
    """Where to look for it, as whoever sent it noted."""
    particulars: Mapping[str, Any]
    """What was fixed when it was taken, as JSON (`rules.particulars`)."""
    steps: Sequence[Mapping[str, str]]
    """What became of it, oldest first, as `step_of` writes it; empty for what is older than this list."""
    origin_account: int | None = None
    """In whose journal `seqs` are and whose event made it, where that account was merged into this one."""

    @property
    def made_for(self) -> int:
        """The account that took it: the one it is of, or one that was merged into that."""
        return self.account_id if self.origin_account is None else self.origin_account

    def moved(self, status: Status, at: datetime, by: str = "", tracking: str | None = None) -> Redemption:
        """Give the redemption as it stands after a step.

        Args:
            status: what becomes of it.
            at: when.
            by: who did it, empty for the engine itself.
            tracking: where to look for it from now on; None leaves that as it is.

        Returns:
            The redemption.
        """
        noted = self.tracking if tracking is None else tracking
        step = step_of(status, at, by, tracking or "")
        return self._replace(status=status, changed_at=at, tracking=noted, steps=[*self.steps, step])

    @property
    def fixed(self) -> Particulars:
        """What was fixed when it was taken."""
        return msgspec.convert(self.particulars, Particulars, strict=False)

    @property
    def is_open(self) -> bool:
        """Whether it is neither used nor cancelled."""
        return self.status in ("issued", "sent")


def step_of(status: Status, at: datetime, by: str = "", tracking: str = "") -> dict[str, str]:
    """Write down one thing that became of a redemption.

    Args:
        status: what became of it.
        at: when.
        by: who did it, empty for the engine itself.
        tracking: where to look for it, where that was said.

    Returns:
        JSON with texts alone.
    """
    step = {"status": status, "at": at.isoformat(), "by": by, "tracking": tracking}
    return {name: text for name, text in step.items() if text}


class Issued(NamedTuple):
    """What never changes of a redemption."""

    account_id: int
    reward: str
    quantity: int
    seqs: Sequence[int]
    issued_at: datetime
    member_id: int | None
    choice: str
    particulars: Mapping[str, Any]
    origin_account: int | None = None

    @property
    def made_for(self) -> int:
        """The account in whose journal `seqs` are."""
        return self.account_id if self.origin_account is None else self.origin_account


class StatusChange(NamedTuple):
    """A redemption that is used or cancelled, or issued again after its order was returned."""

    account_id: int
    redemption_id: int
    status: Status
    changed_at: datetime
    tracking: str
    steps: str
    """JSON."""

    @classmethod
    def of(cls, one: Redemption) -> StatusChange:
        """Take out of a redemption what can change.

        Args:
            one: as it stands now.

        Returns:
            The change.
        """
        steps = msgspec.json.encode(one.steps).decode()
        return cls(one.account_id, one.redemption_id, one.status, one.changed_at, one.tracking, steps)


def insert_redemptions(tx: Tx, program_id: int, redemptions: Sequence[Redemption]) -> None:
    """Store new redemptions and what their codes stand for.

    Args:
        tx: the transaction; the accounts are locked.
        program_id: whose.
        redemptions: any number.
    """
    if not redemptions:
        return
    rows = [_row(one) for one in redemptions]
    tx.execute(_INSERT, (program_id, *(list(column) for column in zip(*rows, strict=True))))
    coded = [(one.code, one.account_id, one.redemption_id) for one in redemptions if one.code]
    if coded:
        tx.execute(_INSERT_CODES, (program_id, *(list(column) for column in zip(*coded, strict=True))))


def settle_chosen(tx: Tx, program_id: int, redemptions: Sequence[Redemption]) -> Callable[[], int]:
    """Store what redemptions are of which something was chosen, and what their codes stand for.

    Args:
        tx: the transaction; the accounts are locked.
        program_id: whose.
        redemptions: as they stand now.

    Returns:
        What reads how many stood as they had to; fewer than asked for must not be committed.
    """
    cursors = []
    for one in redemptions:
        row = one._asdict()
        for name in ("particulars", "steps"):
            row[name] = msgspec.json.encode(row[name]).decode()
        cursors.append(tx.execute(_CHOOSE, row))
        if one.code:
            tx.execute(_INSERT_CODES, (program_id, [one.code], [one.account_id], [one.redemption_id]))
    return lambda: sum(cursor.rowcount for cursor in cursors)


def _row(one: Redemption) -> tuple[Any, ...]:
    fields = one._asdict()
    for name in ("price", "particulars", "steps"):
        fields[name] = msgspec.json.encode(fields[name]).decode()
    # Arrays of different lengths do not fit one array of PostgreSQL.
    fields["seqs"] = ",".join(map(str, one.seqs))
    return tuple(fields.values())


def ask_issued(tx: Tx, program_id: int, redemption_ids: Collection[int]) -> Callable[[], dict[int, Issued]]:
    """Ask for what never changes of redemptions, before any lock.

    Args:
        tx: the transaction.
        program_id: of which program.
        redemption_ids: which.

    Returns:
        What reads the answer, by redemption. In a pipeline it may be called later.
    """
    if not redemption_ids:
        return dict
    cursor = tx.execute(_ISSUED, (sorted(redemption_ids), program_id))
    return lambda: {row[0]: Issued(*row[1:]) for row in cursor.fetchall()}


def ask_codes(tx: Tx, program_id: int, codes: Collection[str]) -> Callable[[], dict[str, tuple[int, int]]]:
    """Ask what codes stand for, before any lock.

    Args:
        tx: the transaction.
        program_id: of which program.
        codes: as they were typed.

    Returns:
        What reads the answer: account and redemption by code as typed. In a pipeline it may be called later.
    """
    folded = {code: fold(code) for code in codes}
    wanted = sorted(set(folded.values()) - {""})
    if not wanted:
        return dict
    cursor = tx.execute(_CODES, (program_id, wanted))

    def read() -> dict[str, tuple[int, int]]:
        rows = cursor.fetchall()
        known = {fold(code): (account_id, number) for code, account_id, number in rows}
        # Should two mean the same letters, the one that was typed as it is written is meant.
        known |= {code: (account_id, number) for code, account_id, number in rows}
        return {code: known.get(code) or known[one] for code, one in folded.items() if one in known}

    return read


def ask_redemptions(
    tx: Tx, account_ids: Collection[int], redemption_ids: Collection[int]
) -> Callable[[], dict[int, Redemption]]:
    """Ask for redemptions whose accounts are locked.

    Args:
        tx: the transaction.
        account_ids: whose.
        redemption_ids: which.

    Returns:
        What reads the answer, by redemption. In a pipeline it may be called later.
    """
    if not redemption_ids:
        return dict
    where = " where account_id = any(%s::bigint[]) and redemption_id = any(%s::bigint[])"
    cursor = tx.execute(_SELECT + where, (sorted(account_ids), sorted(redemption_ids)))
    return lambda: {row[1]: Redemption(*row) for row in cursor.fetchall()}


def ask_takings(
    tx: Tx, account_ids: Collection[int], rewards: Collection[str]
) -> Callable[[], dict[int, Takings]]:
    """Ask when accounts took rewards that make wait; the accounts are locked, or nothing depends on it.

    Args:
        tx: the transaction.
        account_ids: whose.
        rewards: of which rewards.

    Returns:
        What reads the answer, by account; grants are left out, and what was given back. In a pipeline it may
        be called later.
    """
    if not rewards or not account_ids:
        return dict
    cursor = tx.execute(_TAKINGS, (sorted(account_ids), sorted(rewards)))

    def read() -> dict[int, Takings]:
        found: dict[int, dict[str, tuple[Taking, ...]]] = {}
        for account_id, reward, number, taken_at in cursor.fetchall():
            taken = found.setdefault(account_id, {})
            taken[reward] = (*taken.get(reward, ()), Taking(number, taken_at))
        return dict(found)

    return read


def set_status(tx: Tx, changes: Sequence[StatusChange]) -> Callable[[], int]:
    """Mark issued redemptions as used or cancelled, and used ones as issued again.

    Args:
        tx: the transaction; the accounts are locked.
        changes: which, and what becomes of them.

    Returns:
        What reads how many stood as they had to; fewer than asked for must not be committed.
    """
    if not changes:
        return lambda: 0
    columns = [list(column) for column in zip(*changes, strict=True)]
    cursor = tx.execute(_SET_STATUS, (*columns, sorted(set(columns[0])), columns[1]))
    return lambda: cursor.rowcount


def load_warranties(
    tx: Tx, account_ids: Collection[int], orders: Collection[str]
) -> list[tuple[int, int, str, Issued]]:
    """Read the warranties that accounts took for lines of orders and did not give back.

    Args:
        tx: the transaction.
        account_ids: whose.
        orders: ids of the orders, whatever their source.

    Returns:
        Redemption, account, the id of the order, and what never changes of the redemption; oldest first.
    """
    if not (account_ids and orders):
        return []
    rows = tx.execute(_WARRANTIES, (sorted(account_ids), sorted(orders)))
    return [(number, row[0], order, Issued(*row)) for number, order, *row in rows.fetchall()]


def load_redemptions(
    tx: Tx, account_ids: Collection[int], redemption_ids: Collection[int]
) -> dict[int, Redemption]:
    """Read redemptions, whoever else may change them.

    Args:
        tx: bound to the tenant.
        account_ids: whose.
        redemption_ids: which.

    Returns:
        By redemption, those that are there.
    """
    return ask_redemptions(tx, account_ids, redemption_ids)()


def get_redemption(tx: Tx, program_id: int, redemption_id: int) -> Redemption:
    """Get one redemption.

    Args:
        tx: the transaction.
        program_id: of which program.
        redemption_id: which.

    Returns:
        The redemption.

    Raises:
        Problem: `redemption_not_found`.
    """
    row = tx.execute(
        _SELECT + " where redemption_id = %s and program_id = %s", (redemption_id, program_id)
    ).fetchone()
    if row is None:
        raise Problem("redemption_not_found", "there is no such redemption")
    return Redemption(*row)


def find_open_rewards(tx: Tx, program_id: int, rewards: Collection[str]) -> frozenset[str]:
    """Find the rewards of which people hold redemptions.

    Args:
        tx: the transaction.
        program_id: of which program.
        rewards: which ones are asked about.

    Returns:
        Those with redemptions that are neither used nor cancelled, expired ones included.
    """
    rows = tx.execute(_OPEN, (program_id, sorted(rewards)))
    return frozenset(row[0] for row in rows)


class Page(NamedTuple):
    """What a list of redemptions asks for."""

    limit: int
    before: int | None = None
    """Only redemptions with a smaller id: the cursor of the next page."""
    account_id: int | None = None
    status: Status | None = None
    kind: str | None = None
    reward: str | None = None
    is_oldest_first: bool = False
    """Then `before` is passed over, and the first page is all there is."""


def list_redemptions(tx: Tx, program_id: int, page: Page) -> list[Redemption]:
    """Give a page of redemptions, newest first unless it is said.

    Args:
        tx: the transaction.
        program_id: of which program.
        page: which and how many.

    Returns:
        Redemptions; the last one's id is the next cursor.
    """
    words = ["program_id = %s", "redemption_id < %s"]
    values: list[Any] = [program_id, page.before or _NEWEST]
    if page.account_id is not None:
        words.append("account_id = %s")
        values.append(page.account_id)
    for name, value in (("status", page.status), ("kind", page.kind), ("reward", page.reward)):
        if value is not None:
            words.append(f"{name} = %s")
            values.append(value)
    order = "asc" if page.is_oldest_first else "desc"
    statement = f"{_SELECT} where {' and '.join(words)} order by redemption_id {order} limit %s"
    return [Redemption(*row) for row in tx.execute(statement, (*values, page.limit))]
