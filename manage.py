#!/usr/bin/env python
"""Birdwatcher's command line: `./manage.py help` lists its commands."""

import logging
import os
import signal
import sys

from nodeproc.streams import open_missing

RELOADING = {"connectnodes", "serve"}  # the commands that read their configuration at SIGHUP


def main() -> None:
    """Run the command that the arguments name.

    A wrong configuration is a sentence and code 78; a database that cannot be used, a sentence and
    code 1, unless `--traceback` is among the arguments.
    """
    if RELOADING.intersection(sys.argv[1:2]):
        # First of all: loading takes a second or two, in which a SIGHUP would end the process. It
        # is kept until its handler is set, and then acted on.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    open_missing()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "birdwatcher.settings")
    try:
        from django.conf import settings
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line

        from birdwatcher.common.database.troubles import sentence_about
        from birdwatcher.configuration.config import SETTINGS
        from birdwatcher.configuration.sources import misspelt
        from nodeproc.logs.journal import complain
        from nodeproc.logs.speaker import speaker
    except ImportError as error:
        sys.exit(f"Django cannot be imported ({error}): is the virtual environment active?")
    speaker.become(sys.argv[1] if len(sys.argv) > 1 else "birdwatcher")
    try:
        # Read here, because `help` and `runserver` would swallow an error or show its traceback.
        _ = settings.INSTALLED_APPS
        for sentence in misspelt(os.environ, [setting.name for setting in SETTINGS]):
            complain(sentence, logging.WARNING)
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        complain(str(error))
        sys.exit(os.EX_CONFIG)  # which the units take as: trying again does not help
    except Exception as error:
        about = None if "--traceback" in sys.argv else sentence_about(error)
        if about is None:
            raise
        complain(about)
        sys.exit(1)


if __name__ == "__main__":
    main()
