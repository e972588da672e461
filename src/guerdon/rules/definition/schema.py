"""The JSON Schema of definitions, for editors."""

from __future__ import annotations

from typing import Any

from guerdon.rules.definition.document import Definition


def json_schema() -> dict[str, Any]:
    """Describe definitions for an editor.

    Returns:
        JSON Schema 2020-12, made from the models.
    """
    schema = Definition.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Guerdon program", **schema}
