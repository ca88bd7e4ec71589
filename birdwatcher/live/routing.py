"""Which consumer answers at which address of a WebSocket."""

from django.urls import path

from birdwatcher.live.consumer import BirdsConsumer
from birdwatcher.live.hub import Hub

# One hub for all connections of a process; it is idle until the first one.
websocket_urlpatterns = [path("live/birds", BirdsConsumer.as_asgi(hub=Hub()))]
