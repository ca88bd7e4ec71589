"""Base classes of the API's views."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from birdwatcher.api.parameters import refuse_unknown
from birdwatcher.api.permissions import MayWrite
from birdwatcher.audit.models import Action
from birdwatcher.audit.record import record


class Base(APIView):
    """A view that answers in JSON, forbids caching, and limits the rate of requests."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    lookup_value_regex = "[0-9]{1,18}"  # a key in the address

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the asker and the parameters. Raises APIException.

        Lists and counts check their parameters themselves; everything else has none.
        """
        super().initial(request, *args, **kwargs)
        if getattr(self, "action", None) not in {None, "list"}:
            refuse_unknown(request, ())

    def perform_authentication(self, request: Request) -> None:
        """Authenticate the request and count it, also if the authentication fails."""
        try:
            super().perform_authentication(request)
        except APIException:
            super().check_throttles(request)
            raise
        super().check_throttles(request)

    def check_throttles(self, request: Request) -> None:
        """Do nothing: the request was counted after the authentication."""

    def handle_exception(self, exc: Exception) -> Response:
        """Return the error as JSON, whatever format was asked for."""
        self.request.accepted_renderer = JSONRenderer()
        self.request.accepted_media_type = JSONRenderer.media_type
        return super().handle_exception(exc)

    def finalize_response(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the response with its headers."""
        response = super().finalize_response(*args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        # Django would log a line for each refused request. Our own errors are logged already.
        response._has_been_logged = True  # noqa: SLF001 Django has no other way
        return response


class NotFound(Base):
    """The answer at every address that does not exist."""

    schema = None
    permission_classes: list[Any] = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raise Http404, whatever the method and the permissions."""
        self.perform_authentication(request)
        raise Http404


class Editable(Base, ModelViewSet[Any]):
    """Rows that can be edited; each change is recorded in the audit log.

    `writing` lists the permissions that each action needs.
    """

    permission_classes = [MayWrite]
    writing: dict[str, tuple[str, ...]]

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        """Save a new row."""
        with transaction.atomic():
            serializer.save()
            record(Action.ADD, [serializer.instance], "Added by a program.")

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        """Save the changed fields in the current row. Raises Http404 if it was deleted."""
        changed = ", ".join(serializer.validated_data) or "nothing"
        # Without the joins of the list: PostgreSQL cannot lock rows of an outer join.
        rows = self.queryset.model.objects.select_for_update(no_key=True)
        with transaction.atomic():
            serializer.instance = get_object_or_404(rows, pk=serializer.instance.pk)
            serializer.save()
            record(Action.CHANGE, [serializer.instance], f"Changed by a program: {changed}.")

    def perform_destroy(self, instance: Model) -> None:
        """Delete the row, after its birds, which go a few at a time."""
        self.clear(instance)
        with transaction.atomic():
            record(Action.DELETE, [instance], "Deleted by a program.")
            instance.delete()

    clear: Callable[[Any], object]
