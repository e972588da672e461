"""Commands run in this process, and what they said."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from guerdon import cli

DEFINITION = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor}
campaigns:
  base_earn: {trigger: order.paid, then: [{award: {wallet: points, amount: order.net}}]}
"""


@dataclass(frozen=True)
class Said:
    """What one command did."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def guerdon(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command; a stack trace in what it says fails the test."""
    monkeypatch.delenv("GUERDON_DATABASE_URL", raising=False)
    monkeypatch.delenv("GUERDON_API_KEY", raising=False)

    def run(*arguments: object) -> Said:
        capfd.readouterr()
        code = cli.run([str(one) for one in arguments])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return Said(code, out, err)

    return run


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    path = tmp_path / "club.yaml"
    path.write_text(DEFINITION, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which the definition is live, at rest; tests take copies of it."""
    folder = tmp_path_factory.mktemp("applied")
    (folder / "club.yaml").write_text(DEFINITION, encoding="utf-8")
    assert cli.run(["apply", str(folder / "club.yaml"), "--data", str(folder / "data")]) == 0
    return folder / "data"


@pytest.fixture
def home(applied: Path, tmp_path: Path) -> Path:
    """A data folder of the test's own, in which the definition is live."""
    return Path(shutil.copytree(applied, tmp_path / "home", symlinks=True))
