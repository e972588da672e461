"""An example of each body that a call takes; a test sends them one after the other, and they work."""

from __future__ import annotations

from typing import Any, Final

_PROGRAM: Final = "/v1/programs/{program}"
_MAPPING: Final = {
    "events": [
        {
            "when": {"$.topic": "order/paid"},
            "event": {
                "id": {"$path": "$.number", "prefix": "paid-"},
                "source": "old-shop",
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
_POSTED: Final = {
    "topic": "order/paid",
    "number": 17,
    "paid_at": 1790000000,
    "customer": "ananya",
    "items": [{"row": 1, "sku": "TEA", "count": 2, "cents": 1250}],
}
_CART: Final = {
    "member": "external:ananya",
    "channel": "web",
    "lines": [{"id": "1", "sku": "BP-40", "quantity": 1, "price": "79.90"}],
}
SAMPLES: Final[dict[tuple[str, str], Any]] = {
    ("put", _PROGRAM): {
        "program": "corner-shop",
        "currency": "USD",
        "timezone": "America/New_York",
        "wallets": {
            "points": {"unit": "points", "rounding": "floor"},
            "credit": {"unit": "USD", "scale": 2, "tender": "store_credit"},
            "cards": {"unit": "USD", "scale": 2, "tender": "gift_card", "expires": {"after": "24mo"}},
        },
        "campaigns": {
            "base_earn": {
                "trigger": "order.paid",
                "then": [{"award": {"wallet": "points", "amount": "order.earning_base"}}],
            }
        },
        "events": {"item.recycled": {"data": {"grams": "int"}, "evidence": "required"}},
        "rewards": {
            "tote_bag": {"kind": "product", "price": {"points": 100}, "stock": 50},
            "ten_off": {"kind": "coupon", "discount": {"percent": 10}},
            "fitting": {"kind": "service", "price": {"points": 1}},
            "well": {"kind": "donation", "price": {"points": 1}, "cause": "wells", "worth": "0.01"},
            "tasting": {"kind": "event", "price": {"points": 100}, "seats": 1},
            "early_drop": {"kind": "access", "opens": "2027-02-01", "public_at": "2027-02-08"},
        },
        "community": {"approve": "none"},
        "sharing": {"of": ["purchase", "badge"]},
        "metrics": {"bought": {"event": "order.paid", "value": "order.net"}},
        "ladders": {
            "club": {"metric": "bought", "tiers": {"silver": {"from": "0"}, "gold": {"from": "500"}}},
        },
        "teams": {"street": {"size": 5}},
        "leaderboards": {"top_buyers": {"metric": "bought", "window": "month", "opt_in": True}},
        "quizzes": {
            "know_your_tea": {
                "prize": [{"award": {"wallet": "points", "amount": "20"}}],
                "questions": [
                    {"ask": "Is green tea made of other leaves than black tea?", "right": False},
                    {"ask": "How hot is its water?", "answers": ["80 °C", "100 °C"], "right": 0},
                ],
            }
        },
    },
    ("post", f"{_PROGRAM}/members"): {
        "external_id": "ananya",
        "email": "ananya@shop.example",
        "name": "Ananya Roy",
        "consents": {"email": True},
    },
    ("post", f"{_PROGRAM}/members/lookup"): {"email": "ananya@shop.example"},
    ("patch", f"{_PROGRAM}/members/{{ref}}"): {"consents": {"email": False}},
    ("post", f"{_PROGRAM}/events"): {
        "specversion": "1.0",
        "id": "order-A-1001",
        "source": "web-shop",
        "type": "order.paid",
        "time": "2026-11-21T10:00:00Z",
        "subject": "external:ananya",
        "channel": "web",
        "data": {
            "id": "A-1001",
            "currency": "USD",
            "lines": [
                {
                    "id": "1",
                    "sku": "BP-40",
                    "name": "Trail 40",
                    "quantity": 2,
                    "price": "79.90",
                    "categories": ["backpack"],
                }
            ],
        },
    },
    ("post", f"{_PROGRAM}/accounts/{{account}}/adjustments"): {
        "wallet": "points",
        "amount": "500",
        "reason": "a late parcel",
    },
    ("post", f"{_PROGRAM}/members/{{ref}}/tiers"): {
        "ladder": "club",
        "tier": "gold",
        "until": "2036-01-01T00:00:00Z",
        "reason": "gold at another club",
    },
    ("post", f"{_PROGRAM}/members/{{ref}}/tiers/{{ladder}}/end"): {"reason": "the other club's card ended"},
    ("post", f"{_PROGRAM}/accounts/{{account}}/transfers"): {
        "to": "acc_01h8xj3q0abcd",
        "wallet": "points",
        "amount": "50",
    },
    ("post", f"{_PROGRAM}/accounts/{{account}}/merge"): {"into": "acc_01h8xj3q0abcd"},
    ("post", f"{_PROGRAM}/accounts/{{account}}/merge/preview"): {"into": "acc_01h8xj3q0abcd"},
    ("post", f"{_PROGRAM}/redemptions"): {"member": "external:ananya", "reward": "tote_bag", "quantity": 1},
    ("post", f"{_PROGRAM}/coupons/batches"): {"reward": "ten_off", "code": "WELCOME10", "uses": 500},
    ("post", f"{_PROGRAM}/coupons/{{code}}/assign"): {"member": "external:ananya"},
    ("post", f"{_PROGRAM}/gift-cards"): {
        "amount": "50.00",
        "count": 2,
        "expires_at": "2035-01-01T00:00:00Z",
        "reason": "sold at the till",
    },
    ("post", f"{_PROGRAM}/gift-cards/lookup"): {"code": "GIFT-7K2M-9QXA-0PZR-4TBC"},
    ("post", f"{_PROGRAM}/gift-cards/claim"): {
        "code": "GIFT-7K2M-9QXA-0PZR-4TBC",
        "member": "external:ananya",
    },
    ("post", f"{_PROGRAM}/gift-cards/{{card}}/top-up"): {"amount": "25.00", "reason": "birthday"},
    ("post", f"{_PROGRAM}/gift-cards/{{card}}/block"): {"reason": "lost on the tram"},
    ("post", f"{_PROGRAM}/gift-cards/{{card}}/unblock"): {"reason": "found again"},
    ("post", f"{_PROGRAM}/gift-cards/{{card}}/replace"): {"reason": "its code stood on a photo"},
    ("post", f"{_PROGRAM}/redemptions/{{redemption}}/send"): {"tracking": "parcel 4711"},
    ("post", f"{_PROGRAM}/redemptions/{{redemption}}/choose"): {"choice": "travel_pouch"},
    ("post", f"{_PROGRAM}/members/{{ref}}/access"): {"reward": "early_drop"},
    ("post", f"{_PROGRAM}/access/keys"): {"overlap_hours": 720},
    ("post", f"{_PROGRAM}/access/check"): {"token": "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl"},
    ("post", f"{_PROGRAM}/rewards/{{reward}}/waiting"): {"member": "external:ananya"},
    ("post", f"{_PROGRAM}/rewards/{{reward}}/waiting/leave"): {"member": "external:ananya"},
    ("post", f"{_PROGRAM}/causes/{{cause}}/payouts"): {"period": "2026-10", "reference": "transfer 4711"},
    ("post", f"{_PROGRAM}/services/{{redemption}}/schedule"): {
        "at": "2036-12-01T15:00:00Z",
        "note": "with Mira, at the shop",
    },
    ("post", f"{_PROGRAM}/services/{{redemption}}/decline"): {"reason": "The workshop is closed."},
    ("post", f"{_PROGRAM}/deeds"): {
        "member": "external:ananya",
        "type": "item.recycled",
        "data": {"grams": 850},
        "photo": "https://photos.shop.example/4711.jpg",
    },
    ("post", f"{_PROGRAM}/deeds/{{deed}}/refuse"): {"reason": "The photo shows something else."},
    ("post", f"{_PROGRAM}/checkins"): {"code": "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl"},
    ("post", f"{_PROGRAM}/members/{{ref}}/page"): {"hours": 48},
    ("post", f"{_PROGRAM}/leaderboards/{{leaderboard}}/join"): {
        "member": "external:ananya",
        "name": "Ananya R.",
    },
    ("post", f"{_PROGRAM}/leaderboards/{{leaderboard}}/leave"): {"member": "external:ananya"},
    ("post", f"{_PROGRAM}/teams"): {"member": "external:ananya", "kind": "street", "name": "Mill Lane"},
    ("post", f"{_PROGRAM}/teams/{{team}}/name"): {"member": "external:ananya", "name": "Mill Lane East"},
    ("post", f"{_PROGRAM}/teams/{{team}}/invite"): {"member": "external:ananya", "account": "external:ben"},
    ("post", f"{_PROGRAM}/teams/{{team}}/refuse"): {"member": "external:ananya", "account": "external:ben"},
    ("post", f"{_PROGRAM}/teams/{{team}}/join"): {"member": "external:ben"},
    ("post", f"{_PROGRAM}/teams/{{team}}/captain"): {"member": "external:ananya", "account": "external:ben"},
    ("post", f"{_PROGRAM}/teams/{{team}}/send_away"): {
        "member": "external:ben",
        "account": "external:ananya",
    },
    ("post", f"{_PROGRAM}/teams/{{team}}/leave"): {"member": "external:ben"},
    ("post", f"{_PROGRAM}/quizzes/{{quiz}}/attempts"): {"member": "external:ananya"},
    ("post", f"{_PROGRAM}/quizzes/{{quiz}}/attempts/{{attempt}}/answers"): {"question": 1, "answer": False},
    ("post", f"{_PROGRAM}/quizzes/{{quiz}}/link"): {"member": "external:ananya", "hours": 24},
    ("post", f"{_PROGRAM}/posts"): {
        "member": "external:ananya",
        "kind": "question",
        "text": "Does the tote bag hold a laptop?",
        "product": "TOTE-1",
    },
    ("post", f"{_PROGRAM}/posts/{{post}}/answers"): {
        "member": "external:ben",
        "text": "Mine does, 15 inches.",
    },
    ("post", f"{_PROGRAM}/posts/{{post}}/likes"): {"member": "external:ben"},
    ("post", f"{_PROGRAM}/posts/{{post}}/unlike"): {"member": "external:ben"},
    ("post", f"{_PROGRAM}/posts/{{post}}/reports"): {"member": "external:ben", "why": "wrong"},
    ("post", f"{_PROGRAM}/moderation/posts/{{post}}"): {"decision": "hide", "reason": "It names somebody."},
    ("post", f"{_PROGRAM}/moderation/public_names"): {"member": "external:ben"},
    ("post", f"{_PROGRAM}/posts/{{post}}/withdraw"): {"member": "external:ananya"},
    ("post", f"{_PROGRAM}/public_names"): {"member": "external:ananya", "name": "Ananya of the hills"},
    ("post", f"{_PROGRAM}/shares"): {"member": "external:ananya", "of": "purchase", "what": "BP-40"},
    ("post", f"{_PROGRAM}/shares/{{share}}/claims"): {
        "member": "external:ananya",
        "url": "https://social.example/ananya/4711",
    },
    ("post", f"{_PROGRAM}/shares/{{share}}/joins"): {"member": "external:ben"},
    ("post", f"{_PROGRAM}/shares/{{share}}/end"): {"member": "external:ananya"},
    ("post", f"{_PROGRAM}/checkouts/preview"): _CART,
    ("put", f"{_PROGRAM}/checkouts/{{checkout}}"): {**_CART, "ttl": 900},
    ("post", f"{_PROGRAM}/checkouts/{{checkout}}/confirm"): {
        "payments": [{"kind": "card", "amount": "79.90"}]
    },
    ("post", f"{_PROGRAM}/checkouts/{{checkout}}/cancel"): {},
    ("post", f"{_PROGRAM}/orders/{{order}}/returns"): {
        "id": "R-1",
        "lines": [{"id": "1", "quantity": 1}],
        "refund_shipping": False,
    },
    ("post", f"{_PROGRAM}/rollback"): {"to": 1, "reason": "the autumn sale was a mistake"},
    ("post", "/v1/webhooks"): {
        "url": "https://shop.example/guerdon",
        "types": ["tier.changed", "units.*"],
        "program": "corner-shop",
    },
    ("patch", "/v1/webhooks/{webhook}"): {"enabled": False},
    ("post", "/v1/keys"): {
        "name": "web shop",
        "scopes": ["events:write", "members:read"],
        "expires_at": "2035-01-01T00:00:00Z",
        "rate_limit": 200,
    },
    ("post", "/v1/keys/{key}/rotate"): {"overlap_hours": 24},
    ("post", "/v1/hooks"): {
        "program": "corner-shop",
        "enrol": True,
        "secret": "the secret of our old shop",
        "signature": {"header": "X-Shop-Signature"},
        "mapping": _MAPPING,
    },
    ("post", "/v1/hooks/{hook}"): _POSTED,
    ("post", "/v1/hooks/{hook}/preview"): _POSTED,
    ("post", "/v1/witness/logs"): {
        "key": "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    },
}
