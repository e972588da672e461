"""Each contract of .importlinter is shown to break on a house that is built wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

HOUSE = ("base", "rules", "infra", "programs", "members", "ledger", "play", "rewards", "engine", "web", "cli")
FLOORS = "Each floor uses only the floors below it, and rooms of one floor are strangers"
RINGS = "Nothing runs in circles, inside packages either"
PURE = "base and rules are pure: no I/O, no clock, no chance, no framework"
PRIVATE = "Tables, SQL and underscored modules are used only inside their own room"
ROOF = "No web framework below the roof"


def _lint(folder: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    package = folder / "guerdon"
    for room in HOUSE:
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").touch()
    (package / "__init__.py").touch()
    for name, text in files.items():
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text(text + "\n", encoding="utf-8")
    shutil.copy(ROOT / ".importlinter", folder)
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("files", "broken"),
    [
        ({"base/money.py": "import guerdon.rules"}, FLOORS),
        ({"ledger/journal.py": "import guerdon.engine"}, FLOORS),
        ({"play/badges.py": "import guerdon.rewards"}, FLOORS),
        ({"attic/__init__.py": ""}, FLOORS),
        ({"rules/a.py": "import guerdon.rules.b", "rules/b.py": "import guerdon.rules.a"}, RINGS),
        ({"rules/a.py": "import random"}, PURE),
        ({"base/a.py": "from os import environ"}, PURE),
        ({"rules/a.py": "import psycopg"}, PURE),
        ({"ledger/sql.py": "", "engine/a.py": "import guerdon.ledger.sql"}, PRIVATE),
        ({"ledger/_lots.py": "", "engine/a.py": "from guerdon.ledger import _lots"}, PRIVATE),
        ({"engine/a.py": "import fastapi"}, ROOF),
        ({"infra/a.py": "import starlette.requests"}, ROOF),
    ],
)
def test_a_wrong_house_is_refused(tmp_path: Path, files: dict[str, str], broken: str) -> None:
    done = _lint(tmp_path, files)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{broken} BROKEN" in done.stdout


def test_a_right_house_stands(tmp_path: Path) -> None:
    files = {
        "infra/sql.py": "",
        "ledger/sql.py": "import guerdon.infra.sql",
        "ledger/journal.py": "import guerdon.ledger.sql\nimport guerdon.rules",
        "engine/apply.py": "import guerdon.ledger.journal",
        "web/page.py": "import fastapi\nimport guerdon.engine.apply",
    }
    done = _lint(tmp_path, files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Contracts: 5 kept, 0 broken." in done.stdout


def test_no_contract_has_exceptions() -> None:
    assert "ignore_imports" not in (ROOT / ".importlinter").read_text(encoding="utf-8")
