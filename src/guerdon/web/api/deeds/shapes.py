"""What deeds look like on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from guerdon.web.api.shapes import Answered


class DeedShape(Answered, frozen=True):
    """Something that a member did."""

    id: str
    member: str
    type: str
    time: datetime
    data: Mapping[str, Any]
    photo: str | None
    """An address of a picture; null once the member was erased."""
    receipt: str | None
    state: Literal["waiting", "approved", "refused"]
    sent_at: datetime
    sent_by: str
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None
    effects: Sequence[Mapping[str, Any]] | None = None
    """What it brought, where it was approved with this call."""


class Deeds(Answered, frozen=True):
    """Deeds, newest first."""

    data: Sequence[DeedShape]
    next: str | None
