"""`guerdon doctor`: is everything there that a server needs, and does anything wait too long?"""

from __future__ import annotations

import http.client
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple
from urllib.parse import urlsplit

import psycopg
import typer

from guerdon.base.errors import Problem
from guerdon.cli.opening import settings_for
from guerdon.cli.options import Data, Json, takes
from guerdon.cli.proofs.anchor_health import look_at_places, look_at_waiting
from guerdon.cli.showing import show_json, show_note, show_table
from guerdon.connect.webhooks.deliveries import count_states
from guerdon.connect.witness.watching import look
from guerdon.infra.db import Database
from guerdon.infra.migrations.runner import current_revision, known_revisions
from guerdon.infra.outbox import relay
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.roles import ROLES
from guerdon.infra.settings import Settings, load_master_key
from guerdon.ledger.log import KEY_OLD_AFTER, list_keys
from guerdon.programs.programs import list_programs
from guerdon.programs.tenants import list_tenants

State = Literal["ok", "look", "bad"]
_OLDEST_VERSION: Final = 150000
_CLOCK_APART: Final = timedelta(seconds=2)
_FREE_BYTES: Final = 2**30
_FREE_AT_LEAST: Final = 200 * 2**20
_WAITS_LONG: Final = timedelta(minutes=5)
_QUEUE_LONG: Final = 1000
_SECONDS: Final = 5
_FIGURE: Final = re.compile(r"^(guerdon_\w+(?:\{[^}]*\})?) (\S+)$", re.MULTILINE)
_FIGURES: Final = {
    "guerdon_queue_length": ("queue", _QUEUE_LONG, "{:.0f} commands wait for the engine"),
    "guerdon_outbox_lag_seconds": (
        "outbox",
        _WAITS_LONG.total_seconds(),
        "the oldest notice that nobody was told has waited {:.0f} s; the relay's log lines say why",
    ),
    "guerdon_delivery_oldest_seconds": (
        "webhooks",
        _WAITS_LONG.total_seconds(),
        "the oldest delivery has waited {:.0f} s; its webhook's page says what it answers",
    ),
    'guerdon_deliveries{state="dead"}': (
        "dead letters",
        0,
        "{:.0f} deliveries were given up; replay them once their address answers",
    ),
    "guerdon_quarantined_commands": (
        "quarantine",
        0,
        "{:.0f} commands could not be applied; the console's page on quarantine shows them",
    ),
    "guerdon_ticks_due_accounts": (
        "ticks",
        0,
        "{:.0f} accounts wait for time to be booked; a round comes every few seconds",
    ),
    "guerdon_witness_alarms": (
        "watched logs",
        0,
        "{:.0f} heads of others do not fit what was seen; GET /v1/witness/alarms shows them",
    ),
    "guerdon_witness_refusals": (
        "witnesses",
        0,
        "{:.0f} witnesses say that a log here is not the one that they saw; …/log/witnesses names them",
    ),
}
"""Figures of a running server: check, the most that is well, what it means."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    check: str
    state: State
    detail: str


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """What the command takes."""

    data: Data = None
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="A running server to ask as well.", show_default=False),
    ] = None
    json: Json = False


@takes(DoctorOptions)
def doctor(options: DoctorOptions) -> int:
    """Look whether everything is there that a server needs; changes nothing.

    Database and its version, migrations, roles, clock, disk, master key, what waits in the outbox and for
    webhooks, quarantine; with --url a running server's readiness and queue. Exit code 1 where one is bad.
    """
    found = list(_examined(options))
    bad = sum(one.state == "bad" for one in found)
    if options.json:
        show_json({"well": not bad, "checks": [one._asdict() for one in found]})
    else:
        show_table(Finding._fields, found)
        show_note(f"{bad} bad" if bad else "all is well")
    return 1 if bad else 0


def _examined(options: DoctorOptions) -> Iterator[Finding]:
    try:
        settings = settings_for(options.data)
    except Problem as problem:
        yield Finding("settings", "bad", problem.detail)
        return
    yield Finding(
        "settings", "ok", "served database" if settings.database_url else f"data in {settings.data}"
    )
    yield _master_key(settings)
    yield _disk(settings)
    yield from (Finding(*one) for one in look_at_places(settings))
    if options.url is not None:
        yield from _server(options.url)
    try:
        with _database(settings) as database:
            if database is None:
                yield Finding("database", "look", "none yet: the first start makes it")
            else:
                yield from _examine_database(database, settings)
    except Problem as problem:
        # A server that holds the folder is no illness; --url asks it.
        state: State = "look" if problem.code == "data_in_use" else "bad"
        yield Finding("database", state, problem.detail)


def _master_key(settings: Settings) -> Finding:
    ours = settings.database_url is None and settings.master_key is None
    if ours and not (settings.data / "master.key").is_file():
        return Finding("master key", "look", "none yet: the first start makes it")
    try:
        load_master_key(settings)
    except Problem as problem:
        return Finding("master key", "bad", problem.detail)
    return Finding("master key", "ok", "there; keep a copy elsewhere")


def _disk(settings: Settings) -> Finding:
    place = settings.data.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    state: State = "bad" if free < _FREE_AT_LEAST else "look" if free < _FREE_BYTES else "ok"
    return Finding("disk", state, f"{free / 2**30:.1f} GiB free")


def _server(url: str) -> Iterator[Finding]:
    try:
        status, _ = _get(url, "/readyz")
        yield Finding("server", "ok" if status == 200 else "bad", f"/readyz answers {status}")
        _, text = _get(url, "/metrics")
    except (OSError, http.client.HTTPException) as error:
        yield Finding("server", "bad", f"{url} does not answer: {type(error).__name__}")
        return
    figures = {name: float(value) for name, value in _FIGURE.findall(text)}
    for name, (check, most, words) in _FIGURES.items():
        if name in figures:
            # What is not known is NaN, and no better than too much.
            state: State = "ok" if figures[name] <= most else "look"
            yield Finding(f"server: {check}", state, words.format(figures[name]))


def _get(url: str, path: str) -> tuple[int, str]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        raise Problem("url_invalid", "--url is an address such as http://127.0.0.1:8080")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=_SECONDS)
    try:
        connection.request("GET", parts.path.rstrip("/") + path)
        answer = connection.getresponse()
        return answer.status, answer.read(4_000_000).decode("utf-8", "replace")
    finally:
        connection.close()


@contextmanager
def _database(settings: Settings) -> Iterator[Database | None]:
    if settings.database_url is not None:
        with Database(settings.database_url.get_secret_value(), pool_size=1) as served:
            yield served
    elif not Path(settings.data, "postgres").is_dir():
        yield None
    else:
        running = EmbeddedPostgres(settings.data).start()
        with Database(running.dsn(), pool_size=1, embedded=running) as embedded:
            yield embedded


def _examine_database(database: Database, settings: Settings) -> Iterator[Finding]:
    try:
        connection = psycopg.connect(database.conninfo, autocommit=True)
    except psycopg.OperationalError:
        # libpq's words name host and user.
        yield Finding("database", "bad", "it does not answer at the address of GUERDON_DATABASE_URL")
        return
    with connection:
        version = connection.info.server_version
        words = f"PostgreSQL {version // 10_000}.{version % 10_000}"
        yield Finding(
            "database", "ok" if version >= _OLDEST_VERSION else "bad", f"{words}; 15 or newer serves"
        )
        yield _clock(connection)
        missing = _missing_roles(connection)
    yield (
        Finding("roles", "bad", f"not there, or not ours to take: {', '.join(missing)}")
        if missing
        else (Finding("roles", "ok", "this login may become each of them"))
    )
    if missing:
        return
    at, head = _revision(database), known_revisions()[-1]
    behind = Finding("migrations", "look", f"at {at or 'nothing'}, the next start goes to {head}")
    yield Finding("migrations", "ok", f"at {head}, the newest") if at == head else behind
    if at == head:
        now = datetime.now(UTC)
        yield from _waiting(database, now)
        yield from (Finding(*one) for one in look_at_waiting(settings, database, now))


def _clock(connection: psycopg.Connection[tuple[datetime]]) -> Finding:
    row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    apart = abs(row[0] - datetime.now(UTC))
    state: State = "ok" if apart < _CLOCK_APART else "bad"
    return Finding("clock", state, f"{apart.total_seconds():.1f} s from the database's")


def _missing_roles(connection: psycopg.Connection[tuple[str]]) -> list[str]:
    missing = []
    for name in ROLES.values():
        try:
            connection.execute(psycopg.sql.SQL("set role {}").format(psycopg.sql.Identifier(name)))
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue):
            missing.append(name)
    connection.execute("reset role")
    return missing


def _revision(database: Database) -> str | None:
    with database.transaction_as("owner") as tx:
        return current_revision(tx)


def _waiting(database: Database, now: datetime) -> Iterator[Finding]:
    with database.transaction_as("relay") as tx:
        oldest, count = relay.oldest(tx)
        states = {state: (number, since) for state, number, since in count_states(tx)}
    yield _age("outbox", f"{count} events to tell", oldest, now)
    waiting, since = states.get("waiting", (0, None))
    yield _age("webhooks", f"{waiting} deliveries wait", since, now)
    dead = states.get("dead", (0, None))[0]
    yield Finding("dead letters", "look" if dead else "ok", f"{dead} deliveries were given up")
    quarantined = sum(_quarantined(database))
    words = f"{quarantined} commands could not be applied"
    yield Finding("quarantine", "look" if quarantined else "ok", words)
    yield from _logs(database, now)


def _age(check: str, words: str, since: datetime | None, now: datetime) -> Finding:
    if since is None:
        return Finding(check, "ok", words)
    age = max(now - since, timedelta())
    state: State = "look" if age > _WAITS_LONG else "ok"
    return Finding(check, state, f"{words}, the oldest for {age - timedelta(microseconds=age.microseconds)}")


def _logs(database: Database, now: datetime) -> Iterator[Finding]:
    watches, old = [], 0
    with database.transaction_as("lookup") as lookup_tx:
        tenants = list_tenants(lookup_tx)
    for tenant in tenants:
        with database.transaction(tenant.tenant_id) as tx:
            watches.append(look(tx))
            for program in list_programs(tx):
                keys = list_keys(tx, program.program_id)
                old += bool(keys) and now - keys[-1].since > KEY_OLD_AFTER
    alarms, refusals = sum(one.alarms for one in watches), sum(one.refusals for one in watches)
    words = f"{alarms} heads of other logs do not fit what was seen of them"
    yield Finding("watched logs", "bad" if alarms else "ok", words)
    words = f"{refusals} witnesses say that a log here is not the one that they saw"
    yield Finding("witnesses", "bad" if refusals else "ok", words)
    since = min((one.behind_since for one in watches if one.behind_since is not None), default=None)
    if since is not None and not refusals:
        yield _age("told", "a witness could not be told of the newest head", since, now)
    words = f"{old} keys of logs are older than a year; `guerdon proof rotate-key` makes others"
    yield Finding("log keys", "look" if old else "ok", words)


def _quarantined(database: Database) -> Sequence[int]:
    with database.transaction_as("lookup") as lookup_tx:
        tenants = list_tenants(lookup_tx)
    counts = []
    for tenant in tenants:
        with database.transaction(tenant.tenant_id) as tx:
            row = tx.execute("select count(*) from quarantine").fetchone()
        counts.append(int(row[0]) if row is not None else 0)
    return counts
