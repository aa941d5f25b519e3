"""Recipes: every choice of a synthesis, from TOML, checked. Knows no sentences, no engine and no files but its own."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from syncse_local.records import Sampling
from syncse_local.synthesis.filters.settings import FilterSettings
from syncse_local.synthesis.generators import Generator, beside, read_generators
from syncse_local.synthesis.pools import POOLS, ROLES, Pool, Role, load_list, load_pool
from syncse_local.text.toml import TomlTable, content_hash, did_you_mean, locate, read_toml, refuse

RECIPES = Path(__file__).resolve().parent / "recipes"
MOST_CONTEXTS = 100_000
"""Each is drawn and hashed before the first row is planned, which takes seconds for so many."""
POOL_KEYS = ("positive", "negative", "sentence", "genres", "topics")
Mode = Literal["partial", "scratch", "mixed"]
MODES: tuple[Mode, ...] = ("partial", "scratch", "mixed")


def _later(default: Any) -> Any:
    """A key that came later: at its default it is no part of the hash, so the recipes from before keep theirs."""
    return field(default=default, metadata={"later": True})


@dataclass(frozen=True, slots=True)
class Limits:
    """The lengths taken: words and characters of a positive or negative, words of a sentence that was written."""

    max_words: int = 64
    max_chars: int = 600
    sentence_max_words: int = 32
    min_words: int = _later(1)
    sentence_min_words: int = _later(1)


@dataclass(frozen=True, slots=True)
class PoolNames:
    """Shipped names, or paths, of the pools and lists."""

    positive: str = "positive"
    negative: str = "negative"
    sentence: str = "sentence"
    genres: str = "genres"
    topics: str = "topics"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to synthesise.

    `shots` exemplars are drawn into each of `contexts` prompts per role, which rows share; where `contexts_per_1000` is
    set, `contexts` follows from it and the size of the input when a run is made. `samples` triplets are made of each
    sentence. `mode` scratch first writes the sentences: `sentences_per_call` of one genre and `topics_per_call` topics,
    after `sentence_shots` (0 or 1) exemplar sets; mixed takes those of an input and writes more, until `scratch_share`
    of all are written ones. `sentence_turn` says which message carries the request for sentences: `user`, or `system`
    with no user turn, which is how the starter LLM was trained. Of several `generators` each writes its own share of
    the rows, in a run of its own. `filters` decide nothing that is generated, and can be others later.
    """

    name: str
    description: str = ""
    mode: Mode = "partial"
    seed: int = 1
    samples: int = 1
    shots: int = 5
    contexts: int = 200
    sentences_per_call: int = 20
    topics_per_call: int = 6
    sentence_shots: int = 1
    sentence_contexts: int = 200
    sentence_turn: Literal["user", "system"] = "user"
    pools: PoolNames = field(default_factory=PoolNames)
    positive: Sampling = field(default_factory=Sampling)
    negative: Sampling = field(default_factory=Sampling)
    sentence: Sampling = field(default_factory=Sampling)
    limits: Limits = field(default_factory=Limits)
    filters: FilterSettings = field(default_factory=FilterSettings)
    scratch_share: float = _later(0.5)
    contexts_per_1000: float = _later(0.0)
    generators: tuple[Generator, ...] = _later(())

    @property
    def reads(self) -> bool:
        """Whether sentences are taken from an input."""
        return self.mode != "scratch"

    @property
    def writes(self) -> bool:
        """Whether sentences are written."""
        return self.mode != "partial"

    def sampling(self, role: Role) -> Sampling:
        """The sampling parameters of a role."""
        return {"positive": self.positive, "negative": self.negative, "sentence": self.sentence}[role]

    @property
    def hash(self) -> str:
        """SHA-256 of the recipe as data, but for the filters: what the same inputs give the same requests for."""
        data: dict[str, Any] = {name: value for name, value in self.to_dict().items() if name != "filters"}
        _leave_out(data, self)
        _leave_out(data["limits"], self.limits)
        return content_hash(data)

    def to_dict(self) -> dict[str, object]:
        """The recipe as the TOML file writes it: `from_dict` reads it back."""
        data: dict[str, object] = {"version": 1}
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if item.name not in ROLES:
                nested = isinstance(value, Limits | PoolNames | FilterSettings)
                data[item.name] = dataclasses.asdict(value) if nested else value
        data["generators"] = [generator.to_dict() for generator in self.generators]
        data["sampling"] = {role: _sampling_dict(self.sampling(role)) for role in ROLES}
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, object], where: str = "recipe") -> "Recipe":
        """Check and build. Raises SyncseError naming the bad key or value, with a suggestion."""
        keys = [f.name for f in dataclasses.fields(cls) if f.name not in ROLES]
        table = TomlTable(data, where, [*keys, "version", "sampling"])
        table.version()
        rates = TomlTable(table.data.get("sampling", {}), f"{where}, [sampling]", ROLES)
        return cls(
            name=table.text("name"),
            description=table.text("description", ""),
            mode=cast(Mode, table.choice("mode", "partial", MODES)),
            seed=table.whole("seed", 1, 0, 2**63 - 1),
            samples=table.whole("samples", 1, 1, 1000),
            shots=table.whole("shots", 5, 0, 64),
            contexts=table.whole("contexts", 200, 1, MOST_CONTEXTS),
            sentences_per_call=table.whole("sentences_per_call", 20, 1, 200),
            topics_per_call=table.whole("topics_per_call", 6, 1, 200),
            sentence_shots=table.whole("sentence_shots", 1, 0, 1),
            sentence_contexts=table.whole("sentence_contexts", 200, 1, MOST_CONTEXTS),
            sentence_turn=cast(Literal["user", "system"], table.choice("sentence_turn", "user", ("user", "system"))),
            pools=_pool_names(table.data.get("pools", {}), f"{where}, [pools]"),
            positive=_sampling(rates.data.get("positive", {}), f"{where}, [sampling.positive]"),
            negative=_sampling(rates.data.get("negative", {}), f"{where}, [sampling.negative]"),
            sentence=_sampling(rates.data.get("sentence", {}), f"{where}, [sampling.sentence]"),
            limits=_limits(table.data.get("limits", {}), f"{where}, [limits]"),
            filters=FilterSettings.from_dict(table.data.get("filters", {}), f"{where}, [filters]"),
            scratch_share=table.number("scratch_share", 0.5, 0.001, 0.999),
            contexts_per_1000=table.number("contexts_per_1000", 0, 0, 1000),
            generators=read_generators(table.data.get("generators", []), where),
        )

    def with_changes(self, **changes: object) -> "Recipe":
        """The recipe with some values replaced, checked again; a value of None means "not given".

        A key is a recipe's (`seed`), a dotted one (`sampling.positive.top_p`, `limits.max_words`, `pools.genres`), or
        one of sampling's (`temperature`), which is then set for every role. Raises SyncseError for an unknown key.
        """
        data = self.to_dict()
        data["sampling"] = {role: dataclasses.asdict(self.sampling(role)) for role in ROLES}
        for key, value in changes.items():
            if value is None:
                continue
            if key in _SAMPLING_KEYS:
                for role in ROLES:
                    _put(data, f"sampling.{role}.{key}", value)
            else:
                _put(data, key, value)
        return Recipe.from_dict(data, self.name)


def _leave_out(data: dict[str, Any], found: Any) -> None:
    for item in dataclasses.fields(found):
        if item.metadata.get("later") and getattr(found, item.name) == item.default:
            data.pop(item.name, None)


_SAMPLING_KEYS = [f.name for f in dataclasses.fields(Sampling)]


def _put(data: dict[str, object], dotted: str, value: object) -> None:
    *parents, last = dotted.split(".")
    for name in parents:
        inner = data.get(name)
        if not isinstance(inner, dict):
            refuse("Unknown key", f'A recipe has no table "{name}".', did_you_mean(name, data))
        data = inner
    if last not in data:
        refuse("Unknown key", f'A recipe has no key "{dotted}".', did_you_mean(last, data))
    data[last] = value


def _sampling_dict(sampling: Sampling) -> dict[str, object]:
    return {**sampling.to_dict(), "stop": list(sampling.stop)}


def _sampling(data: object, where: str) -> Sampling:
    table, base = TomlTable(data, where, _SAMPLING_KEYS), Sampling()
    return Sampling(
        temperature=table.number("temperature", base.temperature, 0, 5),
        top_p=table.number("top_p", base.top_p, 1e-6, 1),
        top_k=table.whole("top_k", base.top_k, 0, 1_000_000),
        min_p=table.number("min_p", base.min_p, 0, 1),
        presence_penalty=table.number("presence_penalty", base.presence_penalty, -2, 2),
        frequency_penalty=table.number("frequency_penalty", base.frequency_penalty, -2, 2),
        repeat_penalty=table.number("repeat_penalty", base.repeat_penalty, 0.1, 10),
        max_tokens=table.whole("max_tokens", base.max_tokens, 1, 100_000),
        stop=_stops(table),
        grammar=table.text("grammar", ""),
    )


def _stops(table: TomlTable) -> tuple[str, ...]:
    value = table.data.get("stop", [])
    if not isinstance(value, list | tuple) or not all(isinstance(s, str) and s for s in value):
        table.fail("stop", "must be a list of non-empty strings")
    return tuple(value)


def _limits(data: object, where: str) -> Limits:
    table, base = TomlTable(data, where, [f.name for f in dataclasses.fields(Limits)]), Limits()
    found = Limits(
        table.whole("max_words", base.max_words, 1, 10_000),
        table.whole("max_chars", base.max_chars, 1, 100_000),
        table.whole("sentence_max_words", base.sentence_max_words, 1, 10_000),
        table.whole("min_words", base.min_words, 1, 10_000),
        table.whole("sentence_min_words", base.sentence_min_words, 1, 10_000),
    )
    for least, most in (("min_words", "max_words"), ("sentence_min_words", "sentence_max_words")):
        if getattr(found, least) > getattr(found, most):
            table.fail(least, f"is above {most}, so no text could be taken")
    return found


def _pool_names(data: object, where: str) -> PoolNames:
    table = TomlTable(data, where, POOL_KEYS)
    return PoolNames(**{key: table.text(key, key) for key in POOL_KEYS})


def list_recipes() -> tuple[str, ...]:
    """Names of the shipped recipes."""
    return tuple(sorted(path.stem for path in RECIPES.glob("*.toml")))


def load_recipe(name: str) -> Recipe:
    """The recipe of a shipped name or of a user's path; pool paths in a user's file are relative to that file.

    Raises SyncseError for an unknown name, a malformed file, or an unknown key.
    """
    path = locate(name, RECIPES, "recipe")
    raw = read_toml(path, "recipe")
    recipe = Recipe.from_dict({"name": path.stem, **raw}, path.name)
    if path.parent == RECIPES:
        return recipe
    names = {key: _absolute(getattr(recipe.pools, key), path.parent) for key in POOL_KEYS}
    generators = beside(recipe.generators, path.parent)
    return dataclasses.replace(recipe, pools=PoolNames(**names), generators=generators)


def _absolute(name: str, base: Path) -> str:
    if (POOLS / f"{name}.toml").is_file() or not ("/" in name or name.endswith(".toml")):
        return name
    return str((base / Path(name).expanduser()).resolve())


@dataclass(frozen=True, slots=True)
class Pools:
    """The pools a recipe names, loaded. `sentence`, `genres` and `topics` are empty where no sentence is written."""

    positive: Pool
    negative: Pool
    sentence: Pool | None = None
    genres: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()

    def of(self, role: Role) -> Pool:
        """The pool of a role. Raises SyncseError for sentences in mode partial."""
        pool = {"positive": self.positive, "negative": self.negative, "sentence": self.sentence}[role]
        if pool is None:
            refuse("No sentence pool", "The recipe's mode is partial.", 'Use mode = "scratch" or "mixed".')
        return pool

    @property
    def hash(self) -> str:
        """SHA-256 over all prompts, exemplars, genres and topics."""
        own = [pool.hash if pool else "" for pool in (self.positive, self.negative, self.sentence)]
        return content_hash([own, self.genres, self.topics])


def load_pools(recipe: Recipe) -> Pools:
    """Load what the recipe names and check that there are exemplars and topics enough. Raises SyncseError."""
    names = recipe.pools
    positive, negative = load_pool(names.positive, "positive"), load_pool(names.negative, "negative")
    for pool in (positive, negative):
        short = next((p for p in pool.prompts if len(p.exemplars) < recipe.shots), None)
        if short:
            has = len(short.exemplars)
            detail = f'Prompt "{short.id}" of {pool.name} has {has} exemplars for {recipe.shots} shots.'
            refuse("Too few exemplars", detail, f"Add exemplars, or set shots = {has}.")
    if not recipe.writes:
        return Pools(positive, negative)
    sentence = load_pool(names.sentence, "sentence")
    if len(sentence.sets) < recipe.sentence_shots:
        refuse("Too few exemplars", f"{names.sentence} has no exemplar sets.", "Add one, or set sentence_shots = 0.")
    genres, topics = load_list(names.genres, "genres"), load_list(names.topics, "topics")
    if len(topics) < recipe.topics_per_call:
        detail = f"{len(topics)} topics are listed, and {recipe.topics_per_call} are drawn per call."
        refuse("Too few topics", detail, f"Add topics, or set topics_per_call = {len(topics)}.")
    return Pools(positive, negative, sentence, genres, topics)
