"""Calls to addresses that somebody else chose do not lead inside."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from guerdon.base.errors import Problem
from guerdon.infra.http import Outgoing, Reach, check_url, is_reachable
from tests.rooms.webhooks.receiver import Receiver, Says

INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0",  # noqa: S104 - addresses to refuse
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1",
    "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:53aa::1",
    "::127.0.0.1", "fec0::1", "name", "",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", INSIDE)
def test_inside_is_not_reachable(address: str) -> None:
    assert not is_reachable(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_public_internet_is_reachable(address: str) -> None:
    assert is_reachable(address)


def test_development_reaches_this_machine_and_no_other_network() -> None:
    reached = {address for address in INSIDE if is_reachable(address, allow_loopback=True)}
    assert reached == {"127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"}


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://shop.example/in", "url_refused"),
        ("ftp://shop.example/in", "url_refused"),
        ("file:///etc/passwd", "url_invalid"),
        ("https://shop.example:25/in", "url_refused"),
        ("https://shop.example:5432/in", "url_refused"),
        ("https://127.0.0.1/in", "url_refused"),
        ("https://[::1]/in", "url_refused"),
        ("https://[::ffff:169.254.169.254]/latest", "url_refused"),
        ("https://user:secret@shop.example/in", "url_invalid"),
        ("https://shop.example/in#part", "url_invalid"),
        ("https://shop.example\\@127.0.0.1/", "url_invalid"),
        ("https:///in", "url_invalid"),
        ("https://shop.example:99999/", "url_invalid"),
        ("https://[::1/in", "url_invalid"),
        ("https://shop.example/" + "x" * 2000, "url_invalid"),
        ("https://shöp.example/", "url_invalid"),
        ("https://shop.example/a b", "url_invalid"),
        ("shop.example", "url_invalid"),
    ],
)
def test_wrong_addresses_are_refused(url: str, code: str) -> None:
    with pytest.raises(Problem) as refused:
        check_url(url)
    assert refused.value.code == code


def test_good_addresses_are_taken() -> None:
    assert check_url("https://shop.example/in?x=1") == "https://shop.example/in?x=1"
    assert check_url("https://shop.example:8443/in")
    assert check_url("http://127.0.0.1:8080/in", allow_loopback=True)
    with pytest.raises(Problem, match="url_refused"):
        check_url("http://10.0.0.1/in", allow_loopback=True)


async def test_a_name_that_leads_inside_is_not_called() -> None:
    asked: list[str] = []

    def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["93.184.215.14", "169.254.169.254"]

    outgoing = Outgoing(Reach(), resolve)
    with pytest.raises(Problem, match="url_refused"):
        await outgoing.post("https://metadata.example/", {}, b"{}")
    await outgoing.close()
    assert asked == ["metadata.example"]


async def test_a_name_is_asked_for_once_and_the_answer_called() -> None:
    asked: list[str] = []

    def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with Receiver() as receiver:
        outgoing = Outgoing(Reach(allow_loopback=True), resolve)
        url = receiver.url.replace("127.0.0.1", "shop.test")
        reply = await outgoing.post(url, {"x-word": "guerdon"}, b"{}")
        await outgoing.close()
    assert reply.status == 204
    assert asked == ["shop.test"]
    assert receiver.came[0].headers["host"].startswith("shop.test:")
    assert receiver.came[0].headers["x-word"] == "guerdon"


async def test_redirects_are_answers_and_long_answers_are_left() -> None:
    says = Says(307, {"location": "http://127.0.0.1:1/", "retry-after": "7"}, b"x" * 1_000_000)
    with Receiver(lambda _number, _came: says) as receiver:
        outgoing = Outgoing(Reach(allow_loopback=True))
        reply = await outgoing.post(receiver.url, {}, b"{}")
        await outgoing.close()
    assert (reply.status, reply.retry_after) == (307, "7")
    assert len(receiver.came) == 1


async def test_nobody_there_is_said() -> None:
    def nowhere(_host: str, _port: int) -> Sequence[str]:
        raise OSError

    outgoing = Outgoing(Reach(), nowhere)
    with pytest.raises(Problem, match="host_unknown"):
        await outgoing.post("https://nobody.example/", {}, b"{}")
    await outgoing.close()
    with Receiver() as receiver:
        url = receiver.url
    outgoing = Outgoing(Reach(allow_loopback=True))
    with pytest.raises(Problem, match="unreachable"):
        await outgoing.post(url, {}, b"{}")
    await outgoing.close()
