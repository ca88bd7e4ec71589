"""The paths of the WebSockets, and the consumer of each."""

from django.conf import settings
from django.urls import path

from birdwatcher.live.hub import Hub
from birdwatcher.live.page_consumer import PageConsumer
from birdwatcher.live.program_consumer import ProgramConsumer

# One hub for all connections of a process; it is idle until the first one.
hub = Hub(settings.BIRDWATCHER.report_every)

websocket_urlpatterns = [
    path("live/birds", PageConsumer.as_asgi(hub=hub)),
    path("api/v1/live", ProgramConsumer.as_asgi(hub=hub)),
]
