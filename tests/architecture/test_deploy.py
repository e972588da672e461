"""What is written to be built elsewhere: it names files that exist and settings that are known."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from guerdon.infra.db import Database
from guerdon.infra.settings import Settings
from guerdon.web.telemetry import Telemetry
from tests.architecture.source import ROOT

DEPLOY = ROOT / "deploy"
KNOWN = {f"GUERDON_{name.upper()}" for name in Settings.model_fields} | {"GUERDON_SANDBOX"}
INSTRUCTIONS = {
    *("FROM", "RUN", "COPY", "ENV", "USER", "WORKDIR", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK"),
    *("ENTRYPOINT", "CMD"),
}


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def compose() -> Any:
    return YAML(typ="safe").load(DEPLOY / "compose.yaml")


def test_the_image_is_made_of_what_is_there() -> None:
    found = instructions()
    assert {word for word, _ in found} <= INSTRUCTIONS
    copied = [rest.split()[:-1] for word, rest in found if word == "COPY" and not rest.startswith("--from")]
    assert copied
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    for name in (name for names in copied for name in names):
        assert (ROOT / name).exists(), name
        assert f"!{name.split('/')[0]}" in kept, name


def test_the_image_is_pinned_and_nobody_is_root() -> None:
    found = instructions()
    bases = [rest.split()[0] for word, rest in found if word == "FROM"]
    assert all(re.fullmatch(r"[a-z]+:[\w.-]+", base) and "latest" not in base for base in bases)
    installs = [rest for word, rest in found if word == "RUN" and "requirements" in rest]
    assert all(rest.count("--require-hashes") == rest.count("pip install") for rest in installs)
    last = max(place for place, (word, _) in enumerate(found) if word == "FROM")
    assert ("USER", "guerdon") in found[last:]
    assert found[-2:] == [("ENTRYPOINT", '["guerdon"]'), ("CMD", '["serve"]')]


def test_settings_are_known() -> None:
    for path in sorted(DEPLOY.iterdir()):
        named = set(re.findall(r"\bGUERDON_[A-Z_]+", path.read_text(encoding="utf-8")))
        assert named <= KNOWN, path.name


def test_compose_keeps_the_database_inside() -> None:
    services = compose()["services"]
    assert "ports" not in services["database"]
    assert compose()["networks"]["inside"]["internal"] is True
    assert services["database"]["networks"] == ["inside"]
    assert all(port.startswith("127.0.0.1:") for port in services["guerdon"]["ports"])
    assert (DEPLOY / services["guerdon"]["build"]["context"] / "deploy/Dockerfile").is_file()
    assert services["guerdon"]["depends_on"]["database"]["condition"] == "service_healthy"
    mounted = {volume.split(":")[0] for service in services.values() for volume in service["volumes"]}
    assert mounted == set(compose()["volumes"])


def test_alerts_are_about_figures_that_there_are() -> None:
    rules = [
        rule for group in YAML(typ="safe").load(DEPLOY / "alerts.yaml")["groups"] for rule in group["rules"]
    ]
    names = {rule["alert"] for rule in rules}
    assert len(names) == len(rules) >= 8
    # A house that is never opened has all the figures as well.
    telemetry = Telemetry(Database("dbname=nowhere"))
    telemetry.show_deliveries(Counter())
    text = telemetry.exposition(0).decode()

    known = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE)) | {"up"}
    known |= {f"{name}_bucket" for name in known}
    for rule in rules:
        assert rule["labels"]["severity"] in {"page", "ticket", "note"}, rule["alert"]
        assert rule["annotations"].keys() == {"summary", "look"}, rule["alert"]
        figures = set(re.findall(r"\b(?:guerdon_\w+|up\b)", rule["expr"]))
        assert figures, rule["alert"]
        assert figures <= known, rule["alert"]
        assert rule["expr"].count("(") == rule["expr"].count(")")


def test_the_unit_is_a_unit(tmp_path: Path) -> None:
    path = DEPLOY / "guerdon.service"
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]  # systemd's names have capitals
    unit.read(path, encoding="utf-8")
    assert unit["Service"]["ExecStart"].split()[1:] == ["serve"]
    assert int(unit["Service"]["TimeoutStopSec"]) > 30, "longer than the server's own grace"
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return
    # The programs of the unit are not on this machine.
    there = tmp_path / "guerdon.service"
    there.write_text(re.sub(r"ExecStart=\S+ serve", "ExecStart=/bin/true serve", path.read_text()))
    said = subprocess.run(
        [analyze, "verify", "--man=no", str(there)], capture_output=True, text=True, check=False
    )
    assert [line for line in said.stderr.splitlines() if "guerdon.service" in line] == []
