"""What members post elsewhere under a hashtag comes in by a signed hook, found by their handle, once."""

from __future__ import annotations

import hmac
import json
from typing import Any

from httpx2 import Response

from tests.web.conftest import PROGRAM, Api

CLUB = "/v1/programs/club"
SECRET = "a secret of the listener's own"
MAPPING = {
    "events": [
        {
            "when": {"$.hashtag": "trailclub"},
            "event": {
                "id": {"$path": "$.media.id", "prefix": "media-"},
                "source": "listener",
                "type": "content.mentioned",
                "time": {"$path": "$.media.at", "as": "unix"},
                "subject": {"$path": "$.user.name", "prefix": "attribute:handle:"},
                "channel": "social",
                "data": {"url": "$.media.url", "likes": "$.media.likes"},
            },
        }
    ]
}
DEFINITION = PROGRAM.replace(
    "attributes:\n", "attributes:\n  handle: {type: string}\n  secret: {type: string, personal: true}\n"
)
DEFINITION = DEFINITION.replace(
    "events:\n", "events:\n  content.mentioned: {data: {url: string, likes: int}}\n"
).replace(
    "campaigns:\n",
    "campaigns:\n  mentioned:\n    trigger: content.mentioned\n    limits: {per_account: 2, per: month}\n"
    '    then: [{award: {wallet: points, amount: "15"}}]\n',
)


async def opened(api: Api, mapping: dict[str, Any]) -> str:
    asked = {"program": "club", "mapping": mapping, "signature": {"header": "x-signature"}, "secret": SECRET}
    made = await api.post("/v1/hooks", json=asked)
    assert made.status_code == 201, made.text
    return str(made.json()["path"])


async def tell(api: Api, path: str, name: str, number: int, secret: str = SECRET) -> Response:
    media = {"id": number, "at": 1_790_000_000, "url": f"https://social.example/{number}", "likes": 3}
    raw = json.dumps({"hashtag": "trailclub", "user": {"name": name}, "media": media}).encode()
    signed = hmac.digest(secret.encode(), raw, "sha256").hex()
    return await api.client.post(path, content=raw, headers={"x-signature": signed})


async def test_a_mention_is_an_event_of_who_has_the_handle(bare: Api) -> None:
    await bare.apply(DEFINITION)
    await bare.enrol(external_id="ananya", attributes={"handle": "@ananya.walks", "secret": "mine"})
    await bare.enrol(external_id="ben", attributes={"handle": "ben"})
    path = await opened(bare, MAPPING)
    for number, name, status in (
        (1, "Ananya.Walks", "applied"),
        (1, "Ananya.Walks", "duplicate"),
        (2, "@ananya.walks", "applied"),
        (3, "ananya.walks", "applied"),
        (4, "@Ben", "applied"),
    ):
        said = await tell(bare, path, name, number)
        assert (said.status_code, said.json()["status"]) == (200, status), said.text
    for member, units in (("ananya", "30"), ("ben", "15")):
        wallets = (await bare.get(f"{CLUB}/members/{member}")).json()["wallets"]
        assert wallets["points"]["available"] == units
    unknown = await tell(bare, path, "nobody", 5)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "member_not_found")
    forged = await tell(bare, path, "ben", 6, "another secret")
    assert forged.json()["code"] == "signature_wrong"
    await bare.enrol(external_id="carla", attributes={"handle": "ben"})
    both = await tell(bare, path, "ben", 7)
    assert (both.status_code, both.json()["code"]) == (409, "member_ambiguous")


async def test_nobody_is_found_by_what_is_sealed_or_not_declared(bare: Api) -> None:
    await bare.apply(DEFINITION)
    await bare.enrol(external_id="ananya", attributes={"secret": "mine"})
    for name, code in (("secret", "attribute_personal"), ("shoe", "reference_invalid")):
        text = json.dumps(MAPPING).replace("attribute:handle:", f"attribute:{name}:")
        said = await tell(bare, await opened(bare, json.loads(text)), "mine", 1)
        assert (said.status_code, said.json()["code"]) == (422, code)
