"""What the demo keeps in its folder, and where the example program stands."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Final, Self

import msgspec

import guerdon
from guerdon.base.errors import Problem
from guerdon.connect.samples import SamplePlan
from guerdon.infra.postgres.folder import DataFolder, write_private
from guerdon.infra.postgres.isolation import choose_isolation
from guerdon.infra.postgres.leftovers import clear_leftovers

_STATE: Final = "demo.json"
_KEY: Final = "demo.key"
_PASSWORD: Final = "demo.password"  # noqa: S105 - the name of a file
_KEY_BYTES: Final = 20


class DemoState(msgspec.Struct, frozen=True):
    """How far a demo got, and what it was made from."""

    first_on: date
    last_on: date
    members: int
    seed: int
    finished: bool = False
    events: int = 0
    orders: int = 0
    real: bool = False
    """Whether it is the real year of a grocer, and no sample."""
    member: str = ""
    """Somebody with points to look at, such as `external:BC-0045` or `mem_…`."""
    member_id: str = ""
    """The same person, as `mem_…`."""
    account: str = ""
    """That member's account."""
    order: str = ""
    """One of that member's orders."""
    tricky: str = ""
    """Somebody who tried what the limits do not allow, as `mem_…`; empty where nobody did."""
    acts: int = 0
    """How many of the things that members do beside buying were played to their end."""
    webhook_id: int = 0
    """The webhook that goes to the pretend shop."""

    @classmethod
    def of(cls, plan: SamplePlan, *, real: bool = False) -> Self:
        """Begin a demo."""
        return cls(plan.first_on, plan.last_on, plan.members, plan.seed, real=real)

    def plan(self, timezone: str) -> SamplePlan:
        """Give the plan it was begun with, so that one that was cut short goes on where it was.

        What is served shows what came back as well.
        """
        return SamplePlan(self.first_on, self.last_on, self.members, self.seed, timezone, returns=True)


class DemoFolder:
    """The folder of one demo."""

    def __init__(self, data: Path) -> None:
        self._data = data

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self._data

    @property
    def year(self) -> Path:
        """The sample year as events."""
        return self._data / "year.ndjson"

    @property
    def told(self) -> Path:
        """What the pretend shop was told."""
        return self._data / "told.ndjson"

    @property
    def report(self) -> Path:
        """The folder of the backtest's report."""
        return self._data / "backtest"

    def begun(self, begin: DemoState) -> DemoState:
        """Read how far the demo got; mark the folder as a demo's where it has not begun."""
        self._check()
        path = self._data / _STATE
        if not path.is_file():
            self._make(begin)
        try:
            return msgspec.json.decode(path.read_bytes(), type=DemoState)
        except msgspec.DecodeError as error:
            detail = f"{path} cannot be read ({error}): --reset begins again"
            raise Problem("demo_damaged", detail) from None

    def _make(self, begin: DemoState) -> None:
        try:
            # The server may run as another user, who passes through to a folder of its own.
            self._data.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
            self.keep(begin)
        except OSError as error:
            detail = f"the folder {self._data} cannot be used ({error.strerror}): give another with --data"
            raise Problem("data_not_writable", detail) from None

    def _check(self) -> None:
        if not (self._data / _STATE).exists() and self._data.exists() and any(self._data.iterdir()):
            detail = f"{self._data} holds something that is not a demo: give another folder with --data"
            raise Problem("not_a_demo", detail)

    def keep(self, state: DemoState) -> None:
        """Write how far the demo got."""
        write_private(self._data / _STATE, msgspec.json.encode(state).decode() + "\n")

    def key(self, token: Callable[[int], str]) -> str:
        """Read the demo's API key, making one the first time."""
        return self._kept(_KEY, lambda: f"gk_demo_{token(_KEY_BYTES)}")

    def password(self, made: Callable[[], str]) -> str:
        """Read the password of the demo's staff, making one the first time."""
        return self._kept(_PASSWORD, made)

    def _kept(self, name: str, made: Callable[[], str]) -> str:
        path = self._data / name
        if not path.is_file():
            write_private(path, f"{made()}\n")
        return path.read_text(encoding="ascii").strip()

    def clear(self) -> None:
        """Throw the demo away, unless it is running."""
        if not self._data.exists() or not any(self._data.iterdir()):
            return
        self._check()
        folder = DataFolder(self._data, choose_isolation())
        folder.take()
        try:
            # A server that outlived a kill still writes there.
            clear_leftovers(folder.pgdata)
            shutil.rmtree(folder.home)
            shutil.rmtree(self.report, ignore_errors=True)
            ours = (self.year.name, self.told.name, "easier.yaml", "postgres.location", "master.key")
            # The mark goes last: what is left by an interruption is still known as a demo's.
            for name in (*ours, _KEY, _PASSWORD, _STATE):
                (self._data / name).unlink(missing_ok=True)
        finally:
            folder.release()


def example_file(name: str) -> Path:
    """Find an example program: in a checkout, or where the package was installed."""
    package = Path(guerdon.__file__).parent
    for folder in (package.parents[1] / "examples", package / "examples"):
        if (folder / name).is_file():
            return folder / name
    raise Problem("file_not_found", f"there is no example program {name} beside this installation")


def write_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Write a file of lines, or nothing.

    Raises:
        Problem: `file_unwritable`.
    """
    try:
        with path.open("wb") as file:
            file.writelines(lines)
    except OSError as error:
        raise Problem("file_unwritable", f"{path} cannot be written: {error.strerror}") from None
