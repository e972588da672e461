"""The example's quizzes as the demo plays them, and as the document takes one."""

from __future__ import annotations

from datetime import timedelta

from guerdon.cli.demo.club import take_quizzes
from guerdon.cli.demo.scenes import Scene
from guerdon.connect.samples.filling import Filled
from guerdon.engine.audit.run import Audit
from guerdon.programs.tenants import tenant_id_of
from tests.architecture.source import ROOT
from tests.web.conftest import NOW, Api

CLUB = "/v1/programs/backpack-club"


class TenantScene(Scene):
    """The same in a tenant of a test's own."""

    tenant = ""

    @property
    def tenant_id(self) -> int:
        return tenant_id_of(self.tenant)


async def test_members_of_the_example_take_its_quizzes(bare: Api) -> None:
    text = (ROOT / "examples" / "backpack-club.yaml").read_text(encoding="utf-8")
    assert (await bare.apply(text, "backpack-club")).status_code == 201
    filled = Filled()
    for name in range(12):
        made = (await bare.post(f"{CLUB}/members", json={"external_id": f"m{name}"})).json()
        filled.members[made["account"]] = made["id"]
    scene = TenantScene(bare.house, "backpack-club", NOW, NOW - timedelta(hours=9), 7)
    TenantScene.tenant = bare.tenant
    take_quizzes(scene, filled)
    bags = (await bare.get(f"{CLUB}/quizzes/know_your_bag/figures")).json()
    care = (await bare.get(f"{CLUB}/quizzes/care_for_it/figures")).json()
    assert bags["attempts"] == care["attempts"] == 12
    assert 0 < bags["passed"] <= bags["finished"] <= 12
    assert sum(one["asked"] for one in care["questions"]) == 3 * care["finished"]
    events = (await bare.get(f"{CLUB}/events?limit=200")).json()["data"]
    told = [one for one in events if one["type"] == "quiz.finished"]
    assert len(told) == bags["finished"] + care["finished"]
    coupons = (await bare.get(f"{CLUB}/redemptions?reward=expert_discount")).json()["data"]
    assert len(coupons) == care["passed"]
    take_quizzes(scene, filled)
    again = (await bare.get(f"{CLUB}/quizzes/know_your_bag/figures")).json()
    assert again["passed"] == bags["passed"], "who passed is done with it"
    with bare.house.database.transaction(tenant_id_of(bare.tenant)) as tx:
        assert list(Audit(tx, bare.house.vault(tenant_id_of(bare.tenant))).run()) == []
