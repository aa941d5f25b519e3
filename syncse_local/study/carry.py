"""Carries a study out: each run made once and found again by its spec, one seed of every arm before the next of any.

Knows the door; what a run is told stands in `steps`. A run that fails marks its arm, and the others go on.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.prepare.compare import compare
from syncse_local.prepare.filter import measuring, thresholds
from syncse_local.prepare.names import existing
from syncse_local.specs.compare import CompareSpec
from syncse_local.specs.filter import FilterSpec
from syncse_local.specs.spec import Spec
from syncse_local.store import request_stats
from syncse_local.store.runs import OPEN, Run
from syncse_local.study import state, steps
from syncse_local.study.arms import Source, StudyArm, arms, sources
from syncse_local.study.design import Study, no_such, read
from syncse_local.study.held_out import write
from syncse_local.study.split import SplitInput, split
from syncse_local.study.state import ArmState, StudyState
from syncse_local.synthesis.recipe import load_recipe

if TYPE_CHECKING:
    from syncse_local.api import Workspace

POLL = 0.2
"""Seconds between two looks at a run, as everywhere."""
PILOT = 32
"""Rows of a pilot: some seconds of a small model, and enough that loading does not count."""
Tell = Callable[[str], None]


def opened(workspace: "Workspace", name: str) -> Study:
    """The study of this name in the workspace. Raises SyncseError (USAGE)."""
    path = state.folder(workspace.directory, name) / "study.toml"
    if not path.is_file():
        no_such(name, state.names(workspace.directory))
    return read(path)


class Carrier:
    """One study in an open workspace, checked; its split is made. Raises SyncseError for what would fail later."""

    def __init__(self, workspace: "Workspace", study: Study, tell: Tell = lambda line: None) -> None:
        self.workspace, self.study, self.tell = workspace, study, tell
        self.arms = arms(study)
        self.parts: SplitInput = split(
            workspace.directory, Path(existing(study.input, "input")), study.limit, study.held_out
        )
        made = sources(self.arms)
        samples = {each: each.samples or load_recipe(each.recipe).samples for each in made}
        steps.check(study, self.parts, self.arms, workspace.settings, samples)
        self.samples = samples
        self.plans = {each: steps.synthesis(study, each, self.parts, workspace.settings) for each in made}
        steps.evaluation(study, "", workspace.settings)
        self.state = self._state()

    def _state(self) -> StudyState:
        old = state.load(self.workspace.directory, self.study.name)
        kept = {arm.name: old.arms.get(arm.name, ArmState()) for arm in self.arms}
        parts = {"train": self.parts.sentences, "held_out": self.parts.kept, "share": self.study.held_out}
        return StudyState(self.study.hash, kept, old.compare, parts)

    def changed(self) -> str:
        """What an edit since the last run means; empty where there was none."""
        old = state.load(self.workspace.directory, self.study.name)
        if old.study_sha256 in ("", self.study.hash):
            return ""
        names = {arm.name for arm in self.arms}
        gone, new = sorted(set(old.arms) - names), sorted(names - set(old.arms))
        return (
            f"The study file has changed. Arms that are new: {', '.join(new) or 'none'}; gone: {', '.join(gone) or 'none'}. "
            "Runs whose specs are what they were are used again; the rest is done anew."
        )

    # -- the whole -----------------------------------------------------------------------------------------------------

    def run(self) -> StudyState:
        """Do what is not done. Raises SyncseError: NOTHING where another works here, INTERRUPTED after a clean save."""
        if self.workspace.pipeline_alive():
            detail = "A command of several runs works in this workspace."
            raise SyncseError("Already at work", detail, "Wait for it: syncse runs", ExitCode.NOTHING)
        self._flag.unlink(missing_ok=True)
        with self.workspace.pipeline_lock():
            for each in self.state.arms.values():
                each.error, each.state = None, "waiting"
            self._save()
            for source in self.plans:
                self._generate(source)
            self._held_out()
            for seed in self.study.seeds:
                for arm in self.arms:
                    self._seed(arm, seed)
            self._compare()
        return self.state

    def pilot(self) -> None:
        """Answer the first rows of each synthesis, for a forecast; the whole run takes these answers up.

        A pilot that fails is told, for its pace was measured. Raises SyncseError (INTERRUPTED) where it is stopped.
        """
        with self.workspace.pipeline_lock():
            for source, plan in self.plans.items():
                try:
                    self._done(plan.but(limit=PILOT), f"pilot {source.generator.name}")
                except SyncseError as error:
                    if error.code == ExitCode.INTERRUPTED:
                        raise
                    self.tell(f"{source.generator.name}: {error.title}: {error.detail}")

    def _generate(self, source: Source) -> None:
        served = [arm for arm in self.arms if arm.source == source]
        with self._marking(served):
            run = self._done(self.plans[source], f"generate {source.generator.name}")
            for arm in served:
                self.state.arms[arm.name].generate = run.id
            if any(arm.filters for arm in served):
                self._filter(run)

    def _held_out(self) -> None:
        """Triplets of the sentences kept apart, as many by each generator: what every arm is also tested on."""
        first = {source.generator.name: source for source in reversed(self.plans)} if self.parts.kept else {}
        parts, made = replace(self.parts, train=self.parts.held_out), list[list[dict[str, Any]]]()
        for name, source in sorted(first.items()):
            try:
                spec = steps.synthesis(self.study, source, parts, self.workspace.settings)
                made.append(list(self.workspace.triplets([self._done(spec, f"held out: generate {name}").id])))
            except SyncseError as error:
                if error.code == ExitCode.INTERRUPTED:
                    raise
                self.tell(f"No held-out triplets by {name}: {error.title}: {error.detail}")
        found = write(self.workspace.directory, made)
        self.state.own = str(found) if found else ""
        self._save()

    def _filter(self, run: Run) -> None:
        """Let the recipe's own filters stand, whatever stood before."""
        none = FilterSpec.asked(run=run.id)
        wanted = thresholds(run, none, self.workspace.settings)
        if self.workspace.lacks_measurements(run.id, wanted):
            self._done(measuring(run, wanted, none, self.workspace.settings), "filter")
        stand = self.workspace.filters(run.id)
        if stand is None or stand["params"] != {**wanted.to_dict(), "against": []}:
            self.workspace.apply_filters(run.id, wanted)

    def _seed(self, arm: StudyArm, seed: int) -> None:
        mine, key = self.state.arms[arm.name], str(seed) if arm.trained else ""
        if mine.error or (not arm.trained and seed != self.study.seeds[0]):
            return
        with self._marking([arm]):
            encoder = arm.encoder
            if arm.trained:
                mine.draw = self._draw(arm)
                made = [mine.generate] if arm.source else []
                spec = steps.training(
                    *(self.study, arm, seed, made, mine.draw, self.parts),
                    *(self.workspace.settings, self.workspace.directory),
                )
                trained = self._done(spec, f"train {arm.name} seed {seed}")
                mine.train[key], encoder = trained.id, trained.result["output"]
            scored = steps.evaluation(self.study, encoder, self.workspace.settings, self.state.own)
            mine.evaluate[key] = self._done(scored, f"evaluate {arm.name} {key}".rstrip()).id
            seeds = {str(each) for each in self.study.seeds} if arm.trained else {""}
            mine.state = "done" if seeds <= set(mine.evaluate) else "partial"
            self._save()

    def _draw(self, arm: StudyArm) -> int:
        """How many triplets the arm is trained on; 0: all."""
        if arm.size or not arm.source or self.study.matched_on == "sentences":
            return arm.size
        alike = [each for each in self.arms if each.source and each.filters == arm.filters and each.size == 0]
        runs = {self.state.arms[each.name].generate for each in alike} - {""}
        counts = {run: sum(1 for _ in self.workspace.triplets([run], True, arm.filters)) for run in sorted(runs)}
        mine = self.state.arms[arm.name].generate
        if self.study.matched_on == "triplets":
            return min(counts.values())
        costs = {run: cost(self.workspace, run)[self.study.matched_on] for run in counts}
        return max(1, int(counts[mine] * min(costs.values()) / costs[mine])) if costs[mine] else counts[mine]

    def _compare(self) -> None:
        scored = [(name, list(arm.evaluate.values())) for name, arm in self.state.arms.items() if arm.evaluate]
        if len(scored) < 2:
            detail = f"{len(scored)} of {len(self.arms)} arms have a score."
            hint = f"See why: syncse study show {self.study.name}"
            raise SyncseError("Nothing to compare", detail, hint, ExitCode.FAILED)
        spec = compare(CompareSpec.asked(), [{"name": name, "runs": found} for name, found in scored])
        self.state.compare = self._done(spec, "compare").id
        self._save()

    # -- one run -------------------------------------------------------------------------------------------------------

    @property
    def _flag(self) -> Path:
        return state.folder(self.workspace.directory, self.study.name) / "cancel"

    def _save(self) -> None:
        state.save(self.workspace.directory, self.study.name, self.state)

    @contextmanager
    def _marking(self, found: list[StudyArm]) -> Iterator[None]:
        """An error within is the arms' own, and the study goes on; being told to stop is not."""
        try:
            yield
        except SyncseError as error:
            if error.code == ExitCode.INTERRUPTED:
                self._save()
                raise
            for arm in found:
                self.state.arms[arm.name].state, self.state.arms[arm.name].error = "failed", error.as_dict()
            self.tell(f"{', '.join(arm.name for arm in found)}: {error.title}: {error.detail}")
            self._save()

    def _done(self, spec: Spec, title: str) -> Run:
        """The run of this spec, ended well. Raises its error where it did not, and INTERRUPTED when told to stop."""
        run = self.workspace.ensure(spec.KIND, spec.to_options(), f"study {spec.KIND}")
        self.tell(f"{title}: {run.id}{'' if run.state in OPEN else ' (done before)'}")
        handle, stopping = self.workspace.handle(run.id), False
        while handle.state in OPEN:
            try:
                if self._flag.exists() and not stopping:
                    raise KeyboardInterrupt
                time.sleep(POLL)
            except KeyboardInterrupt:
                stopping = True
                if handle.record.state in OPEN:
                    handle.cancel()
        if stopping:
            hint = f"Go on: syncse study run {self.study.name}"
            raise SyncseError("The study was stopped", "What was finished is kept.", hint, ExitCode.INTERRUPTED)
        handle.wait()
        return handle.record


def cost(workspace: "Workspace", run_id: str) -> dict[str, float]:
    """What a generate run cost: `tokens` generated, `seconds` at work, and `requests` answered."""
    groups = list(request_stats.groups(workspace.connection, run_id))
    seconds = request_stats.busy_seconds(workspace.connection, run_id) or 0.0
    tokens, answered = (float(sum(getattr(group, name) for group in groups)) for name in ("output_tokens", "answered"))
    return {"tokens": tokens, "seconds": seconds, "requests": answered}


def shown(workspace: "Workspace", name: str) -> dict[str, Any]:
    """A study's arms with states, runs, scores and cost, and its comparison: what a screen or a page is made of."""
    study, found = opened(workspace, name), state.load(workspace.directory, name)
    rows = []
    for arm in arms(study):
        mine = found.arms.get(arm.name, ArmState())
        scores = {seed: workspace.scores(run) for seed, run in mine.evaluate.items()}
        spent = cost(workspace, mine.generate) if mine.generate else None
        about = {"arm": arm.name, "encoder": arm.encoder or "starter", "baseline": arm.baseline, "size": arm.size}
        rows.append({**about, **asdict(mine), "scores": scores, "cost": spent})
    compared = workspace.run(found.compare).result if found.compare else None
    about = {"name": study.name, "question": study.question, "matched_on": study.matched_on, "hash": study.hash}
    at_work = workspace.pipeline_alive()
    return {
        **about,
        "seeds": list(study.seeds),
        "split": found.split,
        "at_work": at_work,
        "arms": rows,
        "compare": compared,
    }
