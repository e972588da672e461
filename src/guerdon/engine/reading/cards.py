"""Commands about gift cards, as they become what is decided upon."""

from __future__ import annotations

from typing import Any

from guerdon.base.errors import Problem
from guerdon.engine.commands import ClaimGiftCard, IssueCards, ReplaceGiftCard, SetCardBlocked, TopUpCard
from guerdon.engine.keeping.asking import REASON_LENGTH, check_text, own_event
from guerdon.rules.cards.codes import read_code
from guerdon.rules.events import BlockCard, LoadCard, Tick
from guerdon.rules.program import Program

NO_CARDS = Problem("gift_cards_not_offered", "this program has no wallet of the tender `gift_card`")


def read_issuing(item: Any, command: IssueCards, program: Program) -> None:
    """Read how many gift cards are made.

    Args:
        item: the item on its way; what it is about is set.
        command: what is asked.
        program: whose settings apply.

    Raises:
        Problem: `gift_cards_not_offered`, or for a text that does not fit.
    """
    check_text(command.reason, "/reason", REASON_LENGTH)
    item.event = own_event("guerdon.issue_cards", command, Tick())
    if program.card_wallet is None:
        raise NO_CARDS


def read_topping_up(item: Any, command: TopUpCard, program: Program) -> None:
    """Read what comes onto a gift card.

    Args:
        item: the item on its way; what it is about is set.
        command: what is asked.
        program: whose settings apply.

    Raises:
        Problem: `gift_cards_not_offered`, or for a text that does not fit.
    """
    check_text(command.reason, "/reason", REASON_LENGTH)
    item.account_id, item.card_accounts = command.card, {command.card}
    if program.card_wallet is None:
        raise NO_CARDS
    asked = LoadCard(program.card_wallet, command.amount, command.expires_at, reason=command.reason)
    item.event = own_event("guerdon.load_card", command, asked)


def read_blocking(item: Any, command: SetCardBlocked, _: Program) -> None:
    """Read which gift card is blocked, or good again.

    Args:
        item: the item on its way; what it is about is set.
        command: what is asked.
        _: whose settings would apply.

    Raises:
        Problem: for a text that does not fit.
    """
    check_text(command.reason, "/reason", REASON_LENGTH)
    item.account_id, item.card_accounts = command.card, {command.card}
    item.event = own_event("guerdon.block_card", command, BlockCard(command.blocked, command.reason))


def read_replacing(item: Any, command: ReplaceGiftCard, program: Program) -> None:
    """Read which gift card is replaced.

    Args:
        item: the item on its way; what it is about is set.
        command: what is asked.
        program: whose settings apply.

    Raises:
        Problem: `gift_cards_not_offered`, or for a text that does not fit.
    """
    check_text(command.reason, "/reason", REASON_LENGTH)
    item.account_id, item.card_accounts = command.card, {command.card}
    if program.card_wallet is None:
        raise NO_CARDS
    item.event = own_event("guerdon.replace_card", command, Tick())


def read_claiming(item: Any, command: ClaimGiftCard, program: Program) -> None:
    """Read the code of a gift card that is claimed.

    Args:
        item: the item on its way; what it is about is set.
        command: what is asked.
        program: whose settings apply.

    Raises:
        Problem: `gift_cards_not_offered`, or for a text that does not fit.
    """
    if program.card_wallet is None:
        raise NO_CARDS
    item.ref = command.member
    item.card_codes = (read_code(command.code),)
    item.event = own_event("guerdon.receive_credit", command, Tick())
