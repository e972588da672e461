"""The real year live: imported through the loop, audited, and equal to the backtest account by account."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from guerdon import cli
from guerdon.engine.ticks import run_due
from guerdon.infra.settings import Settings
from guerdon.members.identities import normal_ref, resolve
from guerdon.programs.tenants import tenant_id_of
from guerdon.wiring import MAIN_TENANT, open_house
from tests.real.conftest import Slice
from tests.real.test_backtest import HERE, accounts, backtest

UNTIL = datetime(2018, 1, 1, 5, tzinfo=UTC)
TENANT = tenant_id_of(MAIN_TENANT)
FIGURES = """
select account_id,
    -coalesce(sum(amount) filter (where book = 'issued'), 0)::bigint,
    coalesce(sum(amount) filter (where book = 'redeemed'), 0)::bigint,
    coalesce(sum(amount) filter (where book = 'expired'), 0)::bigint,
    coalesce(sum(amount) filter (where book = 'member'), 0)::bigint
from entries group by account_id
"""

pytestmark = pytest.mark.xdist_group("real-year")


def live_accounts(data: Path, households: set[int]) -> dict[int, tuple[int, ...]]:
    """Let time pass to the end of the year, and add up the journal of each household."""
    with open_house(Settings(data=data, database_url=None)) as house:
        run_due(house.database, house.engine, UNTIL)
        refs = {normal_ref("external", str(one)): one for one in households}
        with house.database.transaction(TENANT) as tx:
            program_id = house.live(tx, "journey").program_id
            found = resolve(tx, house.vault(TENANT), program_id, refs)
            rows = {row[0]: tuple(row[1:]) for row in tx.execute(FIGURES)}
    return {refs[ref]: rows.get(who.account_id, (0, 0, 0, 0)) for ref, who in found.items()}


def check_live(of: Slice, folder: Path) -> None:
    data = folder / "data"
    home = ["--data", str(data)]
    assert cli.run(["apply", str(HERE / "spend_back.yaml"), *home]) == 0
    importing = ["import", str(of.file), "--program", "journey", "--enrol", "--historical", *home]
    assert cli.run(importing) == 0
    live = live_accounts(data, of.households)
    assert cli.run(["verify", *home]) == 0
    backtest("spend_back", of.file, folder / "report")
    assert live == accounts(folder / "report")


def test_a_sample_comes_to_the_same_live(sample: Slice, tmp_path: Path) -> None:
    check_live(sample, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_year_comes_to_the_same_live(year: Slice, tmp_path: Path) -> None:
    check_live(year, tmp_path)
