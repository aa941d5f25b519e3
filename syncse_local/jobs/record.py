"""What a worker writes into its run about the kernel: the layers it is in, what was tried, what was refused."""

import os

from syncse_local import airgap
from syncse_local.isolation.door import opened
from syncse_local.isolation.inside import Confined
from syncse_local.isolation.outside import counts
from syncse_local.jobs.progress import StoreReporter

PATIENCE = 2.0
"""Seconds for the watcher to say its counts: it answers at once, or has been killed."""


def begin(reporter: StoreReporter, confined: Confined | None) -> None:
    """Write what holds; under the air gap also a warning for each thing that does not."""
    guarded = os.environ.get(airgap.GUARD) == "1"
    if confined is None:
        if guarded:
            reporter.event("warning", text="air gap: the Python guard only, because this system has no Linux kernel")
        return
    reporter.event("isolation", **confined.report)
    if guarded and confined.lacking:
        holds = "the kernel shuts the network" if confined.network_is_shut else "the Python guard only"
        reporter.event("warning", text=f"air gap: {holds}; missing: {confined.lacking}")
    if guarded and confined.open_ways:
        reporter.event("warning", text=f"air gap: the self-test found open: {', '.join(confined.open_ways)}")


def end(reporter: StoreReporter, confined: Confined | None) -> None:
    """Write how often the kernel refused what, the self-test's attempts aside."""
    if confined is not None and (door := opened()):
        try:
            said, _ = door.ask({"counts": True}, PATIENCE)
        except (OSError, EOFError):
            said = {}
        reporter.event("refused_by_kernel", **counts(said, confined.report))
