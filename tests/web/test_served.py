"""A served engine as operators run it: spans reach a collector, and nothing that it writes names anybody."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.web.conftest import PROGRAM, order
from tests.web.test_watching import MARKED, TELLTALES

KEY = "gk_for-the-served-engine"
CLUB = "/v1/programs/club"


class Collector(ThreadingHTTPServer):
    """Takes spans in as a collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.taken: list[bytes] = []

    def spans(self) -> dict[str, int]:
        """Count what came, by name."""
        found: dict[str, int] = {}
        for raw in self.taken:
            for resource in ExportTraceServiceRequest.FromString(raw).resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        found[span.name] = found.get(span.name, 0) + 1
        return found


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        self.server.taken.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def drive(url: str) -> None:
    """Do what shops and people do, rightly and wrongly, about somebody with marked data."""
    with httpx2.Client(base_url=url, headers={"authorization": f"Bearer {KEY}"}) as client:
        yaml = {"content-type": "application/yaml"}
        assert client.put(CLUB, content=PROGRAM, headers=yaml).status_code == 201
        person = {**MARKED, "birthday": "1990-02-03"}
        member = client.post(f"{CLUB}/members", json=person).json()
        for ref in ("email:zqx@mail.example", "phone:+12025550188", "external:zqx-external", member["id"]):
            assert client.get(f"{CLUB}/members/{ref}").status_code == 200
            client.patch(f"{CLUB}/members/{ref}", json={"name": "Zqxother", "attributes": {"size": "zqx"}})
            said = client.post(f"{CLUB}/events", json=order(f"o-{ref}", member=ref))
            assert said.json()["status"] == "applied"
            client.post(f"{CLUB}/events", json=[order(f"p-{ref}", member=ref), order("zqx\0", member="zqx")])
            client.post(f"{CLUB}/events", content=b'{"subject": "email:zqx@mail.example"')
            client.post(f"{CLUB}/redemptions", json={"member": ref, "reward": "zqx"})
        client.get(f"{CLUB}/members", params={"search": "Zqxname"})
        client.get(f"{CLUB}/members", params={"zqx@mail.example": "1"})
        client.post(f"{CLUB}/members/lookup", json={"email": "zqx@mail.example"})
        client.post("/console/sign-in", data={"email": "zqx@mail.example", "password": "zqx"})
        client.post("/v1/hooks/hook_zqx", json=person)
        client.get("/metrics")
        assert client.delete(f"{CLUB}/members/email:zqx@mail.example").status_code == 200


def test_spans_are_collected_and_nothing_written_names_anybody(tmp_path: Path, collector: Collector) -> None:
    data = tmp_path / "data"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GUERDON_", "OTEL_"))}
    environment = {
        **kept,
        "GUERDON_API_KEY": KEY,
        "GUERDON_LOG_LEVEL": "debug",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
    }
    command = [str(Path(sys.executable).with_name("guerdon")), "serve", "--port", "0", "--data", str(data)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        said = []
        for line in server.stdout:
            said.append(line)
            if (address := re.search(r"ready at (http://\S+)", line)) is not None:
                break
        else:
            pytest.fail("".join(said))
        reader = threading.Thread(target=lambda: said.extend(server.stdout or ()))
        reader.start()
        drive(address.group(1))
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
        reader.join()
    spans = collector.spans()
    assert spans["POST /v1/programs/{program}/events"] == 12
    assert spans["batch"] >= 8
    assert spans["transaction"] >= spans["batch"]
    assert [raw for raw in collector.taken if TELLTALES.search(raw.decode("latin-1"))] == []
    assert sum('"event":"request"' in line for line in said) > 30
    assert [line for line in said if TELLTALES.search(line)] == []
    logs = [path for path in data.rglob("*") if path.is_file() and path.suffix in {".log", ".csv", ".json"}]
    assert logs, "PostgreSQL's own log is looked at as well"
    assert [path for path in logs if TELLTALES.search(path.read_text(errors="replace"))] == []
