"""A club whose members invite others, over the API in process."""

from __future__ import annotations

from datetime import datetime

import pytest

from guerdon.engine.referring.due import Desk, settle_referrals
from guerdon.programs.programs import list_programs
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import NOW, PROGRAM, Api

CLUB = "/v1/programs/club"
NAMES = "name: {en: Bag Club, bn: ব্যাগ ক্লাব}\nlanguages: [en, bn, hi]\n"
REFERRAL = """
referral:
  friend: [{award: {wallet: points, amount: "50"}}]
  advocate: {then: [{award: {wallet: points, amount: "200"}}]}
  minimum: "30"
  window: 10d
  ladder: [{from: 2, then: [{grant: voucher}]}]
"""
DEFINITION = PROGRAM.replace("currency:", f"{NAMES}currency:", 1) + REFERRAL


@pytest.fixture
async def club(bare: Api) -> Api:
    answer = await bare.apply(DEFINITION)
    assert answer.status_code == 201, answer.text
    return bare


def settle(api: Api, now: datetime = NOW) -> int:
    tenant_id = tenant_id_of(api.tenant)
    with api.house.database.transaction(tenant_id) as tx:
        program = list_programs(tx)[0]
    return settle_referrals(Desk(api.house.database, api.house.engine, tenant_id, program), now)
