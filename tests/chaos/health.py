"""Whether the daemon is still in good shape after all that."""

from tests.support.daemon import Daemon

# Descriptors: what a process has of its own, and what each child costs the supervisor.
OWN, PER_CHILD = 24, 4

# Mebibytes of all processes together, shared pages counted once: what the daemon has without a node
# (SQLite's page cache is 64 of them), and each node's process.
MEMORY, MEMORY_PER_NODE = 192, 6


def memory_of(daemon: Daemon) -> float:
    """Return the proportional set size of all its processes together, in mebibytes."""
    processes = [daemon.process, *daemon.children()]
    return sum(process.memory_full_info().pss for process in processes) / 2**20


def complaints_about(daemon: Daemon) -> list[str]:
    """Return what is wrong with the processes of a daemon at rest."""
    children = daemon.children()
    counts = {process: process.num_fds() for process in children}
    found = [f"{it} has {count} descriptors" for it, count in counts.items() if count > OWN]
    if daemon.process.num_fds() > OWN + PER_CHILD * len(children):
        found.append(f"the supervisor has {daemon.process.num_fds()} descriptors")
    if (memory := memory_of(daemon)) > MEMORY + MEMORY_PER_NODE * len(children):
        found.append(f"the daemon has {memory:.0f} MiB")
    if zombies := daemon.zombies():
        found.append(f"nobody waited for {zombies}")
    return found
