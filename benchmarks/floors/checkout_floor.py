"""The floor of `checkout`: FastAPI with Pydantic models, a psycopg pool, and the loop of `price_loop`.

Honest and small: it prices the benchmark's own promotions by hand, reads the member's points for a preview,
inserts one row to open a checkout and updates one to confirm it. It knows no definition, no limits, holds,
coupons, taxes or earning, and keeps no books.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import psycopg
import uvicorn
from fastapi import FastAPI, HTTPException
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, StringConstraints

from benchmarks.floors.price_loop import HandMade, price_by_hand
from guerdon.infra.postgres import EmbeddedPostgres

SCHEMA = """
create table member (id text primary key, points bigint not null);
create table checkout (program text, id text, member text not null, status text not null,
    quote jsonb not null, at timestamptz not null default now(), primary key (program, id))
    with (fillfactor = 70);
"""
Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Line(BaseModel):
    """A line as it is sent."""

    id: Id
    sku: str
    quantity: Decimal
    price: Decimal
    categories: list[str] = []


class Cart(BaseModel):
    """A cart as it is sent."""

    id: Id
    member: Id
    lines: list[Line]
    spend: dict[str, Decimal] = {}


class Off(BaseModel):
    """What one promotion takes off a line."""

    campaign: str
    amount: str


class LineQuote(BaseModel):
    """A priced line."""

    id: str
    subtotal: str
    net: str
    discounts: list[Off]


class Quote(BaseModel):
    """A priced cart."""

    checkout: str | None = None
    status: str
    lines: list[LineQuote]
    totals: dict[str, str]
    points: int = 0


def promotions(matching: int) -> list[HandMade]:
    """Write the promotions of `benchmarks.checkout` by hand.

    Args:
        matching: how many, all of which match.

    Returns:
        The promotions, in the order in which they act.
    """
    made = []
    for number in sorted(range(matching), key=lambda one: f"match_{one}"):
        by_line = HandMade(
            f"match_{number}", lambda _: True, lambda line: "bag" in line.categories, percent=1
        )
        made.append(HandMade(f"match_{number}", lambda _: True, None, amount=10) if number % 2 else by_line)
    return made


def text(cents: int) -> str:
    """Write cents.

    Args:
        cents: not negative.

    Returns:
        A decimal string.
    """
    return f"{cents // 100}.{cents % 100:02d}"


def priced(cart: Cart, program: list[HandMade], status: str, checkout: str | None = None) -> Quote:
    """Price a cart.

    Args:
        cart: what is bought.
        program: the promotions.
        status: of the quote.
        checkout: its id, where there is one.

    Returns:
        The quote, with what each promotion took off each line.
    """
    subtotals = [int(line.price * line.quantity * 100) for line in cart.lines]
    left, told = price_by_hand(program, cart, cart.lines, subtotals)
    lines = [
        LineQuote(
            id=line.id,
            subtotal=text(subtotal),
            net=text(net),
            discounts=[Off(campaign=key, amount=text(cents)) for key, cents in offs],
        )
        for line, subtotal, net, offs in zip(cart.lines, subtotals, left, told, strict=True)
    ]
    subtotal, net = sum(subtotals), sum(left)
    totals = {"subtotal": text(subtotal), "discount": text(subtotal - net), "net": text(net)}
    return Quote(checkout=checkout, status=status, lines=lines, totals=totals)


def make_app(conninfo: str, sizes: dict[str, int]) -> FastAPI:
    """Make the application.

    Args:
        conninfo: of the database.
        sizes: how many promotions each program has, by key.

    Returns:
        The application.
    """
    pool = AsyncConnectionPool(conninfo, min_size=16, max_size=16, open=False)
    programs = {key: promotions(matching) for key, matching in sizes.items()}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/programs/{program}/checkouts/preview")
    async def preview(program: str, cart: Cart) -> Quote:
        async with pool.connection() as connection:
            cursor = await connection.execute("select points from member where id = %s", (cart.member,))
            row = await cursor.fetchone()
        if row is None:
            raise HTTPException(422, "no such member")
        quote = priced(cart, programs[program], "preview")
        quote.points = row[0]
        return quote

    @app.put("/v1/programs/{program}/checkouts/{checkout}")
    async def open_checkout(program: str, checkout: str, cart: Cart) -> Quote:
        quote = priced(cart, programs[program], "open", checkout)
        async with pool.connection() as connection:
            await connection.execute(
                "insert into checkout values (%s, %s, %s, 'open', %s)",
                (program, checkout, cart.member, Jsonb(quote.model_dump())),
            )
        return quote

    @app.post("/v1/programs/{program}/checkouts/{checkout}/confirm")
    async def confirm(program: str, checkout: str) -> Quote:
        async with pool.connection() as connection:
            cursor = await connection.execute(
                "update checkout set status = 'confirmed' where (program, id) = (%s, %s) returning quote",
                (program, checkout),
            )
            row = await cursor.fetchone()
        if row is None:
            raise HTTPException(404, "no such checkout")
        return Quote(**{**row[0], "status": "confirmed"})

    return app


def main(folder: str, port: int, members: int, sizes: dict[str, int]) -> None:
    """Serve the floor on a PostgreSQL of its own, as durable as the one it is measured beside.

    Args:
        folder: of the database.
        port: where to listen.
        members: how many there are.
        sizes: how many promotions each program has, by key.
    """
    with EmbeddedPostgres(Path(folder)) as server:
        with psycopg.connect(server.dsn("superuser", "postgres"), autocommit=True) as admin:
            admin.execute("create database floor")
        dsn = server.dsn("superuser", "floor")
        with psycopg.connect(dsn, autocommit=True) as admin:
            admin.execute(SCHEMA)
            admin.execute(
                "insert into member select 'm' || n, 100000 from generate_series(0, %s) n", (members - 1,)
            )
        print("ready", flush=True)
        uvicorn.run(make_app(dsn, sizes), port=port, loop="uvloop", http="httptools", log_level="warning")


if __name__ == "__main__":
    pairs = (one.split("=") for one in sys.argv[4:])
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), {key: int(count) for key, count in pairs})
