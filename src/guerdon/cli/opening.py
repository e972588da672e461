"""What most verbs begin with: the house on its database, or a running server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guerdon.base.errors import Problem
from guerdon.cli.showing import show_note
from guerdon.connect.imports.http import Server
from guerdon.infra.settings import Settings, load_settings
from guerdon.wiring import House, open_house


def settings_for(data: str | None, **given: object) -> Settings:
    """Read the settings; a folder that was named wins over a served database of the environment."""
    if data is None:
        return load_settings(**given)
    settings = load_settings(data=Path(data), **given)
    return settings.model_copy(update={"database_url": None})


@contextmanager
def opened_house(data: str | None, *, made: bool = True) -> Iterator[House]:
    """Open the database for one command; the engine rests until it is started.

    Args:
        data: the folder that was named, if any.
        made: whether a database is made where there is none; a verb that only reads asks for none.

    Yields:
        The house.

    Raises:
        Problem: `data_not_found`, `data_in_use`.
    """
    settings = settings_for(data)
    if not made and settings.database_url is None and not settings.data.is_dir():
        raise Problem(
            "data_not_found", f"there is no folder {settings.data}: name the one it is in with --data"
        )
    try:
        house = open_house(settings, show_note)
    except Problem as problem:
        if problem.code == "data_in_use":
            detail = f"{problem.detail}; a server that runs on it answers to --url and --key"
            raise Problem(problem.code, detail) from None
        raise
    try:
        yield house
    finally:
        house.close()


def server_at(url: str, key: str | None) -> Server:
    """Describe a running server."""
    if not key:
        raise Problem("key_missing", "a server wants a key: give --key, or set GUERDON_API_KEY")
    return Server(url, key)
