"""Workspace: the one door to everything a front end may do. Reads and writes rows, starts processes; computes nothing."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncse_local.config import Settings, as_dict
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.jobs import supervise
from syncse_local.jobs.liveness import held
from syncse_local.store import filtering, gpus, ledger, runs
from syncse_local.store.database import connect
from syncse_local.store.runs import OPEN, RESUMABLE, Run

if TYPE_CHECKING:
    from syncse_local.catalog.entry import ModelEntry
    from syncse_local.synthesis.filters.settings import FilterSettings

__all__ = ["OPEN", "RESUMABLE", "Run", "Workspace"]


class Workspace:
    """One directory: the database, the runs' logs and checkpoints, the trained encoders."""

    def __init__(self, directory: Path, settings: Settings | None = None) -> None:
        self.directory = directory.expanduser().resolve()
        self.settings = settings or Settings(workspace=str(directory))
        self.connection = connect(supervise.database(self.directory))

    def close(self) -> None:
        """Close the database; runs go on."""
        self.connection.close()

    def __enter__(self) -> "Workspace":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- reading -----------------------------------------------------------------------------------------------------

    def data_version(self) -> int:
        """A number that changes when another process has written: cheap to poll."""
        return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    def runs(self, limit: int = 100) -> list[Run]:
        """The newest runs first; runs whose process is gone are marked lost on the way."""
        supervise.reconcile(self.directory)
        return runs.recent(self.connection, limit)

    def run(self, run_id: str) -> Run:
        """One run by id or the beginning of it. Raises SyncseError (USAGE)."""
        return runs.get(self.connection, run_id)

    def events(self, run_id: str, after: int = 0) -> list[dict[str, Any]]:
        """Events of a run after an event id, oldest first."""
        return runs.events(self.connection, run_id, after)

    def metrics(self, run_id: str, name: str) -> list[tuple[int, float]]:
        """(step, value) points of a curve."""
        return runs.metrics(self.connection, run_id, name)

    def scores(self, run_id: str) -> list[dict[str, Any]]:
        """The scores of an eval run."""
        return runs.scores(self.connection, run_id)

    def card(self, run_id: str) -> dict[str, Any]:
        """A train run's record, with the scores made since, and as `card` its model card. Raises SyncseError (NOTHING)."""
        from syncse_local.training import card, provenance

        run = self.run(run_id)
        record = provenance.record_of(self.connection, run, run.result)
        return {**record, "card": card.render(record)}

    def counts(self, run_id: str) -> dict[str, int]:
        """Planned, answered, accepted requests and triplets of a generate run."""
        return ledger.counts(self.connection, run_id)

    def failures(self, run_id: str) -> dict[str, int]:
        """Rejected answers of a generate run by typed reason."""
        return ledger.failures(self.connection, run_id)

    def triplets(
        self, run_ids: list[str], accepted_only: bool = True, filtered: bool = True
    ) -> Iterator[dict[str, Any]]:
        """Triplet rows of generate runs, streamed in plan order; `filtered` by each run's latest filters, if any."""
        found = [self.run(name).id for name in run_ids]
        return ledger.triplets(self.connection, found, accepted_only, filtered and accepted_only)

    def filters(self, run_id: str) -> dict[str, Any] | None:
        """What a run's latest filters judged, dropped and keep; None where it was not filtered."""
        return filtering.summary(self.connection, self.run(run_id).id)

    def answers(self, run_id: str, limit: int = 20, rejected_only: bool = False) -> list[dict[str, Any]]:
        """Raw answers of a generate run with what the parser made of them, newest first."""
        return ledger.answers(self.connection, self.run(run_id).id, limit, rejected_only)

    def models(self, hashed: bool = False) -> list["ModelEntry"]:
        """Every model on this machine, found anew; `hashed` computes the hashes that are not known yet (minutes)."""
        from syncse_local.catalog.listing import list_models

        return list_models(self.settings, self.directory, self.connection, hashed)

    def gpu_holders(self) -> list[dict[str, Any]]:
        """The runs of this workspace that use a GPU now: device, run_id, pid, since."""
        return [row for row in gpus.holders(self.connection) if self.alive(row["run_id"])]

    def log_path(self, run_id: str) -> Path:
        """The run's log file."""
        return supervise.run_directory(self.directory, run_id) / "log"

    def alive(self, run_id: str) -> bool:
        """Whether a process works on the run now."""
        return held(supervise.run_directory(self.directory, run_id) / "lock")

    # -- acting ------------------------------------------------------------------------------------------------------

    def start(self, kind: str, options: Mapping[str, Any], name: str = "") -> Run:
        """Create a run and start its process; returns at once."""
        run = runs.create(self.connection, kind, dict(options), name)
        supervise.launch(self.directory, run.id, self.settings.airgap)
        return run

    def cancel(self, run_id: str) -> int:
        """Ask a run to stop, one step of the ladder further (1 flag, 2 SIGTERM, 3 SIGKILL); returns the step."""
        run = self.run(run_id)
        if run.state == "queued" and not self.alive(run.id):
            runs.move(self.connection, run.id, "queued", "cancelled")
            return 1
        if run.state not in OPEN:
            raise SyncseError(
                "Nothing to cancel", f"Run {run.id} is {run.state}.", "See `syncse runs`.", ExitCode.NOTHING
            )
        return runs.request_cancel(self.connection, run.id)

    def resume(self, run_id: str) -> Run:
        """Go on with a failed, cancelled or lost run. Raises SyncseError when it is open or done."""
        supervise.reconcile(self.directory)
        run = self.run(run_id)
        if not runs.move(self.connection, run.id, RESUMABLE, "queued"):
            hint = (
                "It has finished; start a new run."
                if run.state == "done"
                else "It is still at work: `syncse show --follow`."
            )
            raise SyncseError("Nothing to resume", f"Run {run.id} is {run.state}.", hint, ExitCode.NOTHING)
        supervise.launch(self.directory, run.id, self.settings.airgap)
        return self.run(run.id)

    def ensure(self, kind: str, options: Mapping[str, Any], name: str) -> Run:
        """The run of this name with these very options: the finished one, the open one, the old one resumed, or a new one."""
        supervise.reconcile(self.directory)
        digest = hashlib.sha256(json.dumps([kind, dict(options)], sort_keys=True, default=str).encode()).hexdigest()[:8]
        found = runs.by_name(self.connection, f"{name} {digest}")
        if found is None:
            return self.start(kind, options, f"{name} {digest}")
        return self.resume(found.id) if found.state in RESUMABLE else found

    def lacks_measurements(self, run_id: str, wanted: "FilterSettings") -> bool:
        """Whether these filters need cosines or scores that a run of kind `filter` has to measure first."""
        from syncse_local.synthesis.filters import apply, instruments

        rows = apply.candidates(self.connection, [self.run(run_id).id])
        return instruments.lacking(self.connection, wanted, rows)

    def apply_filters(
        self, run_id: str, wanted: "FilterSettings", against: Sequence[str] = (), dry_run: bool = False
    ) -> dict[str, Any]:
        """Judge a run's accepted triplets anew and say what that changes. Raises SyncseError (NOTHING) where there are none."""
        from syncse_local.synthesis.contamination import Gate
        from syncse_local.synthesis.filters import apply, instruments

        run, others = self.run(run_id), [self.run(name).id for name in against]
        gate = Gate.load(Path(self.settings.senteval) if self.settings.senteval else None)
        measured = instruments.stored(self.connection, wanted)
        report = apply.apply(self.connection, run.id, wanted, measured, gate, others, dry_run)
        return {**report.to_dict(), "evaluation_sets": gate.checked, "unread_sets": gate.unread}

    def default_output(self, name: str) -> Path:
        """Where a trained encoder of this name goes."""
        return self.directory / "models" / name

    def describe_settings(self) -> dict[str, Any]:
        """Every setting with its value and where it came from."""
        values = as_dict(self.settings)
        return {
            name: {"value": value, "from": self.settings.origin.get(name, "default")} for name, value in values.items()
        }
