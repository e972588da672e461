"""Members of the demo's club who invite friends: most friends come, some share a device with who invited."""

from __future__ import annotations

import json
from random import Random
from typing import Final

from guerdon.circles.codes import Inviter, code_for
from guerdon.cli.demo.scenes import Scene
from guerdon.connect.samples.filling import Filled
from guerdon.engine.commands import EnrolMember, IngestEvent
from guerdon.engine.referring.due import Desk, settle_referrals
from guerdon.infra.tx import Tx
from guerdon.members.identities import normal_ref, parse_ref, resolve
from guerdon.members.profiles import Profile
from guerdon.programs.programs import LiveVersion
from guerdon.rules.referrals.keys import is_offered

_FROM: Final = 200
"""In a club as small as a test's, friends would be a crowd."""
_INVITERS: Final = 12
_FRIENDS_AT_MOST: Final = 4
_BUYS: Final = 0.7
_SAME_DEVICE: Final = 0.15


def invite_friends(scene: Scene, filled: Filled) -> None:
    """Let some members invite friends, who buy or not yet.

    Args:
        scene: where.
        filled: the members.
    """
    if len(filled.members) < _FROM:
        return
    chance = Random(f"{scene.seed}:referrals")
    accounts = sorted(chance.sample(sorted(filled.members), min(_INVITERS, len(filled.members))))
    with scene.house.database.transaction(scene.tenant_id) as tx:
        live = scene.house.live(tx, scene.program)
        codes = [_code(tx, scene, filled.members[account]) for account in accounts]
    if not is_offered(live.program.definition):
        return
    friends = [
        (f"friend-{place}-{number}", code)
        for place, code in enumerate(codes)
        for number in range(chance.randint(1, _FRIENDS_AT_MOST))
    ]
    scene.asked([_enrolment(scene, name, code) for name, code in friends])
    scene.asked([_order(scene, name, chance) for name, _ in friends if chance.random() < _BUYS])
    version = LiveVersion(live.program_id, scene.program, live.version)
    settle_referrals(Desk(scene.house.database, scene.house.engine, scene.tenant_id, version), scene.now)


def _code(tx: Tx, scene: Scene, member: str) -> str:
    vault, ref = scene.house.vault(scene.tenant_id), parse_ref(member)
    live = scene.house.live(tx, scene.program)
    found = resolve(tx, vault, live.program_id, [ref])[ref]
    return code_for(tx, vault, Inviter(live.program_id, found.account_id, found.member_id), scene.now)


def _enrolment(scene: Scene, name: str, code: str) -> EnrolMember:
    ref = normal_ref("external", name)
    profile = Profile(identities=(ref,), external_id=name, referral_code=code)
    return EnrolMember(
        tenant_id=scene.tenant_id, program=scene.program, received_at=scene.now, profile=profile
    )


def _order(scene: Scene, name: str, chance: Random) -> IngestEvent:
    device = "till-tablet" if chance.random() < _SAME_DEVICE else f"phone-of-{name}"
    price = f"{chance.randint(20, 140)}.00"
    said = {
        "specversion": "1.0",
        "id": f"first-order-of-{name}",
        "source": "web-shop",
        "type": "order.paid",
        "time": scene.ended_at.isoformat(),
        "subject": f"external:{name}",
        "data": {
            "id": f"first-{name}",
            "channel": "web",
            "lines": [{"id": "1", "sku": "BP-28", "price": price, "categories": ["backpack"]}],
            "attributes": {"device": device},
        },
    }
    return IngestEvent(
        tenant_id=scene.tenant_id,
        program=scene.program,
        received_at=scene.now,
        raw=json.dumps(said).encode(),
    )
