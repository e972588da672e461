"""What of a program's definition invitations go by: the campaigns that they are compiled to."""

from __future__ import annotations

from typing import Final

from guerdon.rules.definition import Definition, Referral

REFERRAL: Final = "referral"
"""The kind of prizes of invitations, and how the campaigns' keys begin."""
FRIEND: Final = f"{REFERRAL}:friend"
"""What a friend gets; its use says that the account was invited."""
FIRST: Final = f"{REFERRAL}:first"
"""What notes the friend's first event that counts."""


def is_offered(definition: Definition) -> bool:
    """Tell whether a program's members can invite others.

    Args:
        definition: the program's.

    Returns:
        True where the document says anything of invitations.
    """
    return definition.referral != Referral()


def least_of(one: Referral) -> str:
    """Write how much a friend's order must come to.

    Args:
        one: what is said of invitations.

    Returns:
        CEL; empty where any amount will do.
    """
    return "" if one.minimum is None else f"order.net >= {one.minimum}"
