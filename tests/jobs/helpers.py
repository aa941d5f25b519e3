"""What job tests share: waiting for a run with its log in the failure, and finding its worker."""

import time
from pathlib import Path

from syncse_local.api import OPEN, Run, Workspace

PATIENCE = 300.0


def wait(workspace: Workspace, run_id: str) -> Run:
    """The run once it has ended; fails with the log's end when it hangs."""
    deadline = time.monotonic() + PATIENCE
    while (run := workspace.run(run_id)).state in OPEN:
        assert time.monotonic() < deadline, f"{run_id} hangs: {workspace.log_path(run_id).read_text()[-2000:]}"
        workspace.runs(5)
        time.sleep(0.05)
    return run


def process_of(module: str, run_id: str) -> list[int]:
    """Process numbers of the run's supervisor or worker."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"syncse_local.jobs.{module}".encode() in command and run_id.encode() in command:
            found.append(int(entry.name))
    return found
