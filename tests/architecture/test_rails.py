"""The rails of the test run themselves: sockets closed outward, skips counted, warnings fatal."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.conftest import OutsideError, listed_skips

SAMPLE = """
import pytest

@pytest.mark.skip(reason="too lazy")
def test_unlisted(): ...

@pytest.mark.skip(reason="known")
def test_listed(): ...

@pytest.mark.xfail
def test_expected_failure(): assert False

@pytest.mark.parametrize("n", [1])
def test_passes(n): ...
"""


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("198.51.100.7", 443)])
def test_no_connection_leaves_this_machine(address: tuple[str, int]) -> None:
    with socket.socket() as outward, pytest.raises(OutsideError):
        outward.connect(address)


def test_no_name_is_looked_up_outside() -> None:
    with pytest.raises(OutsideError):
        socket.getaddrinfo("example.org", 443)


def test_loopback_is_open() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert client.getpeername() == server.getsockname()


def test_a_warning_is_an_error() -> None:
    with pytest.raises(UserWarning, match="look out"):
        warnings.warn("look out", UserWarning, stacklevel=1)


def _run_sample(folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text(encoding="utf-8"))
    (folder / "skips.txt").write_text("test_sample.py::test_listed # it is known\n")
    (folder / "test_sample.py").write_text(SAMPLE)
    (folder / "test_absent.py").write_text("import pytest\npytest.importorskip('no_such_module')\n")
    (folder / "pytest.ini").write_text("[pytest]\n")
    ours = {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-q",
            "--continue-on-collection-errors",
            ".",
        ],
        cwd=folder,
        env={**{key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}, **ours},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_unlisted_skip_fails_the_run(tmp_path: Path) -> None:
    done = _run_sample(tmp_path)
    assert done.returncode == 1
    assert "1 failed, 1 passed, 1 skipped, 2 errors" in done.stdout
    assert "tests/skips.txt: test_sample.py::test_unlisted: " in done.stdout
    assert "tests/skips.txt: test_sample.py::test_expected_failure: " in done.stdout
    assert "tests/skips.txt: test_absent.py: " in done.stdout


def test_each_listed_skip_has_a_reason_and_a_file() -> None:
    for name, reason in listed_skips().items():
        assert len(reason) > 10, name
        assert (ROOT / name.partition("::")[0]).is_file(), name
