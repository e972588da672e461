"""One town for a whole file of tests, and what is watched while it is sent at."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from httpx2 import Response
from psycopg import sql

from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.wiring import House
from tests.databases import superuser
from tests.web.conftest import Api, make_key
from tests.web.hostile.town import Town, build

_CODE = re.compile(r"[a-z][a-z0-9_]*")
_KEYS = {"type", "title", "status", "detail", "code", "errors"}
# What is reckoned, sealed and told behind everything that was written goes on by itself; who tries passwords
# out is noted on purpose.
_BEHIND = ("rollup_", "log_", "webhook_", "outbox", "board_", "quarantine", "staff_attempts")
_BUILT: weakref.WeakKeyDictionary[House, tuple[str, Town]] = weakref.WeakKeyDictionary()


_NEXT = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint"


class Watch:
    """Counts all rows, but only when somebody may have written one."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        rows = connection.execute(
            "select schemaname, tablename from pg_tables where schemaname !~ '^(pg_|information_schema)'"
        )
        self._tables = sorted(row for row in rows if not row[1].startswith(_BEHIND))
        self._next = -1
        self._counts: dict[str, int] = {}
        self.look()

    def look(self) -> dict[str, tuple[int, int]]:
        """Tell which tables have other numbers of rows than at the last look: before, and now."""
        ((number,),) = self._connection.execute(_NEXT)
        if number == self._next:
            return {}
        self._next = number
        counts = sql.SQL(" union all ").join(
            sql.SQL("select {}, count(*) from {}").format(sql.Literal(name), sql.Identifier(schema, name))
            for schema, name in self._tables
        )
        found: dict[str, int] = dict(self._connection.execute(counts).fetchall())
        changed = {
            name: (self._counts.get(name, 0), count)
            for name, count in found.items()
            if count != self._counts.get(name, 0)
        }
        self._counts = found
        return changed


class Besieged:
    """A town, somebody who sends it things, and what was wrong with its answers."""

    def __init__(self, api: Api, town: Town, watch: Watch) -> None:
        self.api, self.town, self.watch = api, town, watch
        self.wrong: list[str] = []
        self.asked = 0

    async def send(self, method: str, path: str, what: str, **more: Any) -> Response:
        """Send something, and note what is wrong with the answer."""
        self.asked += 1
        answer = await self.api.call(method, path, **more)
        said = f"{method} {path[:160]} · {what[:120]} → {answer.status_code} {answer.text[:300]}"
        if answer.status_code >= 500:
            self.wrong.append(said)
        elif answer.status_code >= 400:
            self.wrong.extend(f"{said} · {one}" for one in wrong_with(answer))
            if changed := self.watch.look():
                self.wrong.append(f"{said} · left behind: {changed}")
        else:
            self.watch.look()
        return answer

    def check(self) -> None:
        """Insist that nothing was wrong."""
        assert self.asked
        assert not self.wrong, "\n".join(self.wrong[:40])


def wrong_with(answer: Response) -> list[str]:
    """Tell what a refusal lacks."""
    if answer.headers["content-type"] != "application/problem+json":
        return ["no problem"]
    body = answer.json()
    found = []
    if body.keys() != _KEYS or body["status"] != answer.status_code or not body["detail"]:
        found.append("not the shape of a problem")
    codes = [body["code"], *(one["code"] for one in body["errors"])]
    if not all(_CODE.fullmatch(code) for code in codes):
        found.append("a code that is none")
    if any(one["pointer"] and not one["pointer"].startswith("/") for one in body["errors"]):
        found.append("a pointer that is none")
    # A definition is told each of up to a hundred wrong places.
    most = 400_000 if body["code"] == "invalid_definition" else 20_000
    return found + (["a long answer"] if len(answer.content) > most else [])


@pytest.fixture(scope="module")
def watching(server: EmbeddedPostgres, web_house: House) -> Iterator[Watch]:
    with web_house.database.transaction_as("lookup") as tx:
        ((name,),) = tx.execute("select current_database()").fetchall()
    with superuser(server, name) as connection:
        yield Watch(connection)


@pytest.fixture
async def besieged(bare: Api, watching: Watch) -> Besieged:
    """The same town for each test of a file: to build one takes longer than to send at it."""
    if bare.house not in _BUILT:
        _BUILT[bare.house] = (bare.tenant, await build(bare))
    tenant, town = _BUILT[bare.house]
    bare.tenant, bare.key = tenant, make_key(bare.house, tenant)
    watching.look()
    return Besieged(bare, town, watching)
