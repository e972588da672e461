"""A backtest of the club's own history takes, gives back and refuses rewards as it happened."""

from __future__ import annotations

from guerdon.programs.tenants import tenant_id_of
from tests.web.console.desk import signed_in
from tests.web.console.test_backtests import PAGE, ask, ended
from tests.web.taking.conftest import PROGRAM, Shop


async def test_its_own_history_comes_to_what_the_books_say(shop: Shop) -> None:
    await shop.order("A-1", "120.00")
    await shop.order("A-2", "600.00", "bob")
    for reward, more in (
        ("pouch", {}),
        ("drop", {}),
        ("well", {"quantity": 2}),
        ("gift", {"choice": "ten_off"}),
        ("cap", {"choice": "red"}),
        ("deal", {}),
        ("treat", {}),
        ("year", {"covers": {"order": "A-1", "line": "1"}}),
    ):
        await shop.taken(reward, **more)
    gone = [await shop.taken("well", "bob"), await shop.taken("gift", "bob", choice="card")]
    for one in gone:
        await shop.move(one, "cancel")
    await shop.taken("gift", "bob", choice="card")
    assert await shop.refused("treat") == "reward_cooling"
    person = await signed_in(shop.api, "manager")
    await person.get(f"{PAGE}/new")
    path, page = await ended(person, await ask(person, PROGRAM))
    report = (await person.get(f"{path}/files/report.json")).json()
    with shop.api.house.database.transaction(tenant_id_of(shop.api.tenant)) as tx:
        sums = dict(
            tx.execute(
                "select book, sum(amount)::bigint from entries where wallet = 'points' group by book"
            ).fetchall()
        )
    wallet = report["wallets"]["points"]
    assert report["rejected"] == 0, page
    assert (wallet["spent"], wallet["outstanding"]) == (str(sums["redeemed"]), str(sums["member"]))
    assert wallet["spent"] == str(80 + 500 + 70 + 10 + 10 + 10 + 40 + 70)
