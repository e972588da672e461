"""Compiled programs, by version: compiled off the loop, kept for as long as they are used."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import structlog

from guerdon.base.errors import Problem
from guerdon.infra.db import Database
from guerdon.programs.programs import Version, find_live, get_version
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.pinned import with_campaigns_of
from guerdon.rules.program import Program

_LOG = structlog.get_logger(__name__)
_KEPT = 256

ProgramKey = tuple[int, str]
"""Tenant and program key."""


class Live(NamedTuple):
    """The version that decides."""

    program_id: int
    program: Program
    counts_members: bool
    """Whether some limit counts by member."""
    pinned: Callable[[int], Program]
    """The program with the campaigns of an earlier version, for orders of checkouts that it priced."""
    recorded: Callable[[int], Program]
    """A version as it was, for undoing what it decided."""
    metrics_since: int
    """The earliest version since which all of its metrics are counted as events come."""


class CompiledPrograms:
    """A cache of compiled programs that several threads may use."""

    def __init__(self, database: Database) -> None:
        """Begin empty.

        Args:
            database: where definitions are read.
        """
        self._database = database
        self._guard = threading.Lock()
        self._live: dict[ProgramKey, Live] = {}
        self._by_text: OrderedDict[tuple[int, int], Live] = OrderedDict()

    def find(self, key: ProgramKey) -> Live | None:
        """Give the version that was live when last looked at.

        Args:
            key: tenant and program key.

        Returns:
            The compiled program, None where it must be loaded first.
        """
        return self._live.get(key)

    def load(self, key: ProgramKey) -> Live:
        """Read and compile the live version; takes tens of milliseconds, so never on the loop's thread.

        Args:
            key: tenant and program key.

        Returns:
            The compiled program.

        Raises:
            Problem: `program_not_found`, or what compiling raises.
        """
        tenant_id, program_key = key
        with self._database.transaction(tenant_id) as tx:
            version = find_live(tx, program_key)
        if version is None:
            raise Problem("program_not_found", "there is no such program")
        name = (version.program_id, version.version)
        with self._guard:
            live = self._by_text.get(name)
        if live is None:
            program = compile_program(load_definition(version.canonical), version.version)
            live = self._made(key, version, program)
        with self._guard:
            self._by_text[name] = live
            self._by_text.move_to_end(name)
            while len(self._by_text) > _KEPT:
                self._by_text.popitem(last=False)
            self._live[key] = live
        return live

    def _made(self, key: ProgramKey, stored: Version, program: Program) -> Live:
        program_id = stored.program_id
        pinned: dict[int, Program] = {program.version: program}
        recorded: dict[int, Program] = {program.version: program}

        def find(version: int) -> Program:
            if version not in pinned:
                pinned[version] = with_campaigns_of(program, as_recorded(version))
            return pinned[version]

        def as_recorded(version: int) -> Program:
            if version not in recorded:
                recorded[version] = self.version(key, program_id, version)
            return recorded[version]

        limits = _counts_members(program)
        return Live(program_id, program, limits, find, as_recorded, stored.metrics_since)

    def version(self, key: ProgramKey, program_id: int, version: int) -> Program:
        """Give a version that was live before; it is nearly always still compiled.

        Args:
            key: tenant and program key.
            program_id: the program.
            version: its number.

        Returns:
            The compiled program.

        Raises:
            Problem: `version_not_found`, or what compiling raises.
        """
        with self._guard:
            known = self._by_text.get((program_id, version))
        if known is not None:
            return known.program
        with self._database.transaction(key[0]) as tx:
            stored = get_version(tx, key[1], version)
        return compile_program(load_definition(stored.canonical), version)

    def load_beside(self, key: ProgramKey, done: Callable[[Problem | None], None]) -> None:
        """Load in a thread of its own.

        Args:
            key: tenant and program key.
            done: called there when it is ready, or with why it cannot be.
        """

        def run() -> None:
            try:
                self.load(key)
            except Problem as problem:
                done(problem)
            except Exception:  # noqa: BLE001 - logged, and told to those who wait
                _LOG.exception("program_not_compiled", program=key[1])
                done(Problem("internal_error", "the program could not be loaded; it has been logged"))
            else:
                done(None)

        threading.Thread(target=run, name=f"compile {key[1]}", daemon=True).start()


def _counts_members(program: Program) -> bool:
    limits = [one.limits for one in program.campaigns] + [one.limits for one in program.rewards.values()]
    return any(one.per_member is not None for one in limits)
