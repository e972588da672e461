"""Nothing committed belongs to one machine: no absolute places, no address of a package index, no secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import ROOT, committed_files

# Written in pieces, so that this file does not hold what it looks for.
HOMES = "home|root|Users|work"
MACHINE_PATH = re.compile(rf"(?<![\w./~:-])/(?:{HOMES})/[\w.-]+")
INDEX = re.compile(
    "|".join(
        (
            r"--(?:extra-)?" + "index-url",
            "pypi" + r"\.org",
            "python" + "hosted",
            "registry" + r"\.npmjs",
            r"/simple" + "/",
        )
    )
)
SECRET = re.compile("-----BEGIN [A-Z ]*" + "PRIVATE KEY-----")
LARGEST_BYTES = 2_000_000


def _findings(pattern: re.Pattern[str]) -> Iterator[str]:
    for path in committed_files():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
            if (found := pattern.search(line)) is not None:
                yield f"{path.relative_to(ROOT)}:{number}: {found.group()}"


def test_no_place_of_one_machine() -> None:
    assert list(_findings(MACHINE_PATH)) == []


def test_no_address_of_a_package_index() -> None:
    assert list(_findings(INDEX)) == []


def test_no_private_key() -> None:
    assert list(_findings(SECRET)) == []


def test_no_data_set_and_no_large_file() -> None:
    large = [path.relative_to(ROOT) for path in committed_files() if path.stat().st_size > LARGEST_BYTES]
    assert large == []


def test_every_requirement_is_pinned_with_hashes() -> None:
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert [lock.name for lock in locks] == ["bootstrap.txt", "run.txt", "test.txt", "vyper.txt"]
    for lock in locks:
        for requirement in lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
            assert re.match(r"[a-z0-9.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", requirement), requirement[:80]


def test_the_locks_agree() -> None:
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text, flags=re.MULTILINE))

    tested = pins("test.txt")
    assert pins("run.txt").items() <= tested.items(), "what runs is what was tested"


def test_patterns_see_what_they_are_for() -> None:
    assert MACHINE_PATH.search("cp /" + "home/ann/x .")
    assert not MACHINE_PATH.search("GET /programs/work/x")
    assert INDEX.search("--extra-" + "index-url=x")
    assert not Path("/nowhere").exists()
