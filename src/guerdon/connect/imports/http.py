"""Events to a running server, as arrays of its own API."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote, urlsplit

from guerdon.base.errors import Fault, Problem
from guerdon.connect.imports.feed import Outcome

_TAKEN: Final[Mapping[str, Literal["applied", "duplicate"]]] = {
    "applied": "applied",
    "duplicate": "duplicate",
}
_SECONDS: Final = 120
_TRIES: Final = 20
_LONGEST_PAUSE: Final = 10


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, and the key that opens it."""

    url: str
    """Such as `http://127.0.0.1:8080`."""
    key: str

    def ask(self, method: str, path: str, body: bytes, media: str = "application/json") -> tuple[int, Any]:
        """Make one call; where the server is full, come again when it says.

        Args:
            method: `GET`, `POST` or `PUT`.
            path: with its query, from `/v1` on.
            body: of the call; empty for none.
            media: what the body is.

        Returns:
            Status and decoded JSON of the answer.

        Raises:
            Problem: `url_invalid`, `server_unreachable`, `server_full`, `answer_unreadable`, or the
                server's own code for a refusal of the whole call.
        """
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": media, "Accept": "application/json"}
        for _ in range(_TRIES):
            status, found, after = self._once(method, path, body, headers)
            if status == http.client.SERVICE_UNAVAILABLE:
                time.sleep(min(after, _LONGEST_PAUSE))
                continue
            if status >= http.client.BAD_REQUEST:
                raise _problem(status, found)
            return status, found
        raise Problem("server_full", f"{self.url} takes nothing in now")

    def _once(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any, int]:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Problem(
                "url_invalid", f"expected an address such as http://127.0.0.1:8080, not {self.url!r}"
            )
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        try:
            connection = kind(parts.hostname, parts.port, timeout=_SECONDS)
            try:
                connection.request(method, parts.path.rstrip("/") + path, body or None, dict(headers))
                answer = connection.getresponse()
                text = answer.read()
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Problem("server_unreachable", f"{self.url} does not answer: {error}") from None
        try:
            found = json.loads(text) if text else None
        except ValueError:
            raise Problem("answer_unreadable", f"{self.url} answered {answer.status} without JSON") from None
        after = answer.headers.get("Retry-After", "1")
        return answer.status, found, int(after) if after.isdigit() else 1


class HttpDestination:
    """Sends events to a program on a running server."""

    def __init__(self, server: Server, program: str) -> None:
        """Describe where events go.

        Args:
            server: the server and its key.
            program: the program's key.
        """
        self._server = server
        self._path = f"/v1/programs/{quote(program, safe='')}/events"

    def send(self, lines: Sequence[bytes]) -> Callable[[], Sequence[Outcome]]:
        """Post an array; a line that is no JSON is refused here, for it would break the whole array.

        Args:
            lines: UTF-8 JSON, one CloudEvent each.

        Returns:
            The outcomes.

        Raises:
            Problem: what `Server.ask` raises.
        """
        outcomes: list[Outcome | None] = [_broken(line) for line in lines]
        whole = [line for line, broken in zip(lines, outcomes, strict=True) if broken is None]
        answers = self._server.ask("POST", self._path, b"[" + b",".join(whole) + b"]")[1] if whole else []
        if not isinstance(answers, list) or len(answers) != len(whole):
            raise Problem("answer_unreadable", "the server did not answer each event")
        rest = iter(answers)
        told = [broken or _outcome(next(rest)) for broken in outcomes]
        return lambda: told


def _broken(line: bytes) -> Outcome | None:
    try:
        json.loads(line)
    except (ValueError, RecursionError) as error:
        return Outcome("rejected", "invalid_json", str(error))
    return None


def _outcome(answer: Mapping[str, Any]) -> Outcome:
    status = str(answer.get("status"))
    if status in _TAKEN:
        return Outcome(_TAKEN[status])
    problem = answer.get("problem") or {}
    return Outcome("rejected", str(problem.get("code", "")), str(problem.get("detail", "")), _faults(problem))


def _problem(status: int, found: Any) -> Problem:
    if isinstance(found, dict) and found.get("code"):
        return Problem(str(found["code"]), str(found.get("detail") or found.get("title")), _faults(found))
    return Problem("answer_unreadable", f"the server answered {status}")


def _faults(problem: Mapping[str, Any]) -> tuple[Fault, ...]:
    return tuple(
        Fault(str(one.get("pointer", "")), str(one.get("code", "")), str(one.get("detail", "")))
        for one in problem.get("errors") or ()
    )
