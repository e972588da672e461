"""How much a caller may ask: by key, by address, and what the answers say of it."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import pytest
from httpx2 import ASGITransport, AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.errors import Problem
from guerdon.programs.keys import NewKey, create_key
from guerdon.programs.tenants import tenant_id_of
from guerdon.web.api.calls.samples import SAMPLES
from guerdon.web.limits import MISSES_BURST, Addresses, Bucket, Limits
from tests.web.conftest import Api, order

CLUB = "/v1/programs/club"


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(
    st.integers(1, 50),
    st.integers(1, 100),
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 20)), max_size=20),
)
def test_a_bucket_gives_what_a_counted_one_gives(
    rate: int, burst: int, story: list[tuple[float, int]]
) -> None:
    clock = Clock()
    bucket = Bucket(rate, burst, clock)
    left = float(burst)
    for pause, wanted in story:
        clock.now += pause
        left = min(burst, left + pause * rate)
        for _ in range(wanted):
            if abs(left - round(left)) < 1e-3:
                left = float(round(left))
            got = bucket.take()
            if abs(left - 1) > 1e-2:
                assert got == (left >= 1)
            if got:
                left -= 1
    shown = dict(bucket.headers())
    assert abs(int(shown[b"ratelimit"].split(b"r=")[1].split(b";")[0]) - int(max(left, 0))) <= 1


def test_an_empty_bucket_says_when_to_come_again() -> None:
    clock = Clock()
    bucket = Bucket(2, 4, clock)
    assert [bucket.take() for _ in range(5)] == [True, True, True, True, False]
    assert bucket.is_empty
    assert bucket.wait_seconds == 1
    assert bucket.headers() == [(b"ratelimit-policy", b'"calls";q=4;w=2'), (b"ratelimit", b'"calls";r=0;t=2')]
    clock.now += bucket.wait_seconds
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    clock.now += 60
    assert bucket.is_full
    assert bucket.headers()[1] == (b"ratelimit", b'"calls";r=4;t=0')


def test_a_key_keeps_its_bucket_until_its_rate_changes() -> None:
    limits = Limits(10)
    first = limits.of_key(1, None)
    assert first is limits.of_key(1, None)
    assert first is not limits.of_key(2, None)
    assert limits.of_key(3, 0) is None
    assert Limits(0).of_key(1, None) is None
    changed = limits.of_key(1, 3)
    assert changed is not None
    assert (changed.rate, changed.burst) == (3, 10)


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "found"),
    [
        ("", "10.0.0.1", b"203.0.113.9", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", b"203.0.113.9", "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.1", b"198.51.100.1, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("10.0.0.0/8", "192.0.2.1", b"203.0.113.9", "192.0.2.1"),
        ("10.0.0.0/8", "10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", b"nonsense", "nonsense"),
        ("", "2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        ("", "::ffff:192.0.2.1", None, "192.0.2.1"),
        ("", "", None, ""),
    ],
)
def test_addresses_are_believed_from_trusted_proxies_alone(
    trusted: str, peer: str, forwarded: bytes | None, found: str
) -> None:
    assert Addresses(trusted).of(peer, forwarded) == found


def test_wrong_proxies_are_refused() -> None:
    with pytest.raises(Problem, match="settings_invalid"):
        Addresses("proxy.example")


def limited(api: Api, rate: int) -> Api:
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        new = NewKey("slow", ("all",), "test", datetime.now(UTC), rate_limit=rate)
        key = create_key(tx, new, api.house.ids, secrets.randbits)[0]
    return Api(api.client, api.front, api.house, api.tenant, key)


async def test_a_key_that_asks_too_much_is_told_when_to_come_again(api: Api) -> None:
    slow = limited(api, 1)
    answers = [await slow.get(CLUB) for _ in range(11)]
    assert [one.status_code for one in answers[:10]] == [200] * 10
    assert answers[0].headers["ratelimit-policy"] == '"calls";q=10;w=10'
    assert answers[0].headers["ratelimit"].startswith('"calls";r=9;')
    refused = answers[10]
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["content-type"] == "application/problem+json"
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["ratelimit"].startswith('"calls";r=0;')
    # Events are turned away like everything else, and other keys are not.
    assert (await slow.post(f"{CLUB}/events", json=order("o1"))).status_code == 429
    assert (await api.get(CLUB)).status_code == 200
    assert (await api.get(f"{CLUB}/events/o1")).status_code == 404


async def test_a_key_without_limit_is_told_of_none(api: Api) -> None:
    free = limited(api, 0)
    assert "ratelimit" not in (await free.get(CLUB)).headers


async def test_who_tries_keys_out_is_turned_away_and_good_keys_are_not(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await api.get(CLUB)).status_code == 200
    monkeypatch.setattr("guerdon.web.limits.MISSES_BURST", 20)
    # A slow machine would be given tries again meanwhile.
    monkeypatch.setattr("guerdon.web.limits.MISSES_A_SECOND", 0.01)
    wrong = [
        await api.client.get(CLUB, headers={"authorization": f"Bearer gk_{number:040d}"})
        for number in range(25)
    ]
    assert [one.status_code for one in wrong[:20]] == [401] * 20
    last = wrong[-1]
    assert (last.status_code, last.json()["code"]) == (429, "rate_limited")
    assert int(last.headers["retry-after"]) >= 1
    # What was known to be good stays so, also once it has to be looked up again.
    monkeypatch.setattr("guerdon.web.callers.time.monotonic", lambda: 1e12)
    assert (await api.get(CLUB)).status_code == 200
    hook = await api.client.post("/v1/hooks/hook_0000000000000", json={})
    assert (hook.status_code, hook.json()["code"]) == (429, "rate_limited")


@pytest.fixture
async def elsewhere(api: Api) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(api.front, client=("192.0.2.77", 1))
    async with AsyncClient(transport=transport, base_url="http://guerdon.test") as client:
        yield client


async def test_wrong_signatures_count_for_their_address_alone(
    api: Api, elsewhere: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guerdon.web.limits.MISSES_BURST", 3)
    path = "/v1/hooks/hook_0000000000000"
    codes = [(await elsewhere.post(path, json={})).status_code for _ in range(5)]
    assert codes == [404, 404, 404, 429, 429]
    assert (await api.client.post(path, json={})).status_code == 404
    assert MISSES_BURST > 100, "a shop with a wrong secret hears so for a while"


async def test_a_hook_has_a_limit_like_a_key(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {
        **SAMPLES["post", "/v1/hooks"],
        "program": "club",
    }
    hook = (await api.post("/v1/hooks", json=wanted)).json()
    monkeypatch.setattr(api.front.premises.doorkeeper.limits, "_rate", 1)
    body = msgspec.json.encode(SAMPLES["post", "/v1/hooks/{hook}"])
    signed = {"x-shop-signature": hmac.digest(b"the secret of our old shop", body, "sha256").hex()}
    said = [await api.client.post(hook["path"], content=body, headers=signed) for _ in range(11)]
    assert [one.status_code for one in said] == [200] * 10 + [429]
    assert [said[0].json()["status"], said[1].json()["status"]] == ["applied", "duplicate"]
    assert said[0].headers["ratelimit"].startswith('"calls";r=9;')
    assert int(said[10].headers["retry-after"]) >= 1
