"""Members of the demo's club who join its leaderboards, under names that they choose."""

from __future__ import annotations

from random import Random
from typing import Final

from guerdon.base.errors import Problem
from guerdon.cli.demo.scenes import Scene
from guerdon.connect.samples.filling import Filled
from guerdon.engine.boards.following import Following
from guerdon.engine.boards.joining import Joiner, join
from guerdon.infra.tx import Tx
from guerdon.members.identities import parse_ref, resolve

_JOIN: Final = 80
_FIRST: Final = ("Mossy", "Quiet", "Swift", "Sunny", "Muddy", "Brave", "Lucky", "Early", "Salty", "Windy")
_SECOND: Final = ("Heron", "Badger", "Otter", "Yak", "Marmot", "Finch", "Ibex", "Pika", "Lynx", "Tern")


def join_boards(scene: Scene, filled: Filled) -> None:
    """Let some members join the leaderboards that are for those who join.

    Args:
        scene: where.
        filled: the members.
    """
    chance = Random(f"{scene.seed}:boards")
    names = [f"{first} {second}" for first in _FIRST for second in _SECOND]
    chance.shuffle(names)
    accounts = sorted(chance.sample(sorted(filled.members), min(_JOIN, len(filled.members))))
    for account, name in zip(accounts, names, strict=False):
        with scene.house.database.transaction(scene.tenant_id) as tx:
            _join(tx, scene, filled.members[account], name)


def _join(tx: Tx, scene: Scene, member: str, name: str) -> None:
    live = scene.house.live(tx, scene.program)
    vault, ref = scene.house.vault(scene.tenant_id), parse_ref(member)
    found = resolve(tx, vault, live.program_id, [ref])[ref]
    at = Following(live.program_id, live.program, scene.now)
    joiner = Joiner(at, vault, found.account_id, found.member_id)
    for key, board in live.program.boards.items():
        if board.opt_in and board.team is None:
            try:
                join(tx, joiner, key, name)
            except Problem as problem:
                if problem.code not in ("leaderboard_not_for_member", "name_taken"):
                    raise
