"""The web UI for a WSGI server: `birdwatcher.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

from nodeproc.logs import speaker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "birdwatcher.settings")
speaker.become("web")

application = get_wsgi_application()
