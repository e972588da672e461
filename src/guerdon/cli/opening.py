"""What most verbs begin with: the house on its database, or a running server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guerdon.base.errors import Problem
from guerdon.cli.showing import show_note
from guerdon.connect.imports.http import Server
from guerdon.infra.postgres.folder import has_database
from guerdon.infra.settings import Settings, load_settings
from guerdon.infra.tx import Tx
from guerdon.programs.tenants import find_tenant, list_tenants, tenant_id_of
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
    if not made and not is_there(settings):
        what = "database in" if settings.data.is_dir() else "folder"
        detail = f"there is no {what} {settings.data}: name the folder that it is in with --data"
        raise Problem("data_not_found", detail)
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


def is_there(settings: Settings) -> bool:
    """Tell whether the database that the settings mean is there already; a served one is taken to be."""
    return settings.database_url is not None or has_database(settings.data)


@contextmanager
def opened_tenant(data: str | None, tenant: str, *, made: bool = False) -> Iterator[tuple[House, Tx]]:
    """Open the database for one command about one tenant, in one transaction.

    Args:
        data: the folder that was named, if any.
        tenant: the tenant's key.
        made: whether the command makes database and tenant where they are new; others refuse to.

    Yields:
        The house, and a transaction bound to the tenant.

    Raises:
        Problem: `tenant_not_found`, and what `opened_house` raises.
    """
    with opened_house(data, made=made) as house, house.database.transaction(tenant_id_of(tenant)) as tx:
        if not made:
            check_tenant(tx, house, tenant)
        yield house, tx


def check_tenant(tx: Tx, house: House, tenant: str) -> None:
    """Refuse a tenant that nobody made, for its key was mistyped; raises `tenant_not_found`."""
    if find_tenant(tx) is None:
        with house.database.transaction_as("lookup") as lookup:
            known = ", ".join(one.key for one in list_tenants(lookup)) or "none yet"
        raise Problem("tenant_not_found", f"there is no tenant {tenant!r}; there are: {known}")


def server_at(url: str, key: str | None) -> Server:
    """Describe a running server."""
    if not key:
        raise Problem("key_missing", "a server wants a key: give --key, or set GUERDON_API_KEY")
    return Server(url, key)
