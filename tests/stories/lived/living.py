"""Carries stories out over the API: what needs people, queues, links and a clock, and not the rules alone."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from anyio import to_thread
from httpx2 import Response

from guerdon.engine.audit import Audit
from guerdon.engine.boards.keeper import Follower
from guerdon.engine.sharing.making import visit
from guerdon.engine.ticks import run_due_of
from guerdon.programs.tenants import tenant_id_of
from guerdon.rules.definition import TrueFalseQuestion, load_definition
from guerdon.web.api.referrals.address import Followed, counts_until, kept_sign, read_sign
from tests.stories.telling import Story, Told
from tests.web.conftest import Api

CLUB = "/v1/programs/story"
_TRACES = ("device", "card", "address", "channel")


class LivingDriver:
    """One story's tenant, people and what they have in hand."""

    def __init__(self, api: Api, story: Story) -> None:
        self.api = api
        self.story = story
        self.definition = load_definition(story.program)
        self.now = story.lines[0].at
        self.accounts: dict[str, str] = {}
        self.members: dict[str, str] = {}
        self.taken: dict[tuple[str, str], str] = {}
        """Redemptions by who took what."""
        self.teams: dict[str, str] = {}
        self.shares: dict[str, str] = {}
        self.deeds: dict[str, str] = {}
        self.codes: dict[str, str] = {}
        self.followed: dict[str, str] = {}
        """What a friend's browser keeps of a link."""
        self.posts: dict[str, str] = {}

    async def begin(self) -> None:
        """Apply the program, at the instant of the first line."""
        assert (await self.apply(self.story.program)).status_code == 201

    async def apply(self, text: str) -> Response:
        """Apply a program."""
        return await self.ask("PUT", "", content=text, headers={"content-type": "application/yaml"})

    async def ask(self, method: str, path: str, **more: Any) -> Response:
        clock = {"guerdon-now": self.now.isoformat(), **more.pop("headers", {})}
        where = f"{CLUB}/{path}" if path else CLUB
        return await self.api.call(method, where, headers=clock, **more)

    async def look(self, path: str) -> dict[str, Any]:
        said = await self.ask("GET", path)
        assert said.status_code == 200, said.text
        return dict(said.json())

    async def happens(self, told: Told) -> list[str]:
        """Let something happen, and give what the answer says, one sentence each."""
        self.now = told.heard
        verb, *words = told.words
        return spoken(await _VERBS[verb](self, told, words))

    async def answer(self, told: Told) -> str:
        """Answer a question."""
        self.now = told.at
        return await _QUESTIONS[told.words[0]](self, told)

    def check(self) -> None:
        """Have everything that is stored worked out again."""
        tenant_id = tenant_id_of(self.api.tenant)
        with self.api.house.database.transaction(tenant_id) as tx:
            tx.execute("set transaction isolation level repeatable read")
            found = Audit(tx, self.api.house.vault(tenant_id), now=self.now).run()
            assert [str(one) for one in found] == []

    async def tick(self) -> None:
        """Let time do its work, boards first, which close by what they have."""
        house, tenant = self.api.house, tenant_id_of(self.api.tenant)
        follower = Follower(house.database, house.engine.programs, lambda: self.now)
        assert await to_thread.run_sync(lambda: follower.reach(self.now))
        await to_thread.run_sync(lambda: run_due_of(house.database, house.engine, tenant, self.now))


async def _enrols(world: LivingDriver, told: Told, words: list[str]) -> Response:
    said = dict(word.split("=") for word in words)
    body: dict[str, Any] = {"external_id": told.who}
    for name in ("birthday", "email", "name"):
        if name in said:
            body[name] = said[name]
    if "zone" in said:
        body["attributes"] = {"timezone": said["zone"]}
    if "invited" in said:
        body["referral_code"] = await _code_of(world, said["invited"])
    if "share" in said:
        body["share"] = world.shares[said["share"]]
    answered = await world.ask("POST", "members", json=body)
    if answered.status_code in (200, 201):
        world.accounts[told.who] = answered.json()["account"]
        world.members[told.who] = answered.json()["id"]
    return answered


async def _code_of(world: LivingDriver, who: str) -> str:
    if who not in world.codes:
        world.codes[who] = (await world.look(f"invitations?member=external:{who}"))["code"]
    return world.codes[who]


async def _follows(world: LivingDriver, told: Told, words: list[str]) -> Response:
    """Open the link of a member; what the browser keeps is dated as the story says."""
    link = (await world.look(f"invitations?member=external:{words[0]}"))["link"]
    vault = world.api.house.vault(tenant_id_of(world.api.tenant))
    code = link.partition("?")[0].rpartition("/")[2]
    world.followed[told.who] = kept_sign(vault, "story", Followed(code, told.at))
    page = await world.api.client.get(link)
    assert page.status_code == 200, page.text
    return Response(200, json={})


async def _comes_back(world: LivingDriver, told: Told, _: list[str]) -> Response:
    """Enrol with what the browser kept, if it still counts."""
    tenant_id = tenant_id_of(world.api.tenant)
    program = world.api.house.engine.programs.load((tenant_id, "story")).program
    followed = read_sign(world.api.house.vault(tenant_id), "story", world.followed[told.who])
    assert followed is not None, "it was signed here"
    counts = world.now < counts_until(program, followed)
    body = {"external_id": told.who, **({"referral_code": followed.code} if counts else {})}
    return await world.ask("POST", "members", json=body)


async def _order(world: LivingDriver, told: Told, words: list[str]) -> Response:
    name = words[words.index("as") + 1] if "as" in words else f"order-{told.number}"
    said = dict(word.split("=") for word in words if "=" in word)
    lines = [
        {"id": str(at), "sku": sku or "BAG", "name": sku or "Bag", "price": price}
        for at, (price, _, sku) in enumerate((one.partition("/") for one in words if one[0].isdigit()), 1)
    ]
    data = {"id": name, "lines": lines, "attributes": {key: said[key] for key in _TRACES if key in said}}
    return await _event(world, told, ("order.paid", name, data))


async def _returns(world: LivingDriver, told: Told, words: list[str]) -> Response:
    lines = [{"id": word} for word in words[1:]]
    body = {"id": f"back-{told.number}", **({"lines": lines} if lines else {"all": True})}
    return await world.ask("POST", f"orders/{words[0]}/returns", json=body)


async def _tells(world: LivingDriver, told: Told, words: list[str]) -> Response:
    return await _event(world, told, (words[0], f"event-{told.number}", _data(words[1:])))


async def _event(world: LivingDriver, told: Told, what: tuple[str, str, dict[str, Any]]) -> Response:
    kind, name, data = what
    event = {"specversion": "1.0", "id": name, "source": "shop", "type": kind, "data": data,
             "time": told.at.isoformat(), "subject": f"external:{told.who}"}  # fmt: skip
    return await world.ask("POST", "events", json=event)


async def _night(world: LivingDriver, _: Told, __: list[str]) -> None:
    await world.tick()


async def _adjust(world: LivingDriver, told: Told, words: list[str]) -> Response:
    body = {"wallet": words[0], "amount": words[1], "reason": "a story"}
    return await world.ask("POST", f"accounts/{world.accounts[told.who]}/adjustments", json=body)


async def _redeem(world: LivingDriver, told: Told, words: list[str]) -> Response:
    quantity = int(words[1].removeprefix("x")) if len(words) > 1 else 1
    body = {"member": f"external:{told.who}", "reward": words[0], "quantity": quantity}
    said = await world.ask("POST", "redemptions", json=body)
    if said.status_code in (200, 201):
        world.taken[told.who, words[0]] = said.json()["id"]
    return said


async def _cancel(world: LivingDriver, told: Told, words: list[str]) -> Response:
    return await world.ask("POST", f"redemptions/{world.taken[told.who, words[0]]}/cancel")


async def _waits(world: LivingDriver, told: Told, words: list[str]) -> Response:
    return await world.ask("POST", f"rewards/{words[0]}/waiting", json={"member": f"external:{told.who}"})


async def _takes_quiz(world: LivingDriver, told: Told, words: list[str]) -> Response:
    """Take a quiz: so many of its questions right, and the others left out."""
    quiz, right = words[0], int(words[1])
    questions = world.definition.quizzes[quiz].questions
    answers = {
        one.ask.in_language("", world.definition.languages): one.right
        for one in questions
        if isinstance(one, TrueFalseQuestion)
    }
    body: dict[str, Any] = {"member": f"external:{told.who}"}
    said = await world.ask("POST", f"quizzes/{quiz}/attempts", json=body)
    while said.status_code in (200, 201) and said.json()["state"] == "going":
        attempt = said.json()
        at, path = attempt["question"], f"quizzes/{quiz}/attempts/{attempt['id']}"
        if at is None:
            said = await world.ask("POST", f"{path}/next")
            continue
        known = attempt["answered"] < right
        body = {"question": at["number"], "answer": answers[at["ask"]] if known else None}
        said = await world.ask("POST", f"{path}/answers", json=body)
    return said


async def _joins(world: LivingDriver, told: Told, words: list[str]) -> Response:
    path = f"members/external:{told.who}/challenges/{words[0]}/join"
    return await world.ask("POST", path)


async def _board(world: LivingDriver, told: Told, words: list[str]) -> Response:
    body = {"member": f"external:{told.who}", "name": " ".join(words[2:])}
    return await world.ask("POST", f"leaderboards/{words[0]}/join", json=body)


async def _founds(world: LivingDriver, told: Told, words: list[str]) -> Response:
    body = {"member": f"external:{told.who}", "kind": words[0], "name": " ".join(words[1:])}
    said = await world.ask("POST", "teams", json=body)
    world.teams[" ".join(words[1:])] = said.json().get("id", "")
    return said


async def _team(world: LivingDriver, told: Told, words: list[str]) -> Response:
    path = f"teams/{world.teams[' '.join(words[1:])]}/{words[0]}"
    return await world.ask("POST", path, json={"member": f"external:{told.who}"})


async def _shares(world: LivingDriver, told: Told, words: list[str]) -> Response:
    body = {"member": f"external:{told.who}", "of": words[0], "what": words[1]}
    said = await world.ask("POST", "shares", json=body)
    if said.status_code in (200, 201):
        world.shares[told.who] = said.json()["code"]
    return said


async def _visits(world: LivingDriver, told: Told, words: list[str]) -> None:
    """Somebody opens the page that a member shared, from a place."""
    house, tenant_id = world.api.house, tenant_id_of(world.api.tenant)
    program = house.engine.programs.load((tenant_id, "story")).program
    with house.database.transaction(tenant_id) as tx:
        where = (program, world.shares[told.who])
        visit(tx, house.vault(tenant_id), where, (words[-1], world.now))


async def _deed(world: LivingDriver, told: Told, words: list[str]) -> Response:
    data = _data(words[1:])
    more: dict[str, Any] = {name: data.pop(name) for name in ("receipt", "photo") if name in data}
    body = {"member": f"external:{told.who}", "type": words[0], "data": data, **more}
    said = await world.ask("POST", "deeds", json=body)
    if said.status_code in (200, 201):
        world.deeds[told.who] = said.json()["id"]
    return said


async def _judges(world: LivingDriver, told: Told, words: list[str]) -> Response:
    if words[0] == "deed":
        path, reason = f"deeds/{world.deeds[told.who]}/{told.words[0][:-1]}", {"reason": "a story"}
        return await world.ask("POST", path, json=reason if told.words[0] == "refuses" else None)
    held = (await world.look("referrals?state=held"))["data"][0]["id"]
    return await world.ask("POST", f"referrals/{held}/{told.words[0][:-1]}")


async def _writes(world: LivingDriver, told: Told, words: list[str]) -> Response:
    body = {"member": f"external:{told.who}", "text": " ".join(words[1:])}
    said = await world.ask("POST", "posts", json=body)
    world.posts[words[0]] = said.json().get("id", "")
    return said


async def _moderates(world: LivingDriver, told: Told, words: list[str]) -> Response:
    body = {"decision": {"shows": "approve", "hides": "hide"}[told.words[0]], "reason": "a story"}
    return await world.ask("POST", f"moderation/posts/{world.posts[words[0]]}", json=body)


async def _likes(world: LivingDriver, told: Told, words: list[str]) -> Response:
    path = f"posts/{world.posts[words[0]]}/{'likes' if told.words[0] == 'likes' else 'unlike'}"
    return await world.ask("POST", path, json={"member": f"external:{told.who}"})


async def _claims(world: LivingDriver, told: Told, words: list[str]) -> Response:
    body = {"member": f"external:{told.who}", "url": words[1]}
    said = await world.ask("POST", f"shares/{world.shares[told.who]}/claims", json=body)
    world.posts[words[0]] = said.json().get("id", "")
    return said


async def _calls_off(world: LivingDriver, _: Told, words: list[str]) -> Response:
    """Say in the program why something does not take place."""
    reward, why = words[1], " ".join(words[2:])
    text = world.story.program
    off = text.replace(f"{reward}: {{", f"{reward}: {{called_off: {why}, ")
    assert off != text
    return await world.apply(off)


async def _serves(world: LivingDriver, told: Told, words: list[str]) -> Response:
    """Staff gives a service a time, notes that it was done, or declines it."""
    taken = world.taken[words[0], words[1]]
    if told.words[0] == "serves":
        return await world.ask("POST", f"services/{taken}/done")
    if told.words[0] == "declines":
        return await world.ask("POST", f"services/{taken}/decline", json={"reason": "a story"})
    body = {"at": world.story.local(*words[2:4]).isoformat()}
    return await world.ask("POST", f"services/{taken}/schedule", json=body)


async def _given(world: LivingDriver, told: Told, words: list[str]) -> Response:
    body: dict[str, Any] = {"ladder": words[0], "tier": words[1], "reason": "a story"}
    if "until" in words:
        body["until"] = world.story.local(*words[3:5]).isoformat()
    return await world.ask("POST", f"members/external:{told.who}/tiers", json=body)


async def _ended(world: LivingDriver, told: Told, words: list[str]) -> Response:
    path = f"members/external:{told.who}/tiers/{words[0]}/end"
    return await world.ask("POST", path, json={"reason": "a story"})


async def _goes(world: LivingDriver, told: Told, words: list[str]) -> Response:
    """One account goes into another one."""
    body = {"into": world.accounts[words[-1]]}
    return await world.ask("POST", f"accounts/{world.accounts[told.who]}/merge", json=body)


async def _pays(world: LivingDriver, _: Told, words: list[str]) -> Response:
    return await world.ask("POST", f"causes/{words[0]}/payouts", json={"period": words[1]})


def _data(words: list[str]) -> dict[str, Any]:
    pairs = [word.partition("=") for word in words]
    return {key: int(value) if value.isdigit() else value for key, _, value in pairs}


_VERBS: dict[str, Callable[[LivingDriver, Told, list[str]], Awaitable[Response | None]]] = {
    "enrols": _enrols,
    "order": _order,
    "returns": _returns,
    "event": _tells,
    "night": _night,
    "adjust": _adjust,
    "redeem": _redeem,
    "cancel": _cancel,
    "waits": _waits,
    "takes": _takes_quiz,
    "joins": _joins,
    "stands": _board,
    "founds": _founds,
    "team": _team,
    "shares": _shares,
    "visited": _visits,
    "deed": _deed,
    "approves": _judges,
    "refuses": _judges,
    "pays": _pays,
    "follows": _follows,
    "comes": _comes_back,
    "writes": _writes,
    "shows": _moderates,
    "hides": _moderates,
    "likes": _likes,
    "unlikes": _likes,
    "claims": _claims,
    "calls": _calls_off,
    "schedules": _serves,
    "serves": _serves,
    "declines": _serves,
    "given": _given,
    "ended": _ended,
    "goes": _goes,
}


async def _balance(world: LivingDriver, told: Told) -> str:
    wallet = (await world.look(f"members/external:{told.who}"))["wallets"].get(told.words[1], {})
    said = f"{told.words[1]} available {wallet.get('available', '0')}"
    return f"{said} pending {wallet.get('pending', '0')}" if "pending" in told.words else said


async def _badges(world: LivingDriver, told: Told) -> str:
    """Give the badges that are shown, those that are earned with a mark."""
    shown = (await world.look(f"members/external:{told.who}/badges"))["data"]
    return " ".join(f"{one['key']}{'!' if one['earned_at'] else ''}" for one in shown) or "none"


async def _invitations(world: LivingDriver, told: Told) -> str:
    seen = await world.look(f"invitations?member=external:{told.who}")
    states = " ".join(sorted(one["state"] for one in seen["data"]))
    return f"completed {seen['completed']} {states}".strip()


async def _quiz(world: LivingDriver, told: Told) -> str:
    shown = (await world.look(f"quizzes?member=external:{told.who}"))["data"]
    (one,) = [one for one in shown if one["key"] == told.words[1]]
    return f"{one['key']} {one['state']}"


async def _ranks(world: LivingDriver, told: Told) -> str:
    on = told.words[told.words.index("on") + 1] if "on" in told.words else ""
    await world.tick()
    seen = await world.look(f"leaderboards/{told.words[1]}" + (f"?on={on}" if on else ""))
    ranks = ", ".join(f"{one['rank']} {one['name'] or 'a member'} {one['value']}" for one in seen["places"])
    return f"{told.words[1]}{f' on {on}' if on else ''} {ranks or 'nobody'}"


async def _cause(world: LivingDriver, told: Told) -> str:
    (one,) = [one for one in (await world.look("causes"))["data"] if one["key"] == told.words[1]]
    return f"{one['key']} given {one['given']} matched {one['matched']} total {one['total']}"


async def _receipt(world: LivingDriver, told: Told) -> str:
    one = await world.look(f"redemptions/{world.taken[told.who, told.words[1]]}/receipt")
    return f"{told.words[1]} {one['receipt']} given {one['given']} matched {one['matched']} {one['status']}"


async def _waiting(world: LivingDriver, told: Told) -> str:
    names = {member: name for name, member in world.members.items()}
    rows = (await world.look(f"rewards/{told.words[1]}/waiting"))["data"]
    return f"{told.words[1]} {' '.join(names[one['member']] for one in rows) or 'nobody'}"


async def _shared(world: LivingDriver, told: Told) -> str:
    (one,) = (await world.look(f"shares?member=external:{told.who}"))["data"]
    return f"visits {one['visits']} joined {one['joined']}"


async def _tier(world: LivingDriver, told: Told) -> str:
    seen = (await world.look(f"members/external:{told.who}"))["tiers"][told.words[1]]
    return f"{told.words[1]} {seen['tier']}"


_QUESTIONS: dict[str, Callable[[LivingDriver, Told], Awaitable[str]]] = {
    "balance": _balance,
    "badges": _badges,
    "invitations": _invitations,
    "quiz": _quiz,
    "ranks": _ranks,
    "cause": _cause,
    "receipt": _receipt,
    "waiting": _waiting,
    "shared": _shared,
    "tier": _tier,
}
QUESTIONS = frozenset(_QUESTIONS)


def spoken(answer: Response | None) -> list[str]:
    """Say what an answer says, one sentence each."""
    if answer is None:
        return []
    said = json.loads(answer.text)
    if answer.status_code >= 400:
        return [
            f"refused {one}" for one in {said["code"], *(each["code"] for each in said.get("errors", []))}
        ]
    told = [f"is {said[name]}" for name in ("status", "state") if isinstance(said.get(name), str)]
    effects = said.get("effects") or (said.get("result") or {}).get("effects") or []
    told += [did(one) for one in effects]
    told += [f"skips {one['campaign']} {one['reason']}" for one in said.get("skipped", [])]
    if said.get("result"):
        told.append("passes" if said["result"]["passed"] else "fails")
    return told


def did(effect: dict[str, Any]) -> str:
    """Say what an effect is."""
    (kind,) = effect.keys() - {"campaign"}
    what = effect[kind]
    if kind == "award":
        return f"awards {effect['campaign']} {what['amount']} {what['wallet']}"
    thing = next(iter(what.values()), "") if isinstance(what, dict) else what
    return f"{kind}s {effect['campaign']} {thing}".strip()
