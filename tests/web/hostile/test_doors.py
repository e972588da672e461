"""Every call of the API, sent what nobody should send: never a fault of ours, and nothing is left behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import pytest
from fastapi import FastAPI

from guerdon.web.api.calls.samples import SAMPLES
from guerdon.web.app import _ROUTERS
from guerdon.web.outline import describe
from tests.web.hostile import values
from tests.web.hostile.conftest import Besieged

_MARK: Final = "\x02here\x02"
_SHAPES: Final = frozenset({"wrong_type", "wrong_value", "unknown_field", "missing_field"})


def _described() -> dict[str, Any]:
    app = FastAPI()
    for router in _ROUTERS:
        app.include_router(router)
    paths: dict[str, Any] = describe(app, SAMPLES)["paths"]
    return paths


PATHS: Final = _described()
CALLS: Final = [
    f"{method.upper()} {path}" for path, item in PATHS.items() for method in item if path.startswith("/v1/")
]
WITH_BODY: Final = [
    f"{method} {path}"
    for method, path in (name.split() for name in CALLS)
    if "requestBody" in PATHS[path][method.lower()]
]


def places(body: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Each place of a body, the whole of it left out; of a list its first element."""
    if at:
        yield at
    if isinstance(body, dict):
        for name in body:
            yield from places(body[name], (*at, name))
    elif isinstance(body, list) and body:
        yield from places(body[0], (*at, 0))


def put(body: Any, place: tuple[str | int, ...], piece: str) -> bytes:
    """Write a body with a piece of JSON in one place."""
    changed = json.loads(json.dumps(body))
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = _MARK
    return json.dumps(changed).replace(json.dumps(_MARK), piece).encode()


def pointer(place: tuple[str | int, ...]) -> str:
    """Write a place as a JSON pointer."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in place)


def some(pieces: tuple[Any, ...], turn: int, each: int) -> list[Any]:
    """Take every so-manieth, others at each turn: all are sent somewhere."""
    return list(pieces[turn % each :: each])


async def send_values(besieged: Besieged, name: str, each: int) -> None:
    """Send hostile values in each place of a body that is right otherwise."""
    method, template = name.split()
    path, body = besieged.town.path(template), besieged.town.body(method, template)
    if template == "/v1/programs/{program}":
        # A definition has hostile tests of its own, and to read a whole one takes its time.
        path, each = path + "?dry_run=true", max(each, 40)
    for turn, place in enumerate(places(body)):
        for piece in some(values.JSON, turn + len(name), each):
            raw = put(body, place, piece)
            headers = {"content-type": "application/json"}
            answer = await besieged.send(
                method, path, f"{pointer(place)}={piece}", content=raw, headers=headers
            )
            if answer.status_code == 422 and answer.json()["code"] in _SHAPES:
                said = [one["pointer"] for one in answer.json()["errors"]]
                here = pointer(place)
                if not said or not all(one.startswith(here) or here.startswith(one) for one in said):
                    besieged.wrong.append(f"{name} · {here}={piece[:60]} · points to {said}: {answer.text}")


async def send_bodies(besieged: Besieged, name: str, each: int) -> None:
    """Send whole bodies that are none, and bodies that are called something else."""
    method, template = name.split()
    path, body = besieged.town.path(template), besieged.town.body(method, template)
    for raw in some(values.BODIES, len(name), each):
        headers = {"content-type": "application/json"}
        await besieged.send(method, path, repr(raw[:60]), content=raw, headers=headers)
    for media in some(values.MEDIA, len(name), each):
        await besieged.send(method, path, media, content=b"{}", headers={"content-type": media})
    if isinstance(body, dict):
        raw = json.dumps({**body, "surprise": 1}).encode()
        headers = {"content-type": "application/json"}
        answer = await besieged.send(method, path, "an unknown field", content=raw, headers=headers)
        if answer.status_code < 400 and not template.startswith("/v1/hooks/"):
            besieged.wrong.append(f"{name} takes a field that it does not know: {answer.text[:200]}")


async def send_addresses(besieged: Besieged, name: str, each: int) -> None:
    """Send hostile texts in each part of an address and in each parameter."""
    method, template = name.split()
    described = PATHS[template][method.lower()]
    raw = json.dumps(besieged.town.body(method, template)).encode() if name in WITH_BODY else b""
    more: dict[str, Any] = {"content": raw, "headers": {"content-type": "application/json"}} if raw else {}
    for turn, one in enumerate(described.get("parameters", ())):
        for text in some(values.TEXTS, turn + len(name), each):
            if one["in"] == "path":
                path = besieged.town.path(template, **{one["name"]: text})
            elif one["in"] == "query":
                path = f"{besieged.town.path(template)}?{one['name']}={text}"
            else:
                continue
            await besieged.send(method, path, f"{one['name']}={text}", **more)
        if one["in"] == "query":
            path = f"{besieged.town.path(template)}?{one['name']}=1&{one['name']}=x"
            await besieged.send(method, path, "twice", **more)
    await besieged.send(method, f"{besieged.town.path(template)}?surprise=1", "surprise", **more)


def _by_tag() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in CALLS:
        method, path = name.split()
        found.setdefault(PATHS[path][method.lower()]["tags"][0], []).append(name)
    return found


async def _send_all(besieged: Besieged, names: list[str], each: int) -> None:
    for name in names:
        if name in WITH_BODY:
            await send_values(besieged, name, each)
            await send_bodies(besieged, name, max(1, each // 2))
        await send_addresses(besieged, name, each)
    besieged.check()


@pytest.mark.parametrize(("tag", "names"), _by_tag().items())
async def test_nothing_breaks_a_call(besieged: Besieged, tag: str, names: list[str]) -> None:
    """A few of the pieces in each place, others at each: all of them are sent somewhere."""
    assert tag
    await _send_all(besieged, names, 24)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("tag", "names"), _by_tag().items())
async def test_nothing_at_all_breaks_a_call(besieged: Besieged, tag: str, names: list[str]) -> None:
    assert tag
    await _send_all(besieged, names, 3)


async def test_each_kind_of_thing_has_an_address(besieged: Besieged) -> None:
    """A new call's thing is put into the town, or it is never reached behind its name."""
    asked = {part for name in CALLS for part in besieged.town.path(name.split()[1]).split("/")}
    assert not [part for part in asked if "{" in part]
    assert quote("external:ananya", safe=":") in asked


_INSTANTS: Final = ("until", "at", "time", "from", "expires_at")
_EDGES: Final = ('"9999-12-31T23:59:59.999999-14:00"', '"2200-01-01T00:00:01Z"', '"2035-11-21T10:00:00"')


@pytest.mark.parametrize("piece", _EDGES)
async def test_no_instant_behind_the_calendar_is_kept(besieged: Besieged, piece: str) -> None:
    """It could be stored, and whoever reads it afterwards would fail."""
    asked = 0
    for name in WITH_BODY:
        method, template = name.split()
        if template in (
            "/v1/programs/{program}",
            "/v1/hooks",
            "/v1/hooks/{hook}",
            "/v1/hooks/{hook}/preview",
        ):
            continue
        schema = _schema(besieged, PATHS[template][method.lower()])
        for field in schema.get("properties", {}):
            if field in _INSTANTS:
                asked += 1
                body = {**besieged.town.body(method, template), field: json.loads(piece)}
                answer = await besieged.send(
                    method, besieged.town.path(template), f"{field}={piece}", json=body
                )
                if answer.status_code < 400:
                    besieged.wrong.append(f"{name} took {field}={piece}: {answer.text[:200]}")
    assert asked >= 6
    besieged.check()


def _schema(besieged: Besieged, described: Any) -> dict[str, Any]:
    content = next(iter(described["requestBody"]["content"].values()))
    name = content["schema"].get("$ref", "").rpartition("/")[2]
    schemas = besieged.api.front.description["components"]["schemas"]
    return dict(schemas.get(name, content["schema"]))
