"""The daemon, in a hurry.

`python -m tests.soak.quick` is `./manage.py connectnodes`, but its node processes wait for
milliseconds before they try a node again, and every connection counts as a success, however short:
a cycle that takes seconds in the field takes a hundredth of one here.
"""

import django
from django.core.management import call_command

from nodeproc.sources.tcp import source

BASE = 0.01  # seconds
STABLE = 0.0

if __name__ == "__main__":
    django.setup()
    if not (hasattr(source, "BACKOFF_BASE") and hasattr(source, "STABLE_AFTER")):
        raise SystemExit("the back-off is set somewhere else now; this program changes nothing")
    source.BACKOFF_BASE = BASE
    source.STABLE_AFTER = STABLE
    call_command("connectnodes")
