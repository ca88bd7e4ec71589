"""The web UI for a WSGI server: `birdwatcher.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "birdwatcher.settings")

application = get_wsgi_application()
