"""What the engine is to be told is told page by page, and noted where it arrived."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.engine.commands import IngestEvent
from guerdon.engine.loop import EngineLoop
from guerdon.infra import failpoints
from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.programs.programs import LiveVersion

PAGE: Final = 200
_ANSWER_SECONDS: Final = 600
GONE: Final = frozenset({"member_not_found", "member_erased", "account_erased"})
"""Whoever was erased meanwhile gets nothing any more."""


class Ear(NamedTuple):
    """Where something of one program is told."""

    database: Database
    loop: EngineLoop
    """Takes the events in, in its bulk lane."""
    tenant_id: int
    live: LiveVersion
    now: datetime
    """UTC."""


class Untold(NamedTuple):
    """Something of which the engine is to be told."""

    raw: bytes | None
    """A CloudEvent, always the same; None where there is nothing to tell after all."""
    at: datetime
    mark: Callable[[Tx], None]
    """Notes that it was told."""


def cloud_event(name: tuple[str, str, str], whose: tuple[int, datetime], data: Mapping[str, Any]) -> bytes:
    """Write an event of the engine's own rooms.

    Args:
        name: source, id and type.
        whose: the member, and when it was.
        data: what it carries.

    Returns:
        A CloudEvent as JSON.
    """
    source, event_id, event_type = name
    member_id, at = whose
    return json.dumps(
        {
            "specversion": "1.0",
            "id": event_id,
            "source": source,
            "type": event_type,
            "time": at.isoformat(),
            "subject": number_text("mem", member_id),
            "data": dict(data),
        }
    ).encode()


def tell_pages(
    ear: Ear,
    pages: Iterable[Sequence[Untold]],
    gone: Collection[str] = GONE,
    *,
    marks_gone: bool = False,
) -> int:
    """Tell the engine of things, and note which arrived.

    Whoever is killed in between leaves what the next one tells again: an event that is told twice is one.
    What is refused keeps nothing else from being told.

    Args:
        ear: where.
        pages: what is not told yet, each page read when it is its turn.
        gone: refusals that are nobody's fault, such as of somebody who was erased.
        marks_gone: whether what is refused so counts as told.

    Returns:
        How many events arrived.

    Raises:
        Problem: the first other refusal, after all pages were tried.
    """
    told = 0
    wrong: list[Problem] = []
    for page in pages:
        told += _tell(ear, page, (gone, marks_gone), wrong)
    if wrong:
        raise wrong[0]
    return told


def _tell(
    ear: Ear, page: Sequence[Untold], lenience: tuple[Collection[str], bool], wrong: list[Problem]
) -> int:
    gone, marks_gone = lenience
    asked = [(one, one.raw) for one in page if one.raw is not None]
    commands = [
        IngestEvent(
            tenant_id=ear.tenant_id,
            program=ear.live.key,
            received_at=max(ear.now, one.at),
            bulk=True,
            raw=raw,
            own=True,
        )
        for one, raw in asked
    ]
    answers = [future.result(_ANSWER_SECONDS) for future in ear.loop.submit_many(commands)]
    failpoints.reach("told")
    arrived = [one for one in page if one.raw is None]
    told = 0
    for (one, _), said in zip(asked, answers, strict=True):
        if said.problem is None:
            arrived.append(one)
            told += 1
        elif said.problem.code not in gone:
            wrong.append(Problem(said.problem.code, said.problem.detail))
        elif marks_gone:
            arrived.append(one)
    with ear.database.transaction(ear.tenant_id) as tx:
        for one in arrived:
            one.mark(tx)
    return told
