"""Segments over the API: how many are in each, which, how they are found, and as of when."""

from __future__ import annotations

from tests.web.conftest import PROGRAM, Api, order

CLUB = "/v1/programs/club"
SEGMENTS = """
segments:
  buyers: metrics.orders >= 1
  lately: metrics.lately >= 1
  small: account.owner.attributes.size == 's' && metrics.orders >= 1
  rich: wallets.points.available >= 100
  odd: wallets.points.available >= 100 && account.kind.reverse() == 'nosrep'
"""
DEFINITION = (
    PROGRAM.replace(
        "metrics:\n",
        "metrics:\n  orders: {event: order.paid}\n  lately: {event: order.paid, window: {rolling: 7d}}\n",
    )
    + SEGMENTS
)


async def counts(api: Api, now: str) -> dict[str, tuple[str, int | None]]:
    said = await api.get(f"{CLUB}/segments", headers={"guerdon-now": now})
    assert said.status_code == 200, said.text
    return {one["key"]: (one["found"], one["accounts"]) for one in said.json()["data"]}


async def listed(api: Api, key: str, now: str, limit: int = 2) -> list[str]:
    """All accounts of a segment, page by page."""
    found: list[str] = []
    cursor = ""
    while True:
        path = f"{CLUB}/segments/{key}/accounts?limit={limit}&cursor={cursor}"
        said = (await api.get(path, headers={"guerdon-now": now})).json()
        found += said["data"]
        if said["next"] is None:
            return found
        cursor = said["next"]


async def test_who_is_in_a_segment_now_and_a_week_later(bare: Api) -> None:
    assert (await bare.apply(DEFINITION)).status_code == 201
    accounts = {}
    for number in range(5):
        size = "s" if number % 2 else "m"
        made = await bare.enrol(external_id=f"m{number}", attributes={"size": size})
        accounts[number] = made["account"]
        if number < 4:
            sent = order(f"e{number}", member=f"external:m{number}")
            said = await bare.post(f"{CLUB}/events", json=sent)
            assert said.status_code == 200, said.text
    now, later = "2026-11-21T12:00:00Z", "2026-12-01T12:00:00Z"
    assert await counts(bare, now) == {
        "buyers": ("at_once", 4), "lately": ("at_once", 4), "odd": ("one_by_one", None),
        "rich": ("at_once", 4), "small": ("at_once", 2),
    }  # fmt: skip
    assert (await counts(bare, later))["lately"] == ("at_once", 0)
    assert await listed(bare, "buyers", now) == [accounts[number] for number in range(4)]
    assert await listed(bare, "small", now, 1) == [accounts[1], accounts[3]]
    for key in ("rich", "odd"):
        assert await listed(bare, key, now) == [accounts[number] for number in range(4)]
    assert await listed(bare, "lately", later) == []
    unknown = await bare.get(f"{CLUB}/segments/richt/accounts")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "segment_not_found")
    wrong = await bare.get(f"{CLUB}/segments/rich/accounts?cursor=x")
    assert wrong.json()["errors"][0]["code"] == "cursor_invalid"
    reader = bare.with_key("boards:read")
    assert (await reader.get(f"{CLUB}/segments")).json()["code"] == "scope_missing"
