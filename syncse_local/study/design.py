"""A study as its file says it: factors, baselines, what arms are matched on. Reads TOML strictly; starts nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from syncse_local.registry import DEFAULT_BACKEND
from syncse_local.specs.generate import LARGEST_SEED, MOST_SAMPLES, MOST_TEMPERATURE
from syncse_local.specs.study import QUESTIONS
from syncse_local.specs.train import Training
from syncse_local.synthesis.plan import asked_by
from syncse_local.text.toml import TomlTable, content_hash, read_toml, refuse

MATCHED = ("sentences", "triplets", "tokens", "seconds")
"""What arms have in common: the sentences asked about, or as many triplets as the least arm has, or as many as the least
arm's generated tokens, or seconds of generation, would have paid for."""
MOST_TRIPLETS = 10**8
"""Triplets of one arm: above it a slip of the keyboard is likelier than a corpus."""
_TABLES = {
    "input": ("file", "limit", "held_out"),
    "factors": ("recipe", "temperature", "samples", "size", "filters", "encoder"),
    "baselines": ("untrained", "dropout", "human"),
    "evaluation": ("tasks", "senteval", "reranking"),
}
_OWN = {"seed", "device", "precision", "unsupervised"}
"""Fields of a training that the study, or the machine, decides."""


@dataclass(frozen=True, slots=True)
class StudyGenerator:
    """A model with its engine and the engine's options."""

    name: str
    model: str
    backend: str
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Study:
    """One study. `size` 0 stands for all triplets; a temperature or a number of samples of None for the recipe's own."""

    name: str
    question: str
    input: str
    generators: tuple[StudyGenerator, ...]
    limit: int = 0
    held_out: float = 0.1
    recipes: tuple[str, ...] = ("starter",)
    temperatures: tuple[float | None, ...] = (None,)
    samples: tuple[int | None, ...] = (None,)
    sizes: tuple[int, ...] = (0,)
    filters: tuple[bool, ...] = (True,)
    encoders: tuple[str, ...] = ("",)
    seeds: tuple[int, ...] = (1, 2, 3)
    untrained: bool = True
    dropout: bool = False
    human: str = ""
    matched_on: str = "sentences"
    tasks: tuple[str, ...] = ()
    senteval: str = ""
    reranking: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """SHA-256 of the study as data."""
        return content_hash(asdict(self))


def read(path: Path) -> Study:
    """The study of a file. Raises SyncseError (USAGE) that names the key, and the nearest known one."""
    return study_of(read_toml(path, "study"), str(path))


def study_of(data: Mapping[str, object], where: str) -> Study:
    """The study that this data is. Raises SyncseError (USAGE)."""
    known = ["version", "name", "question", "seeds", "matched_on", "generators", "training", *_TABLES]
    top = TomlTable(data, where, known)
    top.version()
    tables = {name: TomlTable(top.data.get(name, {}), f"{where}, [{name}]", keys) for name, keys in _TABLES.items()}
    given, factors, baselines, evaluation = tables.values()
    name = top.text("name")
    if name in (".", "..") or not all(letter.isalnum() or letter in "-_." for letter in name):
        top.fail("name", f"is {name!r}, and may have letters, digits, dots, hyphens and underscores only")
    return Study(
        name=name,
        question=top.choice("question", "which-llm", QUESTIONS),
        input=given.text("file"),
        generators=_generators(top),
        limit=given.whole("limit", 0, 0, MOST_TRIPLETS),
        held_out=given.number("held_out", 0.1, 0, 0.9),
        recipes=_several(factors, "recipe", ("starter",), str),
        temperatures=_several(factors, "temperature", (None,), float, MOST_TEMPERATURE),
        samples=_several(factors, "samples", (None,), int, MOST_SAMPLES, 1),
        sizes=_several(factors, "size", (0,), int, MOST_TRIPLETS),
        filters=_several(factors, "filters", (True,), bool),
        encoders=_several(factors, "encoder", ("",), str),
        seeds=_several(top, "seeds", (1, 2, 3), int, LARGEST_SEED),
        untrained=_switch(baselines, "untrained", True),
        dropout=_switch(baselines, "dropout", False),
        human=baselines.text("human", ""),
        matched_on=top.choice("matched_on", "sentences", MATCHED),
        tasks=_several(evaluation, "tasks", (), str),
        senteval=evaluation.text("senteval", ""),
        reranking=evaluation.text("reranking", ""),
        training=_training(top),
    )


def _generators(top: TomlTable) -> tuple[StudyGenerator, ...]:
    found = []
    for number, data in enumerate(top.tables("generators"), start=1):
        table = TomlTable(data, f"{top.where}, [[generators]] number {number}", ("name", "model", "backend", "options"))
        model, backend = table.text("model", ""), table.text("backend", DEFAULT_BACKEND)
        options = table.data.get("options", {})
        if not isinstance(options, Mapping):
            table.fail("options", "must be a table of names and values")
        found.append(StudyGenerator(table.text("name", Path(model).stem or backend), model, backend, dict(options)))
    if not found:
        top.fail("generators", "is missing: a study needs one [[generators]] at least")
    names = [generator.name for generator in found]
    for name in names:
        if names.count(name) > 1:
            top.fail("generators", f"has the name {name!r} twice; give each generator its own `name`")
    asked = [(each.model, each.backend, asked_by(each.options)) for each in found]
    for number, each in enumerate(asked):
        if each in asked[:number]:
            first, second = found[asked.index(each)].name, found[number].name
            top.fail(
                "generators",
                f"has {first!r} and {second!r}, which ask the same model the same: both would get the same answers."
                " What can tell two apart: model, backend, and the options thinking, thinking_tokens and template",
            )
    return tuple(found)


def _several(table: TomlTable, key: str, default: tuple[Any, ...], kind: type, most: float = 0, least: int = 0) -> Any:
    """A list of distinct values of one kind, or the default where it is absent or empty."""
    values = table.data.get(key, [])
    if not isinstance(values, list):
        table.fail(key, "must be a list")
    for value in values:
        number = kind in (int, float) and isinstance(value, int if kind is int else (int, float))
        fits = (
            number and not isinstance(value, bool) and least <= value <= most
            if kind in (int, float)
            else isinstance(value, kind)
        )
        if not fits:
            bounds = f" from {least} to {most:g}" if kind in (int, float) else ""
            table.fail(key, f"has {value!r}, which is no {kind.__name__}{bounds}")
        if values.count(value) > 1:
            table.fail(key, f"has the value {value!r} twice")
    return tuple(values) or default


def _switch(table: TomlTable, key: str, default: bool) -> bool:
    value = table.data.get(key, default)
    if not isinstance(value, bool):
        table.fail(key, "must be true or false")
    return value


def _training(top: TomlTable) -> dict[str, Any]:
    """The numbers of the trainings, checked by the spec of a training."""
    data = top.data.get("training", {})
    known = [field.name for field in Training.fields() if field.name not in _OWN]
    given = TomlTable(data, f"{top.where}, [training]", known).data
    Training.asked(**given)
    return dict(given)


def no_such(name: str, there: Sequence[str]) -> None:
    """Raise SyncseError (USAGE) for a study that is not among those that are there."""
    known = (
        f"Studies here: {', '.join(there)}."
        if there
        else "Write one: syncse study new which-llm --models A B --input FILE"
    )
    refuse("No such study", f"There is no study named {name!r} in this workspace.", known)
