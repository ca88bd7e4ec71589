"""Processes that are killed, held for a while, or stopped in order."""

import contextlib
import os
import signal

from tests.chaos.faults.fault import Fault
from tests.chaos.site import Site

HELD = (0.3, 2.0)  # seconds that a process is held


def _kill(pid: int | None) -> None:
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_writer(site: Site) -> None:
    """More than once: the moments between commit and acknowledgement are short."""
    for _ in range(site.random.randint(1, 2)):
        site.rush()
        site.kill_writer()
        site.wait_for_writer()


def kill_supervisor(site: Site) -> None:
    """What it leaves behind ends by itself."""
    site.rush()
    site.kill_supervisor()


def kill_supervisor_and_terminate(site: Site) -> None:
    """What it leaves behind is asked to end as well."""
    site.rush()
    site.kill_supervisor(terminate_others=True)


def kill_node(site: Site) -> None:
    """The one fault that may cost events: those that the process had just read."""
    site.rush()
    for detector in site.any_detectors(2):
        with site.doomed(detector):
            _kill(site.process_of(detector))


def kill_everything(site: Site) -> None:
    """All processes at the same moment, as when the machine runs out of memory."""
    site.rush()
    with site.doomed(*site.load.detectors):
        children = site.daemon.children()
        # The supervisor last: its end would tell the others, and give them time.
        for pid in [*(child.pid for child in children), site.daemon.pid]:
            _kill(pid)
    site.daemon.wait()
    site.bury(children)
    site.start()


def kill_supervisor_of_held_node(site: Site) -> None:
    """The next daemon starts while a process of this one still has to spool what it retains."""
    children = site.daemon.children()
    with site.frozen(site.process_of(site.any_detectors(1)[0])):
        site.rush()
        site.daemon.send(signal.SIGKILL)
        site.daemon.wait()
        site.start(up=False)
        site.pause(0.3, 1.5)
    site.daemon.wait_until_up()
    site.bury(children)


def hold_writer(site: Site) -> None:
    """Nothing is committed, nobody knows why."""
    with site.frozen(site.daemon.writer()):
        site.pause(*HELD)


def hold_supervisor(site: Site) -> None:
    """Nothing is relayed."""
    with site.frozen(site.daemon.pid):
        site.pause(*HELD)


def hold_node(site: Site) -> None:
    """Its siblings go on."""
    with site.frozen(site.process_of(site.any_detectors(1)[0])):
        site.pause(*HELD)


def restart(site: Site) -> None:
    """In order: SIGTERM, exit code 0, start."""
    site.rush()
    site.restart()


FAULTS = (
    Fault("writer killed", kill_writer),
    Fault("supervisor killed", kill_supervisor),
    Fault("supervisor killed, others terminated", kill_supervisor_and_terminate),
    Fault("supervisor killed, a node process held", kill_supervisor_of_held_node),
    Fault("node process killed", kill_node),
    Fault("everything killed", kill_everything),
    Fault("writer held", hold_writer),
    Fault("supervisor held", hold_supervisor),
    Fault("node process held", hold_node),
    Fault("daemon restarted", restart),
)
