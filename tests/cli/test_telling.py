"""What goes to the log, and to whom a new tenant's clock belongs."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
import structlog

from guerdon.infra.postgres import EmbeddedPostgres
from tests.cli.conftest import Run


def test_a_logged_error_shows_places_and_no_values(guerdon: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert guerdon("schema").code == 0
    secret = "ana@example.org"
    try:
        raise ValueError(f"what {secret} did")
    except ValueError:
        structlog.get_logger("test").exception("step_failed", kind="Redeem")
    said = capfd.readouterr()
    line = json.loads(said.err.strip().splitlines()[-1])
    assert (line["event"], line["kind"], line["level"]) == ("step_failed", "Redeem", "error")
    assert line["error"] == "builtins.ValueError"
    assert any("test_a_logged_error" in frame for frame in line["frames"])
    assert secret not in said.err


def test_a_tenant_made_on_an_embedded_folder_is_a_sandbox(
    guerdon: Run, definition: Path, tmp_path: Path
) -> None:
    home = tmp_path / "data"
    assert guerdon("apply", definition, "--data", home).code == 0
    with EmbeddedPostgres(home) as server, psycopg.connect(server.dsn("superuser")) as admin:
        rows = admin.execute("select key, sandbox from guerdon.tenants").fetchall()
    assert rows == [("main", True)]
