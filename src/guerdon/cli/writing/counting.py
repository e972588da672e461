"""`guerdon metrics`: how far new and changed metrics are counted from history."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple
from urllib.parse import quote

import structlog
import typer

from guerdon.cli.opening import check_tenant, opened_house, server_at
from guerdon.cli.options import Data, Json, Key, Tenant, Url, takes
from guerdon.cli.showing import counted, show_json, show_note
from guerdon.cli.upkeep import told_parts
from guerdon.engine.counting.keeper import waiting
from guerdon.programs.programs import get_live
from guerdon.programs.tenants import tenant_id_of
from guerdon.wiring import MAIN_TENANT, House

_LOOKS_EVERY_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class MetricsOptions:
    """What the command takes."""

    program: Annotated[str, typer.Argument(metavar="PROGRAM", help="The program's key.")]
    follow: Annotated[
        bool, typer.Option("--follow", help="Stay until all are counted; without --url, count them here.")
    ] = False
    data: Data = None
    tenant: Tenant = MAIN_TENANT
    url: Url = None
    key: Key = None
    json: Json = False


class _Stand(NamedTuple):
    version: int
    behind: int
    accounts: int


@takes(MetricsOptions)
def metrics(options: MetricsOptions) -> int:
    """Tell how many accounts wait until their metrics are counted by the live version.

    Each account is counted at the latest before its next decision: nothing has to wait for this.
    """
    if options.url:
        stand = _followed(options, lambda: _ask(options), lambda: time.sleep(_LOOKS_EVERY_SECONDS))
    else:
        with opened_house(options.data, made=False) as house:
            stand = _followed(options, lambda: _look(options, house), lambda: _count(house))
    if options.json:
        said = {"program": options.program, "version": stand.version}
        show_json({**said, "waiting": stand.behind, "accounts": stand.accounts})
    elif stand.behind:
        show_note(f"{options.program}: {stand.behind:,} of {counted(stand.accounts, 'account')} wait")
    else:
        show_note(f"{options.program}: {counted(stand.accounts, 'account')}, all counted")
    return 0


def _followed(options: MetricsOptions, look: Callable[[], _Stand], go_on: Callable[[], object]) -> _Stand:
    stand = look()
    if not (options.follow and stand.behind):
        return stand
    with _without_lines(), told_parts() as told:
        while stand.behind:
            told("metrics", stand.accounts - stand.behind, stand.accounts)
            go_on()
            stand = look()
    return stand


@contextmanager
def _without_lines() -> Iterator[None]:
    """Keep lines of a log that say what the bar shows away from it; warnings are told."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    try:
        yield
    finally:
        structlog.configure(**before)


def _look(options: MetricsOptions, house: House) -> _Stand:
    with house.database.transaction(tenant_id_of(options.tenant)) as tx:
        check_tenant(tx, house, options.tenant)
        live = get_live(tx, options.program)
        found = waiting(tx, live)
        return _Stand(live.version, found.behind, found.accounts)


def _count(house: House) -> None:
    if not house.metrics.work():
        # Another process counts as well, and holds what is left.
        time.sleep(_LOOKS_EVERY_SECONDS)


def _ask(options: MetricsOptions) -> _Stand:
    path = f"/v1/programs/{quote(options.program, safe='')}"
    said = server_at(options.url or "", options.key).ask("GET", path, b"")[1]
    counting = said.get("counting") or {"waiting": 0, "accounts": 0}
    return _Stand(said["version"], counting["waiting"], counting["accounts"])
