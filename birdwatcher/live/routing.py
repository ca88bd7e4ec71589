"""Which consumer answers at which address of a WebSocket."""

from django.urls import URLPattern

websocket_urlpatterns: list[URLPattern] = []
