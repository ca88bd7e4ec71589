"""Messages as lines for people, with times in the zone of the terminal."""

import datetime
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nodeproc.text import printable

Message = dict[str, Any]


def keep_local_time() -> None:
    """Set the time zone of this process back to the terminal's: Django has set its own."""
    environ = Path("/proc/self/environ").read_bytes().split(b"\0")
    given = [os.fsdecode(it[3:]) for it in environ if it.startswith(b"TZ=")]
    if given:
        os.environ["TZ"] = given[0]
    else:
        os.environ.pop("TZ", None)
    time.tzset()


def lines(message: Message) -> Iterator[str]:
    """Yield the lines for a message: none for heartbeats and unknown types."""
    kind = message.get("type")
    if kind == "birds":
        yield from map(_bird, message["birds"])
    elif kind == "deleted":
        yield _deleted(message)
    elif kind == "report":
        yield _report(message)
    elif kind == "deletions_missed":
        yield "some deletions were forgotten before they could be sent"
    elif kind == "trouble":
        yield printable(f"nothing can be sent for now: {message['reason']}")


def _bird(bird: Message) -> str:
    heard = datetime.datetime.fromisoformat(bird["timestamp"]).astimezone()
    doubt = " (doubtful clock)" if bird["doubtful"] else ""
    what = f"{bird['node']}: {bird['species']}, {bird['name']}{doubt} [{bird['id']}]"
    return f"{heard:%Y-%m-%d %H:%M:%S} {printable(what)}"


def _deleted(message: Message) -> str:
    if message["everything"]:
        return "deleted: all birds"
    ids = message["ids"]
    shown = ", ".join(map(str, ids[:10]))
    return f"deleted: {shown}" + (f" and {len(ids) - 10} more" if len(ids) > 10 else "")


def _report(message: Message) -> str:
    shares = ", ".join(f"{it['name']} {it['percent']:g} %" for it in message["nodes"])
    return printable(f"{message['total']} birds in total: {shares}")
