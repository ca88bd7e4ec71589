"""The web UI as an ASGI application, pages and WebSockets: `birdwatcher.asgi:application`."""

import os

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import re_path

from nodeproc.logs.speaker import speaker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "birdwatcher.settings")
speaker.become("web")
django.setup(set_prefix=False)

# These import models, which needs Django to be set up.
from birdwatcher.live.origins import Origins  # noqa: E402
from birdwatcher.live.routing import websocket_urlpatterns  # noqa: E402
from birdwatcher.server.handler import BoundedApplication, Handler  # noqa: E402
from birdwatcher.server.prefix import Prefixed, refuse  # noqa: E402
from birdwatcher.server.statements import bound_statements  # noqa: E402

bound_statements(settings.BIRDWATCHER.request_timeout)

websockets = URLRouter([*websocket_urlpatterns, re_path("", refuse)])

protocols = ProtocolTypeRouter(
    {
        "http": BoundedApplication(
            Handler(settings.BIRDWATCHER.request_timeout),
            trust_proxy=settings.BIRDWATCHER.trust_proxy,
        ),
        # The consumer authenticates the visitor itself: it also works while the database is away.
        "websocket": Origins(websockets, settings.CSRF_TRUSTED_ORIGINS),
    }
)
application = Prefixed(protocols, settings.BIRDWATCHER.path_prefix)
