"""What `import` and `backtest` read from: files of events, or files of rows with a mapping."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from guerdon.base.errors import Problem
from guerdon.cli.showing import read_document, show_note, told_bytes
from guerdon.connect.imports.mapping import load_mapping, map_files
from guerdon.connect.imports.mapping.load import MappingError
from guerdon.infra.linefiles import LineFile
from guerdon.rules.definition import render

Sources = Sequence[str | LineFile]
Map = Annotated[
    str | None,
    typer.Option(
        "--map",
        metavar="MAP",
        help="How columns become events (YAML); the files are CSV or Parquet then.",
        show_default=False,
    ),
]

_ROWS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")


def mapped(names: Sequence[str], map_name: str | None, folder: Path) -> Sources:
    """Turn files of rows into files of events; files of events stay as they are.

    Args:
        names: as they were given.
        map_name: the mapping file, or None.
        folder: where what is made may be put.

    Returns:
        What events are read from.

    Raises:
        Problem: `mapping_missing`, `invalid_mapping`, or what `map_files` raises.
    """
    if map_name is None:
        rows = next((name for name in names if name.lower().endswith(_ROWS)), None)
        if rows is not None:
            detail = f"{rows} holds rows; say with --map how its columns become events"
            raise Problem("mapping_missing", detail)
        return names
    document = read_document(map_name)
    try:
        mapping = load_mapping(document, map_name)
    except MappingError as error:
        show_note(render(error.errors, document.decode("utf-8", "replace"), map_name))
        raise Problem(error.code, error.detail) from None
    with told_bytes("reading rows", bytes_of(names)) as told:
        return map_files(mapping, names, folder, told)


def bytes_of(sources: Sources) -> int | None:
    """Tell how much there is to go through, where that is known."""
    total = 0
    for one in sources:
        if isinstance(one, LineFile):
            total += one.size
        elif one == "-" or one.endswith(".gz") or not Path(one).is_file():
            return None
        else:
            total += Path(one).stat().st_size
    return total
