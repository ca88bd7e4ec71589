"""Which consumer answers at which address of a WebSocket."""

from django.conf import settings
from django.urls import path

from birdwatcher.live.hub import Hub
from birdwatcher.live.page import BirdsConsumer
from birdwatcher.live.program import ProgramConsumer

# One hub for all connections of a process; it is idle until the first one.
hub = Hub(settings.BIRDWATCHER.report_every)

websocket_urlpatterns = [
    path("live/birds", BirdsConsumer.as_asgi(hub=hub)),
    path("api/v1/live", ProgramConsumer.as_asgi(hub=hub)),
]
