"""Runs started, resumed and stopped, by kind with keywords or a spec. A part of `Workspace`.

Makes rows and processes; what is told is made ready by `prepare`, imported when it is needed.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.handle import RunHandle
from syncse_local.jobs import supervise
from syncse_local.jobs.liveness import acquire, held
from syncse_local.specs.compare import CompareSpec
from syncse_local.specs.evaluate import EvaluateSpec
from syncse_local.specs.filter import FilterSpec
from syncse_local.specs.generate import GenerateSpec
from syncse_local.specs.kinds import checked
from syncse_local.specs.pipeline import CalibrateSpec, RunSpec
from syncse_local.specs.report import ReportSpec
from syncse_local.specs.spec import Spec
from syncse_local.specs.study import TrySpec
from syncse_local.specs.train import TrainSpec
from syncse_local.store import locks, runs
from syncse_local.store.runs import OPEN, RESUMABLE, Run
from syncse_local.triplets import Triplets

if TYPE_CHECKING:
    from syncse_local.prepare.pipeline import Step

Told = TypeVar("Told", bound=Spec)
Result = TypeVar("Result")


def told(kind: type[Told], spec: Told | None, keywords: Mapping[str, Any]) -> Told:
    """The spec, or one of these keywords. Raises SyncseError (USAGE) for both, and for an unknown or a bad keyword."""
    if spec is None:
        return kind.asked(**keywords)
    if keywords:
        hint = "Give the spec, or keywords."
        raise SyncseError("Told twice", "A spec and keywords were given.", hint, ExitCode.USAGE)
    return spec


def _whole_name(kind: str, options: Mapping[str, Any], name: str) -> str:
    """The name with a hash of kind and options: the same for the same work."""
    digest = hashlib.sha256(json.dumps([kind, dict(options)], sort_keys=True, default=str).encode()).hexdigest()[:8]
    return f"{name} {digest}"


class Running(Triplets):
    """What starts and stops runs in an open workspace."""

    directory: Path

    # -- by kind -----------------------------------------------------------------------------------------------------

    def generate(self, spec: GenerateSpec | None = None, name: str = "", **keywords: Any) -> RunHandle:
        """Start a synthesis. Keywords are GenerateSpec's fields. Raises SyncseError: USAGE, PREFLIGHT, BLOCKED."""
        from syncse_local.prepare.generate import generate

        return self._started(generate(told(GenerateSpec, spec, keywords), self.settings), name)

    def train(self, spec: TrainSpec | None = None, name: str = "", **keywords: Any) -> RunHandle:
        """Start a training. Keywords are TrainSpec's fields; `runs` are generate runs' ids. Raises SyncseError."""
        from syncse_local.prepare.train import train

        asked = told(TrainSpec, spec, keywords)
        name = name or time.strftime("encoder-%m%d-%H%M%S")
        output = asked.output or str(self.directory / "models" / name)
        return self._started(train(asked, self.settings, output, lambda text: self.run(text).id), name)

    def evaluate(self, spec: EvaluateSpec | None = None, name: str = "", **keywords: Any) -> RunHandle:
        """Start an evaluation. Keywords are EvaluateSpec's fields. Raises SyncseError."""
        from syncse_local.prepare.evaluate import evaluate

        return self._started(evaluate(told(EvaluateSpec, spec, keywords), self.settings), name)

    def compare(self, spec: CompareSpec | None = None, name: str = "", **keywords: Any) -> RunHandle:
        """Start a comparison. Keywords are CompareSpec's fields; `arms` as on the command line. Raises SyncseError."""
        from syncse_local.compare.arms import parse
        from syncse_local.prepare.compare import compare

        asked = told(CompareSpec, spec, keywords)
        return self._started(compare(asked, parse(self.connection, asked.arms, asked.fixed, asked.trained)), name)

    def report(self, spec: ReportSpec | None = None, name: str = "", **keywords: Any) -> RunHandle:
        """Start a report on generate runs. Keywords are ReportSpec's fields. Raises SyncseError."""
        from syncse_local.prepare.compare import report

        asked = told(ReportSpec, spec, keywords)
        found = [self.run(text) for text in dict.fromkeys(asked.runs)]
        return self._started(report(asked, self.settings, found), name)

    def filter(self, spec: FilterSpec | None = None, **keywords: Any) -> dict[str, Any]:
        """Apply filters to a generate run's triplets, after a run that measures what they need; returns what they did.

        Keywords are FilterSpec's fields. Raises SyncseError.
        """
        from syncse_local.prepare.filter import measuring, thresholds

        asked = told(FilterSpec, spec, keywords)
        target = self.run(asked.run)
        wanted = thresholds(target, asked, self.settings)
        if self.lacks_measurements(target.id, wanted):
            self._started(measuring(target, wanted, asked, self.settings), "").wait()
        return self.apply_filters(target.id, wanted, list(asked.against), asked.dry_run)

    def try_out(self, spec: TrySpec | None = None, **keywords: Any) -> list[dict[str, Any]]:
        """Real answers for a few rows, a list entry for each model, recipe and temperature, with a forecast; waits for them.

        Keywords are TrySpec's fields. Nothing is stored unless `keep` is given. Raises SyncseError.
        """
        from syncse_local.study.trial import try_out

        asked = told(TrySpec, spec, keywords)
        asked.complete()
        opened: Any = type(self)  # `Workspace`, which stands above
        return [each.to_dict() for each in try_out(self.directory, self.settings, asked, opened)]

    def studies(self) -> list[str]:
        """The names of the studies that have a file here."""
        from syncse_local.study import state

        return state.names(self.directory)

    def study(self, name: str) -> dict[str, Any]:
        """A study's arms with states, runs, scores and cost, and its comparison, as of now. Raises SyncseError (USAGE)."""
        from syncse_local.study.carry import shown

        door: Any = self  # `Workspace` has the rest
        return shown(door, name)

    def run_study(self, name: str, tell: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
        """Do what is not done of a study, waited for, and return it as `study` does. Raises SyncseError."""
        from syncse_local.study.carry import Carrier, opened

        door: Any = self
        Carrier(door, opened(door, name), tell).run()
        return self.study(name)

    def calibrate(self, spec: CalibrateSpec | None = None, **keywords: Any) -> dict[str, Any]:
        """Train and evaluate one recipe with several seeds, and keep the spread as a noise floor; waits for all of it.

        Keywords are CalibrateSpec's fields. Called again it goes on where it was. Raises SyncseError.
        """
        from syncse_local.compare.calibration import calibrate
        from syncse_local.prepare import calibration

        asked = told(CalibrateSpec, spec, keywords)
        evaluated = list(asked.evaluated)
        if not evaluated:
            scored = calibration.evaluation(asked, self.settings)
            with self.pipeline_lock():
                evaluated = self._all(calibration.steps(asked, self.settings, scored, self.directory, self._whole_id))
        return calibrate(self.connection, evaluated)

    def _whole_id(self, text: str) -> str:
        return self.run(text).id

    @overload
    def run(self, known: str) -> Run: ...
    @overload
    def run(self, known: RunSpec | None = None, **keywords: Any) -> RunHandle: ...
    def run(self, known: RunSpec | str | None = None, **keywords: Any) -> Run | RunHandle:
        """With an id or the beginning of one: that run's row. Else the whole job, waited for: its last evaluation.

        Keywords are RunSpec's fields. Called again the job goes on where it was. Raises SyncseError.
        """
        if isinstance(known, str):
            return super().run(known)
        from syncse_local.prepare.pipeline import pipeline

        job = pipeline(told(RunSpec, known, keywords), self.settings)
        with self.pipeline_lock():
            return self.handle(self._all(job.steps(self)).after.id)

    def handle(self, run_id: str) -> RunHandle:
        """A run that is there already, to be followed and asked. Raises SyncseError (USAGE)."""
        return RunHandle(self, super().run(run_id).id)  # type: ignore[arg-type]  # `Workspace` has the rest

    def _started(self, spec: Spec, name: str) -> RunHandle:
        return self.handle(self.start(spec.KIND, spec.to_options(), name).id)

    def _all(self, steps: "Generator[Step, Run, Result]") -> Result:
        """Do the steps one after the other, and return what they come to. Raises the error of a run that failed."""
        try:
            step = next(steps)
            while True:
                run = self.ensure(step.spec.KIND, step.spec.to_options(), step.name)
                step = steps.send(self.handle(run.id).wait().record)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # a generator's value is not typed here

    # -- by options --------------------------------------------------------------------------------------------------

    def start(self, kind: str, options: Mapping[str, Any], name: str = "") -> Run:
        """Create a run and start its process; returns at once. Raises SyncseError (USAGE) for what cannot be a run's."""
        locks.check(self.directory)
        run = runs.create(self.connection, kind, checked(kind, options).to_options(), name)
        supervise.launch(self.directory, run.id, self.settings.airgap, self.settings.isolation)
        return run

    def ensure(self, kind: str, options: Mapping[str, Any], name: str) -> Run:
        """The run of this name with these very options: the finished one, the open one, the old one resumed, or a new one."""
        supervise.reconcile(self.directory)
        whole = _whole_name(kind, options, name)
        found = runs.by_name(self.connection, whole)
        if found is None:
            return self.start(kind, options, whole)
        return self.resume(found.id) if found.state in RESUMABLE else found

    def known(self, name: str, spec: Spec) -> Run | None:
        """The run that `ensure` would find for this spec, if there is one."""
        return runs.by_name(self.connection, _whole_name(spec.KIND, spec.to_options(), name))

    def resume(self, run_id: str) -> Run:
        """Go on with an incomplete, failed, cancelled or lost run. Raises SyncseError when it is open or done."""
        locks.check(self.directory)
        supervise.reconcile(self.directory)
        run = self.run(run_id)
        if not runs.move(self.connection, run.id, RESUMABLE, "queued"):
            hint = (
                "It has finished; start a new run."
                if run.state == "done"
                else "It is still at work: `syncse show --follow`."
            )
            raise SyncseError("Nothing to resume", f"Run {run.id} is {run.state}.", hint, ExitCode.NOTHING)
        supervise.launch(self.directory, run.id, self.settings.airgap, self.settings.isolation)
        return self.run(run.id)

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

    def alive(self, run_id: str) -> bool:
        """Whether a process works on the run now."""
        return held(supervise.run_directory(self.directory, run_id) / "lock")

    @contextmanager
    def pipeline_lock(self) -> Iterator[None]:
        """Hold the lock that says that a `syncse run` is at work; where another holds it already, go on without."""
        lock = acquire(self.directory / "pipeline.lock", patience=0)
        try:
            yield
        finally:
            if lock is not None:
                os.close(lock)
