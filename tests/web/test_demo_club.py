"""What members of the demo's club do beside buying: crews, repairs and gifts, in a small club in process."""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from guerdon.cli.demo.club import cast_of, found_crews, give_away, tell_of_repairs
from guerdon.cli.demo.club.cast import CROWD, Cast
from guerdon.cli.demo.scenes import Scene, make_staff
from guerdon.connect.samples import SamplePlan, SampleWorld, make_world
from guerdon.connect.samples.filling import Filled, Place, fill_program
from guerdon.engine.audit.run import Audit
from guerdon.infra.tx import Tx
from guerdon.programs.tenants import tenant_id_of
from guerdon.rules.definition import load_definition
from tests.architecture.source import ROOT
from tests.web.conftest import NOW, Api

CLUB = "/v1/programs/backpack-club"
TEXT = (ROOT / "examples" / "backpack-club.yaml").read_bytes()
DAYS = 150


class TenantScene(Scene):
    """The same in a tenant of a test's own."""

    tenant = ""

    @property
    def tenant_id(self) -> int:
        return tenant_id_of(self.tenant)


@dataclass
class Club:
    """A club that lived through some months."""

    api: Api
    world: SampleWorld
    filled: Filled
    scene: TenantScene
    shown: str
    """Somebody with enough to give."""

    @property
    def cast(self) -> Cast:
        return cast_of(self.world, self.filled, self.shown)

    async def get(self, path: str) -> Any:
        said = await self.api.get(f"{CLUB}{path}")
        assert said.status_code == 200, said.text
        return said.json()

    async def said(self) -> dict[str, int]:
        """A sum over all that these acts left, as the API tells it."""
        paths = ("/teams?kind=crew", "/deeds?limit=200", "/payouts", "/redemptions?limit=200", "/draws")
        return {path: zlib.crc32((await self.api.get(f"{CLUB}{path}")).content) for path in paths}


async def _club(api: Api, members: int) -> Club:
    assert (await api.apply(TEXT.decode(), "backpack-club")).status_code == 201
    definition = load_definition(TEXT)
    last_on = (NOW - timedelta(days=1)).date()
    world = make_world(SamplePlan(last_on - timedelta(days=DAYS), last_on, members, 1, definition.timezone))
    tenant_id = tenant_id_of(api.tenant)
    place = Place(
        api.house.engine, tenant_id, definition.program, definition.attributes, frozenset({"points"})
    )
    filled = fill_program(place, world, lambda count: None)
    TenantScene.tenant = api.tenant
    scene = TenantScene(api.house, "backpack-club", NOW, NOW - timedelta(hours=9), 1)
    make_staff(scene, "a word of the demo")
    cast, early = cast_of(world, filled, ""), NOW - timedelta(days=90)
    shown = next(one for one in filled.richest(members) if cast.joined.get(one, NOW) < early)
    return Club(api, world, filled, scene, shown)


async def test_members_team_up_mend_and_give(bare: Api) -> None:
    club = await _club(bare, CROWD + 40)
    assert {"footprint", "points"} <= set((await _shown(club))["wallets"])
    for act in (found_crews, give_away, tell_of_repairs):
        act(club.scene, club.cast)
    await _check_crews(club)
    await _check_repairs(club)
    await _check_gifts(club)
    before = await club.said()
    # A start that was broken off before it was noted how far it came plays them again.
    for act in (found_crews, give_away, tell_of_repairs):
        act(club.scene, club.cast)
    assert await club.said() == before
    with bare.house.database.transaction(club.scene.tenant_id) as tx:
        assert _findings(tx, club) == []


async def _shown(club: Club) -> dict[str, Any]:
    found: dict[str, Any] = await club.get(f"/members/{club.filled.members[club.shown]}")
    return found


async def _check_crews(club: Club) -> None:
    first, *others = (await club.get("/teams?kind=crew"))["data"]
    assert [one["name"] for one in (first, *others)] == ["Switchbacks", "পথের সাথী", "Slow Bus", "राही"]
    theirs = (await club.get(f"/teams?member={club.filled.members[club.shown]}"))["data"][0]
    assert (theirs["id"], theirs["captain"]) == (first["id"], True)
    assert theirs["count"] >= 4
    assert len(theirs["asks"]) == 1, "somebody waits at the door"
    assert any(float(goal["value"]) > 0 for one in (first, *others) for goal in one["goals"])
    assert (await club.get("/leaderboards/crews"))["places"], "crews stand on their board"


async def _check_repairs(club: Club) -> None:
    deeds = (await club.get("/deeds?limit=200"))["data"]
    assert Counter(one["state"] for one in deeds) == {"approved": 13, "waiting": 4, "refused": 1}
    assert all(one["reason"] for one in deeds if one["state"] == "refused")
    own = [one["state"] for one in deeds if one["member"] == club.filled.members[club.shown]]
    assert own == ["waiting", "approved"]
    events = (await club.get("/events?type=item.repaired&limit=200"))["data"]
    repaired = [one for one in events if one["type"] == "item.repaired"]
    assert len(repaired) == 13
    footprint = (await _shown(club))["wallets"]["footprint"]["available"]
    assert float(footprint) >= 8, "a bag that was mended spares eight kilograms"


async def _check_gifts(club: Club) -> None:
    dues = {one["period"]: one for one in (await club.get("/payouts"))["data"]}
    assert set(dues) >= {"2026-09", "2026-10", "2026-11"}
    assert (dues["2026-09"]["due"], dues["2026-09"]["payouts"][0]["reference"]) == ("0.00", "transfer 4712")
    assert all(dues[one]["paid"] == "0.00" != dues[one]["due"] for one in ("2026-10", "2026-11"))
    assert (dues["2026-10"]["is_over"], dues["2026-11"]["is_over"]) == (True, False)
    given = (await club.get("/redemptions?reward=bag_for_a_child&limit=200"))["data"]
    own = [one for one in given if one["account"] == club.shown]
    receipt = await club.get(f"/redemptions/{own[0]['id']}/receipt")
    assert (receipt["given"], receipt["matched"], receipt["status"]) == ("2.50", "2.50", "given")


def _findings(tx: Tx, club: Club) -> list[Any]:
    return list(Audit(tx, club.api.house.vault(club.scene.tenant_id)).run())


async def test_a_club_as_small_as_a_tests_only_buys(bare: Api) -> None:
    club = await _club(bare, 12)
    before = await club.said()
    for act in (found_crews, give_away, tell_of_repairs):
        act(club.scene, club.cast)
    assert await club.said() == before
