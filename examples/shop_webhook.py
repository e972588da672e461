"""A shop posts its orders as it writes them; a mapping makes events of them, and its customers earn.

GUERDON_URL=http://127.0.0.1:8080 GUERDON_API_KEY=gk_… python examples/shop_webhook.py
"""

from __future__ import annotations

import hmac
import json
import secrets
from pathlib import Path
from typing import Any

import httpx2

from guerdon_client import Guerdon

# What a body of the shop becomes: texts with $ are paths into it, with @ into the item of a list.
MAPPING = {
    "events": [
        {
            "when": {"$.topic": "order/paid"},
            "event": {
                "id": {"$path": "$.number", "prefix": "paid-"},
                "source": "corner-shop",
                "type": "order.paid",
                "time": {"$path": "$.paid_at", "as": "unix"},
                "subject": {"$path": "$.customer", "prefix": "external:"},
                "data": {
                    "id": {"$path": "$.number", "as": "text"},
                    "lines": {
                        "$each": "$.items",
                        "to": {
                            "id": {"$path": "@.row", "as": "text"},
                            "sku": "@.sku",
                            "quantity": "@.count",
                            "price": {"$path": "@.cents", "as": "minor"},
                        },
                    },
                },
            },
        }
    ]
}


def shop_posts(address: str, secret: str, body: dict[str, Any]) -> dict[str, Any]:
    """Do what the shop does: sign the body, and post it. It needs no key of ours."""
    raw = json.dumps(body).encode()
    signature = hmac.digest(secret.encode(), raw, "sha256").hex()
    answer = httpx2.post(address, content=raw, headers={"x-shop-signature": signature})
    answer.raise_for_status()
    return dict(answer.json())


def main() -> None:
    """Open an order hook, and post the same order twice."""
    secret = secrets.token_urlsafe(32)
    with Guerdon("corner-shop") as guerdon:
        guerdon.apply(Path(__file__).with_name("corner-shop.yaml").read_text(encoding="utf-8"))
        wanted = {
            "program": "corner-shop",
            "enrol": True,
            "secret": secret,
            "signature": {"header": "X-Shop-Signature"},
            "mapping": MAPPING,
        }
        hook = guerdon.api.call("POST", "/v1/hooks", wanted)
        address = f"{guerdon.api.client.base_url}".rstrip("/") + hook["path"]
        number = secrets.randbelow(10**9)
        order = {
            "topic": "order/paid",
            "number": number,
            "paid_at": 1790000000,
            "customer": f"customer-{number}",
            "items": [{"row": 1, "sku": "TEA", "count": 2, "cents": 1250}],
        }
        first, again = shop_posts(address, secret, order), shop_posts(address, secret, order)
        print(f"first: {first['status']}, again: {again['status']}")
        print(f"points: {guerdon.member(f'external:customer-{number}')['wallets']['points']['available']}")


if __name__ == "__main__":
    main()
