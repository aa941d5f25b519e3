"""The process that does one run: loads the stage, runs it, writes how it ended. Heavy libraries load only in here."""

import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from syncse_local import airgap
from syncse_local.errors import ExitCode, SyncseError, refused
from syncse_local.isolation import inside
from syncse_local.jobs import record, shared_cores
from syncse_local.jobs.job import Cancelled, Incomplete, Job
from syncse_local.jobs.progress import StoreReporter
from syncse_local.jobs.supervise import database, run_directory
from syncse_local.registry import STAGES, load
from syncse_local.store import runs
from syncse_local.store.database import connect


def work(workspace: Path, run_id: str, confined: inside.Confined | None = None) -> int:
    """Do the run; returns 0 when its end has been written, whatever the end was.

    `confined` is what the kernel keeps this process from; where its rules are strict and it is too little, nothing is done.
    """
    connection = connect(database(workspace))
    run = runs.get(connection, run_id)
    reporter = StoreReporter(connection, run.id)

    def stop(*_: object) -> None:
        reporter.stop = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    job = Job(run, connection, reporter, workspace, run_directory(workspace, run.id))
    record.begin(reporter, confined)
    blocked = None if confined is None else confined.too_little()
    state, error, result = ("failed", blocked, {}) if blocked else _outcome(job)
    reporter.flush()
    for module, address in airgap.refused():
        reporter.event("refused", module=module, address=address)
    record.end(reporter, confined)
    runs.finish(connection, run.id, state, error, **result)
    return 0


def _outcome(job: Job) -> tuple[str, SyncseError | None, dict[str, Any]]:
    try:
        return "done", None, load(STAGES, job.run.kind)(job)
    except Cancelled:
        return "cancelled", None, {}
    except Incomplete as error:
        return "incomplete", error, error.result
    except SyncseError as error:
        return ("cancelled", None, {}) if error.code is ExitCode.INTERRUPTED else ("failed", error, {})
    except airgap.AirgapRefusal as error:
        return "failed", _blocked(str(error)), {}
    except (MemoryError, Exception) as error:
        traceback.print_exc()
        if airgap.refused():
            return "failed", _blocked(str(error)), {}
        return "failed", _unexpected(error, job.directory / "log"), {}


def _blocked(detail: str) -> SyncseError:
    return SyncseError(
        "Blocked by the air-gap policy",
        detail,
        "Give local paths only, or run without --airgap if this machine may reach the network.",
        ExitCode.BLOCKED,
    )


def _unexpected(error: BaseException, log: Path) -> SyncseError:
    if isinstance(error, MemoryError):
        return SyncseError(
            "Out of memory", str(error) or "An allocation failed.", "Use a smaller batch or model; then resume."
        )
    if isinstance(error, OSError) and error.filename is not None:
        return refused(error)
    detail = f"{type(error).__name__}: {error}"[:400]
    return SyncseError("The run failed unexpectedly", detail, f"The log has the details: {log}")


if __name__ == "__main__":
    airgap.set_switches()
    airgap.install_if_ordered()
    confined = None if sys.argv[3] == "-" else inside.enter(int(sys.argv[3]))
    for lock in sys.argv[4:]:  # held by this process, and by no engine's child that might outlive it
        os.set_inheritable(int(lock), False)
    shared_cores.watch()
    status = work(Path(sys.argv[1]), sys.argv[2], confined)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # an engine's destructors must not turn a finished run into a crash
