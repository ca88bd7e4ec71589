"""`./manage.py health`: one line and an exit code, like a monitoring plugin."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from birdwatcher.health.examination import examine
from birdwatcher.health.judgement import THRESHOLDS


class Command(BaseCommand):
    """Report the daemon's health, from the database, on any host that reaches it."""

    help = (
        "Report in one line whether the daemon runs, is connected and keeps up. The exit code is "
        f"0 for OK, 1 for WARNING, 2 for CRITICAL, 3 for UNKNOWN. {THRESHOLDS}"
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--json`."""
        parser.add_argument("--json", action="store_true", help="report it as a JSON object")

    def handle(self, **options: Any) -> None:
        """Print the verdict. Raises SystemExit with the exit code."""
        verdict = examine()
        self.stdout.write(json.dumps(verdict.as_dict()) if options["json"] else verdict.line)
        raise SystemExit(int(verdict.grade))
