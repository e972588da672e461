"""SQL of what is known of accounts and of their owners, as decisions read it."""

from __future__ import annotations

from typing import Final

from guerdon.members.audiences.source import Source
from guerdon.rules.expressions.selecting import SqlColumn

_JOIN: Final = """
left join lateral (
    select m.member_id, m.language, m.birth_mmdd, m.joined_at, m.role, m.attributes, m.consents from members m
    where m.account_id = a.account_id and m.role = 'owner' order by m.member_id limit 1) o on true
"""
_ATTRIBUTES: Final = "coalesce(o.attributes, '{}'::jsonb)"
# A topic's answer is stored with its instant, and conditions see the answer alone.
_CONSENTS: Final = """coalesce((
    select jsonb_object_agg(c.key, c.value -> 'given') from jsonb_each(o.consents) c), '{}'::jsonb)"""
_BADGES: Final = "array(select g.badge from badges g where g.account_id = a.account_id order by g.badge)"
_ID: Final = """(
    select '{prefix}_' || string_agg(
        substr('0123456789abcdefghjkmnpqrstvwxyz', (({number} >> s.bits) & 31)::integer + 1, 1), ''
        order by s.bits desc)
    from generate_series(0, 60, 5) s (bits))"""
_OWNERS: Final = {
    "account.owner.id": f"coalesce({_ID.format(prefix='mem', number='o.member_id')}, '')",
    "account.attributes": _ATTRIBUTES,
    "account.owner.attributes": _ATTRIBUTES,
    "account.owner.consents": _CONSENTS,
    "account.owner.language": "coalesce(o.language, '')",
    "account.owner.birthday": "coalesce(o.birth_mmdd, '')",
    "account.owner.joined_at": "o.joined_at",
    "account.owner.role": "coalesce(o.role, '')",
}
ACCOUNTS: Final = Source(
    {
        "account.id": SqlColumn(_ID.format(prefix="acc", number="a.account_id")),
        "account.kind": SqlColumn("a.kind"),
        "account.members": SqlColumn("a.members"),
        "account.badges": SqlColumn(_BADGES),
        # Nothing reckons scores yet.
        "account.scores": SqlColumn("'{}'::jsonb"),
    }
)
"""What a row of accounts and what belongs to it tell."""
OWNERS: Final = Source({path: SqlColumn(text) for path, text in _OWNERS.items()}, _JOIN)
"""What is known of the owner, the eldest of several; what is personal is sealed and not there."""
