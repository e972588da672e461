"""A time-stamp authority of one's own: OpenSSL signs, a small server on this machine answers."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

POLICY = "1.3.6.1.4.1.99999.1"
_CONFIGURATION = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = {policy}
other_policies = 1.3.6.1.4.1.99999.2
digests = sha256
accuracy = secs:1, millisecs:500
clock_precision_digits = {digits}
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = {named_by}
"""
_EXTENSIONS = {
    "stamper": "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=critical,timeStamping\n",
    "loose": "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=critical,timeStamping,codeSigning\n",
}


class Authority:
    """Keys, certificates and what signs with them."""

    def __init__(self, folder: Path, kind: str = "rsa:2048") -> None:
        self.folder, self.kind = folder, kind
        self.tamper: Callable[[bytes], bytes] = lambda reply: reply
        self.status = 200
        folder.mkdir(parents=True)
        (folder / "serial").write_text("01\n")
        self.configure()
        self.new_root("root")
        self.new_signer("stamper", "root")

    def configure(self, named_by: str = "sha256", digits: int = 0) -> None:
        text = _CONFIGURATION.format(folder=self.folder, policy=POLICY, named_by=named_by, digits=digits)
        (self.folder / "tsa.cnf").write_text(text)

    def openssl(self, *arguments: str, given: bytes = b"") -> bytes:
        done = subprocess.run(
            ["openssl", *arguments], cwd=self.folder, input=given, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def _key(self) -> tuple[str, ...]:
        if self.kind == "ec":
            return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        return ("-newkey", self.kind)

    def new_root(self, name: str) -> Path:
        self.openssl(
            *("req", "-x509", *self._key(), "-nodes", "-days", "3650", "-subj", f"/CN={name}"),
            *("-keyout", f"{name}.key", "-out", f"{name}.pem"),
            *("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign"),
        )
        return self.folder / f"{name}.pem"

    def new_signer(self, name: str, issuer: str, days: int = 3650, kind: str = "stamper") -> Path:
        (self.folder / f"{name}.ext").write_text(_EXTENSIONS[kind])
        self.openssl(
            *("req", "-new", *self._key(), "-nodes", "-subj", f"/CN={name}"),
            *("-keyout", f"{name}.key", "-out", f"{name}.csr"),
        )
        self.openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"),
            *("-CAcreateserial", "-days", str(days), "-extfile", f"{name}.ext", "-out", f"{name}.pem"),
        )
        return self.folder / f"{name}.pem"

    def reply(self, query: bytes, signer: str = "stamper") -> bytes:
        (self.folder / "query.tsq").write_bytes(query)
        return self.openssl(
            *("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq"),
            *("-signer", f"{signer}.pem", "-inkey", f"{signer}.key"),
        )

    @contextmanager
    def serving(self) -> Iterator[str]:
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["content-length"]))
                assert self.headers["content-type"] == "application/timestamp-query"
                body = authority.tamper(authority.reply(query))
                self.send_response(authority.status)
                self.send_header("content-type", "application/timestamp-reply")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - as the server calls it
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/tsa"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
