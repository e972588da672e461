"""A person's rights: to see everything that is kept about them, and to be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.exact import plain_text
from guerdon.base.ids import IdMaker, number_text
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.members.identities import Found, Ref
from guerdon.members.members import Desk, get_member
from guerdon.members.merging.locking import lock_found
from guerdon.members.standing import Wanted, load_standing
from guerdon.programs.audit import Act, record


@dataclass(frozen=True, slots=True)
class Erasure:
    """A person who is to be forgotten."""

    vault: Vault
    program_id: int
    ref: Ref
    actor: str
    """Who does it, as the audit trail names them."""
    now: datetime


_SEALED_AWAY = """
update members set wrapped_key = null, sealed = null, birth_mmdd = '', language = '', attributes = '{}',
    consents = '{}', erased_at = %s
where account_id = %s and member_id = %s and erased_at is null
"""
_IDENTITIES = "delete from identities where account_id = %s and member_id = %s"
_NAMES = "delete from name_words where account_id = %s and member_id = %s"
_FEWER = "update accounts set members = members - 1 where account_id = %s"
_ALL_BUCKETS = """
select metric, bucket_on, total, count, held from metric_buckets
where account_id = %s order by metric, bucket_on
"""


def erase_member(tx: Tx, erasure: Erasure, ids: IdMaker) -> Found:
    """Forget a person: key, profile, identities, name words, birthday, attributes, language and consents.

    Whatever else was sealed under their key, in any room, can be read by nobody from then on. The account
    and its ledger stay and still add up.

    Args:
        tx: bound to the tenant; the account gets locked.
        erasure: whom, and who does it.
        ids: makes the identifier of the audit row.

    Returns:
        The account and member that the person was.

    Raises:
        Problem: `member_not_found`, also where they were forgotten before.
    """
    found = lock_found(tx, erasure.vault, erasure.program_id, erasure.ref)
    if found is None:
        raise Problem("member_not_found", "nobody here is meant by this reference")
    key = (found.account_id, found.member_id)
    if tx.execute(_SEALED_AWAY, (erasure.now, *key)).rowcount != 1:
        raise Problem("member_not_found", "nobody here is meant by this reference")
    tx.execute(_IDENTITIES, key)
    tx.execute(_NAMES, key)
    tx.execute(_FEWER, (found.account_id,))
    shown = number_text("mem", found.member_id)
    record(tx, Act(erasure.now, erasure.actor, "member.erased", shown, erasure.program_id), ids)
    return found


def export_member(tx: Tx, desk: Desk, ref: Ref) -> dict[str, Any]:
    """Tell everything that these rooms keep about a person; the floors above add what they keep.

    Args:
        tx: bound to the tenant.
        desk: program and keys.
        ref: whom.

    Returns:
        Plain data for JSON; amounts as text.

    Raises:
        Problem: `member_not_found`.
    """
    member = get_member(tx, desk, ref)
    profile = member.profile
    standing = load_standing(tx, Wanted([member.account_id], challenges=True))[member.account_id]
    buckets = tx.execute(_ALL_BUCKETS, (member.account_id,)).fetchall()
    return {
        "id": number_text("mem", member.member_id),
        "account": number_text("acc", member.account_id),
        "role": member.role,
        "joined_at": member.joined_at.isoformat(),
        "language": member.language,
        "identities": {
            "card": profile.card,
            "external_id": profile.external_id,
            "email": profile.email,
            "phone": profile.phone,
        },
        "name": profile.name,
        "birthday": profile.birthday,
        "attributes": member.all_attributes,
        "consents": {
            topic: {"given": consent.given, "at": consent.at.isoformat()}
            for topic, consent in sorted(member.consents.items())
        },
        "tiers": {
            ladder: {"level": tier.level, "since": tier.since.isoformat()}
            for ladder, tier in sorted(standing.tiers.items())
        },
        "badges": {badge: at.isoformat() for badge, at in sorted(standing.badges.items())},
        "challenges": {
            key: msgspec.to_builtins(progress) for key, progress in sorted(standing.challenges.items())
        },
        "metrics": [
            {
                "metric": metric,
                "on": day.isoformat(),
                "total": plain_text(total),
                "count": count,
                **({"values": held} if held else {}),
            }
            for metric, day, total, count, held in buckets
        ],
    }
