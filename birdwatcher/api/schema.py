"""The OpenAPI schema, made once by each process, with the errors of every operation."""

import functools
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator

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
                "description": "Sentences about each invalid field or parameter.",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
        },
        "required": ["detail", "errors"],
    },
}
# The meaning of each, and an example of its sentence.
ERRORS = {
    "400": ("Invalid input", errors.INVALID),
    "401": ("No valid token or session", "Authentication credentials were not provided."),
    "403": ("Not allowed", "You do not have permission to perform this action."),
    "404": ("Not found", errors.NOT_FOUND),
    "405": ("Method not allowed", 'Method "PUT" not allowed.'),
    "406": ("Format not available", "Could not satisfy the request Accept header."),
    "413": ("Body too large", "Content Too Large."),
    "415": ("Format of the body not accepted", 'Unsupported media type "text/plain" in request.'),
    "429": ("Too many requests or files", "Request was throttled."),
    "500": ("The server failed", errors.FAILED),
    "503": ("The database or the server is not available", errors.AWAY),
}
# The beginning of the patterns of forbidden characters (`common.validators`) in the schema.
FORBIDDEN = r"[\u0000"
OF_EVERYTHING = {"401", "403", "405", "406", "429", "500", "503"}


def add_errors(result: Json, **_: Any) -> Json:
    """Add the possible errors to each operation (a hook of drf-spectacular)."""
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
    """Turn the pattern of forbidden characters into one of allowed ones (likewise a hook)."""
    for schema in result["components"]["schemas"].values():
        for field in schema.get("properties", {}).values():
            pattern = field.get("pattern", "")
            if pattern.startswith(FORBIDDEN):
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
    """The description of tokens in the schema."""

    target_class = "birdwatcher.api.permissions.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> Json:
        """Return the definition."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token, created in the admin.",
        }


@functools.cache
def schema() -> Json:
    """Return the schema."""
    made: Json = SchemaGenerator().get_schema(request=None, public=True)
    return made
