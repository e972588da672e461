"""What the engine did, in the order in which it did it, told to the model again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from guerdon.engine.events import Page, StoredEvent, list_events
from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from tests.world.accounts import units_text
from tests.world.model import Act, Model
from tests.world.programs import CLUB

Names = Mapping[tuple[str, str], int]


@dataclass
class Replayed:
    model: Model = field(default_factory=lambda: Model(CLUB))
    stored: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    """How often each act is stored, by its content."""
    faults: list[str] = field(default_factory=list)


def replay(database: Database, tenant_id: int, accounts: Names) -> Replayed:
    """Tell a fresh model what is stored, from the beginning.

    Args:
        database: the engine's.
        tenant_id: whose.
        accounts: account numbers by program and name.

    Returns:
        The model, what is stored, and what it answered otherwise than the engine.
    """
    done = Replayed()
    names = {number: who for (_, who), number in accounts.items()}
    with database.transaction(tenant_id) as tx:
        program_id = tx.execute("select program_id from programs where key = 'club'").fetchall()[0][0]
        rows = list_events(tx, program_id, Page(1_000_000))
        for event in reversed(rows):
            act = _act(tx, event, names)
            if act is None:
                continue
            done.stored[content_of(act)] += 1
            out = done.model.act(act)
            effects = sorted(_award(done.model, one) for one in event.decided.effects if one.kind == "award")
            wanted = sorted(one for one in out.get("effects", ()) if one[1].startswith("award"))
            if out["status"] != "applied" or effects != wanted:
                done.faults.append(f"{act}: the engine applied {effects}, the model {out}")
    return done


def _award(model: Model, effect: Any) -> tuple[str, str, str]:
    scale = model.spec.wallets[effect.wallet].scale
    return effect.campaign, f"award {effect.wallet}", units_text(effect.amount, scale)


def _act(tx: Tx, event: StoredEvent, names: Mapping[int, str]) -> Act | None:
    base: Act = {"program": "club", "who": names[event.account_id], "now": event.booked_at}
    if event.source == "shop":
        return _fact(event, base)
    if event.type == "member.enrolled":
        return {"do": "enrol", **base}
    return _command(tx, event, names, base)


def _fact(event: StoredEvent, base: Act) -> Act:
    sent = msgspec.json.decode(event.text)
    act = {
        **base,
        "do": "event",
        "type": event.type,
        "source": "shop",
        "id": event.id,
        "time": event.occurred_at,
    }
    if event.type == "order.paid":
        act["order"] = event.order_id
        act["lines"] = [[line.get("quantity", "1"), line["price"]] for line in sent["data"]["lines"]]
    if "grams" in sent["data"]:
        act["grams"] = int(sent["data"]["grams"])
    return act


def _command(tx: Tx, event: StoredEvent, names: Mapping[int, str], base: Act) -> Act | None:
    where = (event.account_id, event.event_id)
    if event.type == "guerdon.redeem":
        query = (
            "select reward, quantity, redemption_id from redemptions where account_id = %s and event_id = %s"
        )
        reward, quantity, number = tx.execute(query, where).fetchall()[0]
        return {**base, "do": "redeem", "reward": reward, "quantity": quantity, "ref": str(number)}
    kinds = {"guerdon.adjust": "adjust", "guerdon.send": "send"}
    if event.type not in kinds:
        return None
    row = tx.execute(
        """select t.wallet, t.reason, t.other_account, sum(e.amount)::bigint
        from transactions t join entries e using (account_id, seq)
        where t.account_id = %s and t.event_id = %s and t.kind = %s and e.book = 'member' group by 1, 2, 3""",
        (*where, kinds[event.type]),
    ).fetchall()[0]
    act = {**base, "do": kinds[event.type], "wallet": row[0], "amount": row[3], "reason": row[1]}
    return act if act["do"] == "adjust" else {**act, "amount": -row[3], "to": names[row[2]]}


def content_of(act: Act) -> tuple[Any, ...]:
    """What tells an act from others in what is stored; two alike may stand for each other."""
    if act["do"] == "event":
        return ("event", act["id"])
    if act["do"] == "redeem":
        return ("redeem", act["who"], act["reward"], act["now"])
    if act["do"] == "adjust":
        return ("adjust", act["reason"])
    if act["do"] == "enrol":
        return ("enrol", act["who"])
    return ("send", act["who"], act["to"], act["amount"], act["now"])
