"""Carts, webhooks and returns in a flood, and what must be true of them once all was sent again."""

from __future__ import annotations

import http.client
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from guerdon.engine.audit import Audit
from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from tests.world.model import Act
from tests.world.servers import KEY, ask, clock
from tests.world.shop.program import BATCH, CUPS, SHARED_CODE, Version

Said = tuple[int, dict[str, Any]]
BASE = "/v1/programs/store"
BUYERS = 12
WELCOMES = 40
GAP = 60
"""So many acts lie between the parts of one purchase: more than are ever under way at once."""


class Storm:
    """Makes purchases, each of several acts that hang on one another."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.codes: list[str] = []
        self.waiting: list[tuple[int, Act]] = []
        self.behind: list[Act] = []
        """What an earlier flood did not come to: confirmations are late by now."""
        self.made = 0

    def open(self, connection: http.client.HTTPConnection, now: datetime) -> None:
        """Apply the program, enrol the buyers and make codes."""
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/yaml"}
        connection.request("PUT", BASE, Version(1).text, headers)
        applied = connection.getresponse()
        assert applied.read(), applied.status
        assert applied.status in (200, 201)
        for place in range(BUYERS):
            status, said = ask(
                connection, ("POST", f"{BASE}/members"), {"external_id": f"s{place}"}, clock(now)
            )
            assert status in (200, 201), said
            more = {"wallet": "points", "amount": "4000", "reason": "to spend"}
            where = f"{BASE}/accounts/{said['account']}/adjustments"
            status, said = ask(connection, ("POST", where), more, clock(now))
            assert status in (200, 201), said
        shared = {"reward": "fifth", "code": SHARED_CODE, "total": WELCOMES}
        status, said = ask(connection, ("POST", f"{BASE}/coupons/batches"), shared, clock(now))
        assert status in (200, 201), said
        connection.request(
            "POST",
            f"{BASE}/coupons/batches",
            f'{{"reward": "fifth", "size": {BATCH}, "prefix": "ONE-"}}',
            {**headers, "Content-Type": "application/json", **clock(now)},
        )
        made = connection.getresponse()
        text = made.read().decode()
        assert made.status in (200, 201), text
        self.codes = text.split()[1:]
        assert len(self.codes) == BATCH

    def next_act(self, number: int, now: datetime) -> Act:
        """Give the next part of a purchase, or begin a new one."""
        for place, (due, act) in enumerate(self.waiting):
            if due <= number:
                del self.waiting[place]
                return {**act, "now": now}
        return self.begin(number, now)

    def carry_over(self, unsent: Iterable[Act], sent: Iterable[Act]) -> None:
        """Keep for the next flood what begun purchases still lack."""
        begun = {act["cart"] for act in sent if act["do"] == "open"}
        rest = [act for act in unsent if act["program"] == "store" and act["do"] != "open"]
        self.behind += [act for act in rest if act["cart"] in begun]

    def begin(self, number: int, now: datetime) -> Act:
        chance = self.chance
        if self.behind and chance.random() < 0.6:
            return {**self.behind.pop(0), "now": now}
        self.made += 1
        name = f"C{self.made}"
        who = (
            None if chance.random() < 0.15 else f"s{0 if chance.random() < 0.3 else chance.randrange(BUYERS)}"
        )
        cart: dict[str, Any] = {"id": f"O{self.made}", "source": "shop", "shipping": {"amount": "4.90"}}
        cart["lines"] = [
            {
                "id": str(place),
                "quantity": chance.choice((1, 2, 3)),
                "price": chance.choice(("9.99", "45.00")),
            }
            for place in range(chance.randint(1, 3))
        ]
        if who is not None:
            cart["member"] = who
            cart |= {"spend": {"points": str(chance.choice((1, 17, 40)))}} if chance.random() < 0.6 else {}
            cart |= {"rewards": ["cup"]} if chance.random() < 0.1 else {}
        if chance.random() < 0.5:
            # Few codes, so that carts fight for them.
            cart["coupons"] = [
                SHARED_CODE if chance.random() < 0.3 else chance.choice(self.codes[: self.made])
            ]
        base: Act = {"program": "store", "cart": name, "order": cart["id"], "who": who}
        later: list[Act] = [{"do": "drop"}] if chance.random() < 0.15 else [{"do": "confirm"}]
        if chance.random() < 0.25:
            later.insert(chance.randrange(2), {"do": "told", "lines": cart["lines"]})
        parts = range(chance.choice((0, 0, 1, 2, 3)))
        later += [{"do": "return", "part": part, "all": chance.random() < 0.3} for part in parts]
        for place, act in enumerate(later):
            due = number + GAP * (place + 1)
            self.waiting.append((due, {**base, **act, "label": f"{name}-{act['do']}-{place}"}))
        return {**base, "do": "open", "body": cart, "label": f"{name}-open", "now": now}


def send(connection: http.client.HTTPConnection, act: Act) -> Said:
    """Send a part of a purchase as a shop would."""
    headers = clock(act["now"])
    if act["do"] == "told":
        body: dict[str, Any] = {
            "specversion": "1.0",
            "id": act["label"],
            "source": "shop",
            "type": "order.paid",
        }
        body |= {"time": act["now"].isoformat(), "data": {"id": act["order"], "lines": act["lines"]}}
        body |= {"subject": act["who"]} if act["who"] is not None else {}
        return ask(connection, ("POST", f"{BASE}/events"), body, headers)
    headers["Idempotency-Key"] = act["label"]
    where = f"{BASE}/checkouts/{act['cart']}"
    if act["do"] == "open":
        return ask(connection, ("PUT", where), act["body"], headers)
    if act["do"] == "confirm":
        return ask(connection, ("POST", f"{where}/confirm"), {"source": "shop"}, headers)
    if act["do"] == "drop":
        return ask(connection, ("POST", f"{where}/cancel"), {"source": "shop"}, headers)
    body = {"id": act["label"], "source": "shop"}
    body |= {"all": True} if act["all"] else {"lines": [{"id": "0", "quantity": 1}]}
    return ask(connection, ("POST", f"{BASE}/orders/{act['order']}/returns"), body, headers)


class Judged:
    """What was found of purchases."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        self.doubled: list[str] = []
        self.torn: list[str] = []


def judge(
    database: Database, tenant_id: int, first: Mapping[str, Said], acts: list[Act], vault: Vault
) -> Judged:
    """Compare what was told with what is stored.

    Args:
        database: the engine's.
        tenant_id: whose.
        first: by label, answers that said that something was applied.
        acts: the parts of purchases, each once.
        vault: the tenant's keys.

    Returns:
        What is not there, what is there twice, and what does not fit together.
    """
    found = Judged()
    with database.transaction(tenant_id) as tx:
        (program_id,) = tx.execute("select program_id from programs where key = 'store'").fetchall()[0]
        done = [act for act in acts if act["label"] in first]
        _orders(tx, program_id, done, found)
        _returns(tx, done, found)
        _codes(first, found)
        found.torn += _held(tx) + _bounds(tx, program_id)
        findings = [str(one) for _, one in zip(range(20), Audit(tx, vault).run(), strict=False)]
        found.torn += [f"audit: {one}" for one in findings]
    return found


def _orders(tx: Tx, program_id: int, done: list[Act], found: Judged) -> None:
    query = """select order_id, count(*) from event_keys
        where program_id = %s and order_id is not null group by 1"""
    orders: dict[str, int] = dict(tx.execute(query, (program_id,)).fetchall())
    rows = tx.execute(
        "select id, status, checkout_id::text, event_id from checkouts where program_id = %s", (program_id,)
    ).fetchall()
    carts = {row[0]: row[1:] for row in rows}
    for act in done:
        status = carts.get(act["cart"], ("none",))[0]
        if act["do"] in ("confirm", "told") and not orders.get(act["order"]):
            found.lost.append(f"order of {act['label']}")
        if act["do"] == "confirm" and status != "confirmed":
            found.lost.append(f"{act['label']}: the checkout is {status}")
        if act["do"] == "drop" and status != "cancelled":
            found.lost.append(f"{act['label']}: the checkout is {status}")
        if act["do"] == "open" and status == "none":
            found.lost.append(act["label"])
    found.doubled += [f"order {order} {count} times" for order, count in orders.items() if count > 1]
    ended = Counter(row[3] for row in rows if row[1] == "confirmed")
    found.torn += [
        f"confirmed without an event: {row[0]}" for row in rows if (row[1] == "confirmed") == (row[3] is None)
    ]
    query = """select event_id, type from events
        where program_id = %s and (type = 'guerdon.take_capture' or starts_with(id, 'checkout-'))"""
    for event_id, kind in tx.execute(query, (program_id,)).fetchall():
        if ended[event_id] != 1:
            found.doubled.append(f"{kind} {event_id} ended {ended[event_id]} checkouts")


def _returns(tx: Tx, done: list[Act], found: Judged) -> None:
    query = """select e.id, count(*) from order_returns r
        join events e on e.account_id = r.account_id and e.event_id = r.return_event group by 1"""
    stored: dict[str, int] = dict(tx.execute(query).fetchall())
    for act in done:
        if act["do"] == "return":
            count = stored.get(f"return-{act['label']}", 0)
            found.lost += [act["label"]] if not count else []
            found.doubled += [act["label"]] if count > 1 else []


def _codes(first: Mapping[str, Said], found: Judged) -> None:
    """A code of one use pays for one order, but for one that came back whole."""
    given: Counter[str] = Counter()
    whole = {said["order"] for _, said in first.values() if said.get("complete")}
    for label, (_, said) in first.items():
        # A late one may find its code used: the order stays as it was charged, and a shortfall says so.
        if "-confirm-" not in label or any(one["kind"] == "limit" for one in said.get("shortfalls", ())):
            continue
        given.update(
            effect["discount"]["code"]
            for effect in said["effects"]
            if effect.get("discount", {}).get("code") and said["order"] not in whole
        )
    found.doubled += [
        f"{code} {count} times"
        for code, count in given.items()
        if count > (WELCOMES if code == SHARED_CODE else 1)
    ]


def _held(tx: Tx) -> list[str]:
    query = """select w.account_id, w.wallet, w.held, coalesce(sum(h.amount), 0) from wallets w
        left join account_holds h on h.account_id = w.account_id and h.kind = 'units' and h.name = w.wallet
        group by 1, 2, 3 having w.held <> coalesce(sum(h.amount), 0) or w.held < 0"""
    return [f"held of {row}" for row in tx.execute(query).fetchall()]


def _bounds(tx: Tx, program_id: int) -> list[str]:
    query = """select counter, used, coalesce((select sum(amount) from shared_holds h
        where h.program_id = c.program_id and h.counter = c.counter), 0)
        from shared_counters c where program_id = %s"""
    faults = []
    for counter, used, held in tx.execute(query, (program_id,)).fetchall():
        bound = _bound(counter)
        if not 0 <= held <= used or (bound is not None and used > bound):
            faults.append(f"{counter}: {used} used, {held} of it held")
    return faults


def _bound(counter: str) -> float | None:
    bounds = {"reward/cup/stock": CUPS, "campaign/early/total": 6, "campaign/fiver/budget": 23}
    for name, bound in bounds.items():
        if counter.startswith(name):
            return bound
    if counter.startswith("coupon/"):
        return 1 if "/code/" in counter else WELCOMES
    return None
