"""The schema (OpenAPI), made once by each process, and the errors that every answer may be."""

from __future__ import annotations

import functools
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import OpenApiAuthenticationExtension  # type: ignore[attr-defined]

from birdwatcher.api import errors

Json = dict[str, Any]

DETAIL: Json = {"type": "string", "description": "A sentence for people."}
SCHEMAS: Json = {
    "Error": {
        "type": "object",
        "properties": {"detail": DETAIL},
        "required": ["detail"],
    },
    "InvalidInput": {
        "type": "object",
        "properties": {
            "detail": DETAIL,
            "errors": {
                "type": "object",
                "description": "What is wrong, in sentences, by field or parameter.",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
        },
        "required": ["detail", "errors"],
    },
}
# Each with what it means and what it says, for example.
ERRORS = {
    "400": ("Invalid input", errors.INVALID),
    "401": ("Nobody is logged in", "Authentication credentials were not provided."),
    "403": ("Not allowed", "You do not have permission to perform this action."),
    "404": ("Not found", errors.NOT_FOUND),
    "405": ("Not to be done with this", 'Method "PUT" not allowed.'),
    "406": ("Not to be had in this form", "Could not satisfy the request Accept header."),
    "413": ("Too large", "Content Too Large."),
    "415": ("Not taken in this form", 'Unsupported media type "text/plain" in request.'),
    "429": ("Too often, or too much at once", "Request was throttled."),
    "500": ("Something is wrong here", errors.FAILED),
    "503": ("The database is away, or too much to do", errors.AWAY),
}
# How the pattern of `validators.no_control_characters` begins in the schema.
NO_CONTROL = r"[\u0000-"
OF_EVERYTHING = {"401", "403", "405", "406", "429", "500", "503"}


def add_errors(result: Json, **_: Any) -> Json:
    """Add to each operation the errors that may answer it: a hook of drf-spectacular."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {}).update(SCHEMAS)
    components["responses"] = {f"Error{code}": _response(code) for code in ERRORS}
    for path, operations in result["paths"].items():
        for operation in operations.values():
            codes = sorted(_codes(path, operation))
            reference = {it: {"$ref": f"#/components/responses/Error{it}"} for it in codes}
            operation["responses"] = {**operation["responses"], **reference}
    return result


def turn_patterns(result: Json, **_: Any) -> Json:
    """Turn round the pattern of what a name must not hold: a hook of drf-spectacular."""
    for schema in result["components"]["schemas"].values():
        for field in schema.get("properties", {}).values():
            pattern = field.get("pattern", "")
            if pattern.startswith(NO_CONTROL):
                field["pattern"] = f"^[^{pattern[1:]}*$"
    return result


def _codes(path: str, operation: Json) -> set[str]:
    codes = set(OF_EVERYTHING)
    parameters = [it["name"] for it in operation.get("parameters", [])]
    if "{" in path or "page" in parameters:
        codes.add("404")
    if parameters or "requestBody" in operation:
        codes.add("400")
    if "requestBody" in operation:
        codes |= {"413", "415"}
    return codes


def _response(code: str) -> Json:
    meaning, sentence = ERRORS[code]
    example: Json = {"detail": sentence}
    name = "Error"
    if code == "400":
        name, example = "InvalidInput", {**example, "errors": {"node": ["There is no node 99."]}}
    content = {"schema": {"$ref": f"#/components/schemas/{name}"}, "example": example}
    return {"description": f"{meaning}.", "content": {"application/json": content}}


class BearerScheme(OpenApiAuthenticationExtension):
    """How the schema tells of tokens."""

    target_class = "birdwatcher.api.access.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> Json:
        """Return the definition."""
        return {"type": "http", "scheme": "bearer", "description": "A token, made in the admin."}


@functools.cache
def schema() -> Json:
    """Return the schema."""
    made: Json = SchemaGenerator().get_schema(request=None, public=True)
    return made
