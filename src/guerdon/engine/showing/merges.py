"""What goes from one account to another, as it is shown before a merge and after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guerdon.base.exact import scaled_text
from guerdon.base.ids import number_text
from guerdon.rewards.redemptions import Redemption
from guerdon.rules.contents import Carried, Contents
from guerdon.rules.program import Program
from guerdon.rules.state import AccountState


def merged_view(
    program: Program,
    accounts: tuple[AccountState, AccountState, AccountState],
    contents: Contents,
    beside: tuple[Sequence[Redemption], int, int],
) -> Mapping[str, Any]:
    """Show what goes over.

    Args:
        program: for scales and ladders.
        accounts: the one that goes, and the one that stays before and after.
        contents: what goes.
        beside: redemptions, open carts and living people that go as well.

    Returns:
        JSON: both accounts, units by wallet, tiers before and after, badges that are new, how many
        redemptions, carts and members.
    """
    gone, before, after = accounts
    redemptions, carts, members = beside
    return {
        "account": number_text("acc", gone.account_id),
        "into": number_text("acc", before.account_id),
        "wallets": {key: _wallet(program, key, one, gone) for key, one in contents.wallets.items()},
        "tiers": {key: _tier(program, key, gone, before, after) for key in program.ladders},
        "badges": sorted(contents.badges.keys() - before.badges.keys()),
        "redemptions": {
            "all": len(redemptions),
            "open": sum(one.is_open for one in redemptions),
        },
        "carts": carts,
        "members": members,
    }


def _wallet(program: Program, key: str, one: Carried, gone: AccountState) -> dict[str, str]:
    scale = program.scales.get(key, 0)
    pending = gone.wallets[key].pending if key in gone.wallets else 0
    units = sum(lot.remaining for lot in one.lots)
    return {
        "available": scaled_text(units - pending, scale),
        "pending": scaled_text(pending, scale),
        "debt": scaled_text(one.debt, scale),
    }


def _tier(
    program: Program, key: str, gone: AccountState, before: AccountState, after: AccountState
) -> dict[str, str]:
    base = program.ladders[key].tiers[0].key
    levels = {"account": gone, "before": before, "after": after}
    return {name: state.tiers[key].level if key in state.tiers else base for name, state in levels.items()}
