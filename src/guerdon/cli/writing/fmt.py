"""`guerdon fmt` and `guerdon schema`: what helps in an editor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from guerdon.base.errors import Problem
from guerdon.cli.options import takes
from guerdon.cli.showing import read_document, show_json, show_note
from guerdon.cli.writing.pictures import pictured
from guerdon.rules.definition import format_document, json_schema

SAME, DIFFERS = 0, 2


@dataclass(frozen=True, slots=True)
class FmtOptions:
    """What the command takes."""

    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Program definition, YAML or JSON; - for standard input.")
    ]
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 2 where the layout differs.")
    ] = False


@takes(FmtOptions)
def fmt(options: FmtOptions) -> int:
    """Lay a definition out in the one stable way; comments and the order of keys stay.

    Exit code: 0 done, or nothing to do; 2 with --check where the layout differs; 1 an error.
    """
    if options.file == "-":
        document = typer.get_binary_stream("stdin").read()
        with pictured(document, "standard input"):
            typer.echo(format_document(document, "standard input"), nl=False)
        return SAME
    document = read_document(options.file)
    with pictured(document, options.file):
        formatted = format_document(document, options.file).encode("utf-8")
    if formatted == document:
        return SAME
    if options.check:
        show_note(f"{options.file}: the layout differs; guerdon fmt {options.file} changes it")
        return DIFFERS
    if document.lstrip()[:1] in (b"{", b"["):
        raise Problem(
            "json_not_formatted",
            f"{options.file} is JSON; `guerdon fmt - < {options.file}` prints it as YAML",
        )
    Path(options.file).write_bytes(formatted)
    show_note(f"{options.file}: laid out anew")
    return SAME


def schema() -> int:
    """Print the JSON Schema of definitions, for editors."""
    show_json(json_schema())
    return SAME
