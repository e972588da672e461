"""What every request can reach: the house behind the roof, who may enter, and what is counted."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from guerdon.base.errors import Problem
from guerdon.engine.commands import RunTick
from guerdon.web.callers import Doorkeeper
from guerdon.web.telemetry import Telemetry
from guerdon.web.trials.runner import Runner
from guerdon.web.waiting import Waiting
from guerdon.web.watch.lately import Lately
from guerdon.wiring import House

_REMEMBERED_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 5.0


@dataclass(slots=True)
class Premises:
    """The house with its door."""

    house: House
    doorkeeper: Doorkeeper
    telemetry: Telemetry
    waiting: Waiting
    trials: Runner
    posts: Lately = field(default_factory=Lately)
    known_parameters: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """Names of query parameters by path template and method, from the OpenAPI description."""
    description: dict[str, Any] = field(default_factory=dict)
    """OpenAPI 3.1."""
    stopping: bool = False
    """Set when the server has been told to end: new work is refused."""
    _asked: tuple[float, bool] = (0.0, False)

    async def is_ready(self) -> bool:
        """Tell whether the engine takes a command through queue, thread and database; asked once a second.

        Returns:
            Whether it answers, and nobody has told the server to end.
        """
        if self.stopping:
            return False
        if self._asked[0] < time.monotonic():
            self._asked = (time.monotonic() + _REMEMBERED_SECONDS, await self._answers())
        return self._asked[1]

    async def _answers(self) -> bool:
        # Nobody's program: the engine looks for it in the database and says that there is none.
        question = RunTick(tenant_id=1, program="", received_at=datetime.now(UTC), account_id=0)
        try:
            said = await asyncio.wait_for(self.waiting.ask(question), _PATIENCE_SECONDS)
        except (Problem, TimeoutError):
            return False
        return said.problem is not None and said.problem.code == "program_not_found"
