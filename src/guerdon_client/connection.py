"""One connection to the API: retries with backoff, lists, and refusals as exceptions."""

import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import httpx2

_AGAIN = frozenset({429, 502, 503, 504})


class GuerdonError(Exception):
    """The API refused a call, or did not answer however often it was asked (`unreachable`)."""

    def __init__(self, code: str, detail: str, status: int = 0, problem: Any = None) -> None:
        """Say what was refused; `errors` are wrong places, the server's log knows the `request_id`."""
        super().__init__(f"{detail} [{code}]")
        self.code, self.detail, self.status = code, detail, status
        self.errors: list[dict[str, str]] = list((problem or {}).get("errors", ()))
        self.request_id = str((problem or {}).get("request_id", ""))


@dataclass(frozen=True)
class Retries:
    """How often and how patiently a call is tried again."""

    attempts: int = 6
    first_pause: float = 0.25
    """Seconds; doubled each time, and shortened by chance so that many clients do not come at once."""
    longest_pause: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    chance: random.Random = field(default_factory=random.Random)

    def pause(self, attempt: int, wished: str | None) -> float:
        """Give the seconds before the next attempt; `wished` is the `Retry-After` header."""
        if wished is not None and wished.isdigit():
            return min(float(wished), self.longest_pause)
        doubled: float = self.first_pause * 2 ** (attempt - 1)
        return min(self.longest_pause, doubled) * self.chance.uniform(0.5, 1.0)


class Connection:
    """Calls under one key."""

    def __init__(self, client: httpx2.Client, retries: Retries) -> None:
        """Take a client that knows address and key."""
        self.client = client
        self._retries = retries

    def call(
        self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None, key: str = ""
    ) -> Any:
        """Make a call, again where nobody answered or the server is busy; it counts once.

        `path` goes from the root. A `body` of str is YAML, of bytes JSON; anything else becomes JSON.
        `key` is the Idempotency-Key of a write: made up where it is empty, the same at each attempt.
        """
        headers = {"content-type": "application/yaml" if isinstance(body, str) else "application/json"}
        if method not in {"GET", "HEAD"} and not path.endswith("/events"):
            headers["idempotency-key"] = key or str(uuid.uuid4())
        content = body if body is None or isinstance(body, str | bytes) else encoded(body)
        query = {name: value for name, value in (params or {}).items() if value is not None}
        attempt = 1
        while True:
            wished, last = None, attempt >= self._retries.attempts
            try:
                answer = self.client.request(method, path, content=content, params=query, headers=headers)
            except httpx2.TransportError as error:
                if last:
                    raise GuerdonError("unreachable", f"no answer: {type(error).__name__}") from error
            else:
                if last or answer.status_code not in _AGAIN:
                    return _result(answer)
                wished = answer.headers.get("retry-after")
            self._retries.sleep(self._retries.pause(attempt, wished))
            attempt += 1

    def each(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """Go through the rows of a list, page by page."""
        cursor: str | None = None
        while True:
            page = self.call("GET", path, params={"limit": 200, **(params or {}), "cursor": cursor})
            yield from page["data"]
            cursor = page["next"]
            if cursor is None:
                return


def encoded(value: Any) -> bytes:
    """Write JSON; decimals and times become text, as the API reads them."""
    return json.dumps(value, default=_text, ensure_ascii=False, allow_nan=False).encode()


def _text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} is not written as JSON")


def _result(answer: httpx2.Response) -> Any:
    if answer.is_success:
        return answer.json()
    if not answer.headers.get("content-type", "").startswith("application/problem+json"):
        raise GuerdonError("no_api", "this is no answer of Guerdon's", answer.status_code)
    said = {**answer.json(), "request_id": answer.headers.get("x-request-id", "")}
    raise GuerdonError(said["code"], said["detail"], answer.status_code, said)
