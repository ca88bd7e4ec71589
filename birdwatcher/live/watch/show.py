"""What was told, as lines for people: times are those of the terminal."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nodeproc.logs.printable import printable

Message = dict[str, Any]


def keep_local_time() -> None:
    """Have the time zone of this process be the terminal's again: Django has set its own."""
    began_with = Path("/proc/self/environ").read_bytes().split(b"\0")
    given = [os.fsdecode(it[3:]) for it in began_with if it.startswith(b"TZ=")]
    if given:
        os.environ["TZ"] = given[0]
    else:
        os.environ.pop("TZ", None)
    time.tzset()


def lines(said: Message) -> Iterator[str]:
    """Yield what to print of a message: nothing of heartbeats, nor of what is not known."""
    kind = said.get("type")
    if kind == "birds":
        yield from map(_bird, said["birds"])
    elif kind == "deleted":
        yield _deleted(said)
    elif kind == "report":
        yield _report(said)
    elif kind == "deletions_missed":
        yield "some deletions were forgotten before they could be told"
    elif kind == "trouble":
        yield printable(f"nothing can be told for now: {said['reason']}")


def _bird(bird: Message) -> str:
    heard = datetime.datetime.fromisoformat(bird["timestamp"]).astimezone()
    doubt = " (doubtful clock)" if bird["doubtful"] else ""
    what = f"{bird['node']}: {bird['species']}, {bird['name']}{doubt} [{bird['id']}]"
    return f"{heard:%Y-%m-%d %H:%M:%S} {printable(what)}"


def _deleted(said: Message) -> str:
    if said["everything"]:
        return "deleted: all birds"
    ids = said["ids"]
    shown = ", ".join(map(str, ids[:10]))
    return f"deleted: {shown}" + (f" and {len(ids) - 10} more" if len(ids) > 10 else "")


def _report(said: Message) -> str:
    shares = ", ".join(f"{it['name']} {it['percent']:g} %" for it in said["nodes"])
    return printable(f"{said['total']} birds in total: {shares}")
