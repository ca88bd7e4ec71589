"""The daemon, with node processes that die of `DEADLY`.

`python -m tests.support.killer` is `./manage.py connectnodes`, but a packet that contains that word
ends the process that parses it with SIGABRT, as a bug in a compiled parser would; and the process
of a node that has it in its name ends as it starts.
"""

import os
from multiprocessing.connection import Connection
from typing import Any

import django
from django.core.management import call_command

from nodeproc.assignment import Assignment
from nodeproc.process import run_node
from nodeproc.sources.tcp import events
from supervisor import fleet

DEADLY = "deadly nightshade"

_decode = events._decode_strictly


def _decode_or_die(text: str) -> Any:
    if DEADLY in text:
        os.abort()
    return _decode(text)


def _run_node_or_die(connection: Connection, parent: int, assignment: Assignment) -> int:
    if DEADLY in assignment.spec.name:
        os.abort()
    return run_node(connection, parent, assignment)


if __name__ == "__main__":
    django.setup()
    events._decode_strictly = _decode_or_die
    fleet.run_node = _run_node_or_die
    call_command("connectnodes")
