"""A program with something behind every door, so that what is sent to one gets past its name."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from guerdon.web.api.calls.samples import SAMPLES
from tests.web.conftest import Api

KEY: Final = "corner-shop"
SHOP: Final = f"/v1/programs/{KEY}"
_DEFINITION: Final = {
    "name": {"en": "Corner Club", "bn": "কর্নার ক্লাব"},
    "languages": ["en", "bn"],
    "attributes": {"size": {"type": "string", "values": ["s", "m", "l"]}, "children": {"type": "int"}},
    "segments": {"quiet": "metrics.bought < 1"},
    "badges": {"regular": {"name": "Regular"}},
    "challenges": {
        "autumn": {"metric": "bought", "goal": 100000, "opt_in": True, "prize": [{"badge": "regular"}]},
    },
    "causes": {"wells": {"name": "Wells", "charity": "Wells e.V.", "target": 1000, "match": 1}},
    "draws": {
        "lucky": {
            "trigger": "order.paid",
            "prizes": [{"odds": "1 in 1000000", "prize": [{"award": {"wallet": "points", "amount": "1"}}]}],
        },
    },
    "referral": {
        "friend": [{"award": {"wallet": "points", "amount": "5"}}],
        "advocate": {"first": "order.paid", "then": [{"award": {"wallet": "points", "amount": "9"}}]},
    },
    "sharing": {"of": ["purchase", "badge"], "max_per_day": 1000},
    "community": {"approve": "none", "max_per_day": 1000, "likes_per_day": 1000, "reports": 1000},
}
_REWARDS: Final = {
    "hall": {"kind": "event", "price": {"points": 1}, "seats": 5000, "at": "2035-03-01T19:00"},
    "present": {"kind": "choice", "price": {"points": 1}, "choices": ["tote_bag", "fitting"]},
    "tent": {"kind": "product", "price": {"points": 5}, "choices": ["red", "blue"]},
}
_NAMED: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Town:
    """What there is, by the name that addresses give it."""

    known: dict[str, str]
    special: dict[str, dict[str, str]]
    """By the start of a path behind the program: what another thing of that name is meant there."""

    def path(self, template: str, **other: str) -> str:
        """Write an address at which there is something."""
        here = dict(self.known)
        for start, names in self.special.items():
            if start in template:
                here |= names
        return _NAMED.sub(lambda found: {**here, **other}[found[1]], template)

    def body(self, method: str, template: str) -> Any:
        """Write a body that is right there."""
        body = copy.deepcopy(SAMPLES[method.lower(), template])
        if "/merge" in template:
            body["into"] = self.known["friend"]
        if template.endswith("/transfers"):
            body["to"] = self.known["friend"]
        if template.endswith(("/gift-cards/lookup", "/gift-cards/claim")):
            body["code"] = self.known["gift_code"]
        if template.endswith("/checkins"):
            body["code"] = self.known["ticket"]
        if template.endswith("/returns"):
            body["lines"] = [{"id": "1", "quantity": 1}]
        if template == "/v1/programs/{program}":
            body = msgspec.json.decode(msgspec.json.encode(definition()))
        return body


def definition() -> dict[str, Any]:
    """A program of all kinds of things."""
    sample = SAMPLES["put", "/v1/programs/{program}"]
    return {**sample, **_DEFINITION, "rewards": {**sample["rewards"], **_REWARDS}}


async def build(api: Api) -> Town:
    """Put something behind every door."""
    said = await api.apply(msgspec.json.encode(definition()).decode(), KEY)
    assert said.status_code == 201, said.text
    known = {"program": KEY, "ref": "external:ananya", "member": "external:ananya", "version": "1"}
    known |= {"challenge": "autumn", "draw": "lucky", "ladder": "club", "quiz": "know_your_tea"}
    known |= {
        "leaderboard": "top_buyers",
        "cause": "wells",
        "reward": "tasting",
        "size": "1",
        "segment": "quiet",
    }
    known |= {"order": "A-1", "event": "paid-A-1", "checkout": "C-1", "alarm": "1", "delivery": "1"}
    for name in ("ananya", "ben", "gil"):
        one = await _send(api, f"{SHOP}/members", {"external_id": name, "name": f"{name.title()} Roy"})
        start = {"wallet": "points", "amount": "100000", "reason": "a start"}
        await _send(api, f"{SHOP}/accounts/{one['account']}/adjustments", start)
        known[{"ananya": "account", "ben": "friend"}.get(name, name)] = one["account"]
    await _send(api, f"{SHOP}/events", _paid("A-1"))
    await _cart(api, "C-1")
    ledger = (await api.get(f"{SHOP}/accounts/{known['account']}/ledger")).json()["data"]
    known["transaction"] = ledger[0]["id"]
    await _play(api, known)
    special = await _take(api, known)
    await _connect(api, known)
    return Town(known, special)


async def _play(api: Api, known: dict[str, str]) -> None:
    me, ben = {"member": "external:ananya"}, {"member": "external:ben"}
    made = {
        "team": ("teams", {**me, "kind": "street", "name": "Mill Lane"}, "id"),
        "attempt": ("quizzes/know_your_tea/attempts", me, "id"),
        "post": ("posts", {**me, "text": "Does the bag hold a laptop?", "kind": "question"}, "id"),
        "share": ("shares", {**me, "of": "purchase", "what": "BP-40"}, "code"),
        "deed": ("deeds", SAMPLES["post", "/v1/programs/{program}/deeds"], "id"),
    }
    for name, (path, body, where) in made.items():
        known[name] = (await _send(api, f"{SHOP}/{path}", body))[where]
    await _send(api, f"{SHOP}/posts/{known['post']}/answers", {**ben, "text": "Mine does."})
    await _send(api, f"{SHOP}/leaderboards/top_buyers/join", {**me, "name": "Ananya R."})
    mine = (await api.get(f"{SHOP}/invitations", params=me)).json()
    known["invitation"] = mine["code"]
    await _send(api, f"{SHOP}/members", {"external_id": "dia", "referral_code": mine["code"]})
    known["referral"] = mine["data"][0]["id"] if mine["data"] else "ref_0000000000001"


async def _take(api: Api, known: dict[str, str]) -> dict[str, dict[str, str]]:
    async def take(reward: str, **more: Any) -> str:
        body = {"member": "external:ananya", "reward": reward, **more}
        return str((await _send(api, f"{SHOP}/redemptions", body))["id"])

    known["redemption"] = await take("tote_bag")
    seat, service, gift = await take("hall"), await take("fitting"), await take("well", quantity=5)
    known["ticket"] = (await api.get(f"{SHOP}/redemptions/{seat}/ticket")).json()["code"]
    await take("tasting")
    batch = await _send(api, f"{SHOP}/coupons/batches", {"reward": "ten_off", "code": "WELCOME10", "uses": 9})
    known |= {"batch": batch["id"], "code": "WELCOME10"}
    cards = {"amount": "50.00", "count": 1, "reason": "sold"}
    (card,) = (await _send(api, f"{SHOP}/gift-cards", cards))["data"]
    known |= {"card": card["id"], "gift_code": card["code"]}
    return {
        "/services/": {"redemption": service},
        "/ticket": {"redemption": seat},
        "/calendar": {"redemption": seat},
        "/receipt": {"redemption": gift},
    }


async def _connect(api: Api, known: dict[str, str]) -> None:
    for noun in ("webhook", "key", "hook"):
        body = SAMPLES["post", f"/v1/{noun}s"]
        known[noun] = (await _send(api, f"/v1/{noun}s", body))["id"]


async def _cart(api: Api, checkout: str) -> None:
    cart = SAMPLES["put", "/v1/programs/{program}/checkouts/{checkout}"]
    said = await api.call("PUT", f"{SHOP}/checkouts/{checkout}", json=cart)
    assert said.status_code == 200, said.text


async def newcomer(api: Api, name: str) -> str:
    """Enrol somebody with whom nothing has happened yet, whatever other tests did to the others."""
    one = await _send(api, f"{SHOP}/members", {"external_id": name, "name": "Nia Roy"})
    start = {"wallet": "points", "amount": "1000", "reason": "a start"}
    await _send(api, f"{SHOP}/accounts/{one['account']}/adjustments", start)
    return f"external:{name}"


async def _send(api: Api, path: str, body: Any) -> Any:
    said = await api.post(path, json=body)
    assert said.status_code in (200, 201), (path, said.text)
    return said.json()


def _paid(order: str) -> dict[str, Any]:
    paid = SAMPLES["post", "/v1/programs/{program}/events"]
    then = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    return {**paid, "id": f"paid-{order}", "time": then, "data": {**paid["data"], "id": order}}
