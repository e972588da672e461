"""The OpenAPI description: msgspec types as schemas, and what every operation has alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from types import UnionType
from typing import Any, Final, get_args

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from msgspec import inspect

from guerdon.web.problems import MEDIA_TYPE, ProblemBody, codes_of, problem_of

_REF: Final = "#/components/schemas/{name}"
_METHODS: Final = ("get", "put", "post", "patch", "delete")
_ABOUT: Final = (
    "Orders and events in; points, tiers and rewards out.\n\n"
    "Money and units are decimal strings; time is RFC 3339."
    " Every write takes `Idempotency-Key`. Refusals are `application/problem+json` with a stable `code`."
)
IDEMPOTENCY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same body gives the first answer again, for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
CLOCK: Final = {
    "name": "Guerdon-Now",
    "in": "header",
    "required": False,
    "description": "A test clock, honoured only where the tenant is a sandbox.",
    "schema": {"type": "string", "format": "date-time"},
}
TIME: Final[Mapping[str, Any]] = {"format": "date-time"}
"""What a parameter's schema says beside, where it is an instant."""
_WHY: Final = {
    400: "It could not be read.",
    401: "No good key.",
    403: "The key lacks a scope.",
    404: "There is no such thing.",
    409: "It contradicts what stands.",
    410: "The member was erased.",
    413: "The body is too large.",
    415: "The body is of another media type.",
    422: "It could be read, and a rule refuses it.",
    429: "Too many calls; come again after `Retry-After`.",
    500: "A fault of ours; nothing was stored. The log tells more under `X-Request-Id`.",
    503: "Too much at once, or the database is away; come again after `Retry-After`.",
}
_ALWAYS: Final = (400, 422, 429, 500, 503)
_SAMPLE_CODES: Final = {404: "member_not_found", 422: "wrong_value"}
_shapes: dict[str, Any] = {}


def shape(kind: Any) -> dict[str, Any]:
    """Refer to a type's schema, which the description will contain.

    Args:
        kind: a `msgspec.Struct`, or any type that msgspec describes.

    Returns:
        A schema, usually a reference.
    """
    if isinstance(kind, UnionType):
        return {"anyOf": [shape(one) for one in get_args(kind)]}
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    _shapes[repr(kind)] = kind
    return dict(schema)


def operation(
    answer: Any = None,
    *,
    body: Any = None,
    media: Sequence[str] = ("application/json",),
    also: Iterable[tuple[int, Any]] = (),
    status: int = 200,
) -> dict[str, Any]:
    """Describe an operation whose body and answer are msgspec types.

    Args:
        answer: type of the answer, None where there is no body.
        body: type of the request's body, None where there is none.
        media: what the request's body may be.
        also: further successful statuses with their types.
        status: the usual successful status.

    Returns:
        Keyword arguments for a FastAPI route.
    """
    answers: dict[int | str, dict[str, Any]] = {
        code: _described(code, kind) for code, kind in ((status, answer), *also)
    }
    answers["default"] = {
        "description": "Refused, with a stable code.",
        "content": {MEDIA_TYPE: {"schema": shape(ProblemBody)}},
    }
    extra: dict[str, Any] = {"parameters": [CLOCK]}
    if body is not None:
        content = {kind: {"schema": shape(body)} for kind in media}
        extra["requestBody"] = {"required": True, "content": content}
    return {"status_code": status, "responses": answers, "openapi_extra": extra, "response_model": None}


def _described(status: int, kind: Any) -> dict[str, Any]:
    words = {200: "Done.", 201: "Made.", 204: "Done; nothing to say."}
    described: dict[str, Any] = {"description": words.get(status, "Done.")}
    if kind is not None:
        described["content"] = {"application/json": {"schema": shape(kind)}}
    return described


def describe(app: FastAPI, samples: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
    """Make the OpenAPI 3.1 description of an application.

    Args:
        app: the application with all its routes.
        samples: an example of a body, by method and path template.

    Returns:
        The document.
    """
    document = get_openapi(
        title="Guerdon",
        version=version("guerdon"),
        summary="Loyalty engine",
        description=_ABOUT,
        routes=app.routes,
    )
    _, components = msgspec.json.schema_components(list(_shapes.values()), ref_template=_REF)
    _mark_times(components)
    parts = document.setdefault("components", {})
    parts.setdefault("schemas", {}).update(components)
    parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "gk_…"}}
    parts["responses"] = {f"Refused{status}": _refusal(status) for status in _WHY}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item and path.startswith("/v1/"):
                _complete(item[method], method)
                _add_refusals(item[method], method, path)
                _add_sample(item[method], samples.get((method, path)))
    _take_numbers(document)
    document["paths"]["/readyz"]["get"]["responses"]["503"] = {"$ref": "#/components/responses/Refused503"}
    return document


def _mark_times(components: dict[str, Any]) -> None:
    """Say of instants that they are such: msgspec calls one without a rule about its offset a plain text."""
    waiting: list[Any] = list(inspect.multi_type_info(list(_shapes.values())))
    seen: set[type] = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, inspect.StructType) and one.cls not in seen:
            seen.add(one.cls)
            cls = one.cls
            named = components.get(cls.__name__) or components[f"{cls.__module__}.{cls.__qualname__}"]
            for field in one.fields:
                waiting.append(field.type)
                if field.encode_name in named.get("properties", {}):
                    _mark(named["properties"][field.encode_name], field.type)
        waiting.extend(_inner(one))


def _inner(one: inspect.Type) -> tuple[inspect.Type, ...]:
    if isinstance(one, inspect.UnionType):
        return tuple(one.types)
    if isinstance(one, inspect.TupleType):
        return tuple(one.item_types)
    if isinstance(one, inspect.DictType):
        return (one.value_type,)
    if isinstance(one, inspect.ListType | inspect.VarTupleType | inspect.SetType | inspect.FrozenSetType):
        return (one.item_type,)
    return (one.type,) if isinstance(one, inspect.Metadata) else ()


def _mark(schema: dict[str, Any], kind: inspect.Type) -> None:
    if isinstance(kind, inspect.Metadata):
        _mark(schema, kind.type)
    elif isinstance(kind, inspect.DateTimeType):
        schema["format"] = "date-time"
    elif isinstance(kind, inspect.UnionType):
        texts = [one for one in schema.get("anyOf", ()) if one == {"type": "string"}]
        if len(texts) == 1 and any(isinstance(one, inspect.DateTimeType) for one in kind.types):
            texts[0]["format"] = "date-time"
    elif isinstance(kind, inspect.DictType) and isinstance(schema.get("additionalProperties"), dict):
        _mark(schema["additionalProperties"], kind.value_type)
    elif isinstance(kind, inspect.ListType | inspect.VarTupleType) and isinstance(schema.get("items"), dict):
        _mark(schema["items"], kind.item_type)


def _take_numbers(document: dict[str, Any]) -> None:
    """Say of bodies that a decimal may be a JSON number as well; answers always give text."""
    schemas = document["components"]["schemas"]
    operations = [one for item in document["paths"].values() for one in item.values()]
    waiting: list[Any] = [one["requestBody"] for one in operations if "requestBody" in one]
    seen: set[str] = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(one)
        if not isinstance(one, dict):
            continue
        if one.get("format") == "decimal":
            one["type"] = ["string", "number"]
        name = str(one.get("$ref", "")).rpartition("/")[2]
        if name in schemas and name not in seen:
            seen.add(name)
            waiting.append(schemas[name])
        waiting.extend(value for key, value in one.items() if key != "example")


def _refusal(status: int) -> dict[str, Any]:
    codes = codes_of(status)
    code = _SAMPLE_CODES.get(status, codes[0] if codes else "")
    said = f"{_WHY[status]} Codes: {', '.join(f'`{one}`' for one in codes)}" if codes else _WHY[status]
    headers = {"X-Request-Id": {"description": "Names this call in the log.", "schema": {"type": "string"}}}
    if status in (429, 503):
        headers["Retry-After"] = {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
    example = msgspec.to_builtins(problem_of(code, "what is wrong, in a sentence"))
    content = {MEDIA_TYPE: {"schema": shape(ProblemBody), "example": example}}
    return {"description": said, "headers": headers, "content": content}


def _add_refusals(described: dict[str, Any], method: str, path: str) -> None:
    statuses = set(_ALWAYS)
    # A door that is entered by signature knows no scopes.
    statuses |= {401, 403, 413} if described["security"] else {401, 413}
    if "{" in path:
        statuses.add(404)
    if "requestBody" in described:
        statuses |= {404, 415}
    about_members = "requestBody" in described or any(
        one["name"] in {"ref", "member"} for one in described.get("parameters", ())
    )
    if about_members:
        statuses |= {404, 410}
    if method != "get" or path.endswith(("{order}", "{event}", "/explanation")):
        statuses.add(409)
    for status in sorted(statuses):
        described["responses"].setdefault(str(status), {"$ref": f"#/components/responses/Refused{status}"})


def _add_sample(described: dict[str, Any], sample: Any) -> None:
    if sample is not None:
        for one in described["requestBody"]["content"].values():
            one["example"] = sample


def _complete(described: dict[str, Any], method: str) -> None:
    described.setdefault("security", [{"key": []}])
    if method != "get" and described["security"]:
        described.setdefault("parameters", []).append(IDEMPOTENCY)
    for parameter in described.get("parameters", []):
        if parameter["in"] == "path":
            parameter["schema"].setdefault("minLength", 1)
