"""Plays a plan against the real engine and the model side by side, and stops at the first difference."""

from __future__ import annotations

import hashlib
import json
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

from guerdon.base.errors import Problem
from guerdon.base.ids import IdMaker, parse_number
from guerdon.engine.answers import Answer
from guerdon.engine.audit import Audit
from guerdon.engine.commands import (
    AdjustBalance,
    CancelRedemption,
    Command,
    EnrolMember,
    IngestEvent,
    MergeAccounts,
    Once,
    RedeemReward,
    RunTick,
    TransferUnits,
    UseRedemption,
)
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.engine.ticks import run_due_of
from guerdon.infra.db import Database
from guerdon.members.crypto import Vault
from guerdon.members.identities import normal_ref
from guerdon.members.privacy import Erasure, erase_member
from guerdon.members.profiles import Profile
from guerdon.programs.programs import NewDefinition, apply_definition, get_live
from guerdon.programs.tenants import ensure_tenant, tenant_id_of
from guerdon.rules.definition import load_definition
from tests.world.actors import BEGINS, Step
from tests.world.faults import Faults
from tests.world.guild.model import Guild
from tests.world.guild.program import GUILD, guild_of
from tests.world.guild.speaking import code_of, of_guild, pay_charity
from tests.world.invariants import check_database
from tests.world.logs import Logger, Watch
from tests.world.model import Act, Model, Out, gone_name
from tests.world.months import Keeper
from tests.world.programs import MAKERS, SPECS
from tests.world.shop import speaking
from tests.world.shop.checks import check_shop
from tests.world.shop.model import Shop
from tests.world.shop.program import SPEC as STORE
from tests.world.told import Told, table
from tests.world.touched import Holding, Looker
from tests.world.touched import Place as Looked

TENANT = tenant_id_of("world")
MASTER_KEY = bytes(range(32))
UNKNOWN = 1
TRIES = 5
AWAY = {"database_unavailable"}
PATIENCE_SECONDS = 120
CHECK_EVERY = 80
"""After so many steps everything is compared and judged again; what a step touched, after each."""
GUILD_ACTS = ("join", "leave", "tier", "untier")
JOBS = ("nightly", "define", "version", "revoke", "erase", "fault", "archive", "restore", "payout")


class DifferenceError(AssertionError):
    """The engine and the model disagree."""

    def __init__(self, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.kind = kind
        """What sort of difference it is: a plan that is made smaller must go on showing the same."""


def make_ids() -> IdMaker:
    return IdMaker(lambda: time.time_ns() // 1_000_000, secrets.randbits)


def prepare(database: Database) -> None:
    """Make the tenant and its programs."""
    for spec in (*SPECS.values(), GUILD):
        apply(database, spec.text, BEGINS)
    voice(database).open(BEGINS)


def voice(database: Database) -> speaking.Voice:
    return speaking.Voice(database, Vault(MASTER_KEY, TENANT), make_ids())


def apply(database: Database, text: str, now: datetime) -> None:
    with database.transaction(TENANT) as tx:
        ensure_tenant(tx, "world", "World", sandbox=True, now=now)
        apply_definition(tx, NewDefinition(load_definition(text), text, "world", now), make_ids())


@contextmanager
def running_world(database: Database, engines: int = 1) -> Iterator[World]:
    """A world with so many engines, each with a connection and caches of its own."""
    with ExitStack() as stack:
        first, *others = [stack.enter_context(running_loop(database)) for _ in range(engines)]
        world = World(database, first, others)
        stack.callback(world.keeper.close)
        yield world


@contextmanager
def running_loop(database: Database) -> Iterator[EngineLoop]:
    loop = EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=20_000))
    loop.start()
    try:
        yield loop
    finally:
        loop.stop()


class World:
    """One run: a database with the programs in it, a loop, and a model of each program."""

    def __init__(self, database: Database, loop: EngineLoop, others: Sequence[EngineLoop] = ()) -> None:
        self.database = database
        self.loop = loop
        """The engine that is asked now; those of a world take turns."""
        self.loops = [loop, *others]
        self.faults = Faults(database)
        self.fault: Act | None = None
        """What goes wrong in the next step."""
        self.logger = Logger(database, MASTER_KEY)
        self.watch = Watch(random.Random(0))
        self.keeper = Keeper(database, TENANT, self.logger.signer(TENANT))
        self.guild = Guild()
        self.guild.numbers = lambda who: self.accounts["guild", who]
        self.models: dict[str, Model] = {key: Model(spec) for key, spec in SPECS.items()}
        self.models["guild"] = self.guild
        self.shop = Shop()
        self.voice = voice(database)
        self.accounts: dict[tuple[str, str], int] = {}
        self.redemptions: dict[tuple[str, str], int] = {}
        self.seen: Counter[str] = Counter()
        self.versions = 1
        self.looker = Looker(database)
        self.spent: Counter[str] = Counter()
        """Microseconds, by what they went to."""
        self.told = Told([spec.zone for spec in (*SPECS.values(), STORE, GUILD)])

    def play(self, plan: list[Step], check_every: int = CHECK_EVERY) -> None:
        """Play a plan to its end.

        Args:
            plan: bursts of acts.
            check_every: after how many steps the whole database is compared.

        Raises:
            DifferenceError: at the first one.
        """
        for place, step in enumerate(plan):
            now = step[0]["now"]
            self.told.step(step)
            with self.timed("playing"):
                self.play_step(place, step)
            with self.timed("invariants of a step"):
                self.check_step(place, step)
            if place % check_every == check_every - 1 or place == len(plan) - 1:
                with self.timed("invariants of everything"):
                    self.check(now)

    def table(self) -> list[str]:
        """Tell what happened so far."""
        with self.database.transaction(TENANT) as tx:
            (posted,), (lines,) = (
                tx.execute(f"select count(*) from {name}").fetchall()[0]  # noqa: S608 - ours
                for name in ("transactions", "entries")
            )
        more = {
            "accounts": len(self.accounts),
            "transactions": posted,
            "entries": lines,
            "accounts looked at": self.looker.looked,
            "proofs": self.watch.proofs,
            "moved into files": self.keeper.moved,
            "came back": self.keeper.returned,
        }
        return table(self.seen, self.told, self.spent, more)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.spent[what] += int((time.monotonic() - began) * 1_000_000)

    def play_step(self, place: int, step: Step) -> None:
        self.loop = self.loops[place % len(self.loops)]
        if step[0]["do"] in JOBS:
            self.run_job(step[0])
            return
        fault, self.fault = self.fault, None
        with self.faults.armed(fault, self.loop) if fault is not None else nullcontext():
            answers = self.ask_patiently(step) if fault is not None else self.ask(step)
        for act, answer in zip(step, answers, strict=True):
            self.learn(act, answer)
            got, wanted = self.compare(act, answer)
            if fault is not None and fault["kind"] == "commit_done":
                got = told_again(act, got, wanted)
            self.seen[f"{act['do']} {wanted['code'] or wanted['status']}"] += 1
            if got != wanted:
                raise difference(place, act, got, wanted)

    def check_step(self, place: int, step: Step) -> None:
        """Compare the accounts that a step touched with what the API shows and with their own books."""
        held: dict[str, dict[int, Holding]] = {}
        for act in step:
            for key in (*self.models, "store") if act["do"] == "nightly" else (act["program"],):
                model = self.shop if key == "store" else self.models[key]
                known = held.setdefault(key, {})
                known.update({self.accounts[key, who]: model.accounts[who] for who in model.touched(act)})
            if act["program"] == "store" or act["do"] == "nightly":
                cards = self.shop.touched_cards(act)
                held["store"] |= {
                    self.accounts["store", f"card {name}"]: self.shop.cards[name].holder for name in cards
                }
        specs = {**{key: model.spec for key, model in self.models.items()}, "store": STORE}
        wallets = {key: spec.wallets for key, spec in specs.items()}
        faults = self.looker.look(Looked(TENANT, step[0]["now"]), held, wallets)
        if faults:
            kind = " ".join(sorted({act["do"] for act in step}))
            raise DifferenceError("\n".join([f"after step {place}: {step}", *faults[:20]]), f"step {kind}")

    def ask(self, step: Step) -> list[Answer]:
        """Have all acts of a step in flight together."""
        futures = self.loop.submit_many([self.command(act) for act in step])
        return [future.result(PATIENCE_SECONDS) for future in futures]

    def ask_patiently(self, step: Step) -> list[Answer]:
        """Send again what could not be done now: all of it, or what comes behind what was committed apart."""
        done: list[Answer] = []
        for _ in range(TRIES):
            answers = self.ask(step[len(done) :])
            away = [one.problem is not None and one.problem.code in AWAY for one in answers]
            first = away.index(True) if True in away else len(away)
            if not all(away[first:]):
                # Were it sent again, the order of the acts would be another.
                raise DifferenceError(f"of {away} some in the middle were refused for want of a database")
            done += answers[:first]
            if len(done) == len(step):
                return done
        raise DifferenceError(f"the database was away for {TRIES} tries")

    def compare(self, act: Act, answer: Answer) -> tuple[Out, Out]:
        """What the engine said, and what the model does."""
        if act["program"] == "store":
            return speaking.shown(act, answer, self.voice.cards), dict(self.shop.act(act))
        return shown(answer), dict(self.models[act["program"]].act(act))

    def run_job(self, act: Act) -> None:
        """Do what is no command."""
        self.seen[f"{act['do']} {act.get('kind', '')}".strip()] += 1
        jobs: dict[str, Callable[[Act], None]] = {
            "fault": self.arm,
            "erase": self.erase,
            "archive": self.keep,
            "restore": self.keep,
            "payout": self.pay_out,
            "nightly": self.nightly,
            "version": self.renew,
            "revoke": self.revoke,
            "define": self.define,
        }
        jobs[act["do"]](act)

    def arm(self, act: Act) -> None:
        """Let something go wrong in the next step."""
        self.fault = act

    def pay_out(self, act: Act) -> None:
        """Pay the guild's charity."""
        got = pay_charity(self.voice, self.loop, act["month"], act["now"])
        wanted = self.guild.pay_out(act["month"])
        if got != wanted:
            raise DifferenceError(f"{act}: engine {got!r}, model {wanted!r}", "payout")

    def nightly(self, act: Act) -> None:
        """Book what time has done."""
        run_due_of(self.database, self.loop, TENANT, act["now"])
        for model in self.models.values():
            model.nightly(act["now"])
        self.shop.nightly(act["now"])

    def renew(self, act: Act) -> None:
        """Apply another version of the store."""
        self.shop.versions += 1
        self.voice.apply(self.shop.versions, act["now"])

    def revoke(self, act: Act) -> None:
        """Revoke a code of the store."""
        self.shop.revoked.add(act["code"])
        self.voice.revoke(act["code"], act["now"])

    def define(self, act: Act) -> None:
        """Apply other figures of a program."""
        self.versions += 1
        spec = {**MAKERS, "guild": guild_of}[act["program"]](act["figures"])
        text = spec.text.replace("name: ", f"name: Version {self.versions} of ", 1)
        apply(self.database, text, act["now"])
        self.models[act["program"]].change(spec)

    def keep(self, act: Act) -> None:
        """Let months go into files, or come back; the model knows nothing of it, for nobody may notice."""
        if act["do"] == "restore":
            self.keeper.restore(act["kept"])
            return
        self.logger.log_all(self.database, TENANT, act["now"])
        self.keeper.move(act["now"], act["steps"])

    def erase(self, act: Act) -> None:
        """Forget a person, as the page and the API do."""
        key, who, now = act["program"], act["who"], act["now"]
        wanted = self.models[key].act(act)
        with self.database.transaction(TENANT) as tx:
            ref = normal_ref("external", who)
            program_id = get_live(tx, key).program_id
            try:
                erase_member(tx, Erasure(self.voice.vault, program_id, ref, "world", now), self.voice.ids)
            except Problem as problem:
                code = problem.code
            else:
                code = ""
        if code != wanted["code"]:
            raise DifferenceError(f"erase {who}: engine {code!r}, model {wanted['code']!r}", "erase")
        if not code:
            self.accounts[key, gone_name(who, now)] = self.accounts.pop((key, who))

    def check(self, now: datetime) -> None:
        """Compare everything that is stored with the models, log it, and let the audit judge it again."""
        self.logger.log_all(self.database, TENANT, now)
        faults = self.watch.look(self.database, TENANT)
        faults += check_database(self.database, (TENANT, now), self.models, self.accounts)
        if self.shop.accounts:
            faults += check_shop(self.database, (TENANT, now), self.shop, self.accounts)
        with self.database.transaction(TENANT) as tx:
            audit = Audit(tx, self.voice.vault, archives=self.keeper.folder)
            faults += [f"audit: {one}" for _, one in zip(range(20), audit.run(), strict=False)]
        if faults:
            raise DifferenceError("\n".join(faults[:20]))

    def learn(self, act: Act, answer: Answer) -> None:
        """Remember the engine's numbers for what the plan calls by name."""
        account = parse_number("acc", answer.account) if answer.account else None
        if act["do"] == "merge" and account is not None:
            gone = self.accounts[act["program"], act["who"]]
            theirs = [name for name, number in self.accounts.items() if number == gone]
            self.accounts |= dict.fromkeys(theirs, account)
            return
        if account is not None and act.get("who") is not None:
            known = self.accounts.setdefault((act["program"], act["who"]), account)
            if known != account:
                raise DifferenceError(f"{act['who']} has two accounts")
        if act["program"] == "store":
            self.voice.learn(act, answer)
            self.accounts |= {("store", f"card {name}"): one for name, one in self.voice.cards.items()}
            return
        if act["do"] == "redeem" and answer.redemptions:
            number = parse_number("red", answer.redemptions[0]["id"])
            assert number is not None
            self.redemptions.setdefault((act["program"], act["ref"]), number)

    def command(self, act: Act) -> Command:
        base: dict[str, Any] = {"tenant_id": TENANT, "program": act["program"], "received_at": act["now"]}
        if "once" in act:
            body = json.dumps([act["who"], act["reward"], act["quantity"]]).encode()
            base["once"] = Once(
                f"POST /{act['program']}/redemptions", act["once"], hashlib.sha256(body).digest()
            )
        if act["do"] in ("send", "merge"):
            account = self.accounts.get((act["program"], act["who"]), UNKNOWN)
            return self.between(act, base, account)
        if act["program"] == "store":
            account = self.accounts.get(("store", act.get("who") or ""), UNKNOWN)
            return self.voice.translate(act, base, account)
        if act["do"] in GUILD_ACTS:
            return of_guild(act, base)
        return self.translate(act, base)

    def translate(self, act: Act, base: dict[str, Any]) -> Command:
        account = self.accounts.get((act["program"], act.get("who") or ""), UNKNOWN)
        redemption = self.redemptions.get((act["program"], act.get("ref", "")), UNKNOWN)
        match act["do"]:
            case "event":
                flags: dict[str, Any] = {name: bool(act.get(name)) for name in ("historical", "enrol")}
                return IngestEvent(raw=json.dumps(cloud_event(act)).encode(), **flags, **base)
            case "enrol":
                ref = normal_ref("external", act["who"])
                code = code_of(self.voice, act["by"], act["now"]) if "by" in act else ""
                profile = Profile(identities=(ref,), external_id=act["who"], referral_code=code)
                return EnrolMember(profile=profile, **base)
            case "redeem":
                ref = normal_ref("external", act["who"])
                return RedeemReward(member=ref, reward=act["reward"], quantity=act["quantity"], **base)
            case "cancel":
                return CancelRedemption(redemption_id=redemption, **base)
            case "use":
                return UseRedemption(redemption_id=redemption, **base)
            case "adjust":
                more = {name: act[name] for name in ("wallet", "amount", "reason")}
                return AdjustBalance(account_id=account, **more, **base)
        return RunTick(account_id=account, **base)

    def between(self, act: Act, base: dict[str, Any], account: int) -> Command:
        """Write what goes from one account to another."""
        other = act["into"] if act["do"] == "merge" else act["to"]
        to = self.accounts.get((act["program"], other), UNKNOWN + 1)
        if act["do"] == "merge":
            return MergeAccounts(account_id=account, into_account=to, **base)
        more = {name: act[name] for name in ("wallet", "amount")}
        return TransferUnits(account_id=account, to_account=to, **more, **base)


def cloud_event(act: Act) -> dict[str, Any]:
    """Write an act as the CloudEvent that a shop sends."""
    data: dict[str, Any] = {}
    if act["type"] == "order.paid":
        lines = [
            {"id": str(place), "quantity": quantity, "price": price}
            for place, (quantity, price) in enumerate(act["lines"])
        ]
        data = {"id": act["order"], "lines": lines}
    else:
        data = {name: act[name] for name in ("grams", "minutes") if name in act}
    sent = {"specversion": "1.0", "id": act["id"], "source": act["source"], "type": act["type"]}
    sent |= {"time": act["time"].astimezone(UTC).isoformat(), "data": data}
    if act["who"] is not None:
        sent["subject"] = act["who"]
    return sent


def shown(answer: Answer) -> Out:
    """Bring the engine's answer into the model's words."""
    if answer.problem is not None:
        return {"status": "rejected", "code": answer.problem.code}
    return {
        "status": answer.status,
        "code": "",
        "effects": sorted(_effect(dict(effect)) for effect in answer.effects),
        "skipped": sorted((skip["campaign"], skip["reason"]) for skip in answer.skipped),
        "late": answer.late,
        "guest": answer.guest,
        "created": answer.created,
        "balances": {key: (one.available, one.pending) for key, one in answer.balances.items()},
    }


def _effect(effect: dict[str, Any]) -> tuple[str, str, str]:
    campaign = effect.pop("campaign")
    ((kind, what),) = effect.items()
    if kind == "award":
        return campaign, f"award {what['wallet']}", what["amount"]
    if kind == "badge" and what.get("level", 1) > 1:
        return campaign, kind, f"{what['badge']}:{what['level']}"
    named = {"multiply": "wallet", "badge": "badge", "redeem": "reward", "grant": "reward", "note": ""}
    return campaign, kind, what[named[kind]] if named[kind] else ""


def told_again(act: Act, got: Out, wanted: Out) -> Out:
    """Leave out what an engine cannot say that does not know its own commit again, for it left no event."""
    if act["do"] == "drop" and got["status"] == "duplicate":
        # It may say that the cart was let go of already.
        return {**got, "status": wanted["status"]}
    if act["do"] == "open" and "balances" in got and "balances" in wanted:
        # It shows what carts hold that were opened behind it; what is stored is compared after the step.
        return {**got, "balances": wanted["balances"]}
    return got


def difference(place: int, act: Act, got: Out, wanted: Out) -> DifferenceError:
    """Say where the two answers part."""
    names = [name for name in sorted(got.keys() | wanted.keys()) if got.get(name) != wanted.get(name)]
    lines = [f"step {place}: {act}"]
    for name in names:
        lines.append(f"  {name}: engine {got.get(name)!r}")
        lines.append(f"  {' ' * len(name)}   model {wanted.get(name)!r}")
    return DifferenceError("\n".join(lines), f"{act['do']} {act.get('type')} {names} {got.get('code')}")
