"""What the embedded server is told: a small machine, durable, closed to the network, silent about data."""

from __future__ import annotations

from pathlib import Path

SOCKET_PORT = 5432
"""Only a part of the socket's file name; nothing listens on the network."""

HBA = "local all all scram-sha-256\n"

_SETTINGS = {
    "listen_addresses": "''",
    "port": str(SOCKET_PORT),
    "unix_socket_permissions": "0700",
    "password_encryption": "'scram-sha-256'",
    "max_connections": "60",
    "shared_buffers": "'256MB'",
    "effective_cache_size": "'1GB'",
    "work_mem": "'16MB'",
    "maintenance_work_mem": "'128MB'",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "max_wal_size": "'2GB'",
    "checkpoint_timeout": "'15min'",
    "random_page_cost": "1.1",
    "jit": "off",
    # Hot rows (wallets, counters) are updated all day: small and frequent vacuums keep HOT chains short.
    "autovacuum_naptime": "'20s'",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
    "autovacuum_analyze_scale_factor": "0.05",
    "autovacuum_vacuum_cost_limit": "1000",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "lc_messages": "'C'",
    "log_line_prefix": "'%m [%p] %q%a '",
    # Statements and details carry values, and values may be a person's.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}


def configuration_text(socket_folder: Path, durable: bool) -> str:
    """Write the server's configuration file.

    Args:
        socket_folder: where the socket is made.
        durable: False gives up safety after a crash of the machine, for throw-away databases only.

    Returns:
        The text of `postgresql.conf`; `custom.conf` beside the data folder is read last and wins.
    """
    settings = dict(_SETTINGS)
    settings["unix_socket_directories"] = _quoted(str(socket_folder))
    settings["fsync"] = settings["full_page_writes"] = "on" if durable else "off"
    lines = ["# Written by Guerdon at each start. Put changes into ../custom.conf.\n"]
    lines += [f"{name} = {value}\n" for name, value in settings.items()]
    lines.append("include_if_exists = '../custom.conf'\n")
    return "".join(lines)


def initdb_arguments(major: int) -> list[str]:
    """Say how a new data folder is made.

    Args:
        major: PostgreSQL's major version.

    Returns:
        Arguments of `initdb` beside the folder and the password file.
    """
    arguments = ["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums"]
    if major >= 17:
        # The built-in provider sorts the same on every machine and needs no locale files.
        return [*arguments, "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return [*arguments, "--locale=C.UTF-8"]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
