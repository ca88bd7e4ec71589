"""`./manage.py runserver`: the web UI while it is being developed, WebSockets too."""

from typing import Any

from daphne.management.commands import runserver

from birdwatcher.server.handler import Application


class Command(runserver.Command):
    """Daphne's development server, with the static files served as in earnest."""

    def get_application(self, options: dict[str, Any]) -> Application:
        """Return the application itself: WhiteNoise in it finds the static files."""
        return runserver.get_default_application()
