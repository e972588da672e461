"""An embedded server that another process runs: how to connect to it beside that process."""

from __future__ import annotations

import json
from pathlib import Path

from psycopg.conninfo import make_conninfo

from guerdon.base.errors import Problem
from guerdon.infra.postgres.folder import home_of

_SOCKET_LINE = 4
_PORT_LINE = 3


def conninfo_beside(data_dir: Path, database: str) -> str:
    """Tell how to connect to the server of a folder that another process holds.

    Args:
        data_dir: Guerdon's data folder.
        database: the database's name.

    Returns:
        A libpq connection string of the superuser, with its password: never to be logged.

    Raises:
        Problem: `postgres_not_running` where its files do not say where it listens.
    """
    home = home_of(data_dir)
    try:
        lines = (home / "pgdata" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        password = json.loads((home / "passwords.json").read_text(encoding="utf-8"))["postgres"]
    except (OSError, ValueError, KeyError) as error:
        detail = (
            f"a process holds {data_dir}, but no database of it is running yet, or this user may not read it"
        )
        raise Problem("postgres_not_running", detail) from error
    if len(lines) <= _SOCKET_LINE:
        raise Problem("postgres_not_running", f"the database of {data_dir} is only just starting: try again")
    host, port = lines[_SOCKET_LINE].strip(), lines[_PORT_LINE].strip()
    return make_conninfo(host=host, port=port, user="postgres", password=password, dbname=database)
