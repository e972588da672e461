"""The same act by many callers at once: one of them, or each, and never a fault."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from guerdon.engine.audit import Audit
from guerdon.programs.tenants import tenant_id_of
from tests.web.hostile.conftest import Besieged
from tests.web.hostile.test_doors import CALLS, WITH_BODY

# Keys and webhooks are made as often as is asked; what takes a thing away is asked last.
_LAST: Final = ("/merge", "/erase", "/end", "/withdraw", "/leave", "/cancel", "DELETE")
# An address is signed anew whenever it is asked for, and nothing is written.
_LINKS: Final = ("/page", "/link")
ACTS: Final = sorted(
    (name for name in CALLS if not name.startswith(("GET", "PUT /v1/programs/{program}"))),
    key=lambda name: any(word in name for word in _LAST),
)


async def _at_once(besieged: Besieged, name: str, callers: int, key: str) -> list[tuple[int, str]]:
    method, template = name.split()
    path = besieged.town.path(template)
    headers = {"content-type": "application/json", **({"idempotency-key": key} if key else {})}
    more: dict[str, Any] = {"headers": headers}
    if name in WITH_BODY:
        more["content"] = json.dumps(besieged.town.body(method, template)).encode()
    answers = await asyncio.gather(*(besieged.api.call(method, path, **more) for _ in range(callers)))
    besieged.asked += callers
    for answer in answers:
        if answer.status_code >= 500:
            besieged.wrong.append(f"{name} × {callers} → {answer.status_code} {answer.text[:300]}")
    return [(answer.status_code, answer.text) for answer in answers]


async def _all_at_once(besieged: Besieged, callers: int) -> None:
    for name in ACTS:
        said = await _at_once(besieged, name, callers, "")
        codes = Counter(status for status, _ in said)
        if not set(codes) <= {200, 201, 400, 401, 403, 404, 409, 410, 422, 429}:
            besieged.wrong.append(f"{name} × {callers} → {codes}")
        once = await _at_once(besieged, name, callers, f"once {name}"[:200].replace(" ", "-"))
        # The same key is the same call: whoever comes later is told what the first one was told.
        done = {text for status, text in once if status < 300}
        if len(done) > 1 and not name.endswith(_LINKS):
            besieged.wrong.append(f"{name} × {callers} with one key → {sorted(done)[:3]}")
    besieged.check()
    house, tenant_id = besieged.api.house, tenant_id_of(besieged.api.tenant)
    with house.database.transaction(tenant_id) as tx:
        # The log grows meanwhile.
        tx.execute("set transaction isolation level repeatable read")
        assert [str(one) for one in Audit(tx, house.vault(tenant_id), now=datetime.now(UTC)).run()] == []


async def test_a_few_do_the_same_at_once(besieged: Besieged) -> None:
    await _all_at_once(besieged, 4)


@pytest.mark.long
async def test_many_do_the_same_at_once(besieged: Besieged) -> None:
    await _all_at_once(besieged, 64)
