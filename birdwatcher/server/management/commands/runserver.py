"""`./manage.py runserver`: the web UI during development, with WebSockets."""

from typing import Any

from daphne.management.commands import runserver

from birdwatcher.server.handler import Application


class Command(runserver.Command):
    """Daphne's development server, with the static files as in production."""

    def get_application(self, options: dict[str, Any]) -> Application:
        """Return the application without Django's own static files: WhiteNoise serves them."""
        return runserver.get_default_application()
