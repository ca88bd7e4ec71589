#!/usr/bin/env python
"""Birdwatcher's command line: `./manage.py help` lists its commands."""

import os
import signal
import sys

RELOADING = {"connectnodes", "serve"}  # the commands that read their configuration at SIGHUP


def main() -> None:
    """Run the command that the arguments name; a wrong configuration is a sentence and code 78."""
    if RELOADING.intersection(sys.argv[1:2]):
        # First of all: loading takes a second or two, in which a SIGHUP would end the process. It
        # is kept until its handler is set, and then acted on.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "birdwatcher.settings")
    try:
        from django.conf import settings
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line

        from nodeproc.logs.journal import complain
        from nodeproc.logs.speaker import speaker
    except ImportError as error:
        sys.exit(f"Django cannot be imported ({error}): is the virtual environment active?")
    speaker.become(sys.argv[1] if len(sys.argv) > 1 else "birdwatcher")
    try:
        # Read here, because `help` and `runserver` would swallow an error or show its traceback.
        _ = settings.INSTALLED_APPS
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        complain(str(error))
        sys.exit(os.EX_CONFIG)  # which the units take as: trying again does not help


if __name__ == "__main__":
    main()
