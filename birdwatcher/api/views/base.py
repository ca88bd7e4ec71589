"""What all answers of the API have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
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

from birdwatcher.api.access import MayWrite
from birdwatcher.api.queries import refuse_unknown

KEY = "[0-9]{1,18}"


class Base(APIView):
    """An answer in JSON, kept by nobody on the way, and not given too often."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let in who may ask. Raises APIException; ValidationError if there are parameters where
        none exist: only lists and counts have some, and check them themselves."""
        super().initial(request, *args, **kwargs)
        if getattr(self, "action", None) not in {None, "list"}:
            refuse_unknown(request, ())

    def perform_authentication(self, request: Request) -> None:
        """Find out who asks, and count that: who may not, or has a wrong token, too."""
        try:
            super().perform_authentication(request)
        except APIException:
            super().check_throttles(request)
            raise
        super().check_throttles(request)

    def check_throttles(self, request: Request) -> None:
        """Do not count once more."""

    def handle_exception(self, exc: Exception) -> Response:
        """Return the answer to a request that failed, in JSON whatever was asked for."""
        self.request.accepted_renderer = JSONRenderer()
        self.request.accepted_media_type = JSONRenderer.media_type
        return super().handle_exception(exc)

    def finalize_response(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the answer with its headers."""
        response = super().finalize_response(*args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        # Django would have a line in the log for whatever it refuses, however often. What went
        # wrong here is there already.
        response._has_been_logged = True  # noqa: SLF001 its own sign for that
        return response


class NotFound(Base):
    """An address under which nothing is."""

    schema = None
    permission_classes: list[Any] = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Say so, whoever asks and however."""
        self.perform_authentication(request)
        raise Http404


class Editable(Base, ModelViewSet[Any]):
    """Something that people edit, as in the admin; who did it is noted down as there.

    `writing` names the permissions that each action needs.
    """

    permission_classes = [MayWrite]
    lookup_value_regex = KEY
    writing: dict[str, tuple[str, ...]]

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        """Save something new."""
        with transaction.atomic():
            serializer.save()
            self.note(serializer.instance, ADDITION, "Added by a program.")

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        """Save what was changed, of the row as it is now. Raises Http404 if it is gone."""
        changed = ", ".join(serializer.validated_data) or "nothing"
        # Without what the list joins to it: what may be missing cannot be locked.
        rows = self.queryset.model.objects.select_for_update(no_key=True)
        with transaction.atomic():
            serializer.instance = get_object_or_404(rows, pk=serializer.instance.pk)
            serializer.save()
            self.note(serializer.instance, CHANGE, f"Changed by a program: {changed}.")

    def perform_destroy(self, instance: Model) -> None:
        """Delete it, with its birds, a few at a time."""
        self.clear(instance)
        with transaction.atomic():
            self.note(instance, DELETION, "Deleted by a program.")
            instance.delete()

    clear: Callable[[Any], object]

    def note(self, row: Model | None, what: int, says: str) -> None:
        """Note down who did something."""
        LogEntry.objects.log_actions(self.request.user.pk, [row], what, change_message=says)
