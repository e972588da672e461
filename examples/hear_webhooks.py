"""Be told of what happens: an address that checks each notice's signature and drops what came before.

The engine must be allowed to call this machine: start it with GUERDON_ALLOW_LOOPBACK=1.

    GUERDON_URL=http://127.0.0.1:8080 GUERDON_API_KEY=gk_… python examples/hear_webhooks.py
"""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import httpx2

from guerdon_client import Guerdon, SignatureError, verify

NOTICES: Queue[dict[str, Any]] = Queue()
SEEN: set[str] = set()
LONGEST = 256 * 1024


class Receiver(BaseHTTPRequestHandler):
    """Answers at once, and leaves the work to whoever reads the queue."""

    secret = ""

    def do_POST(self) -> None:
        """Take a notice."""
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), LONGEST))
        try:
            notice = verify(self.secret, dict(self.headers.items()), body)
        except SignatureError as error:
            self.send_error(401, str(error))
            return
        # A notice may come twice, under the same id.
        if notice["id"] not in SEEN:
            SEEN.add(notice["id"])
            NOTICES.put(notice)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Subscribe, let something happen, and hear of it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/guerdon"
    with Guerdon("corner-shop") as guerdon:
        guerdon.apply(Path(__file__).with_name("corner-shop.yaml").read_text(encoding="utf-8"))
        webhook = guerdon.subscribe(address, ["order.paid", "tier.changed"])
        Receiver.secret = webhook["secret"]
        forged = httpx2.post(address, json={"id": "msg_forged", "type": "order.paid"})
        print(f"a forged notice is answered {forged.status_code}")

        number = secrets.randbelow(10**9)
        member = guerdon.enrol(external_id=f"listener-{number}")
        order = {"id": f"heard-{number}", "lines": [{"id": "1", "price": "120.00", "quantity": 1}]}
        event = {"id": f"heard-{number}", "source": "example", "type": "order.paid", "data": order}
        guerdon.send({**event, "time": datetime.now(UTC), "subject": member["id"]})
        both = [NOTICES.get(timeout=30), NOTICES.get(timeout=30)]
        heard = {notice["type"]: notice["data"] for notice in both}
        print(f"heard of {', '.join(sorted(heard))}")
        print(f"points: {heard['order.paid']['balances']['points']['available']}")
        print(f"tier: {heard['tier.changed']['tiers'][0]['after']}")
        guerdon.api.call("DELETE", f"/v1/webhooks/{webhook['id']}")
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    main()
