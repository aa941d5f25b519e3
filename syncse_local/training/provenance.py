"""Where a trained encoder comes from, read from the store: its data, their generators and filters, and its scores since.

Plain data for `syncse.json` and the model card. Knows the store; knows no Markdown and no torch.
"""

import hashlib
import sqlite3
from pathlib import Path
from typing import Any

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.describe import describe
from syncse_local.modelfiles.entry import Found
from syncse_local.modelfiles.hashing import model_sha256
from syncse_local.registry import BACKENDS, backend_spec
from syncse_local.specs.evaluate import EvaluateSpec
from syncse_local.specs.generate import GenerateSpec
from syncse_local.specs.train import TrainSpec
from syncse_local.store import filtering, ledger, runs
from syncse_local.text.files import file_sha256

Record = dict[str, Any]


def encoder_of(connection: sqlite3.Connection, path: Path) -> Record:
    """The encoder a run started from: path, hash, licence as its card states it."""
    return {"path": str(path), "sha256": _sha256(connection, path), "licence": _licence(path)}


def source_of_file(path: Path, mapping: str, rows: int, left_out: dict[str, int]) -> Record:
    """A file of triplets or sentences: its hash, what was taken from it, how many rows were trained on, and which were not."""
    about = {"kind": "file", "path": str(path), "sha256": file_sha256(path)}
    return {**about, "mapping": mapping, "rows": rows, "left_out": left_out}


def source_of_run(connection: sqlite3.Connection, run_id: str, rows: int, filtered: bool = True) -> Record:
    """A generate run: recipe, plan, generators, input, what the parser rejected and the filters dropped, rows trained on."""
    run = runs.get(connection, run_id)
    told = GenerateSpec.of(run.options)
    recipe = told.recipe_data or {}
    taken = ("name", "mode", "seed", "samples")
    return {
        "kind": "run",
        "id": run.id,
        "rows": rows,
        "recipe": {name: recipe[name] for name in taken if name in recipe} | {"hash": told.recipe_hash},
        "pools_hash": told.pools_hash,
        "plan_hash": plan_hash(connection, run.id),
        "generators": generators_of(connection, run),
        "input": {
            name: value for name in ("input", "input_sha256", "limit", "count") if (value := getattr(told, name))
        },
        "counts": ledger.counts(connection, run.id),
        "rejected": ledger.failures(connection, run.id),
        "filters": filtering.summary(connection, run.id) if filtered else None,
    }


def plan_hash(connection: sqlite3.Connection, run_id: str) -> str:
    """SHA-256 over a run's planned requests in plan order: the same sentences, prompts, exemplars, models and seeds."""
    digest = hashlib.sha256()
    rows = connection.execute(
        """SELECT p.role, p.ordinal, r.key FROM plan AS p JOIN request AS r ON r.id = p.request_id
           WHERE p.run_id = ? ORDER BY p.role, p.ordinal""",
        (run_id,),
    )
    for role, ordinal, key in rows:
        digest.update(f"{role} {ordinal} {key}\n".encode())
    return digest.hexdigest()


def generators_of(connection: sqlite3.Connection, run: runs.Run) -> list[Record]:
    """The models that answered, as the plan has them: name, hash, engine, licence as their files state it."""
    planned = [e["data"].get("engine") for e in runs.events(connection, run.id) if e["kind"] == "planned"]
    engines = {str(engine): engine for engine in planned if isinstance(engine, dict)}
    told = GenerateSpec.of(run.options)
    model, backend = told.model, told.backend
    elsewhere = backend in BACKENDS and backend_spec(backend).model != "files"
    licence = "" if elsewhere else _licence(Path(model))
    common = {"model": model, "licence": licence, "backend": backend}
    return [{**common, **engine} for engine in engines.values()] or [common]


def scores_since(connection: sqlite3.Connection, run: runs.Run) -> list[Record]:
    """The scores of every finished evaluation of this run's encoder made since it was last started."""
    found = []
    for done in runs.evaluations_of(connection, TrainSpec.of(run.options).output, run.started or run.created):
        measured = EvaluateSpec.of(done.options)
        if measured.pooling or measured.max_length:
            continue  # not the encoder as it was saved
        for score in runs.scores(connection, done.id):
            detail = score["detail"]
            kept = {"interval": detail.get("interval"), "notes": detail.get("notes", [])}
            taken = {name: score[name] for name in ("task", "metric", "value", "pairs")}
            found.append({"run": done.id, **taken, **kept})
    return found


def record_of(connection: sqlite3.Connection, run: runs.Run, result: Record) -> Record:
    """Everything the card says of a train run: what was noted when it began, its result, its scores and energy so far.

    Raises SyncseError (nothing to do) for a run that never came to training.
    """
    noted = [e["data"] for e in runs.events(connection, run.id) if e["kind"] == "provenance"]
    if not noted or not result:
        detail = f"Run {run.id} is {run.state} and has written no encoder."
        raise SyncseError("No card", detail, "Name a finished train run of `syncse runs`.", ExitCode.NOTHING)
    about = {"run": run.id, "name": run.name, "options": run.options, "created": run.created}
    found = {"scores": scores_since(connection, run), "energy": energy_of(connection, run.id)}
    return {**about, **noted[-1], **found, "result": result}


def energy_of(connection: sqlite3.Connection, run_id: str) -> dict[str, float]:
    """Joules by part over all of a run's starts that ended cleanly."""
    total: dict[str, float] = {}
    for event in runs.events(connection, run_id):
        if event["kind"] == "energy":
            for name, joules in event["data"].get("joules", {}).items():
                total[name] = total.get(name, 0.0) + joules
    return total


def _sha256(connection: sqlite3.Connection, path: Path) -> str:
    try:
        return model_sha256(connection, path)
    except (SyncseError, OSError):
        return ""


def _licence(path: Path) -> str:
    return describe(Found(path.name, "path", path)).licence if path.exists() else ""
