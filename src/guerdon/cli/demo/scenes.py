"""What the demo shows beside a year of orders: staff, doors, webhooks, and a day at the counter."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import msgspec

from guerdon.base.ids import parse_number
from guerdon.connect.hooks.doors import NewDoor, add_door, list_doors
from guerdon.connect.hooks.doors import owner_of as owner_of_door
from guerdon.connect.hooks.mapping import OrderMapping, map_events
from guerdon.connect.hooks.signature import Signature
from guerdon.connect.samples.filling import Filled, taken_in
from guerdon.connect.sealing import SecretBox
from guerdon.connect.webhooks.endpoints import (
    NewEndpoint,
    Wish,
    add_endpoint,
    change_endpoint,
    list_endpoints,
    load_secret,
)
from guerdon.connect.webhooks.endpoints import owner_of as owner_of_webhook
from guerdon.connect.webhooks.signing import make_secret
from guerdon.engine.answers import Answer
from guerdon.engine.commands import (
    AdjustBalance,
    CancelRedemption,
    Command,
    ConfirmCheckout,
    IngestEvent,
    Once,
    OpenCheckout,
    RedeemReward,
    SendRedemption,
    TransferUnits,
    UseRedemption,
)
from guerdon.infra.tx import Tx
from guerdon.members.identities import parse_ref
from guerdon.programs.first_owner import FIRST_EMAIL
from guerdon.programs.staff import NewStaff, add_staff, find_by_email
from guerdon.programs.tenants import tenant_id_of
from guerdon.rewards.coupons import Batch, list_batches, make_batch
from guerdon.rules.coupons.codes import KEY_BYTES, fold, letters_for
from guerdon.rules.coupons.standing import Terms
from guerdon.wiring import MAIN_TENANT, House

STAFF: Final = (
    (FIRST_EMAIL, "Olivia Owner", "owner"),
    ("manager@localhost", "Maya Manager", "manager"),
    ("support@localhost", "Sam Support", "support"),
    ("auditor@localhost", "Ada Auditor", "auditor"),
)
_TO_THE_SHOP: Final = "the pretend shop of this demo"
_TO_NOBODY: Final = Wish(
    "https://old-erp.example/guerdon",
    ("redemption.cancelled",),
    "an ERP that does not answer, to see retries",
)
_MENU: Final = (("travel_pouch", 100), ("bag_for_a_child", 250), ("free_shipping", 300), ("extra_year", 400))
_SHOP: Final = "backpack-shop"
_TAKERS: Final = 60
_USED_OF_TEN: Final = 6
_SENT_OF_TEN: Final = 8
_CARTS: Final = 6
_CODES: Final = (
    ("Letter in the spring parcel", "SPRING-", 5_000, "ten_percent_off", Terms()),
    ("WELCOME", "WELCOME", 0, "ten_percent_off", Terms(uses=None, per_account=1, total=1_000)),
)
"""Name, what is written, how many (0 is a code that everybody shares), reward and terms."""
_CART: Final = {
    "lines": [
        {
            "id": "1",
            "sku": "BP-40",
            "name": "Trail 40",
            "brand": "Trail",
            "categories": ["backpack"],
            "quantity": 2,
            "price": "129.90",
        }
    ],
    "spend": {"points": "100"},
    "channel": "web",
}
_DAY: Final = timedelta(hours=9)
_A_YEAR: Final = timedelta(days=365)
_MAPPING: Final[dict[str, Any]] = {
    "events": [
        {
            "when": {"$.topic": "order/paid"},
            "event": {
                "id": {"$path": "$.number", "prefix": "paid-"},
                "source": "old-shop",
                "type": "order.paid",
                "time": {"$path": "$.paid_at", "as": "unix"},
                "subject": {"$path": "$.customer"},
                "data": {
                    "id": {"$path": "$.number", "prefix": "OLD-"},
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


@dataclass(frozen=True, slots=True)
class Scene:
    """Where it plays."""

    house: House
    program: str
    now: datetime
    """UTC."""
    ended_at: datetime
    """When the last thing of the year happened, UTC."""
    seed: int

    @property
    def tenant_id(self) -> int:
        """Whose demo it is."""
        return tenant_id_of(MAIN_TENANT)

    def asked(self, commands: Sequence[Command]) -> list[Answer]:
        """Ask the engine, and wait."""
        return taken_in(self.house.engine.submit_many(commands))

    def at(self, part: float) -> datetime:
        """Give an instant of the day at the counter, which ends now; `part` goes from 0 to 1."""
        begun_at = max(self.ended_at, self.now - _DAY)
        return begun_at + (self.now - begun_at) * part

    def told(self, name: str, part: float, **fields: Any) -> dict[str, Any]:
        """Give what every command says; the same name is the same call, also in another start."""
        once = Once("demo", f"demo-{name}", hashlib.sha256(name.encode()).digest())
        common = {"tenant_id": self.tenant_id, "program": self.program, "received_at": self.at(part)}
        return {**common, "once": once, **fields}


def make_staff(scene: Scene, password: str) -> None:
    """Let one of each role sign in, with the same password.

    Args:
        scene: where.
        password: theirs.
    """
    with scene.house.database.transaction(scene.tenant_id) as tx:
        for email, name, role in STAFF:
            if find_by_email(tx, email) is None:
                new = NewStaff(email, name, role, password, "system", scene.now)
                add_staff(tx, new, scene.house.ids, secrets.token_bytes)


def make_doors(scene: Scene, url: str, *, history: bool) -> int:
    """Make the webhooks and the order hook, or find them; the pretend shop listens elsewhere each time.

    Args:
        scene: where.
        url: of the pretend shop.
        history: whether it is a sample, which has an order hook and a webhook that fails.

    Returns:
        The webhook that goes to the pretend shop.
    """
    with scene.house.database.transaction(scene.tenant_id) as tx:
        there = {one.description: one.webhook_id for one in list_endpoints(tx, 100)}
        wish = Wish(url, ("*",), _TO_THE_SHOP)
        if _TO_THE_SHOP in there:
            change_endpoint(tx, there[_TO_THE_SHOP], wish, scene.now)
        else:
            there[_TO_THE_SHOP] = _add_webhook(tx, scene, wish)
        if history and _TO_NOBODY.description not in there:
            _add_webhook(tx, scene, _TO_NOBODY)
        if history and not list_doors(tx, 1):
            _add_hook(tx, scene)
    return there[_TO_THE_SHOP]


def webhook_secret(house: House, webhook_id: int) -> bytes:
    """Open the secret that a webhook's notices are signed with."""
    tenant_id = tenant_id_of(MAIN_TENANT)
    with house.database.transaction(tenant_id) as tx:
        sealed = load_secret(tx, webhook_id)
    return SecretBox(house.master_key, tenant_id).open(owner_of_webhook(webhook_id), sealed)


def play_a_day(scene: Scene, filled: Filled) -> None:
    """Let a day pass at the counter: rewards taken, used and given back, a mistake made good, a gift.

    Args:
        scene: where.
        filled: the members and what they have.
    """
    chance = Random(f"{scene.seed}:counter")
    able = [one for one in sorted(filled.available) if filled.available[one] >= _MENU[0][1]]
    takers = sorted(chance.sample(able, min(_TAKERS, len(able))))
    wanted = []
    for place, account in enumerate(takers):
        menu = [name for name, price in _MENU if price <= filled.available[account]]
        told = scene.told(f"take-{account}", place / len(takers) / 2, reward=chance.choice(menu))
        wanted.append(RedeemReward(**told, member=parse_ref(filled.members[account])))
    ids = [parse_number("red", str(answer.redemptions[0]["id"])) or 0 for answer in scene.asked(wanted)]
    after: list[Command] = []
    for place, one in enumerate(ids):
        part, roll = 0.5 + place / len(ids) / 2, chance.randrange(10)
        # The first is given back whatever the dice say, so that there is one to look at.
        if place == 0 or roll == 0:
            after.append(CancelRedemption(**scene.told(f"cancel-{one}", part, redemption_id=one)))
        elif roll < _USED_OF_TEN:
            after.append(UseRedemption(**scene.told(f"use-{one}", part, redemption_id=one)))
        elif roll < _SENT_OF_TEN and wanted[place].reward == "travel_pouch":
            told = scene.told(f"send-{one}", part, redemption_id=one)
            after.append(SendRedemption(**told, tracking=f"PARCEL-{place:04}"))
    scene.asked(after)
    _make_codes(scene)
    scene.asked(list(_at_the_desk(scene, filled)))
    _fill_carts(scene, filled, [one for one in able if one not in takers][:_CARTS])


def _make_codes(scene: Scene) -> None:
    """Make a batch of codes and one that everybody shares, good for a year."""
    house, vault = scene.house, scene.house.vault(scene.tenant_id)
    with house.database.transaction(scene.tenant_id) as tx:
        program_id = house.live(tx, scene.program).program_id
        # A start that was broken off made them before.
        codes = () if list_batches(tx, program_id, None, 1) else _CODES
        for name, written, size, reward, terms in codes:
            batch = Batch(
                batch_id=house.ids.number(),
                name=name,
                written=written,
                prefix=fold(written),
                letters=letters_for(size) if size else 0,
                secret=vault.random_bytes(KEY_BYTES),
                size=size or 1,
                reward=reward,
                terms=terms,
                starts_at=None,
                ends_at=scene.now + _A_YEAR,
                created_at=scene.at(0.2),
                revoked_at=None,
            )
            make_batch(tx, program_id, batch)


def _fill_carts(scene: Scene, filled: Filled, accounts: Sequence[str]) -> None:
    """Let carts be opened in the web shop, with points to pay a part: all but the last are paid."""
    carts = []
    for place, account in enumerate(accounts):
        told = scene.told(f"cart-{account}", 0.8 + place / len(accounts) / 10, id=f"cart-{account}")
        cart = msgspec.json.encode({"id": f"W-{200_001 + place}", **_CART})
        who = parse_ref(filled.members[account])
        carts.append(OpenCheckout(**told, cart=cart, member=who, source=_SHOP, ttl=timedelta(hours=20)))
    scene.asked(carts)
    paid = [
        ConfirmCheckout(
            **scene.told(f"pay-{account}", 0.91 + place / len(accounts) / 20, id=f"cart-{account}"),
            source=_SHOP,
        )
        for place, account in enumerate(accounts[:-1])
    ]
    scene.asked(paid)


def _at_the_desk(scene: Scene, filled: Filled) -> Sequence[Command]:
    """Make a mistake good, move units between friends, take an order in by the old shop's door."""
    accounts = filled.richest(3)
    if len(accounts) < 3:
        return []
    first, second, third = (parse_number("acc", one) or 0 for one in accounts)
    reason = "Parcel came a week late; talked with her on the phone"
    body = {
        "topic": "order/paid",
        "number": "17",
        "paid_at": int(scene.ended_at.timestamp()),
        "customer": filled.members[accounts[2]],
        "items": [{"row": 1, "sku": "BT-07", "count": 2, "cents": 2450}],
    }
    mapping = msgspec.convert(_MAPPING, OrderMapping)
    adjust = scene.told("adjust", 1, account_id=second, wallet="points", amount=50, reason=reason)
    move = scene.told("move", 1, account_id=first, to_account=third, wallet="points", amount=25)
    orders = [
        IngestEvent(tenant_id=scene.tenant_id, program=scene.program, received_at=scene.now, raw=raw)
        for raw in map_events(mapping, body)
    ]
    return [AdjustBalance(**adjust), TransferUnits(**move), *orders]


def _add_webhook(tx: Tx, scene: Scene, wish: Wish) -> int:
    webhook_id = scene.house.ids.number()
    box = SecretBox(scene.house.master_key, scene.tenant_id)
    sealed = box.seal(owner_of_webhook(webhook_id), make_secret(secrets.token_bytes))
    add_endpoint(tx, NewEndpoint(webhook_id, None, wish, sealed, datetime.now(UTC)))
    return webhook_id


def _add_hook(tx: Tx, scene: Scene) -> None:
    hook_id = scene.house.ids.number()
    box = SecretBox(scene.house.master_key, scene.tenant_id)
    new = NewDoor(
        hook_id,
        scene.house.live(tx, scene.program).program_id,
        scene.program,
        msgspec.convert(_MAPPING, OrderMapping),
        Signature(header="X-Shop-Signature"),
        box.seal(owner_of_door(hook_id), b"the secret of our old shop"),
        scene.now,
    )
    add_door(tx, new._replace(description="the old shop's orders", enrol=True))
