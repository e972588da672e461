"""The floor of `earn_http`: FastAPI, a psycopg pool, one PL/pgSQL call of two inserts and two updates.

Honest and small: it reads ten lines, sums them, books the points durably and answers the balance. It has no
rules, no lots, no hash, no idempotency beyond a unique key.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import uvicorn
from fastapi import FastAPI
from psycopg import sql
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel
from uvicorn.config import LOGGING_CONFIG

from guerdon.infra.postgres import EmbeddedPostgres

SCHEMA = """
create table balance (account text primary key, points bigint not null, orders bigint not null)
    with (fillfactor = 70);
create table standing (account text primary key, spent numeric not null, count bigint not null)
    with (fillfactor = 70);
create table event (id text primary key, account text not null, body text not null, at timestamptz not null);
create table posting (account text not null, event text not null, points bigint not null,
    primary key (account, event));
create function earn(who text, which text, worth numeric, what text) returns bigint language plpgsql as $$
declare total bigint;
begin
    insert into event values (which, who, what, now());
    insert into posting values (who, which, floor(worth));
    update balance set points = points + floor(worth), orders = orders + 1
        where account = who returning points into total;
    update standing set spent = spent + worth, count = count + 1 where account = who;
    return total;
end $$;
"""


class Line(BaseModel):
    id: str
    sku: str
    quantity: Decimal
    price: Decimal


class Order(BaseModel):
    id: str
    lines: list[Line]


class Event(BaseModel):
    specversion: str
    id: str
    source: str
    type: str
    time: datetime
    subject: str
    data: Order


class Earned(BaseModel):
    id: str
    status: str
    points: int
    balance: int


def make_app(conninfo: str) -> FastAPI:
    pool = AsyncConnectionPool(conninfo, min_size=16, max_size=16, open=False)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/programs/club/events")
    async def earn(event: Event) -> Earned:
        worth = sum((line.quantity * line.price for line in event.data.lines), Decimal(0))
        async with pool.connection() as connection:
            cursor = await connection.execute(
                "select earn(%s, %s, %s, %s)", (event.subject, event.id, worth, event.data.model_dump_json())
            )
            row = await cursor.fetchone()
        assert row is not None
        return Earned(id=event.id, status="applied", points=int(worth), balance=row[0])

    return app


def main(folder: str, port: int, accounts: int) -> None:
    """Serve the floor on a PostgreSQL of its own, as durable as the one it is measured beside."""
    with EmbeddedPostgres(Path(folder)) as server:
        with psycopg.connect(server.dsn("superuser", "postgres"), autocommit=True) as admin:
            admin.execute("create database floor")
        dsn = server.dsn("superuser", "floor")
        with psycopg.connect(dsn, autocommit=True) as admin:
            admin.execute(SCHEMA)
            for table in ("balance", "standing"):
                statement = "insert into {} select 'external:m' || n, 0, 0 from generate_series(0, %s) n"
                admin.execute(sql.SQL(statement).format(sql.Identifier(table)), (accounts - 1,))
        print("ready", flush=True)
        app = make_app(dsn)
        # One line a request, as the other side writes it; the standard output only says when all is ready.
        logs = deepcopy(LOGGING_CONFIG)
        logs["handlers"]["access"]["stream"] = "ext://sys.stderr"
        uvicorn.run(app, port=port, loop="uvloop", http="httptools", log_config=logs)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
