"""Starts a run's worker, waits for it, walks the cancel ladder, and writes down how it ended when it cannot itself.

Knows processes and states; knows nothing of what a run does. Never imports anything heavy.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from syncse_local import airgap, machine
from syncse_local.errors import SyncseError
from syncse_local.jobs import gpu_queue, liveness
from syncse_local.store import runs
from syncse_local.store.database import connect

if TYPE_CHECKING:
    from syncse_local.isolation.outside import Watcher

POLL = 0.2
"""Seconds between two looks at the worker: how late its death or a cancel step is noticed at most."""
START_SECONDS = 30.0
"""How long a queued run may wait for its supervisor before it counts as lost."""
GRACE = {1: 60.0, 2: 15.0}
"""Seconds a worker has after the flag, then after SIGTERM, before the next step of the ladder."""

SPINS = "5000"
"""How often a thread of GNU OpenMP looks for work before it sleeps. Where cores are shared with another program, training
took up to 17 times as long with the library's own 300,000 (docs/log.md). `shared_cores` lowers it further while they are."""


def database(workspace: Path) -> Path:
    """The workspace's SQLite file."""
    return workspace / "syncse.db"


def run_directory(workspace: Path, run_id: str) -> Path:
    """Where a run keeps its lock, log and checkpoints."""
    return workspace / "runs" / run_id


def launch(workspace: Path, run_id: str, guarded: bool, isolation: str = "auto") -> None:
    """Start a supervisor in a session of its own, so that it outlives this process and its terminal.

    `isolation` is `auto`, `strict` or `off`: see `confine`.
    """
    from syncse_local.jobs import confine

    directory = run_directory(workspace, run_id)
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "syncse_local.jobs.supervise", str(workspace), run_id],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={"GOMP_SPINCOUNT": SPINS, **airgap.environment(guarded), confine.VARIABLE: isolation},
        )


def supervise(workspace: Path, run_id: str) -> int:
    """Run the worker of one queued run to its end, once it has its GPUs where it needs any.

    Returns the worker's exit status (0 when there is nothing to do).
    """
    from syncse_local.jobs import confine

    connection = connect(database(workspace))
    lock = liveness.acquire(run_directory(workspace, run_id) / "lock")
    turn = _turn(connection, workspace, run_id) if lock is not None else None
    if lock is None or turn is None:
        return 0
    if not runs.move(connection, run_id, "queued", "running"):
        turn.end(connection)
        return 0
    locks = (lock, *turn.descriptors)
    try:
        watcher = _watcher(connection, workspace, run_id)
    except SyncseError as error:
        runs.finish(connection, run_id, "failed", error)
        turn.end(connection)
        return 1
    # GPUs in the order in which the queue counts them; threads as many as a quota is worth
    env = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", **machine.thread_limits(), **os.environ}
    if watcher is not None:
        env |= confine.environment(run_directory(workspace, run_id))
        confine.make_gpu_devices() if turn.devices else None
    worker = subprocess.Popen(
        [
            *(sys.executable, "-X", "faulthandler", "-m", "syncse_local.jobs.worker", str(workspace), run_id),
            *("-" if watcher is None else str(watcher.descriptor), *map(str, locks)),
        ],
        stdin=subprocess.DEVNULL,
        pass_fds=(*locks, *([] if watcher is None else [watcher.descriptor])),
        process_group=0,
        env=env,
    )
    if watcher is not None:
        watcher.start()
    step, since = 0, time.monotonic()
    while worker.poll() is None:
        asked = runs.cancel_step(connection, run_id)
        if 0 < step < 3 and asked <= step and time.monotonic() - since > GRACE[step]:
            asked = runs.request_cancel(connection, run_id)
        if asked > step:
            step, since = asked, time.monotonic()
            if step >= 2:
                _signal_group(worker.pid, signal.SIGTERM if step == 2 else signal.SIGKILL)
        time.sleep(POLL)
    _signal_group(worker.pid, signal.SIGKILL)  # an engine's child must not outlive its worker
    if watcher is not None:
        watcher.close()
        confine.clear(run_directory(workspace, run_id))
    if worker.returncode != 0:
        state = "cancelled" if runs.cancel_step(connection, run_id) else "failed"
        runs.finish(connection, run_id, state, death(worker.returncode, run_directory(workspace, run_id) / "log"))
    turn.end(connection)
    return worker.returncode


def _watcher(connection: sqlite3.Connection, workspace: Path, run_id: str) -> "Watcher | None":
    """What confines the worker; None where isolation is off or this is no Linux. Raises SyncseError (USAGE)."""
    from syncse_local.isolation.outside import Watcher
    from syncse_local.jobs import confine

    rules = confine.rules_for(runs.get(connection, run_id), workspace, run_directory(workspace, run_id))
    return None if rules is None else Watcher(rules)


def _turn(connection: sqlite3.Connection, workspace: Path, run_id: str) -> gpu_queue.Turn | None:
    """Wait until the run may use the GPUs it needs; None when it was cancelled, or failed, while it was queued."""
    run = runs.get(connection, run_id)

    def given_up() -> bool:
        now = runs.get(connection, run_id)
        return now.cancel > 0 or now.state != "queued"

    def waiting(text: str) -> None:
        runs.add_event(connection, run_id, "waiting", {"text": text})

    try:
        turn = gpu_queue.Turn(run_id, workspace, gpu_queue.devices_for(run.kind, run.options))
        if turn.wait(connection, waiting, given_up):
            return turn
    except SyncseError as error:
        if runs.move(connection, run_id, "queued", "running"):
            runs.finish(connection, run_id, "failed", error)
        return None
    runs.move(connection, run_id, "queued", "cancelled")
    return None


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def death(status: int, log: Path) -> SyncseError:
    """What a worker's exit status says, in a user's words."""
    if status == -signal.SIGKILL:
        what = "It was killed (SIGKILL): by a person, or by the system because memory ran out."
    elif status < 0:
        what = f"It died of {signal.Signals(-status).name}."
    else:
        what = f"It ended with status {status} before it could say why."
    return SyncseError("The worker died", what, f"Resume the run; what was finished is kept. Log: {log}")


def reconcile(workspace: Path) -> list[str]:
    """Mark open runs that nobody works on as lost; returns their ids. Raises SyncseError where the workspace was removed."""
    if not database(workspace).exists():  # its followers have the file open still, and would wait for ever
        detail = f"{database(workspace)} was there when this began, and is not any more."
        raise SyncseError("The workspace is gone", detail, "Put it back, or start a new one.")
    connection = connect(database(workspace))
    lost = []
    for run in runs.recent(connection, 1000):
        waited = time.time() - run.queued > START_SECONDS
        abandoned = run.state == "running" or (run.state == "queued" and waited)
        if abandoned and not liveness.held(run_directory(workspace, run.id) / "lock"):
            if runs.move(connection, run.id, run.state, "lost"):
                lost.append(run.id)
    connection.close()
    return lost


if __name__ == "__main__":
    airgap.install_if_ordered()
    sys.exit(min(125, abs(supervise(Path(sys.argv[1]), sys.argv[2]))))
