"""The shop's acts as commands of the engine, and its answers in the model's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from guerdon.base.ids import IdMaker, number_text, parse_number
from guerdon.engine.answers import Answer
from guerdon.engine.commands import (
    AdjustBalance,
    CancelCheckout,
    CancelRedemption,
    ClaimGiftCard,
    Command,
    ConfirmCheckout,
    EnrolMember,
    IngestEvent,
    IssueCards,
    OpenCheckout,
    PreviewCart,
    RedeemReward,
    ReturnOrder,
    RunTick,
    SetCardBlocked,
    TopUpCard,
    UseRedemption,
)
from guerdon.infra.db import Database
from guerdon.members.crypto import Vault
from guerdon.members.identities import normal_ref
from guerdon.members.profiles import Profile
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.rewards.coupons import Batch, ask_batches, find_codes, make_batch, revoke_code
from guerdon.rules.cards.codes import code_of
from guerdon.rules.coupons.codes import fold, letters_for
from guerdon.rules.coupons.standing import Terms
from guerdon.rules.definition import load_definition
from guerdon.rules.sent import ReturnAsked, ReturnLine
from tests.world.model import Act, Out
from tests.world.shop.program import SHARED_CODE, Version

UNKNOWN = 1
SIZE = 40
SECRET = bytes(range(32))
JUNK = "FIVE-00000000"


class Voice:
    """Speaks for one run of the shop."""

    def __init__(self, database: Database, vault: Vault, ids: IdMaker) -> None:
        self.database = database
        self.vault = vault
        self.ids = ids
        self.redemptions: dict[str, int] = {}
        self.cards: dict[str, int] = {}
        """Accounts of gift cards by name."""
        maker = _single().codes(vault.digest)
        self.codes = dict(zip((f"one={place}" for place in range(SIZE)), maker.written(0, SIZE), strict=True))
        self.codes["welcome"] = SHARED_CODE
        # A code that is written well and is no card's, and one with a wrong letter.
        self.codes |= {"card=none": code_of(bytes(10)), "card=typo": code_of(bytes(10))[:-1] + "7"}
        self.versions = 1

    def open(self, now: datetime) -> None:
        """Apply the program and make its codes."""
        self.apply(1, now)
        with self.database.transaction(self.vault.tenant_id) as tx:
            program_id = self.program(tx)
            single = _single()._replace(batch_id=self.ids.number(), created_at=now)
            shared = single._replace(
                batch_id=self.ids.number(),
                written=SHARED_CODE,
                prefix=fold(SHARED_CODE),
                letters=0,
                size=1,
                terms=Terms(uses=None, per_account=1, total=10, per="month"),
            )
            make_batch(tx, program_id, single)
            make_batch(tx, program_id, shared)

    def program(self, tx: Any) -> int:
        return int(tx.execute("select program_id from programs where key = 'store'").fetchall()[0][0])

    def apply(self, version: int, now: datetime) -> None:
        """Make a version live."""
        self.versions = version
        text = Version(version).text.replace("name: Store", f"name: Store {version}")
        with self.database.transaction(self.vault.tenant_id) as tx:
            apply_definition(tx, NewDefinition(load_definition(text), text, "world", now), self.ids)

    def revoke(self, token: str, now: datetime) -> None:
        """Revoke a code of the batch."""
        code = self.codes[token]
        with self.database.transaction(self.vault.tenant_id) as tx:
            program_id = self.program(tx)
            asked = ([code], ask_batches(tx, program_id, [code])())
            revoke_code(tx, program_id, find_codes(tx, program_id, asked, self.vault.digest)[code], now)

    def learn(self, act: Act, answer: Answer) -> None:
        """Remember numbers and codes of what was given out; a quote only says what would be."""
        if act["do"] in ("open", "preview"):
            return
        for one in answer.gift_cards:
            self.cards[act["card"]] = parse_number("gft", one["id"]) or 0
            self.codes[f"card={act['card']}"] = one["code"]
        given = {one["id"]: one["code"] for one in answer.redemptions}
        place = 0
        for effect in answer.effects:
            what = effect.get("redeem") or effect.get("grant")
            # A confirmation of an order that was told of is a duplicate, and takes its rewards all the same.
            if not what or (answer.status != "applied" and act["do"] != "confirm"):
                continue
            ref = act.get("ref") or f"cart {act.get('cart')} {place}"
            if "grant" in effect:
                ref = f"thanks {act['order'] if 'order' in act else answer.quote['order']}"
            else:
                place += 1
            number = parse_number("red", what["redemption"])
            assert number is not None
            self.redemptions[ref] = number
            self.codes[f"ref={ref}"] = given[what["redemption"]] or JUNK

    def translate(self, act: Act, base: dict[str, Any], account: int) -> Command:
        """Write an act as a command."""
        ref = normal_ref("external", act["who"]) if act.get("who") else None
        if act["do"] in ("preview", "open"):
            more: dict[str, Any] = {"cart": self.cart(act), "member": ref, "source": "shop", **base}
            return PreviewCart(**more) if act["do"] == "preview" else OpenCheckout(id=act["cart"], **more)
        match act["do"]:
            case "confirm":
                return ConfirmCheckout(id=act["cart"], source="shop", **base)
            case "drop":
                return CancelCheckout(id=act["cart"], source="shop", **base)
            case "told":
                return IngestEvent(raw=json.dumps(self.event(act)).encode(), **base)
            case "return":
                return self.returning(act, base)
            case "tick":
                return RunTick(account_id=account, **base)
            case "adjust":
                more = {"wallet": "credit", "amount": act["amount"], "reason": "as agreed"}
                return AdjustBalance(account_id=account, **more, **base)
        return self.about_cards(act, base) if "card" in act else self.about_rewards(act, base)

    def about_cards(self, act: Act, base: dict[str, Any]) -> Command:
        """Write what becomes of a gift card."""
        card = self.cards.get(act["card"], UNKNOWN)
        if act["do"] == "claim":
            code = self.codes.get(f"card={act['card']}", self.codes["card=none"])
            return ClaimGiftCard(code=code, member=normal_ref("external", act["who"]), **base)
        if act["do"] == "block":
            return SetCardBlocked(card=card, blocked=act["blocked"], reason="it was lost", **base)
        more = {"amount": act["amount"], "expires_at": act["expires"]}
        if act["do"] == "issue":
            return IssueCards(reason="sold", **more, **base)
        return TopUpCard(card=card, reason="a present", **more, **base)

    def about_rewards(self, act: Act, base: dict[str, Any]) -> Command:
        """Write what somebody takes, gives back or uses; or that somebody joins."""
        redemption = self.redemptions.get(act.get("ref", ""), UNKNOWN)
        if act["do"] in ("cancel", "use"):
            kind = CancelRedemption if act["do"] == "cancel" else UseRedemption
            return kind(redemption_id=redemption, **base)
        ref = normal_ref("external", act["who"])
        if act["do"] == "enrol":
            return EnrolMember(profile=Profile(identities=(ref,), external_id=act["who"]), **base)
        return RedeemReward(member=ref, reward=act["reward"], quantity=act["quantity"], **base)

    def cart(self, act: Act) -> bytes:
        """Write a cart."""
        sent: dict[str, Any] = {"id": act["order"], "lines": _lines(act["lines"])}
        sent |= {"shipping": {"amount": f"{Decimal(act['shipping']) / 100}"}} if act["shipping"] else {}
        spend = {"points": str(act["spend"])} if act["spend"] else {}
        spend |= {"credit": f"{Decimal(act['credit']) / 100}"} if act["credit"] else {}
        sent |= {"spend": spend} if spend else {}
        codes = [self.codes.get(f"card={name}", self.codes["card=none"]) for name in act["cards"]]
        sent |= {"gift_cards": codes} if codes else {}
        sent |= {"rewards": act["rewards"]} if act["rewards"] else {}
        sent["coupons"] = [self.codes.get(token, JUNK) for token in act["coupons"]]
        return json.dumps(sent).encode()

    def event(self, act: Act) -> dict[str, Any]:
        sent = {"specversion": "1.0", "id": act["id"], "source": "shop", "type": "order.paid"}
        sent |= {"time": act["time"].astimezone(UTC).isoformat()}
        sent |= {"data": {"id": act["order"], "lines": _lines(act["lines"])}}
        return sent | ({"subject": act["who"]} if act["who"] is not None else {})

    def returning(self, act: Act, base: dict[str, Any]) -> Command:
        """Write a return as a call, or as the shop's event."""
        if act["via"] == "call":
            lines = tuple(ReturnLine(line, Decimal(quantity)) for line, quantity in act["lines"])
            asked = ReturnAsked(act["order"], act["id"], lines, act["all"], act["shipping"])
            return ReturnOrder(asked=asked, source="shop", **base)
        data: dict[str, Any] = {"order": act["order"]}
        kind = "order.cancelled"
        if act["via"] == "edited":
            kind, data = "order.edited", _edited(act)
        if act["via"] == "event":
            kind = "order.returned"
            lines_sent = [{"id": line, "quantity": quantity} for line, quantity in act["lines"]]
            data |= {"all": act["all"], "refund_shipping": act["shipping"], "lines": lines_sent}
        sent = {"specversion": "1.0", "id": act["id"], "source": "shop", "type": kind, "data": data}
        sent["time"] = base["received_at"].astimezone(UTC).isoformat()
        return IngestEvent(raw=json.dumps(sent).encode(), **base)


def _single() -> Batch:
    letters, ever = letters_for(SIZE), datetime(2026, 1, 1, tzinfo=UTC)
    terms = Terms(uses=1)
    return Batch(0, "", "ONE-", fold("ONE-"), letters, SECRET, SIZE, "fifth", terms, None, None, ever, None)


def _edited(act: Act) -> dict[str, Any]:
    """Write what is left of an order: as the order that it is now, or by naming it."""
    left = [
        {"id": line, "quantity": quantity, **({"price": price} if price else {})}
        for line, quantity, price in act["left"]
    ]
    if act["form"] == "left":
        return {"order": act["order"], "left": left}
    return {"id": act["order"], "lines": left}


def _lines(lines: list[list[str]]) -> list[dict[str, str]]:
    return [
        {"id": str(place), "quantity": quantity, "price": price}
        for place, (quantity, price) in enumerate(lines)
    ]


def shown(act: Act, answer: Answer, cards: Mapping[str, int]) -> Out:
    """Bring the engine's answer into the model's words; cards are known by name and account."""
    names = {number_text("gft", account): name for name, account in cards.items()}
    if answer.problem is not None:
        return {"status": "rejected", "code": answer.problem.code}
    out: Out = {
        "status": answer.status,
        "code": "",
        "effects": sorted(_effect(effect) for effect in answer.effects),
        "skipped": sorted((skip["campaign"], skip["reason"]) for skip in answer.skipped),
        "late": answer.late,
        "guest": answer.guest,
        "balances": {
            key: (one.available, one.pending, one.held, one.debt) for key, one in answer.balances.items()
        },
    }
    if act["do"] in ("open", "preview"):
        out |= _quote(answer.quote, act["do"], names)
    if act["do"] in ("confirm", "return"):
        out["short"] = sorted(_short(one, names) for one in answer.shortfalls)
    if act["do"] == "return":
        out |= _returned(answer.returned, names)
    if act["do"] == "issue":
        out["made"] = " ".join(one["amount"] for one in answer.gift_cards)
    return out


def _quote(quote: Mapping[str, Any], kind: str, names: Mapping[str, str]) -> Out:
    out: Out = {
        "lines": [(line["id"], line["net"]) for line in quote["lines"]],
        "due": quote["totals"]["due"],
        "total": quote["totals"]["total"],
        "spends": quote["spends"],
        "earns": quote["earns"],
        "cards": [(names.get(one["id"], ""), one["pays"], one["left"]) for one in quote["gift_cards"]],
        "effects": [],
        "skipped": [],
    }
    return out | ({"until": datetime.fromisoformat(quote["expires_at"])} if kind == "open" else {})


def _returned(said: Mapping[str, Any], names: Mapping[str, str]) -> Out:
    return {
        "lines": [(line["id"], line["refund"]["net"]) for line in said["lines"]],
        "refund": said["refund"]["total"],
        "tenders": sorted(
            (one["kind"], one["amount"], one.get("wallet", ""), names.get(one.get("gift_card", ""), ""))
            for one in said["tenders"]
        ),
        "units": {
            wallet: (one["taken"], one["given_back"], one["debt"], one.get("expired", "0"))
            for wallet, one in said["units"].items()
        },
        "undone": sorted(_undone(one) for one in said["undone"]),
        "complete": said["complete"],
    }


def _undone(one: Mapping[str, str]) -> tuple[str, str, str]:
    kept = " kept" if one.get("kept") else ""
    return one["kind"], one.get("campaign", ""), one.get("reward", "") + kept


def _short(one: Mapping[str, str], names: Mapping[str, str]) -> tuple[str, str, str, str]:
    name, amount = one["name"], one["amount"]
    if one["kind"] == "coupon":
        name = ""
    elif one["kind"] == "limit":
        _, owner, what, *_ = name.split("/")
        name = (
            {"code": "code", "total": "welcome", "account": "mine"}[what]
            if owner.startswith("cpb")
            else owner
        )
        amount = f"{Decimal(amount):.2f}" if owner == "fiver" else amount
    elif one["kind"] in ("discount", "gift_card") or name == "credit":
        name, amount = names.get(name, name), f"{Decimal(amount):.2f}"
    return one["kind"], name, amount, one["reason"]


def _effect(effect: Mapping[str, Any]) -> tuple[str, str, str]:
    campaign = effect.get("campaign", "")
    ((kind, what),) = ((key, one) for key, one in effect.items() if key != "campaign")
    if kind in ("award", "pay"):
        return campaign, f"{kind} {what['wallet']}", what["amount"]
    if kind == "discount":
        return campaign, f"discount {what['reward']}" if what.get("reward") else "discount", what["amount"]
    return campaign, kind, what["reward"]
