"""Nodes that answer strangely: told apart from those that say no, and never quoted with their address."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from guerdon.base.errors import Problem
from guerdon.connect.chain.rpc import Node


@contextmanager
def answering(body: bytes, status: int = 200) -> Iterator[Node]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - as the server calls it
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        with Node(f"http://127.0.0.1:{server.server_port}/a-token") as node:
            yield node
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        (b"<html>", 502, "chain_unreachable", "the chain's node answers 502 and no JSON"),
        (b"\xff\xfe", 200, "chain_unreachable", "the chain's node answers 200 and no JSON"),
        (b"[]", 200, "chain_unreachable", "the chain's node answers 200 and nothing to eth_chainId"),
        (b"{}", 429, "chain_unreachable", "the chain's node answers 429 and nothing to eth_chainId"),
        (b'{"result": 5}', 200, "chain_unreachable", "the chain's node answers '5', which says nothing"),
        (b'{"result": "0xzz"}', 200, "chain_unreachable", "answers '0xzz', which says nothing"),
        (b'{"error": {"message": "no"}}', 200, "chain_refused", "eth_chainId: no"),
        (b'{"error": "no"}', 200, "chain_refused", "eth_chainId: no"),
        (b" " * 5_000_000, 200, "chain_unreachable", "answers more than 4,000,000 bytes"),
    ],
)
def test_an_answer_that_is_none(body: bytes, status: int, code: str, words: str) -> None:
    with answering(body, status) as node, pytest.raises(Problem) as caught:
        node.chain_id()
    assert caught.value.code == code
    assert words in caught.value.detail
    assert "a-token" not in str(caught.value)


def test_a_node_without_an_opinion_on_tips_has_the_usual_one() -> None:
    with answering(json.dumps({"error": {"code": -32601, "message": "no such method"}}).encode()) as node:
        assert node.tip() == 10**9
    with answering(b'{"result": "0x7"}') as node:
        assert node.tip() == 7
    with answering(b"", 503) as node, pytest.raises(Problem, match="503"):
        node.tip()
