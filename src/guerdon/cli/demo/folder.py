"""What the demo keeps in its folder, and where the example program stands."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
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
    member: str = ""
    """External id of somebody with points to look at."""
    account: str = ""
    """That member's account."""

    @classmethod
    def of(cls, plan: SamplePlan) -> Self:
        """Begin a demo."""
        return cls(plan.first_on, plan.last_on, plan.members, plan.seed)

    def plan(self, timezone: str) -> SamplePlan:
        """Give the plan it was begun with, so that one that was cut short goes on where it was."""
        return SamplePlan(self.first_on, self.last_on, self.members, self.seed, timezone)


class DemoFolder:
    """The folder of one demo."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def begun(self, plan: SamplePlan) -> DemoState:
        """Read how far the demo got; mark the folder as a demo's where it has not begun."""
        self._check()
        path = self._data / _STATE
        if not path.is_file():
            # The server may run as another user, who passes through to a folder of its own.
            self._data.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
            self.keep(DemoState.of(plan))
        try:
            return msgspec.json.decode(path.read_bytes(), type=DemoState)
        except msgspec.DecodeError as error:
            detail = f"{path} cannot be read ({error}): --reset begins again"
            raise Problem("demo_damaged", detail) from None

    def _check(self) -> None:
        if not (self._data / _STATE).exists() and self._data.exists() and any(self._data.iterdir()):
            detail = f"{self._data} holds something that is not a demo: give another folder with --data"
            raise Problem("not_a_demo", detail)

    def keep(self, state: DemoState) -> None:
        """Write how far the demo got."""
        write_private(self._data / _STATE, msgspec.json.encode(state).decode() + "\n")

    def key(self, token: Callable[[int], str]) -> str:
        """Read the demo's API key, making one the first time."""
        path = self._data / _KEY
        if not path.is_file():
            write_private(path, f"gk_demo_{token(_KEY_BYTES)}\n")
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
            for name in ("postgres.location", "master.key", _KEY, _STATE):
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
