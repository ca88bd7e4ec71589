"""`python -m tests.support.shifted SECONDS COMMAND...`: manage.py with another clock.

It is that of another host: what Python says differs, what the database says does not.
"""

import datetime
import sys
import time

from django.utils import timezone


def shift(seconds: float) -> None:
    """Set this process's clock ahead, before anything of the project is imported."""
    real_time, real_now = time.time, timezone.now
    time.time = lambda: real_time() + seconds
    timezone.now = lambda: real_now() + datetime.timedelta(seconds=seconds)


if __name__ == "__main__":
    _, ahead, *arguments = sys.argv
    shift(float(ahead))
    from manage import main

    sys.argv = ["manage.py", *arguments]
    main()
