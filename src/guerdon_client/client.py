"""The verbs of the API for one program."""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, Self, TypedDict, cast
from urllib.parse import quote

import httpx2

from guerdon_client.connection import Connection, GuerdonError, Retries, encoded

_BYTES_OF_A_CALL = 8 * 1024 * 1024


class Member(TypedDict):
    """A member; of each wallet what is available, pending and held, as decimal texts."""

    id: str
    account: str
    card: str
    external_id: str | None
    wallets: dict[str, dict[str, str]]
    tiers: Any
    attributes: dict[str, Any]


class EventAnswer(TypedDict, total=False):
    """What became of an event; amounts are decimal texts."""

    id: str
    status: Literal["applied", "duplicate", "rejected"]
    effects: list[dict[str, Any]]
    skipped: list[dict[str, Any]]
    balances: dict[str, dict[str, str]]
    problem: dict[str, Any]


class Redemption(TypedDict):
    """One taking of a reward."""

    id: str
    reward: str
    status: Literal["issued", "used", "cancelled"]
    code: str | None


class Guerdon:
    """A program behind a running engine. Every write may be tried again: it counts once."""

    def __init__(self, program: str, url: str = "", key: str = "", retries: Retries | None = None) -> None:
        """Begin; `GUERDON_URL` and `GUERDON_API_KEY` say what is not given. Nothing is sent yet."""
        found = url or os.environ.get("GUERDON_URL", "http://127.0.0.1:8080")
        headers = {"authorization": f"Bearer {key or os.environ.get('GUERDON_API_KEY', '')}"}
        client = httpx2.Client(base_url=found, headers=headers, timeout=30.0)
        self.api = Connection(client, retries or Retries())
        """For calls that have no verb here."""
        self.program = program
        self.path = f"/v1/programs/{quote(program, safe='')}"

    def apply(self, definition: str, *, dry_run: bool = False) -> dict[str, Any]:
        """Make a definition (YAML or JSON) live, or say what that would change."""
        return dict(self.api.call("PUT", self.path, definition, {"dry_run": str(dry_run).lower()}))

    def enrol(self, **profile: Any) -> Member:
        """Enrol somebody: `external_id`, `email`, `phone`, `name`, …; who is known, as they are."""
        return cast(Member, self.api.call("POST", f"{self.path}/members", profile))

    def member(self, ref: str) -> Member:
        """Give a member by id, `card:…` or `external:…`; an e-mail address belongs into `find`."""
        return cast(Member, self.api.call("GET", f"{self.path}/members/{quote(ref, safe=':')}"))

    def find(self, **identity: str) -> Member | None:
        """Find a member by `email`, `phone`, `card` or `external_id`; None where nobody has it."""
        try:
            return cast(Member, self.api.call("POST", f"{self.path}/members/lookup", identity))
        except GuerdonError as error:
            if error.code == "member_not_found":
                return None
            raise

    def change(self, ref: str, **changes: Any) -> Member:
        """Change a member's attributes, language or consents."""
        return cast(Member, self.api.call("PATCH", f"{self.path}/members/{quote(ref, safe=':')}", changes))

    def send(self, event: Mapping[str, Any]) -> EventAnswer:
        """Take in one event; the same event again is a `duplicate` with the first effects."""
        return cast(EventAnswer, self.api.call("POST", f"{self.path}/events", event))

    def send_many(self, events: Iterable[Mapping[str, Any]], size: int = 1000) -> Iterator[EventAnswer]:
        """Take in events in calls of `size` (10,000 at most) and some megabytes; answers come in order."""
        batch: list[bytes] = []
        for event in events:
            raw = encoded(event)
            if batch and (len(batch) >= size or sum(map(len, batch)) + len(raw) > _BYTES_OF_A_CALL):
                yield from self._send_batch(batch)
                batch = []
            batch.append(raw)
        if batch:
            yield from self._send_batch(batch)

    def rewards(self, member: str | None = None) -> list[dict[str, Any]]:
        """List the rewards as a member may see them, with what is missing."""
        return list(self.api.call("GET", f"{self.path}/rewards", params={"member": member})["data"])

    def redeem(self, member: str, reward: str, *, key: str = "", **more: Any) -> Redemption:
        """Take a reward for units; `key` is an Idempotency-Key, such as the number of a receipt."""
        body = {"member": member, "reward": reward, **more}
        return cast(Redemption, self.api.call("POST", f"{self.path}/redemptions", body, key=key))

    def settle(self, redemption: str, verb: Literal["use", "cancel"]) -> Redemption:
        """Mark a redemption used, or give it back."""
        return cast(Redemption, self.api.call("POST", f"{self.path}/redemptions/{redemption}/{verb}"))

    def each(self, noun: str, **filters: Any) -> Iterator[dict[str, Any]]:
        """Go through a list of the program: `members`, `events`, `orders`, `accounts`, `redemptions`."""
        return self.api.each(f"{self.path}/{noun}", filters)

    def subscribe(self, url: str, types: list[str]) -> dict[str, Any]:
        """Have an address told of what happens; the `secret` of the answer signs each notice (`verify`)."""
        wanted = {"url": url, "types": types, "program": self.program}
        return dict(self.api.call("POST", "/v1/webhooks", wanted))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.api.client.close()

    def _send_batch(self, batch: list[bytes]) -> list[EventAnswer]:
        body = b"[%s]" % b",".join(batch)
        return cast(list[EventAnswer], self.api.call("POST", f"{self.path}/events", body))
