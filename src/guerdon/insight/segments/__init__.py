"""Segments: which ones an account is in, and which accounts are in one."""

from __future__ import annotations

from guerdon.insight.segments.single import segments_of, segments_of_all
from guerdon.insight.segments.whole import count_accounts, list_accounts_in, why_one_by_one
from guerdon.members.audiences.choosing import Question

__all__ = [
    "Question",
    "count_accounts",
    "list_accounts_in",
    "segments_of",
    "segments_of_all",
    "why_one_by_one",
]
