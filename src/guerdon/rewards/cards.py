"""Gift cards: by which code each is found, whose redemption it is, and whether it is blocked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.infra.arrays import bigints, byteas, columns, instants, texts
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.rules.cards.codes import code_of, ending_of, read_code
from guerdon.rules.cards.paying import REFUSALS

_COLUMNS = "digest, account_id, ending, redemption_id, owner_account, opened_at, blocked_at, replaced_by"
_SELECT = f"select {_COLUMNS} from gift_cards"  # noqa: S608 - a list of columns of ours
_INSERT = f"""
insert into gift_cards (program_id, {_COLUMNS})
select %s::bigint, * from unnest(%s::bytea[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[],
    %s::timestamptz[], %s::timestamptz[], %s::bigint[])
on conflict (program_id, digest) do nothing
"""  # noqa: S608 - a list of columns of ours
_BLOCK = """
update gift_cards as g set blocked_at = d.blocked_at, replaced_by = d.replaced_by
from unnest(%s::bytea[], %s::timestamptz[], %s::bigint[]) as d (digest, blocked_at, replaced_by)
where g.program_id = %s and g.digest = any(%s::bytea[]) and g.digest = d.digest
"""
_FIND = "select digest, account_id from gift_cards where program_id = %s and digest = any(%s::bytea[])"
_OF_REDEMPTIONS = """
select redemption_id, account_id from gift_cards
where program_id = %s and redemption_id = any(%s::bigint[]) and (%s or replaced_by is null)
order by account_id
"""
_IN_PLACE = """
select account_id, replaced_by from gift_cards
where account_id = any(%s::bigint[]) and replaced_by is not null
"""
_PACKERS: Final = (byteas, bigints, texts, bigints, bigints, instants, instants, bigints)
_NEWEST: Final = 2**63 - 1


class CardRow(NamedTuple):
    """A gift card, apart from the money on its account."""

    digest: bytes
    account_id: int
    ending: str
    """The code's last letters."""
    redemption_id: int | None
    """The redemption that it is."""
    owner_account: int | None
    """Whose redemption that was."""
    opened_at: datetime
    blocked_at: datetime | None
    replaced_by: int | None = None
    """The account of the card that took its place; it stays blocked then."""


def card_code(vault: Vault, account_id: int) -> str:
    """Give a card's code: it follows from the tenant's key and is stored nowhere.

    Args:
        vault: the tenant's keys.
        account_id: the card's account.

    Returns:
        The code as people see it.
    """
    return code_of(vault.digest("gift card", str(account_id)))


def digest_of(vault: Vault, folded: str) -> bytes:
    """Give that by which a card is found.

    Args:
        vault: the tenant's keys.
        folded: the letters of its code, as `read_code` gives them.

    Returns:
        32 bytes.
    """
    return vault.digest("gift card code", folded)


def new_card(vault: Vault, account_id: int, opened_at: datetime, of: tuple[int, int] | None) -> CardRow:
    """Make the row of a new card.

    Args:
        vault: the tenant's keys.
        account_id: the card's account.
        opened_at: when.
        of: the redemption that it is and whose account's that was; None where nobody redeemed it.

    Returns:
        The row.
    """
    code = card_code(vault, account_id)
    redemption_id, owner = of if of is not None else (None, None)
    digest = digest_of(vault, read_code(code)[0])
    return CardRow(digest, account_id, ending_of(code), redemption_id, owner, opened_at, None)


def ask_found(tx: Tx, program_id: int, digests: Collection[bytes]) -> Callable[[], dict[bytes, int]]:
    """Ask which accounts codes lead to; that never changes.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        digests: of the codes.

    Returns:
        What reads the answer, by digest. In a pipeline it may be called later.
    """
    if not digests:
        return dict
    cursor = tx.execute(_FIND, (program_id, byteas(sorted(digests))))
    return lambda: dict(cursor.fetchall())


def ask_of_redemptions(
    tx: Tx, program_id: int, redemption_ids: Collection[int], *, with_replaced: bool = False
) -> Callable[[], dict[int, list[int]]]:
    """Ask which cards redemptions are.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        redemption_ids: which.
        with_replaced: also those in whose place another card came.

    Returns:
        What reads the answer: accounts by redemption. In a pipeline it may be called later.
    """
    if not redemption_ids:
        return dict
    cursor = tx.execute(_OF_REDEMPTIONS, (program_id, bigints(sorted(redemption_ids)), with_replaced))

    def read() -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for redemption_id, account_id in cursor.fetchall():
            found.setdefault(redemption_id, []).append(account_id)
        return found

    return read


def ask_cards(tx: Tx, account_ids: Collection[int]) -> Callable[[], dict[int, CardRow]]:
    """Ask for the cards whose accounts these are.

    Args:
        tx: bound to the tenant; the accounts are locked, or it is only looked.
        account_ids: accounts of any kind.

    Returns:
        What reads the answer, by account. In a pipeline it may be called later.
    """
    if not account_ids:
        return dict
    cursor = tx.execute(f"{_SELECT} where account_id = any(%s::bigint[])", (bigints(sorted(account_ids)),))
    return lambda: {row[1]: CardRow(*row) for row in cursor.fetchall()}


def load_heirs(tx: Tx, account_ids: Collection[int]) -> dict[int, int]:
    """Find which cards took the place of cards, and of those in turn.

    Args:
        tx: bound to the tenant; nothing is locked.
        account_ids: accounts of cards.

    Returns:
        For each that was replaced the account of the next.
    """
    found: dict[int, int] = {}
    asked = set(account_ids)
    while asked:
        there: dict[int, int] = dict(tx.execute(_IN_PLACE, (bigints(sorted(asked)),)).fetchall())
        found.update(there)
        asked = set(there.values()) - found.keys()
    return found


def load_lines(tx: Tx, account_ids: Collection[int]) -> dict[int, CardRow]:
    """Load cards with those that took their place.

    Args:
        tx: bound to the tenant; nothing is locked.
        account_ids: accounts of cards.

    Returns:
        The cards by account.
    """
    if not account_ids:
        return {}
    return ask_cards(tx, {*account_ids, *load_heirs(tx, account_ids).values()})()


def in_use(cards: Mapping[int, CardRow], account_id: int) -> int:
    """Find the card that took the place of one, and of that in turn.

    Args:
        cards: by account, the one among them.
        account_id: the card that is asked about.

    Returns:
        The account of the last; the card's own where none took its place.

    Raises:
        AssertionError: where the next is not among them: it came after they were read.
    """
    while (heir := cards[account_id].replaced_by) is not None:
        if heir not in cards:
            raise AssertionError("a gift card was replaced before it was locked")
        account_id = heir
    return account_id


def insert_cards(tx: Tx, program_id: int, cards: Sequence[CardRow]) -> Callable[[], int]:
    """Store new cards.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        cards: any number.

    Returns:
        What reads how many were stored; fewer than given must not be committed.
    """
    if not cards:
        return int
    cursor = tx.execute(_INSERT, (program_id, *columns(list(cards), _PACKERS)))
    return lambda: cursor.rowcount


def write_blocks(tx: Tx, program_id: int, cards: Sequence[CardRow]) -> Callable[[], int]:
    """Write whether cards are blocked, and which took their place.

    Args:
        tx: bound to the tenant; their accounts are locked.
        program_id: whose.
        cards: as they stand now.

    Returns:
        What reads how many there were.
    """
    if not cards:
        return int
    rows = [(one.digest, one.blocked_at, one.replaced_by) for one in cards]
    written = columns(rows, (byteas, instants, bigints))
    cursor = tx.execute(_BLOCK, (*written, program_id, written[0]))
    return lambda: cursor.rowcount


def get_card(tx: Tx, program_id: int, account_id: int) -> CardRow:
    """Get one card.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        account_id: its account.

    Returns:
        The card.

    Raises:
        Problem: `gift_card_not_found`.
    """
    where = " where account_id = %s and program_id = %s"
    row = tx.execute(_SELECT + where, (account_id, program_id)).fetchone()
    if row is None:
        raise Problem("gift_card_not_found", "there is no such gift card")
    return CardRow(*row)


def find_card(tx: Tx, program_id: int, vault: Vault, code: str) -> CardRow:
    """Find a card by its code, as somebody typed it.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        vault: the tenant's keys.
        code: any text.

    Returns:
        The card.

    Raises:
        Problem: `gift_card_mistyped` or `gift_card_unknown`, at `/code`.
    """
    folded, problem = read_code(code)
    if not problem:
        digest = digest_of(vault, folded)
        row = tx.execute(f"{_SELECT} where program_id = %s and digest = %s", (program_id, digest)).fetchone()
        if row is not None:
            return CardRow(*row)
        problem = "gift_card_unknown"
    raise Problem.at("/code", problem, REFUSALS[problem])


def list_cards(
    tx: Tx, program_id: int, before: int | None, limit: int, *, blocked: bool = False
) -> list[CardRow]:
    """Give a page of cards, newest first.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        before: only those with a smaller account; None for the first page.
        limit: how many at most.
        blocked: whether only blocked ones are meant.

    Returns:
        Cards.
    """
    only = " and blocked_at is not null" if blocked else ""
    where = f" where program_id = %s and account_id < %s{only} order by account_id desc limit %s"
    return [CardRow(*row) for row in tx.execute(_SELECT + where, (program_id, before or _NEWEST, limit))]
