"""`guerdon verify` and `guerdon serve`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from guerdon.base.errors import Problem
from guerdon.base.findings import Finding, Progress
from guerdon.base.ids import number_text
from guerdon.cli.opening import opened_house, settings_for
from guerdon.cli.options import Data, Json, takes
from guerdon.cli.proofs.anchored import anchored_findings, find_anchored, read_stamped
from guerdon.cli.proofs.heads import KeptHead, check_heads, read_heads, refuse_strangers
from guerdon.cli.shell.importing import without_collecting
from guerdon.cli.showing import counted, show_json, show_note
from guerdon.connect.chain.checking import check_anchors
from guerdon.connect.witness.audit import check_witnessed
from guerdon.connect.witness.named import read_witnesses
from guerdon.engine.audit import Audit, Counts, count_ledger
from guerdon.infra.settings import Settings
from guerdon.infra.tx import Tx
from guerdon.ledger.archives.audit import Moved
from guerdon.ledger.audit import verify
from guerdon.ledger.log.audit import check_logs
from guerdon.members.crypto import Vault
from guerdon.programs.programs import list_programs
from guerdon.programs.tenants import Tenant, list_tenants
from guerdon.rules.proofs.notes import NoteKey
from guerdon.wiring import House

_SHOWN_AT_MOST = 100
_MONTHS_AT_MOST = 24
# Nothing is locked; what others write meanwhile is not seen, and a long look must not be cut short.
_ONE_LOOK = "set transaction isolation level repeatable read, read only; set local statement_timeout = 0"


class Depth(NamedTuple):
    """How far an audit goes."""

    ledger_only: bool = False
    archives: Path | None = None
    """The tenant's, None where they are not at hand."""


_ALL: Final = Depth()


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What the command takes."""

    data: Data = None
    ledger_only: Annotated[
        bool,
        typer.Option("--ledger-only", help="Only add the ledger up; decide nothing again. Much quicker."),
    ] = False
    checkpoints: Annotated[
        list[str],
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help="A signed head that was kept elsewhere: everything that it covers must be as it was.",
            show_default=False,
        ),
    ] = field(default_factory=list)
    log_keys: Annotated[
        list[str],
        typer.Option(
            "--log-key", metavar="KEY", help="The public key that signed the head.", show_default=False
        ),
    ] = field(default_factory=list)
    anchors: Annotated[
        list[str],
        typer.Option(
            "--anchor",
            metavar="chain|FILE",
            help="chain: hold the logs against the contract of the settings. FILE: against a stamped head.",
            show_default=False,
        ),
    ] = field(default_factory=list)
    archives: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Where `retention move` put the files: their rows are checked as well.",
            show_default=False,
        ),
    ] = None
    json: Json = False


@takes(VerifyOptions)
def verify_all(options: VerifyOptions) -> int:
    """Work everything out again, for every tenant, and print what does not hold.

    Every event is decided again by the version of the program that decided it, and everything that is
    stored must be what comes out: decisions, journal, lots, balances, metrics, tiers, counters, redemptions.
    Transactions balance, numbers have no gaps, every transaction is what was hashed, and the log's root is
    that of its transactions. With a head that was kept elsewhere, and the key that signed it, or with what
    was anchored, a log that was rewritten as a whole is found as well. What moved into files is held against
    the log's hashes, and row by row against the files where they are at hand. Exit code 0 only if all holds.
    """
    settings = settings_for(options.data)
    heads = read_heads(options.checkpoints, options.log_keys)
    heads += read_stamped(options.anchors, options.log_keys, settings)
    anchored = find_anchored(options.anchors, settings)
    archives = _folder_of(options.archives)
    counts, tenants, total = Counts(), 0, 0
    found: list[Finding] = []
    with opened_house(options.data, made=False) as house:
        known = tenants_of(house)
        refuse_strangers(heads, [tenant.key for tenant in known])
        for tenant in known:
            tenants += 1
            files = None if archives is None else archives / tenant.key
            here = findings_of(house, tenant, heads, counts, Depth(options.ledger_only, files))
            for finding in chain(here, anchored_findings(house, tenant, anchored)):
                total += 1
                if len(found) < _SHOWN_AT_MOST:
                    found.append(finding)
    if options.json:
        show_json(_as_json(tenants, counts, total, found))
    else:
        for one in found:
            sys.stdout.write(f"{one.detail} [{one.code}]\n")
        show_verdict(tenants, counts, total)
    return 1 if total else 0


def _folder_of(typed: str | None) -> Path | None:
    if typed is not None and not Path(typed).is_dir():
        detail = f"{typed} is no folder; --archives is the one that `guerdon retention move` wrote into"
        raise Problem("folder_not_found", detail)
    return None if typed is None else Path(typed)


def tenants_of(house: House) -> list[Tenant]:
    """List the tenants of a house."""
    with house.database.transaction_as("lookup") as lookup_tx:
        return list_tenants(lookup_tx)


def findings_of(
    house: House, tenant: Tenant, heads: Sequence[KeptHead], counts: Counts, depth: Depth = _ALL
) -> Iterator[Finding]:
    """Work out again what one tenant has, in one look, and hold its logs against heads kept elsewhere."""
    with house.database.transaction(tenant.tenant_id) as tx:
        tx.execute(_ONE_LOOK)
        now = None if tenant.sandbox else datetime.now(UTC)
        deep = None if depth.ledger_only else (house.vault(tenant.tenant_id), now)
        yield from _verify(tx, deep, counts, depth.archives)
        yield from check_anchors(tx)
        yield from check_witnessed(tx, _witness_keys(house))
        yield from check_heads(tx, [one for one in heads if one.tenant == tenant.key])


def _witness_keys(house: House) -> list[NoteKey]:
    path = house.settings.witnesses
    known = [] if path is None else read_witnesses(path, allow_loopback=True)
    return [one.note_key for one in known if one.kind == "guerdon"]


def _verify(
    tx: Tx, deep: tuple[Vault, datetime | None] | None, counts: Counts, archives: Path | None
) -> Iterator[Finding]:
    with told_parts() as told:
        if deep is None:
            mine = count_ledger(tx)
            with closing(Moved(tx, archives)) as moved:
                yield from moved.open_files(tx, [(one.program_id, one.key) for one in list_programs(tx)])
            mine.archives = moved.months
            yield from verify(tx, told, mine.transactions)
            yield from check_logs(tx, told)
            counts.add(mine)
            return
        vault, now = deep
        audit = Audit(tx, vault, told, now=now, archives=archives)
        yield from audit.run()
    counts.add(audit.counts)


@contextmanager
def told_parts() -> Iterator[Progress]:
    """Show how far each part is; nothing is drawn where nobody looks."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console, disable=not console.is_terminal, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def told(part: str, done: int, total: int) -> None:
            if part not in tasks:
                tasks[part] = bars.add_task(part, total=total)
            bars.update(tasks[part], completed=done, total=total)

        yield told


def show_verdict(tenants: int, counts: Counts, total: int) -> None:
    """Say what was gone through, and whether it holds."""
    parts = [
        counted(tenants, "tenant"),
        counted(counts.programs, "program"),
        counted(counts.events, "event"),
        counted(counts.transactions, "transaction"),
        "1 entry" if counts.entries == 1 else f"{counts.entries:,} entries",
        counted(counts.accounts, "account"),
    ]
    if total > _SHOWN_AT_MOST:
        show_note(f"and {total - _SHOWN_AT_MOST:,} more")
    for reason, count in sorted(counts.not_replayed.items()):
        show_note(f"{counted(count, 'account')} not replayable {reason}; the rest of them was checked")
    _show_archives(counts)
    verdict = "all holds" if not total else counted(total, "finding")
    show_note(f"checked {', '.join(parts)}: {verdict}")


def _show_archives(counts: Counts) -> None:
    """Say what moved into files, and by which hash those stand that were not at hand."""
    if counts.moved:
        show_note(
            f"{counted(counts.moved, 'transaction')} that moved into files: each has the hash in the log"
        )
    unread = [one for one in counts.archives if not one.is_read]
    for one in unread[:_MONTHS_AT_MOST]:
        count, digest = counted(one.recorded.transactions, "transaction"), one.recorded.file_sha256.hex()
        show_note(f"not read, give --archives: {one.program} {one.recorded.name}, {count}, SHA-256 {digest}")
    if len(unread) > _MONTHS_AT_MOST:
        show_note(f"and {len(unread) - _MONTHS_AT_MOST} months more, which --json lists")
    if len(counts.archives) > len(unread):
        show_note(f"{counted(len(counts.archives) - len(unread), 'file')} read, row by row")


def _as_json(tenants: int, counts: Counts, total: int, found: Sequence[Finding]) -> dict[str, Any]:
    return {
        "holds": not total,
        "tenants": tenants,
        "programs": counts.programs,
        "events": counts.events,
        "transactions": counts.transactions,
        "entries": counts.entries,
        "accounts": counts.accounts,
        "moved": counts.moved,
        "archives": [
            {
                "program": one.program,
                "month": one.recorded.name,
                "transactions": one.recorded.transactions,
                "sha256": one.recorded.file_sha256.hex(),
                "log_size": one.recorded.log_size,
                "read": one.is_read,
            }
            for one in counts.archives
        ],
        "not_replayed": dict(counts.not_replayed),
        "findings": total,
        "first": [
            {
                "code": one.code,
                "table": one.table,
                "key": one.key,
                "expected": one.expected,
                "found": one.found,
                "account": number_text("acc", one.account_id) if one.account_id else "",
            }
            for one in found
        ],
    }


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the command takes."""

    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Where it listens; 0 takes a free one and prints it.", show_default=False
        ),
    ] = None
    host: Annotated[
        str | None, typer.Option(help="Address it listens on; 127.0.0.1 unless given.", show_default=False)
    ] = None
    data: Data = None


@takes(ServeOptions)
def serve(options: ServeOptions) -> int:
    """Run engine, API and pages, on an embedded PostgreSQL or the one of GUERDON_DATABASE_URL.

    /readyz answers 200 when it is ready. GUERDON_API_KEY is made to exist with all scopes.
    Ctrl-C or SIGTERM stops it: what was taken in is finished first.
    """
    # By its name, as any ASGI server is started: the floor of the web is a stranger to this one.
    with without_collecting():
        serve_web: Callable[[Settings], None] = importlib.import_module("guerdon.web.serving").serve
    serve_web(settings_for(options.data, port=options.port, host=options.host))
    return 0
