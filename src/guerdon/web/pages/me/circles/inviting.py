"""A member's own code and link for friends, and what became of those who came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from guerdon.engine.referring.evidence import Scene
from guerdon.engine.referring.showing import load_invitations
from guerdon.infra.tx import Tx
from guerdon.members.identities import Found
from guerdon.programs.tenants import find_tenant
from guerdon.rules.referrals.codes import shown_code
from guerdon.rules.referrals.keys import is_offered
from guerdon.web.api.referrals.address import invite_path
from guerdon.web.pages.invite.routes import share_words
from guerdon.web.pages.me.reader import Reader


@dataclass(frozen=True, slots=True)
class InvitingView:
    """How a member invites friends."""

    code: str
    link: str
    """With the host by which the page was opened."""
    text: str
    """To be copied; nothing is sent for anybody."""
    friends: Mapping[str, int]
    """How many came, by what became of them."""
    completed: int
    next_rung: int
    """From how many friends the next thing comes; 0 where there is none."""


def load_inviting(tx: Tx, reader: Reader) -> InvitingView | None:
    """Load a member's invitations.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        Code, link and friends; None where the program has no invitations.
    """
    if not is_offered(reader.program.definition):
        return None
    taker = reader.taker
    scene = Scene(reader.vault, taker.program_id, reader.program)
    found = load_invitations(tx, scene, Found(taker.account_id, taker.member_id), reader.now)
    tenant = find_tenant(tx)
    path = invite_path(tenant.key if tenant is not None else "", reader.program.key, found.code)
    link = str(reader.visit.request.base_url).rstrip("/") + path
    words = share_words(reader.program.definition, reader.say.language)
    return InvitingView(
        code=shown_code(found.code),
        link=link,
        text=f"{words['text']} {link}",
        friends=Counter(one.state for one in found.friends),
        completed=found.completed,
        next_rung=next((one.friends for one in found.rungs if not one.reached), 0),
    )
