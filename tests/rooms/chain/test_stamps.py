"""Stamps of a real authority (OpenSSL's): got, checked, and refused where anything about them is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from guerdon.base.errors import Problem
from guerdon.connect.chain import places, stamping, stamps, stored
from guerdon.connect.chain.keeper import Keeper, Where
from guerdon.infra.rounds import Rounds
from guerdon.ledger import log
from guerdon.rules.proofs.notes import Checkpoint
from tests.rooms.chain.authority import POLICY, Authority
from tests.rooms.chain.conftest import ORIGIN, Clock
from tests.rooms.engine.conftest import TENANT, World
from tests.rooms.ledger.test_log import program_of, sequencer, settle, signer

HEAD = Checkpoint(ORIGIN, 7, b"\x05" * 32)
DATA = HEAD.body.encode()
NONCE = 2**62 + 12345


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "one")


def token_of(authority: Authority, signer: str = "stamper", data: bytes = DATA, policy: str = "") -> bytes:
    return stamps.read_response(authority.reply(stamps.request(data, NONCE, policy), signer))


def refusal(token: bytes, certificates: Path, data: bytes = DATA) -> str:
    with pytest.raises(Problem) as caught:
        stamps.check(token, data, places.load_certificates(certificates))
    assert caught.value.code in ("stamp_wrong", "stamp_invalid")
    return caught.value.detail


@pytest.mark.parametrize(
    ("kind", "named_by"), [("rsa:2048", "sha1"), ("rsa:2048", "sha256"), ("ec", "sha512")]
)
def test_a_stamp_is_checked_by_its_root_and_by_itself(tmp_path: Path, kind: str, named_by: str) -> None:
    authority = Authority(tmp_path / "one", kind)
    authority.configure(named_by, digits=3)
    before = datetime.now(UTC) - timedelta(seconds=2)
    token = token_of(authority)
    for name in ("root.pem", "stamper.pem"):
        stamp = stamps.check(token, DATA, places.load_certificates(authority.folder / name))
        assert (stamp.nonce, stamp.policy, stamp.serial) == (NONCE, POLICY, 2)
        assert before <= stamp.at <= datetime.now(UTC) + timedelta(seconds=2)
    # OpenSSL finds our request and our reading of its answer right.
    (authority.folder / "data").write_bytes(DATA)
    (authority.folder / "token").write_bytes(token)
    said = authority.openssl(
        *("ts", "-verify", "-data", "data", "-in", "token", "-token_in", "-CAfile", "root.pem")
    )
    assert said.startswith(b"Verification: OK") or said == b""


def test_a_stamp_of_something_else_is_found(authority: Authority) -> None:
    assert refusal(token_of(authority), authority.folder / "root.pem", b"other") == (
        "the stamp is about something else"
    )


def test_a_stamp_by_somebody_else_is_found(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    detail = "the stamp is signed by nobody who is trusted"
    assert refusal(token_of(other), authority.folder / "root.pem") == detail
    assert refusal(token_of(other), authority.folder / "stamper.pem") == detail


def test_a_certificate_that_may_do_more_than_stamp_is_not_trusted(authority: Authority) -> None:
    # OpenSSL itself would not sign with it: the certificate is put in another's place.
    authority.new_signer("loose", "root", kind="loose")
    token = token_of(authority)
    loose = places.load_certificates(authority.folder / "loose.pem")[0]
    with pytest.raises(Problem) as caught:
        stamps._check_trust(loose, [loose], [loose], datetime.now(UTC))
    assert caught.value.detail == "the certificate that signed the stamp is not one for stamps alone"
    root = places.load_certificates(authority.folder / "root.pem")[0]
    with pytest.raises(Problem) as caught:
        stamps._check_trust(root, [root], [root], datetime.now(UTC))
    assert caught.value.detail == "the certificate that signed the stamp is not one for stamps"
    assert stamps.check(token, DATA, [root]).policy == POLICY


def test_a_certificate_that_had_ended_is_not_trusted(authority: Authority) -> None:
    found = places.load_certificates(authority.folder / "stamper.pem")[0]
    for at in (
        found.not_valid_before_utc - timedelta(seconds=1),
        found.not_valid_after_utc + timedelta(days=1),
    ):
        with pytest.raises(Problem) as caught:
            stamps._check_trust(found, [found], [found], at)
        assert caught.value.detail == "a certificate was not valid at the time of the stamp"


def test_every_byte_of_a_token_matters_or_means_nothing(authority: Authority) -> None:
    token = token_of(authority)
    certificates = places.load_certificates(authority.folder / "root.pem")
    good = stamps.check(token, DATA, certificates)
    changed, codes = 0, set[str]()
    for place in range(0, len(token), 7):
        for bit in (1, 128):
            other = bytearray(token)
            other[place] ^= bit
            try:
                found = stamps.check(bytes(other), DATA, certificates)
            except Problem as problem:
                codes.add(problem.code)
                changed += 1
            else:
                assert found == good, "whatever was changed says nothing"
    assert changed > len(token) // 7
    assert codes == {"stamp_wrong", "stamp_invalid"}


@pytest.mark.parametrize("length", [0, 1, 2, 100])
def test_what_is_cut_off_is_no_stamp(authority: Authority, length: int) -> None:
    token = token_of(authority)
    assert refusal(token[:-1], authority.folder / "root.pem").startswith("this is no time stamp: ")
    assert refusal(token[:length], authority.folder / "root.pem").startswith("this is no time stamp: ")
    with pytest.raises(Problem) as caught:
        stamps.read_response(token[:length])
    assert caught.value.code == "stamp_invalid"


def test_an_authority_that_says_no_is_quoted(authority: Authority) -> None:
    with pytest.raises(Problem) as caught:
        token_of(authority, policy="1.2.3.4")
    assert caught.value.code == "stamp_refused"
    assert caught.value.detail == ("the authority refuses with status 2: Requested policy is not supported.")


def test_stamps_are_asked_over_http_and_belong_to_their_request(authority: Authority) -> None:
    certificates = places.load_certificates(authority.folder / "root.pem")
    with authority.serving() as url:
        place = places.Authority(url, certificates)
        token, stamp = stamping.ask(place, HEAD)
        assert stamps.check(token, DATA, certificates) == stamp
        assert stamping.ask(place._replace(policy="1.3.6.1.4.1.99999.2"), HEAD)[1].policy.endswith(".2")
        old = authority.reply(stamps.request(DATA, NONCE))
        authority.tamper = lambda _: old
        problems = []
        for change in (lambda _: old, lambda _: b"", lambda _: b"<html>", lambda _: bytes(300_000)):
            authority.tamper = change
            with pytest.raises(Problem) as caught:
                stamping.ask(place, HEAD)
            problems.append((caught.value.code, caught.value.detail))
        authority.tamper, authority.status = (lambda reply: reply), 503
        with pytest.raises(Problem) as caught:
            stamping.ask(place, HEAD)
        authority.status = 200
    assert problems[0] == ("stamp_wrong", "the stamp answers another request")
    assert [code for code, _ in problems[1:]] == ["stamp_invalid", "stamp_invalid", "authority_unreachable"]
    assert caught.value.detail == "the time-stamp authority answers 503"
    with pytest.raises(Problem) as caught:
        stamping.ask(place, HEAD)
    assert caught.value.detail == "the time-stamp authority does not answer: ConnectError"


def test_heads_are_stamped_in_the_background_and_kept(world: World, authority: Authority) -> None:
    clock = Clock()
    certificates = places.load_certificates(authority.folder / "root.pem")
    world.enrol("p1")
    world.ask(world.order("12.50", "p1"))
    settle(sequencer(world.database), world)
    with world.database.transaction(TENANT) as tx:
        signed = log.sign_head(tx, signer(TENANT), program_of(world), ORIGIN, clock())
        keys = [one.note_key for one in log.list_keys(tx, program_of(world))]
    with authority.serving() as url:
        place = places.Authority(url, certificates)
        rounds = Rounds(clock)
        keeper = Keeper(world.database, clock, Where(None, place, timedelta(hours=1)), rounds)
        assert [one.name for one in rounds.known()] == ["anchors_authority"]
        authority.status = 500
        with pytest.raises(Problem):
            keeper.stamp()
        with world.database.transaction(TENANT) as tx:
            (row,) = stored.list_all(tx, program_of(world), place.place)
        assert (row.state, row.fault) == (
            "asked",
            "authority_unreachable: the time-stamp authority answers 500",
        )
        authority.status = 200
        keeper.stamp()
        keeper.stamp()
    with world.database.transaction(TENANT) as tx:
        (row,) = stored.list_all(tx, program_of(world), place.place)
    assert (row.state, row.size, row.fault, row.times_sent) == ("final", signed.size, "", 1)
    assert row.token is not None
    file = stamping.write_file(signed.note, row.token)
    checkpoint, stamp = stamping.check_file(file, keys, certificates)
    assert (checkpoint.size, checkpoint.root, stamp.at) == (row.size, row.root, row.stamped_at)
    for bad in (
        b"",
        b"{}",
        file.replace(b"stamp.v1", b"stamp.v2"),
        file.replace(b'"token":"', b'"token":"%'),
    ):
        with pytest.raises(Problem) as caught:
            stamping.check_file(bad, keys, certificates)
        assert caught.value.code == "stamp_file_invalid"
