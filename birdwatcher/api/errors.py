"""Errors as JSON: `{"detail": "a sentence"}`, and `errors` by field for invalid input."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import django.db
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from birdwatcher.api.refusals import RETRY_AFTER
from birdwatcher.common.database.troubles import Trouble, trouble_of, troubles

UNDER = "/api/"
NOT_FOUND = "Not found."
AWAY = "The database is not available or too busy: try again in a moment."
TOO_LONG = "It took too long and was ended: ask for less at once, or try again later."
CHANGED = "Another request changed or deleted it at the same moment: try again."
FAILED = "The server failed; its log says why."
INVALID = "The request is not valid: see “errors”."
UNREADABLE = "The request could not be understood."

LOGGED = 200  # characters of a path

log = logging.getLogger("birdwatcher.web")


def answer(error: Exception, context: dict[str, Any]) -> Response:
    """Return the response to a request that raised `error`."""
    if isinstance(error, exceptions.ValidationError):
        return Response(invalid(error.detail), status=error.status_code)
    if isinstance(error, Http404):
        return Response({"detail": NOT_FOUND}, status=HTTPStatus.NOT_FOUND)
    # Django raises these where the query or the body is first read.
    if isinstance(error, (BadRequest, SuspiciousOperation)):
        body = {"detail": UNREADABLE, "errors": {}}
        return Response(body, status=HTTPStatus.BAD_REQUEST)
    response = exception_handler(error, context)
    if response is not None:
        if response.status_code == HTTPStatus.BAD_REQUEST:
            response.data = {"errors": {}, **response.data}
        return response
    if isinstance(error, django.db.IntegrityError):
        return _later(CHANGED)
    if trouble := trouble_of(error):
        request = context["request"]
        troubles.met(trouble, error, f"{request.method} {request.path[:LOGGED]}")
        return _later(TOO_LONG if trouble is Trouble.TOO_LONG else AWAY)
    log.error("the API failed", exc_info=error)
    return Response({"detail": FAILED}, status=HTTPStatus.INTERNAL_SERVER_ERROR)


def invalid(detail: Any) -> dict[str, Any]:
    """Return the body for invalid input, from the details of a ValidationError."""
    if not isinstance(detail, dict):
        return {"detail": " ".join(_sentences(detail)), "errors": {}}
    errors = {name: list(_sentences(found)) for name, found in detail.items()}
    general = errors.pop("non_field_errors", [])
    return {"detail": " ".join(general) or INVALID, "errors": errors}


def _sentences(detail: Any) -> list[str]:
    """Return all sentences in `detail`, at any depth."""
    if isinstance(detail, dict):
        detail = list(detail.values())
    if isinstance(detail, (list, tuple)):
        return [sentence for part in detail for sentence in _sentences(part)]
    return [str(detail)]


def _later(sentence: str) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER)}
    return Response({"detail": sentence}, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers)


class ApiErrorsMiddleware:
    """Turn error pages of Django and of other middleware into JSON, under `/api/`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer `request`."""
        response = self._get_response(request)
        if response.status_code < HTTPStatus.BAD_REQUEST or not request.path_info.startswith(UNDER):
            return response
        if response.headers.get("Content-Type", "").startswith("application/json"):
            return response
        code = HTTPStatus(response.status_code)
        sentences = {400: UNREADABLE, 404: NOT_FOUND, 500: FAILED, 503: AWAY}
        detail = sentences.get(code, f"{code.phrase}.")
        body: dict[str, Any] = {"detail": detail}
        if code == HTTPStatus.BAD_REQUEST:
            body["errors"] = {}
        plain = JsonResponse(body, status=code)
        for name in ("Allow", "Retry-After"):
            if name in response.headers:
                plain[name] = response[name]
        response.close()
        return plain
