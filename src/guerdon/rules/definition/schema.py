"""The JSON Schema of definitions, for editors."""

from __future__ import annotations

from typing import Any

from guerdon.rules.definition.document import Definition


def json_schema() -> dict[str, Any]:
    """Describe definitions for an editor.

    Returns:
        JSON Schema 2020-12, made from the models.
    """
    schema = _only_known_names(Definition.model_json_schema(by_alias=True))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Guerdon program", **schema}


def _only_known_names(schema: Any) -> Any:
    """Close the maps whose keys have a pattern, which pydantic leaves open."""
    if isinstance(schema, list):
        return [_only_known_names(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _only_known_names(item) for key, item in schema.items()}
    return {**made, "additionalProperties": False} if "patternProperties" in made else made
