"""Forgetting a person, with what they said to others."""

from __future__ import annotations

from guerdon.base.ids import IdMaker
from guerdon.circles.codes import forget_code
from guerdon.circles.completions import forget_traces
from guerdon.circles.posts import opinions
from guerdon.circles.posts.names import forget_name
from guerdon.circles.posts.rows import forget_author
from guerdon.circles.sharing.rows import forget_sharer
from guerdon.engine.boards.moving import forget_places
from guerdon.infra.tx import Tx
from guerdon.members.identities import Found
from guerdon.members.privacy import Erasure, erase_member
from guerdon.rewards.deeds.photos import forget_photos


def forget_person(tx: Tx, erasure: Erasure, ids: IdMaker) -> Found:
    """Forget a person in all rooms: what names them, what they wrote, their photos and the name they chose.

    Args:
        tx: bound to the tenant; the account gets locked.
        erasure: whom, and who does it.
        ids: makes the identifier of the audit row.

    Returns:
        The account and member that the person was.

    Raises:
        Problem: `member_not_found`, also where they were forgotten before.
    """
    found = erase_member(tx, erasure, ids)
    forget_photos(tx, erasure.program_id, found.member_id)
    forget_author(tx, erasure.program_id, found.member_id)
    forget_name(tx, erasure.program_id, found.member_id)
    opinions.forget_member(tx, erasure.program_id, found.member_id)
    forget_sharer(tx, erasure.program_id, found.member_id, erasure.now)
    forget_code(tx, erasure.program_id, found.member_id)
    forget_traces(tx, erasure.program_id, found.member_id)
    forget_places(tx, erasure.program_id, (found.account_id, found.member_id), erasure.now)
    return found
