"""`guerdon proof draw`: whether a draw was fair, by what was published of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
import typer

from guerdon.cli.options import Json, takes
from guerdon.cli.proofs.log_keys import app
from guerdon.cli.showing import counted, read_document, show_json, show_note
from guerdon.rules.play.fairness import Checked, check_draws


@dataclass(frozen=True, slots=True)
class DrawOptions:
    """What the command takes."""

    file: Annotated[
        str, typer.Argument(metavar="FILE", help="What …/members/…/draws answered.", show_default=False)
    ]
    seed_hash: Annotated[
        str,
        typer.Option(
            "--seed-hash",
            metavar="HASH",
            help="What you wrote down while the draw was open.",
            show_default=False,
        ),
    ] = ""
    tickets: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Who had how many tickets of a raffle: what …/draws/…/tickets answered.",
            show_default=False,
        ),
    ] = None
    json: Json = False


@app.command("draw")
@takes(DrawOptions)
def check_fairness(options: DrawOptions) -> int:
    """Reckon tickets again, offline: by the seed whose hash was published before anything was drawn.

    Of an instant win each ticket is checked, of a raffle who won, where its tickets are given as well.
    Exit code: 1 where anything comes out otherwise.

    guerdon proof draw mine.json --seed-hash 9f86d081884c7d65…
    """
    lines = None if options.tickets is None else read_document(options.tickets).decode().splitlines()
    checked = check_draws(read_document(options.file), options.seed_hash.strip().lower(), lines)
    if options.json:
        show_json(msgspec.to_builtins(checked))
        return 0
    for one in checked:
        show_note(f"{one.draw}: {_said(one)}")
    return 0


def _said(one: Checked) -> str:
    if not one.open_seed:
        return "its seed is not known before it is over"
    if one.winners:
        return f"drawn again from {counted(one.tickets, 'ticket')}: the same {counted(one.winners, 'winner')}"
    if one.tickets:
        return f"{counted(one.tickets, 'ticket')} reckoned again, each came to what its lot says"
    return "its seed has the hash that was published"
