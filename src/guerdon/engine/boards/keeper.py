"""The thread that keeps boards: it reads the outbox and follows the accounts that it names."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from guerdon.engine.boards.following import Following, begin, follow
from guerdon.engine.boards.moving import settle_merged
from guerdon.engine.compiled import CompiledPrograms, Live
from guerdon.infra import failpoints
from guerdon.infra.db import Database
from guerdon.infra.outbox import relay
from guerdon.infra.outbox.relay import Consumer, Cursor, Parcel
from guerdon.infra.rounds import Rounds, Worker
from guerdon.members.accounts import count_behind, list_accounts
from guerdon.play.boards.rows import list_changing
from guerdon.play.boards.windows import end_board, list_boards, lock_board, note_built
from guerdon.programs.programs import LiveVersion, list_programs
from guerdon.programs.tenants import list_tenants

CONSUMER: Final = Consumer("boards")
_PARCELS: Final = 1_000
_PAGE: Final = 500
_PAUSE_SECONDS: Final = 0.5
_AHEAD: Final = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint"


class Follower:
    """Brings the boards of all tenants up to what is committed; several may be at it, one at a time."""

    def __init__(self, database: Database, programs: CompiledPrograms, clock: Callable[[], datetime]) -> None:
        """Describe it.

        Args:
            database: where outbox and boards are.
            programs: the compiled programs of the engine beside.
            clock: tells the time.
        """
        self._database = database
        self._programs = programs
        self._clock = clock
        self._registered = False
        self._begun: dict[tuple[int, str], int] = {}
        self._mark: tuple[int, datetime] | None = None
        self.complete_at: datetime | None = None
        """All that was committed before this instant is on the boards."""

    def catch_up(self) -> bool:
        """Begin what is new, build a page of it, and follow a page of the outbox.

        Returns:
            Whether there may be more at once.

        Raises:
            Problem: `database_unavailable`.
        """
        if not self._registered:
            # First of all, so that the outbox keeps whatever a first building does not see.
            with self._database.transaction_as("relay") as tx:
                relay.register(tx, CONSUMER)
            self._registered = True
        with self._database.transaction_as("lookup") as lookup:
            tenants = [one.tenant_id for one in list_tenants(lookup)]
        building = False
        for tenant_id in tenants:
            with self._database.transaction(tenant_id) as tx:
                programs = list_programs(tx)
            for program in programs:
                building |= self._program(tenant_id, program)
        more, complete_at = self._read_page()
        self.complete_at = None if building else complete_at
        return more or building

    def reach(self, asked_at: datetime, rounds: int = 100) -> bool:
        """Catch up with all that was committed before an instant.

        Args:
            asked_at: the instant, UTC.
            rounds: so often it is tried; another process may be at it, or a long transaction under way.

        Returns:
            Whether it came so far.
        """
        for _ in range(rounds):
            more = self.catch_up()
            if self.complete_at is not None and self.complete_at >= asked_at:
                return True
            if not more:
                time.sleep(0.02)
        return False

    def live(self, key: tuple[int, str], version: int) -> Live:
        """Give a program as it is live.

        Args:
            key: tenant and program key.
            version: the live version's number.

        Returns:
            The compiled program.
        """
        live = self._programs.find(key)
        return live if live is not None and live.program.version == version else self._programs.load(key)

    def _program(self, tenant_id: int, program: LiveVersion) -> bool:
        """Begin boards that are new, let time do its work, build a page; tell whether there may be more."""
        live = self.live((tenant_id, program.key), program.version)
        if not live.program.boards and self._begun.get((tenant_id, program.key)) == program.version:
            return False
        with self._database.transaction(tenant_id) as tx:
            kept = list_boards(tx, live.program_id)
            at = Following(live.program_id, live.program, self._clock())
            for key in kept.keys() - live.program.boards.keys():
                if lock_board(tx, at.program_id, key) is not None:
                    end_board(tx, at.program_id, key)
            for key, board in live.program.boards.items():
                known = kept.get(key)
                if known is None or known.identity != board.identity:
                    begin(tx, at, board)
            changing = list_changing(tx, at.program_id, at.today, _PAGE)
            for key in sorted({one for one, _ in changing} & live.program.boards.keys()):
                follow(tx, at, live.program.boards[key], {one for of, one in changing if of == key})
        self._begun[tenant_id, program.key] = program.version
        built = self._build(tenant_id, live)
        return built or len(changing) == _PAGE

    def _build(self, tenant_id: int, live: Live) -> bool:
        with self._database.transaction(tenant_id) as tx:
            boards = list_boards(tx, live.program_id)
            if all(one.built_to is None for one in boards.values()):
                return False
            if count_behind(tx, live.program_id, live.metrics_since):
                # Their metrics are being counted; what is ranked is not known before.
                return False
            at = Following(live.program_id, live.program, self._clock())
            for key, board in live.program.boards.items():
                kept = lock_board(tx, at.program_id, key)
                if kept is None or kept.built_to is None or kept.identity != board.identity:
                    continue
                page = [one.account_id for one in list_accounts(tx, at.program_id, kept.built_to, _PAGE)]
                follow(tx, at, board, page)
                note_built(tx, at.program_id, key, page[-1] if len(page) == _PAGE else None)
        return True

    def _read_page(self) -> tuple[bool, datetime | None]:
        with self._database.transaction_as("relay") as tx:
            now = self._clock()
            row = tx.execute(_AHEAD).fetchone()
            cursor = relay.lock(tx, CONSUMER)
            if cursor is None or row is None:
                return False, None
            parcels = relay.read(tx, cursor, _PARCELS)
            complete_at = self._complete(now, row[0], cursor) if len(parcels) < _PARCELS else None
            self._follow(parcels)
            failpoints.reach("boards_followed")
            if parcels:
                relay.move(tx, cursor, parcels[-1].place)
            elif not cursor.place.is_between:
                relay.move(tx, cursor, cursor.horizon)
            relay.prune(tx)
        return len(parcels) == _PARCELS, complete_at

    def _complete(self, now: datetime, ahead: int, cursor: Cursor) -> datetime | None:
        """Tell up to which instant nothing can appear any more that is not read (as the sums do)."""
        mark, horizon = self._mark or (ahead, now), int(cursor.horizon.written_in)
        if horizon >= ahead:
            mark = (ahead, now)
        self._mark = mark if horizon < mark[0] else None
        return mark[1] if horizon >= mark[0] else None

    def _follow(self, parcels: Iterable[Parcel]) -> None:
        whose: dict[int, dict[int, set[int]]] = {}
        for one in parcels:
            whose.setdefault(one.tenant_id, {}).setdefault(one.program_id, set()).add(one.account_id)
        for tenant_id, programs in whose.items():
            with self._database.transaction(tenant_id) as tx:
                lines = {one.program_id: one for one in list_programs(tx)}
            for program_id, account_ids in programs.items():
                line = lines[program_id]
                live = self.live((tenant_id, line.key), line.version)
                if live.program.boards:
                    self._follow_of(tenant_id, live, account_ids)

    def _follow_of(self, tenant_id: int, live: Live, account_ids: set[int]) -> None:
        at = Following(live.program_id, live.program, self._clock())
        with self._database.transaction(tenant_id) as tx:
            touched = account_ids | settle_merged(tx, at, account_ids)
            for board in live.program.boards.values():
                follow(tx, at, board, touched)


class BoardKeeper:
    """Keeps boards in the background of a process, about half a second behind."""

    def __init__(
        self,
        database: Database,
        programs: CompiledPrograms,
        clock: Callable[[], datetime],
        rounds: Rounds,
    ) -> None:
        """Describe it; nothing runs before `start`.

        Args:
            database: where outbox and boards are.
            programs: the compiled programs of the engine beside.
            clock: tells the time.
            rounds: where it is noted how each round went.
        """
        self.follower = Follower(database, programs, clock)
        self._worker = Worker(rounds.add("boards", _PAUSE_SECONDS), _PAUSE_SECONDS, self.follower.catch_up)

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    def stop(self) -> None:
        """End after the present round."""
        self._worker.stop()
