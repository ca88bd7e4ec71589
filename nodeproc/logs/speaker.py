"""Which process writes a line, and which device the line is about."""

import logging

from nodeproc.text import printable
from nodeproc.wire.subjects import Origin, Subject


class Speaker:
    """The process that writes the lines here."""

    def __init__(self) -> None:
        self.name = self.process = "birdwatcher"
        self.origin: Origin | None = None
        self.node_name = ""

    def become(self, name: str, origin: Origin | None = None, node_name: str = "") -> None:
        """Begin every line with `name` from now on, and mark it as one about this device.

        The name's first word is the kind of process: `web` of `web worker 3`.
        """
        self.name = printable(name)
        self.process = self.name.partition(" ")[0] if origin is None else "node"
        self.origin, self.node_name = origin, node_name


speaker = Speaker()


def about(number: int, name: str = "", subject: Subject = Subject.NODES) -> dict[str, object]:
    """Return the `extra` of a line about one device: `log.error("...", extra=about(7))`.

    For processes that write about many nodes; in a node's own process every line is about that one.
    """
    return {"subject": subject, "node": number, "node_name": name}


def origin_of(record: logging.LogRecord) -> tuple[Origin | None, str]:
    """Return the device that a line is about, None if it is about none, and its name if known."""
    if hasattr(record, "node"):
        subject = getattr(record, "subject", Subject.NODES)
        return Origin(subject, record.node), getattr(record, "node_name", "")
    return speaker.origin, speaker.node_name
