"""Workspace: the one door to everything a front end may do. Reads and writes rows, starts processes; computes nothing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncse_local.compare.verdicts import BETTER, CANNOT_TELL, WORSE
from syncse_local.config import Settings, as_dict
from syncse_local.errors import SyncseError
from syncse_local.handle import RunEvent, RunHandle, ScoreRow, TripletRow
from syncse_local.jobs import supervise
from syncse_local.jobs.liveness import held
from syncse_local.registry import offered_backends
from syncse_local.running import Running
from syncse_local.store import faults, gpu_lock, ledger, runs
from syncse_local.store.database import connect
from syncse_local.store.last_word import BY_PERSONS
from syncse_local.store.runs import OPEN, RESUMABLE, Run
from syncse_local.store.titles import Titles
from syncse_local.store.triplet_index import Outline, TripletQuery

if TYPE_CHECKING:
    from syncse_local.modelfiles.entry import ModelEntry
    from syncse_local.store.merging.tables import Merged

__all__ = [
    "BETTER",
    "BY_PERSONS",
    "CANNOT_TELL",
    "OPEN",
    "RESUMABLE",
    "WORSE",
    "Outline",
    "Run",
    "RunEvent",
    "RunHandle",
    "ScoreRow",
    "SyncseError",
    "TripletQuery",
    "TripletRow",
    "Workspace",
    "offered_backends",
]


class Workspace(Running):
    """One directory: the database, the runs' logs and checkpoints, the trained encoders."""

    def __init__(self, directory: Path | str, settings: Settings | None = None) -> None:
        self.directory = Path(directory).expanduser().resolve()
        self.settings = settings or Settings(workspace=str(directory))
        self.connection = connect(supervise.database(self.directory))
        self._titles = Titles(self.connection)

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

    def title(self, run: Run) -> str:
        """What a run is about: model, recipe, seed, or encoder and triplets; a person's own name stands before it."""
        return self._titles.of(run)

    def arm_titles(self, run: Run) -> dict[str, str]:
        """What each arm of a compare run is about, by the arm's name in its result."""
        return self._titles.arms(run)

    def events(self, run_id: str, after: int = 0, newest: int | None = None) -> list[dict[str, Any]]:
        """Events of a run after an event id, oldest first; of many only the `newest` ones."""
        return runs.events(self.connection, run_id, after, newest)

    def warnings(self, run_id: str) -> list[str]:
        """What a run warned of, each warning once, in the order of time."""
        return runs.warnings(self.connection, run_id)

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

    def unanswered(self, run_id: str) -> list[dict[str, Any]]:
        """The requests of a run that have no answer, by the last fault they met: kind, requests, example."""
        return [kind._asdict() for kind in faults.unanswered(self.connection, self.run(run_id).id)]

    def faults(self, run_id: str, limit: int = 20) -> list[dict[str, Any]]:
        """The newest faults of requests that have no answer, in the form of `answers`."""
        return faults.rows(self.connection, self.run(run_id).id, limit)

    def answers(self, run_id: str, limit: int = 20, rejected_only: bool = False) -> list[dict[str, Any]]:
        """Raw answers of a generate run with what the parser made of them, newest first."""
        return ledger.answers(self.connection, self.run(run_id).id, limit, rejected_only)

    def models(self, hashed: bool = False) -> list["ModelEntry"]:
        """Every model on this machine, found anew; `hashed` computes the hashes that are not known yet (minutes)."""
        from syncse_local.catalog.listing import list_models

        return list_models(self.settings, self.directory, self.connection, hashed)

    def model_places(self) -> list[tuple[str, Path, bool]]:
        """Where models are looked for: a source's name, its directory, and whether that is there."""
        from syncse_local.catalog.places import places

        return [(source, path, path.is_dir()) for source, path in places(self.settings, self.directory)]

    def add_model_folder(self, folder: Path) -> None:
        """Look for models in this directory too, from now on: it goes into `model_dirs` of the user's settings file.

        Raises SyncseError (USAGE) for what is no directory, and where `model_dirs` is set in another place.
        """
        from syncse_local import settingsfile

        self.settings = settingsfile.with_model_folder(self.settings, folder)

    def gpu_holders(self) -> list[dict[str, Any]]:
        """The runs of this workspace that use a GPU now: device, run_id, pid, since."""
        return [row for row in gpu_lock.holders(self.connection) if self.alive(row["run_id"])]

    def arms(
        self, texts: Sequence[str], fixed: Sequence[str] = (), trained: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """`RUN`, `RUN,RUN` or `name=RUN,RUN`, each as a name and the ids of its eval runs.

        `fixed` names arms that no training made, `trained` those that one did, where you know better than the workspace.
        Raises SyncseError (USAGE).
        """
        from syncse_local.compare.arms import parse

        return parse(self.connection, texts, fixed, trained)

    def calibrations(self) -> list[dict[str, Any]]:
        """The noise floors measured in this workspace, the newest calibration first."""
        from syncse_local.store import calibrations

        return calibrations.listed(self.connection)

    def results(self, run_ids: Sequence[str]) -> list[dict[str, Any]]:
        """The scores of eval runs as records for export, in this order. Raises SyncseError (USAGE, NOTHING)."""
        from syncse_local.results.records import collect

        return collect(self.connection, run_ids)

    def log_path(self, run_id: str) -> Path:
        """The run's log file."""
        return supervise.run_directory(self.directory, run_id) / "log"

    def machine(self) -> dict[str, Any]:
        """Main memory and GPUs: total and free bytes now. Asks the GPU driver, which may take a second."""
        from dataclasses import asdict

        from syncse_local import machine

        return {"memory": asdict(machine.memory()), "gpus": [asdict(gpu) for gpu in machine.gpus()]}

    def own_recipes(self) -> list[Path]:
        """The recipe files of this workspace."""
        from syncse_local.synthesis import editing

        return editing.own_recipes(self.directory)

    def recipe_text(self, name: str) -> str:
        """The file of a recipe, shipped or one's own, as it is."""
        from syncse_local.synthesis import editing

        return editing.recipe_text(name)

    def settings_text(self, path: Path) -> str:
        """A settings file as it is; where there is none yet, the template that one begins with."""
        from syncse_local import settingsfile

        return settingsfile.read(path) or settingsfile.template()

    @property
    def pipeline_log(self) -> Path:
        """What the last detached `syncse run` or `calibrate` said."""
        return self.directory / "pipeline.log"

    def pipeline_alive(self) -> bool:
        """Whether a `syncse run` or `calibrate` works in this workspace now."""
        return held(self.directory / "pipeline.lock")

    # -- acting ------------------------------------------------------------------------------------------------------

    def command(self, words: Sequence[str]) -> list[dict[str, Any]]:
        """Run `syncse WORDS` on this workspace in a process of its own; what it prints as JSON. Raises its SyncseError."""
        from syncse_local.jobs import command

        return command.call(self.directory, words, self.settings.airgap)

    def notify(self, title: str, text: str) -> None:
        """Run the command of the setting `notify`, where there is one. Raises SyncseError where it cannot be run."""
        from syncse_local.jobs import notify

        if self.settings.notify:
            notify.notify(self.settings.notify, title, text)

    def recipe_folder(self) -> Path:
        """Where this workspace keeps its own recipes; made where it is not there yet."""
        from syncse_local.synthesis import editing

        folder = self.directory / editing.FOLDER
        folder.mkdir(exist_ok=True)
        return folder

    def save_recipe(self, path: Path, text: str) -> None:
        """Replace a recipe's file where the text is a sound recipe. Raises SyncseError and changes nothing where not."""
        from syncse_local.synthesis import editing

        editing.save_recipe(path, text)

    def save_settings(self, path: Path, text: str, further: Callable[[dict[str, Any]], object]) -> None:
        """Replace a settings file where the text is sound and `further` raises nothing. Raises SyncseError where not."""
        from syncse_local import settingsfile

        settingsfile.save(path, text, further)

    def merge(
        self, others: Sequence[Path], dry_run: bool = False, tell: Callable[[str, int, int], None] = lambda *_: None
    ) -> "list[Merged]":
        """Take in what other workspaces have and this one lacks, and say what each brought; they are only read."""
        from syncse_local.store.merging.merge import merge

        paths = [supervise.database(directory) for directory in others]
        return merge(supervise.database(self.directory), paths, tell, dry_run)

    def default_output(self, name: str) -> Path:
        """Where a trained encoder of this name goes."""
        return self.directory / "models" / name

    def describe_settings(self) -> dict[str, Any]:
        """Every setting with its value and where it came from."""
        values = as_dict(self.settings)
        return {
            name: {"value": value, "from": self.settings.origin.get(name, "default")} for name, value in values.items()
        }
