"""The verifier of the member's page, in Node: of each file, good or changed, it says what Python says."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.rules.proofs.merkle import Edge, Subtree, hash_spans, inclusion_spans
from guerdon.rules.proofs.notes import Checkpoint, NoteKey, public_of, sign_checkpoint
from guerdon.rules.proofs.statement import FORM, check_proof
from tests.architecture.source import ROOT

HERE = ROOT / "tests" / "rules" / "proofs"
VERIFIER = ROOT / "src" / "guerdon" / "web" / "static" / "proof" / "verify.js"
SECRET, OLD_SECRET = bytes(range(32)), bytes(range(1, 33))
ORIGIN = "guerdon/main/club"
KEY = NoteKey(ORIGIN, public_of(SECRET))
OLD_KEY = NoteKey(ORIGIN, public_of(OLD_SECRET))
ACCOUNT, SALT = 0x0123456789ABCDE, bytes(range(100, 132))
COMMITMENT = hashlib.sha256(SALT + ACCOUNT.to_bytes(8, "big")).hexdigest()
Doc = dict[str, Any]


def leaf_of(seq: int, amount: int, wallet: str, whose: str = COMMITMENT) -> str:
    entries = [["member", amount, 1_700_000_000_000_000, None, "base"], ["issued", -amount, None, None, ""]]
    at = 1_763_000_000_000_000 + seq
    line = ["guerdon.leaf.v1", whose, seq, "award", wallet, at, at, entries]
    return json.dumps(line, separators=(",", ":"), ensure_ascii=False)


def file_of(size: int, mine: list[int], chance: random.Random, secret: bytes = SECRET) -> Doc:
    """A statement whose lines stand at these positions of a log, with strangers' lines between."""
    wallets = ("points", "cash", "পয়েন্ট", "__proto__")
    places = {position: seq for seq, position in enumerate(sorted(mine), 1)}
    leaves = []
    for position in range(size):
        if position in places:
            amount = chance.choice((0, 1, -40, 9_007_199_254_740_993, 2**63 - 1, chance.randrange(10**6)))
            leaves.append(leaf_of(places[position], amount, chance.choice(wallets)))
        else:
            leaves.append(leaf_of(position + 1, 5, "points", hashlib.sha256(b"%d" % position).hexdigest()))
    edge, stored = Edge(), dict[Subtree, bytes]()
    for leaf in leaves:
        stored.update(edge.append(hashlib.sha256(b"\0" + leaf.encode()).digest()))
    lines = []
    for position in sorted(mine):
        path = [one.hex() for one in hash_spans(inclusion_spans(position, size), stored.__getitem__)]
        lines.append({"leaf": leaves[position], "position": position, "path": path})
    note = sign_checkpoint(Checkpoint(ORIGIN, size, edge.root), ORIGIN, secret)
    owner = {"id": number_text("acc", ACCOUNT), "salt": SALT.hex()}
    return {"format": FORM, "checkpoint": note, "lines": lines, "account": owner, "whole": True}


def good_files() -> list[Doc]:
    chance = random.Random(7)
    files = [
        file_of(size, chance.sample(range(size), min(size, chance.randint(1, 6))), chance)
        for size in (1, 2, 3, 7, 8, 9, 64, 100, 257)
    ]
    files.append(file_of(5, [], chance))
    single = file_of(20, [11], chance)
    files.append({key: single[key] for key in ("format", "checkpoint", "lines")})
    files.append({**single, "account": None, "whole": False})
    files.append({**single, "whole": False})
    files.append(file_of(33, [4, 8, 32], chance, OLD_SECRET))
    stranger = sign_checkpoint(Checkpoint("witness", 1, bytes(32)), "witness", bytes(32)).split("\n\n")[1]
    files.append({**single, "checkpoint": single["checkpoint"] + stranger})
    files.append({**single, "checkpoint": extended(single["checkpoint"])})
    return files


def extended(note: str) -> str:
    """The same head with a line more that is signed too, as the format allows."""
    origin, size, root = note.split("\n")[:3]
    head = Checkpoint(origin, int(size), base64.b64decode(root))

    class More(Checkpoint):
        @property
        def body(self) -> str:
            return head.body + "a line of others\n"

    return sign_checkpoint(More(*head), ORIGIN, SECRET)


def dumped(doc: Doc) -> bytes:
    return json.dumps(doc, ensure_ascii=False).encode()


def wrong_texts(doc: Doc) -> Iterator[bytes]:
    """What is no proof file, or hardly one."""
    whole = dumped(doc)
    yield from (
        b"",
        b"{}",
        b"[]",
        b"null",
        b"7",
        b'"x"',
        b"\xff\xfe",
        b"\xef\xbb\xbf" + whole,
        whole + b" \n",
    )
    yield from (whole + b"x", whole[:-1], whole[:-1] + b",}", b"[" * 2000, b"\x0b" + whole, whole.upper())
    yield whole.replace(b'"whole": true', b'"whole": true, "whole": true')
    yield whole.replace(b'"whole": true', b'"whole": false, "whol\\u0065": true')
    yield whole.replace(b'"whole": true', b'"whole": true, "__proto__": {}')
    yield whole.replace(b'"whole": true', b'"whole": true, "toString": 1')
    yield whole.replace(b'"format"', b'"form\\u0061t"')
    for number in (
        "1.0",
        "1e0",
        "-0",
        "01",
        "-1",
        "1.",
        "null",
        "true",
        '"0"',
        str(2**63),
        "9" * 500,
        str(2**64),
    ):
        yield whole.replace(b'"position": 0', b'"position": ' + number.encode())
    yield whole.replace(b"guerdon.proof.v1", b"guerdon.proof.v\\ud800")
    yield whole.replace(b"guerdon.proof.v1", b"guerdon.proof.v2")


def wrong_docs(doc: Doc) -> Iterator[Doc]:
    """What was changed with a purpose."""
    lines, note, owner = doc["lines"], doc["checkpoint"], doc["account"]
    for key in doc:
        yield {name: value for name, value in doc.items() if name != key}
        yield {**doc, key: None}
        yield {**doc, key: 1}
        yield {**doc, key: []}
        yield {**doc, key: {}}
    for place in range(len(lines)):
        yield {**doc, "lines": lines[:place] + lines[place + 1 :]}
        yield {**doc, "lines": [*lines, lines[place]]}
        yield {**doc, "lines": [lines[place], *lines[:place], *lines[place + 1 :]]}
        yield from (
            {**doc, "lines": [*lines[:place], one, *lines[place + 1 :]]} for one in wrong_lines(lines[place])
        )
    yield {**doc, "account": {**owner, "id": owner["id"][:-1] + "z"}}
    for name in (
        "acc_",
        "acc_zzzzzzzzzzzzz",
        "mem" + owner["id"][3:],
        owner["id"].upper(),
        owner["id"] + "\n",
        "acc_০000000000000",
    ):
        yield {**doc, "account": {**owner, "id": name}}
    for salt in (
        "",
        "00" * 32,
        owner["salt"].upper(),
        " " + owner["salt"],
        owner["salt"] + "\n",
        owner["salt"][:-1],
        "xx",
    ):
        yield {**doc, "account": {**owner, "salt": salt}}
    yield {**doc, "account": {**owner, "more": 1}}
    for after in (1, -1, 2**63, "0", None, True, 1.0):
        yield {**doc, "after": after}
    yield {**doc, "after": 0}
    yield {**doc, "after": 2, "lines": lines[2:]}
    yield {**doc, "after": 2, "lines": lines[1:]}
    yield {**doc, "after": 2, "whole": False}
    yield {**doc, "after": 2, "lines": []}
    yield {**doc, "whole": False, "account": {**owner, "salt": "00"}}
    for head in wrong_notes(note):
        yield {**doc, "checkpoint": head}


def wrong_lines(line: Doc) -> Iterator[Doc]:
    path = line["path"]
    for changes in (
        {"position": line["position"] + 1},
        {"position": line["position"] - 1},
        {"position": 10**17},
        {"path": path[:-1]},
        {"path": [*path, "00" * 32]},
        {"path": path[::-1]},
        {"path": ["00" * 32] * 65},
        {"path": [one.upper() for one in path]},
        {"path": [one + "\n" for one in path]},
        {"path": [1]},
        {"leaf": line["leaf"].replace("award", "adjust")},
        {"leaf": line["leaf"] + " "},
        {"leaf": ""},
        {"leaf": line["leaf"].replace("guerdon.leaf.v1", "guerdon.leaf.v2")},
        {"leaf": "x\ud800"},
        {"leaf": 5},
    ):
        yield {**line, **changes}
    yield {**line, "more": 1}


def wrong_notes(note: str) -> Iterator[str]:
    head, _, signatures = note.partition("\n\n")
    origin, size, root = head.split("\n")
    signature = signatures.split(" ")[2].strip()
    packed = base64.b64decode(signature)
    yield from (
        note[:-1],
        note + "\n",
        note + "x\n",
        note * 100,
        head + "\n\n",
        head,
        "",
        "\n\n",
        note.replace("\n", "\r\n"),
    )
    yield note.replace(f"\n{size}\n", f"\n{int(size) + 1}\n")
    yield note.replace(f"\n{size}\n", f"\n0{size}\n")
    yield note.replace(f"\n{size}\n", "\n0\n")
    for other in (
        root[:-1],
        root + "=",
        " " + root,
        root[:-2] + ("w=" if root[-2] != "w" else "x="),
        root.replace(root[0], "A"),
    ):
        yield note.replace(root, other)
    for other in (
        base64.b64encode(packed[:-1]).decode(),
        base64.b64encode(bytes(4) + packed[4:]).decode(),
        "AAAA",
        "",
        "!",
        base64.b64encode(packed[:5] + bytes(63)).decode(),
        signature + "=",
        signature + "\u2028",
    ):
        yield note.replace(signature, other)
    yield note.replace("— ", "- ")
    yield note.replace(f"— {origin}", "— other")
    yield note.replace(f"— {origin}", "— \ufeff")
    yield note + f"— {origin} {base64.b64encode(KEY.key_id + bytes(64)).decode()}\n"


def flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def properly_hashed(chance: random.Random) -> Iterator[Doc]:
    """Logs that a liar signed: what is in them is wrong, and proved."""
    for leaf in (
        "{}",
        "[]",
        "x",
        leaf_of(1, 5, "points")[:-1],
        leaf_of(2, 5, "points"),
        leaf_of(1, 5, "points", "00"),
        leaf_of(1, 2**63, "points"),
        leaf_of(1, 5, "points").replace("[[", "[[[]],["),
        leaf_of(1, 5, "\0\x7f"),
        leaf_of(1, 5, "points").replace(",5,", ",5.0,"),
        leaf_of(1, 5, "points").replace("null", "true"),
        leaf_of(1, 5, "points").replace("leaf.v1", "leaf.v9"),
        leaf_of(1, 5, "points").replace("member", "house"),
        leaf_of(1, 5, "points").replace("award", "\\ud83d\\ude00"),
        leaf_of(1, 5, "points").replace("award", "\\udc00"),
    ):
        root = hashlib.sha256(b"\0" + leaf.encode()).digest()
        note = sign_checkpoint(Checkpoint(ORIGIN, 1, root), ORIGIN, SECRET)
        yield {
            **file_of(1, [0], chance),
            "checkpoint": note,
            "lines": [{"leaf": leaf, "position": 0, "path": []}],
        }


def verdict_here(data: bytes, keys: list[NoteKey]) -> Doc:
    try:
        checked = check_proof(data, keys)
    except Problem as problem:
        return {"code": problem.code, "pointer": problem.faults[0].pointer if problem.faults else ""}
    head = checked.checkpoint
    lines = [
        {
            **{name: str(getattr(one, name)) for name in ("seq", "effective_at", "amount", "position")},
            "kind": one.kind,
            "wallet": one.wallet,
        }
        for one in checked.lines
    ]
    return {
        "checkpoint": {"origin": head.origin, "size": str(head.size), "root": head.root.hex()},
        "account": checked.account,
        "after": str(checked.after),
        "lines": lines,
        "balances": {wallet: str(amount) for wallet, amount in checked.balances.items()},
    }


def verdicts_there(files: list[bytes], texts: list[str]) -> list[Doc]:
    node = shutil.which("node")
    assert node is not None, "no Node here: run scripts/ensure-node-packages"
    asked = "".join(
        json.dumps({"file": base64.b64encode(one).decode(), "keys": texts}) + "\n" for one in files
    )
    ran = subprocess.run(
        [node, str(HERE / "check_files.mjs"), VERIFIER.as_uri()],
        input=asked,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return [json.loads(line) for line in ran.stdout.splitlines()]


def compared(files: list[bytes], keys: list[NoteKey]) -> list[Doc]:
    here = [verdict_here(one, keys) for one in files]
    there = verdicts_there(files, [key.text for key in keys])
    assert len(there) == len(files)
    unlike = [
        (one[:2000], ours, theirs)
        for one, ours, theirs in zip(files, here, there, strict=True)
        if ours != theirs
    ]
    assert unlike == []
    return there


def test_good_files_prove_the_same_here_and_on_the_page() -> None:
    said = compared([dumped(one) for one in good_files()], [KEY, OLD_KEY])
    assert [one for one in said if "code" in one] == []
    assert any(one["balances"].get("__proto__") for one in said)
    assert {one["account"] for one in said} == {"", number_text("acc", ACCOUNT)}


@pytest.mark.parametrize("seed", range(3))
def test_what_was_changed_by_chance_is_judged_alike(seed: int) -> None:
    chance = random.Random(seed)
    good = [dumped(one) for one in good_files()]
    files = [flipped(chance.choice(good), chance) for _ in range(200)]
    said = compared(files, [KEY, OLD_KEY])
    assert {one.get("code") for one in said} >= {"proof_invalid", "proof_fails", "checkpoint_not_signed"}


def test_what_was_changed_with_a_purpose_is_judged_alike() -> None:
    chance = random.Random(9)
    doc = file_of(9, [0, 2, 3, 5, 8], chance)
    changed = [*wrong_docs(doc), *properly_hashed(chance)]
    files = [*wrong_texts(doc), *(json.dumps(one).encode() for one in changed)]
    assert len(files) > 200
    said = compared(files, [KEY])
    codes = [one.get("code", "good") for one in said]
    assert set(codes) == {
        "good",
        "proof_invalid",
        "proof_fails",
        "checkpoint_invalid",
        "checkpoint_not_signed",
    }
    assert codes.count("good") < 20


def test_without_a_key_or_with_a_strangers_nothing_is_proved() -> None:
    files = [dumped(one) for one in good_files()]
    for keys in (
        [],
        [NoteKey(ORIGIN, public_of(bytes(32)))],
        [NoteKey("other", KEY.public)],
        [NoteKey(ORIGIN, bytes(32))],
    ):
        assert {one["code"] for one in compared(files, keys)} == {"checkpoint_not_signed"}


def test_a_log_key_that_is_none_is_refused_there_too() -> None:
    good = KEY.text
    wrong = [
        "",
        "x",
        good[:-4],
        good.replace("+", "-"),
        good + "=",
        good.upper(),
        good.replace("+01", "+02", 1) + "A",
    ]
    for text in wrong:
        assert [one["code"] for one in verdicts_there([dumped(good_files()[0])], [text])] == [
            "log_key_invalid"
        ]
        with pytest.raises(Problem):
            NoteKey.read(text)


def test_the_verifier_is_a_hundred_lines_that_load_nothing() -> None:
    source = VERIFIER.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 100
    assert "import " not in source
    assert "fetch" not in source
