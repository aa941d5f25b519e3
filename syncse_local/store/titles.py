"""What a run is about, as a person would say it: model, recipe and seed, encoder and triplets. Reads the run table only.

Nothing here trusts the shape of a run's options: an older version, or another machine's, may have written them.
"""

import re
import sqlite3
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from syncse_local.errors import SyncseError
from syncse_local.specs.train import Training
from syncse_local.store import runs
from syncse_local.store.runs import Run

AUTOMATIC = re.compile(r"(?:encoder-\d{4}-\d{6}|[a-z ]+ [0-9a-f]{8})")
"""Names that the program gives: by the clock, or by a hash of the options. A person's own name is shown."""
SHARD = re.compile(r"-\d{5}-of-\d{5}$")
SNAPSHOT = re.compile(r"models--(?:.+?--)?(.+)")
"""A repository's directory in Hugging Face's cache: `models--ORG--NAME`."""
DEEPEST = 3
"""Trainings on trained encoders that a title follows: beyond it, and in a circle, the directory's name stands."""


class Titles:
    """Makes titles and keeps them: a run's options never change. Belongs to one connection, as that does to a thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[str, str] = {}

    def of(self, run: Run) -> str:
        """The run's title; a person's own name stands before it."""
        if run.id not in self._known:
            about = self._about(run)
            own = "" if about and AUTOMATIC.fullmatch(run.name) else run.name
            self._known[run.id] = f"{own}: {about}" if own and about else own or about or run.kind
        return self._known[run.id]

    def arms(self, run: Run) -> dict[str, str]:
        """What each arm of a compare run is about, by its name: an arm that a person has named keeps its name."""
        return {str(arm.get("name", "?")): self._arm(arm) for arm in _mappings(run.options.get("arms"))}

    def _about(self, run: Run) -> str:
        options = run.options
        if run.kind == "generate":
            return _generated(options)
        if run.kind == "train":
            return self._trained(run, 0)
        if run.kind == "eval":
            return self._encoder(options.get("encoder"), run.created, 0)
        if run.kind == "compare":
            return " vs ".join(self._arm(arm) for arm in _mappings(options.get("arms")))
        return ", ".join(filter(None, map(self._source, _texts(options.get("runs") or options.get("run")))))

    def _trained(self, run: Run, depth: int) -> str:
        options, training = run.options, _mapping(run.options.get("training"))
        sources = [self._source(name) for name in _texts(options.get("runs"))]
        sources += [place_name(options.get("data"))] if options.get("data") else []
        if not sources and not options.get("encoder"):
            return ""
        seed = training.get("seed", Training.field("seed").default)
        return f"{self._encoder(options.get('encoder'), run.created, depth + 1)} + {' & '.join(sources) or '?'}, seed {seed}"

    def _encoder(self, path: object, before: float, depth: int) -> str:
        """The encoder in a directory: what it was trained on, where a run of this workspace has trained it."""
        found = None if depth >= DEEPEST else runs.training_of(self._connection, str(path), before)
        if found is None:
            return place_name(path) if path else ""
        made = self._trained(found, depth)
        return f"({made})" if depth else made

    def _source(self, run_id: str) -> str:
        """A generate run inside the title of another; its seed is said where it is not the usual one."""
        found = self._run(run_id)
        return run_id if found is None or found.kind != "generate" else _generated(found.options, usual_seed="1")

    def _arm(self, arm: Mapping[str, Any]) -> str:
        """An arm's own name; the title of its first run where it was named after a directory only."""
        first = self._run(next(iter(_texts(arm.get("runs"))), ""))
        name = str(arm.get("name", "?"))
        unnamed = first and first.kind == "eval" and name == PurePath(str(first.options.get("encoder"))).name
        return self.of(first) if first and unnamed else name

    def _run(self, run_id: str) -> Run | None:
        try:
            return runs.get(self._connection, run_id) if run_id else None
        except SyncseError:
            return None


def _generated(options: Mapping[str, Any], usual_seed: str = "") -> str:
    recipe = _mapping(options.get("recipe"))
    named = {str(one.get("name")): one.get("model") for one in _mappings(recipe.get("generators"))}
    model = place_name(named.get(str(options.get("generator"))) or options.get("model"))
    if not recipe and not options.get("model"):
        return ""
    seed = str(recipe.get("seed", "?"))
    return f"{model} x {recipe.get('name', '?')}" + ("" if seed == usual_seed else f", seed {seed}")


def place_name(path: object) -> str:
    """A model's name from its path: of a file the stem, of a shard the whole's, of a cached snapshot the repository's."""
    parts = PurePath(str(path or "?")).parts
    for part in parts:
        if repository := SNAPSHOT.fullmatch(part):
            return repository[1]
    last = parts[-1] if parts else "?"
    return SHARD.sub("", re.sub(r"\.(gguf|txt|vec|csv|tsv|jsonl|parquet)$", "", last)) or last


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list | tuple) else []


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)] if value else []
