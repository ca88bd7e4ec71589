"""`./manage.py serve` with some pages, and a WebSocket, that only a test would visit.

python -m tests.support.webprogram serve 127.0.0.1:8000
"""

import itertools
import os
import sys
import threading
import time
from typing import Any

import django
from django.core.management import execute_from_command_line
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from birdwatcher.common import limits

HEAVY = (
    "WITH RECURSIVE heavy (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM heavy WHERE n < {}) "
    "SELECT count(*) FROM heavy"
)
PIECE = b"birds" * 10_000
# Seconds: shorter than in `birdwatcher.common.limits`, so that no test waits long.
SOCKET_TIMEOUT, BODY_TIMEOUT, SPEED_WINDOW = 4, 10, 4


def endless(_request: HttpRequest) -> StreamingHttpResponse:
    """An export that never ends."""
    return StreamingHttpResponse(itertools.repeat(PIECE))


def thread(_request: HttpRequest) -> HttpResponse:
    """Which thread answers."""
    return HttpResponse(str(threading.get_ident()))


@csrf_exempt
def size(request: HttpRequest) -> HttpResponse:
    """How long the request's body is."""
    return HttpResponse(str(len(request.body)))


def heavy(_request: HttpRequest) -> HttpResponse:
    """Count for hours, in one statement."""
    return HttpResponse(_scalar(HEAVY.format(10**12)))


def count(_request: HttpRequest) -> HttpResponse:
    """How many nodes there are."""
    return HttpResponse(_scalar("SELECT count(*) FROM nodes_node"))


@csrf_exempt
def pieces(_request: HttpRequest) -> HttpResponse:
    """Take a second, in several statements."""
    until = time.monotonic() + 1
    while time.monotonic() < until:
        _scalar(HEAVY.format(10_000))
    return HttpResponse("done")


def _scalar(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return str(cursor.fetchone()[0])


async def listen(_scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Send back what comes; after "endless", send without end."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})
        while message["text"] == "endless":
            await send({"type": "websocket.send", "bytes": PIECE})


def main() -> None:
    """Run the command line with the pages added."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "birdwatcher.settings")
    # Before the first module takes them from there.
    limits.SOCKET_TIMEOUT, limits.BODY_TIMEOUT = SOCKET_TIMEOUT, BODY_TIMEOUT
    limits.SPEED_WINDOW = SPEED_WINDOW
    django.setup()
    from birdwatcher import urls
    from birdwatcher.live import routing

    urls.urlpatterns += [path("endless", endless), path("thread", thread), path("size", size)]
    urls.urlpatterns += [path(it.__name__, it) for it in (heavy, count, pieces)]
    routing.websocket_urlpatterns.append(path("listen", listen))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
