"""What holds for every test: no network outside this machine, and no test is skipped unseen."""

from __future__ import annotations

import ipaddress
import signal
import socket
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.sharing import Plugin

# A slow or shared machine is no fault of the code: nothing here is judged by elapsed time.
settings.register_profile(
    "guerdon", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("short", settings.get_profile("guerdon"), max_examples=60)
settings.load_profile("guerdon")
SHORT_EXAMPLES = 100
"""What a test of the short run tries at most, even where it asks for more."""

# Who runs the tests in the background has a shell that lets Ctrl-C pass by, and processes hand that on:
# a test that ends a server by it would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SKIPS = Path(__file__).with_name("skips.txt")
NAMES_OF_THIS_MACHINE = {"", "localhost", "localhost.localdomain", socket.gethostname()}


def pytest_configure(config: pytest.Config) -> None:
    """Share the run among workers, and try fewer examples where the long tests are left out."""
    config.pluginmanager.register(Plugin())
    if config.getoption("markexpr") == "not long" and config.getoption("hypothesis_profile") is None:
        settings.load_profile("short")
        config.pluginmanager.register(_Fewer())


class _Fewer:
    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Keep tests that ask for hundreds of examples to what the short run has time for."""
        test = getattr(item, "obj", None)
        asked: settings | None = getattr(test, "_hypothesis_internal_use_settings", None)
        if asked is not None and asked.max_examples > SHORT_EXAMPLES:
            fewer = settings(asked, max_examples=SHORT_EXAMPLES)
            vars(test)["_hypothesis_internal_use_settings"] = fewer


class OutsideError(RuntimeError):
    """A test tried to reach another machine."""


def listed_skips() -> dict[str, str]:
    """Read the tests that may be skipped.

    Returns:
        The reason of each, by node id without parameters, or by file.
    """
    lines = (line.strip() for line in SKIPS.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition(" # ") for line in lines if line and not line.startswith("#"))
    return {name.strip(): reason.strip() for name, _, reason in pairs}


def _is_inside(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name in NAMES_OF_THIS_MACHINE:
        return True
    try:
        address = ipaddress.ip_address(str(name).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse_outside(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = arguments[1]
        # A path of a unix socket is text or bytes; an internet address is a tuple.
        host = address[0] if isinstance(address, tuple) else None
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
    else:
        return
    if not _is_inside(host):
        raise OutsideError(f"tests stay on this machine: {event} {host!r}")


sys.addaudithook(_refuse_outside)


def _unlisted(nodeid: str) -> bool:
    listed = listed_skips()
    return nodeid.partition("[")[0] not in listed and nodeid.partition("::")[0] not in listed


def _skip_reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)


def _fail_unlisted(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and _unlisted(report.nodeid):
        reason = getattr(report, "wasxfail", None) or _skip_reason(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped without a line in tests/skips.txt: {report.nodeid}: {reason}"
        # With this mark pytest would still count the failure as expected.
        vars(report).pop("wasxfail", None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip that nobody listed into a failure.

    Returns:
        The report, changed where needed.
    """
    report = yield
    _fail_unlisted(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the unlisted skip of a whole file into a failure.

    Returns:
        The report, changed where needed.
    """
    report = yield
    _fail_unlisted(report)
    return report
