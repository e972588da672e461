"""The OpenAPI description turned into what the page `/docs` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_METHODS: Final = ("get", "post", "put", "patch", "delete")
Json = Mapping[str, Any]


def read_description(document: Json) -> list[dict[str, Any]]:
    """Group the operations of a description for reading.

    Args:
        document: OpenAPI 3.1.

    Returns:
        Groups in the order of the paths, each with `name`, `id` and `operations`.
    """
    schemas = document["components"]["schemas"]
    groups: dict[str, dict[str, Any]] = {}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                name = (item[method].get("tags") or ["Other"])[0]
                group = groups.setdefault(
                    name, {"name": name, "id": name.lower().replace(" ", "-"), "operations": []}
                )
                group["operations"].append(_operation(path, method, item[method], schemas))
    return list(groups.values())


def read_refusals(document: Json) -> list[dict[str, str]]:
    """List what every call may be refused with.

    Args:
        document: OpenAPI 3.1.

    Returns:
        By status, each with `status` and `what`: when that is, and the codes.
    """
    refused = {
        status: _response(one, document)["description"]
        for item in document["paths"].values()
        for method in _METHODS
        if method in item
        for status, one in item[method]["responses"].items()
        if "$ref" in one
    }
    return [{"status": status, "what": what} for status, what in sorted(refused.items())]


def _response(one: Json, document: Json) -> Json:
    found: Json = document["components"]["responses"][one["$ref"].rpartition("/")[2]]
    return found


def _operation(path: str, method: str, described: Json, schemas: Json) -> dict[str, Any]:
    body = described.get("requestBody", {}).get("content", {})
    answers = [
        {"status": status, **_shape(content["application/json"].get("schema", {}), schemas)}
        for status, one in described["responses"].items()
        if "application/json" in (content := one.get("content", {}))
    ]
    return {
        "id": described.get("operationId", f"{method}{path}"),
        "method": method.upper(),
        "path": path,
        "summary": described.get("summary", ""),
        "description": described.get("description", ""),
        "parameters": [
            {"name": one["name"], "what": _parameter(one, schemas)} for one in described.get("parameters", ())
        ],
        "body": _shape(next(iter(body.values())).get("schema", {}), schemas) if body else None,
        "answers": answers,
    }


def _parameter(one: Json, schemas: Json) -> str:
    words = [f"in the {one['in']}", _kind(one.get("schema", {}), schemas)]
    if one.get("required"):
        words.append("required")
    said = one.get("description", "")
    return ", ".join(words) + (f". {said}" if said else "")


def _shape(schema: Json, schemas: Json) -> dict[str, Any]:
    return {"name": _kind(schema, schemas), "fields": list(_fields(schema, schemas))}


def _fields(schema: Json, schemas: Json) -> Iterator[dict[str, str]]:
    for one in schema.get("anyOf", [schema]):
        resolved = _resolved(one, schemas)
        if resolved.get("type") == "array":
            resolved = _resolved(resolved.get("items", {}), schemas)
        needed = set(resolved.get("required", ()))
        for name, field in resolved.get("properties", {}).items():
            what = _kind(field, schemas) + (", required" if name in needed else "")
            said = field.get("description", "")
            yield {"name": name, "what": f"{what}. {said}" if said else what}


def _resolved(schema: Json, schemas: Json) -> Json:
    found: Json = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _kind(schema: Json, schemas: Json) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one, schemas) for one in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}), schemas)}"
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    return str(schema.get("format") or schema.get("type") or "anything")
