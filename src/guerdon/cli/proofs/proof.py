"""`guerdon proof`: checks proof files with nothing but the file and the log's public key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
import typer

from guerdon.base.errors import Problem
from guerdon.cli.options import Json, takes
from guerdon.cli.showing import read_document, show_json, show_note, show_table
from guerdon.rules.proofs.notes import NoteKey
from guerdon.rules.proofs.statement import Checked, check_proof

app = typer.Typer(
    name="proof", help="Check what the log proves, without asking anybody.", no_args_is_help=True
)
_LINE: Final = re.compile(r"/lines/(\d{1,9})(?:/|$)")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ProofOptions:
    """What the command takes."""

    file: Annotated[str, typer.Argument(metavar="FILE", help="The proof file.", show_default=False)]
    keys: Annotated[
        list[str],
        typer.Option(
            "--log-key",
            metavar="KEY",
            help="A public key of the log, as log/keys gives it; several where it was changed.",
            show_default=False,
        ),
    ]
    json: Json = False


@app.command("verify")
@takes(ProofOptions)
def verify_proof(options: ProofOptions) -> int:
    """Check a proof file, offline: every line is in the log whose head the key signed.

    Of a statement it is checked besides that none is left out before its last line, and it is added up.
    Exit code: 1 where anything does not hold, and the line that does not is named.

    guerdon proof verify proof.json --log-key guerdon/main/club+0a1b2c3d+AfJ…
    """
    keys = [NoteKey.read(text) for text in options.keys]
    data = read_document(options.file)
    try:
        checked = check_proof(data, keys)
    except Problem as problem:
        raise _with_line(problem, data) from None
    if options.json:
        show_json(_plain(checked))
    else:
        _show(checked)
    return 0


def _with_line(problem: Problem, data: bytes) -> Problem:
    """Say which transaction it is about, as far as the file itself can be read."""
    found = _LINE.match(problem.faults[0].pointer) if problem.faults else None
    if found is None:
        return problem
    place = int(found[1])
    words = f"line {place + 1}"
    try:
        line = msgspec.json.decode(data)["lines"][place]
        words += f", position {line['position']} in the log"
        _, _, seq, kind, wallet, effective_at, *_ = msgspec.json.decode(line["leaf"])
        at = (_EPOCH + timedelta(microseconds=effective_at)).isoformat(timespec="seconds")
        words += f", which says that it is transaction {seq}, {kind} of {wallet} at {at}"
    except (msgspec.DecodeError, LookupError, TypeError, ValueError, OverflowError):
        # Whatever cannot be read is not told; what is wrong with it is.
        pass
    return Problem.at(problem.faults[0].pointer, problem.code, f"{words}: {problem.detail}")


def _plain(checked: Checked) -> dict[str, Any]:
    head = checked.checkpoint
    return {
        "checkpoint": {"origin": head.origin, "size": head.size, "root": head.root.hex()},
        "account": checked.account or None,
        "after": checked.after,
        "transactions": msgspec.to_builtins(checked.lines),
        "balances": dict(checked.balances),
    }


def _show(checked: Checked) -> None:
    head = checked.checkpoint
    show_note(f"{head.origin}: a head of {head.size} transactions, signed by the key given")
    rows = [
        (
            str(line.position),
            str(line.seq),
            (_EPOCH + timedelta(microseconds=line.effective_at)).isoformat(timespec="seconds"),
            line.kind,
            line.wallet,
            str(line.amount),
        )
        for line in checked.lines
    ]
    show_table(("in the log", "in the account", "at", "kind", "wallet", "smallest units"), rows)
    whose = f" of {checked.account}" if checked.account else ""
    if checked.after:
        show_note(f"a part of a statement, behind the first {checked.after} of the account")
    count = len(checked.lines)
    are = "transaction{} is" if count == 1 else "transactions{} are"
    show_note(f"{count} {are.format(whose)} in the log")
    for wallet, amount in sorted(checked.balances.items()):
        show_note(f"{wallet} adds up to {amount} of its smallest units, nothing left out on the way")
