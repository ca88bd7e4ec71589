"""What goes wrong while the database is away."""

from collections.abc import Callable

from tests.chaos.faults import processes
from tests.chaos.faults.databases import away
from tests.chaos.faults.fault import Fault
from tests.chaos.site import Site

BEFORE = (0.0, 2.5)  # seconds without the database, before and after the second fault
AFTER = (0.0, 1.0)


def _meanwhile(second: Callable[[Site], None]) -> Callable[[Site], None]:
    def inject(site: Site) -> None:
        with away(site)(site):
            site.pause(*BEFORE)
            second(site)
            site.pause(*AFTER)

    return inject


FAULTS = (
    Fault("database away, writer killed", _meanwhile(processes.kill_writer)),
    Fault("database away, supervisor killed", _meanwhile(processes.kill_supervisor)),
    Fault("database away, node process killed", _meanwhile(processes.kill_node)),
    Fault("database away, everything killed", _meanwhile(processes.kill_everything)),
    Fault("database away, daemon restarted", _meanwhile(processes.restart)),
    Fault("database away, supervisor held", _meanwhile(processes.hold_supervisor)),
)
