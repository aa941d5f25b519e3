"""The `[filters]` table of a recipe: thresholds, checked. They decide nothing that is generated. Knows no text."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncse_local.registry import DEFAULT_BACKEND
from syncse_local.text.toml import TomlTable, content_hash


def _number(default: float, low: float, high: float) -> Any:
    return field(default=default, metadata={"range": (low, high)})


@dataclass(frozen=True, slots=True)
class Form:
    """Well-formedness. `min_letters` is the least share of letters and digits among a text's visible characters."""

    enabled: bool = True
    min_letters: float = _number(0.6, 0, 1)


@dataclass(frozen=True, slots=True)
class Language:
    """Drift from the sentence's language. `min_script` is the least share of letters in the sentence's own scripts."""

    enabled: bool = True
    min_script: float = _number(0.7, 0, 1)


@dataclass(frozen=True, slots=True)
class Length:
    """Words of an output against the sentence's, both with two added, so that short sentences are not held to a word."""

    enabled: bool = True
    min_ratio: float = _number(0.2, 0, 1)
    max_ratio: float = _number(2.5, 1, 1000)


@dataclass(frozen=True, slots=True)
class Lexical:
    """Shared words. A positive above `max_overlap` is a copy; a negative below `min_chance` times chance is off topic."""

    enabled: bool = True
    max_overlap: float = _number(0.9, 0, 1)
    min_chance: float = _number(1.0, 0, 1000)


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Triplets that are there already, and sentences nearer than `near` (Jaccard of their letters) to a kept one."""

    enabled: bool = True
    near: float = _number(0.85, 0, 1)


@dataclass(frozen=True, slots=True)
class Cosine:
    """A frozen encoder's cosines; off without an `encoder`. The minima are off until set: a weak encoder ranks by shared
    words, and would drop the hardest negatives. A negative above `max_negative` counts as a paraphrase."""

    encoder: str = ""
    min_positive: float = _number(-1.0, -1, 1)
    min_margin: float = _number(-2.0, -2, 2)
    max_negative: float = _number(0.95, -1, 1)


@dataclass(frozen=True, slots=True)
class Judge:
    """A language model's similarity from 0 to 5; off without a `model`. Positive and negative are swapped if reversed."""

    model: str = ""
    backend: str = DEFAULT_BACKEND
    min_positive: float = _number(3, 0, 5)
    max_negative: float = _number(3, 0, 5)


@dataclass(frozen=True, slots=True)
class Contamination:
    """Evaluation sentences. With an `encoder`, texts nearer than `max_cosine` to one count too, not only the same words."""

    encoder: str = ""
    max_cosine: float = _number(0.95, -1, 1)


@dataclass(frozen=True, slots=True)
class FilterSettings:
    """All filters' thresholds, by table name."""

    form: Form = field(default_factory=Form)
    language: Language = field(default_factory=Language)
    length: Length = field(default_factory=Length)
    lexical: Lexical = field(default_factory=Lexical)
    duplicates: Duplicates = field(default_factory=Duplicates)
    cosine: Cosine = field(default_factory=Cosine)
    judge: Judge = field(default_factory=Judge)
    contamination: Contamination = field(default_factory=Contamination)

    @property
    def hash(self) -> str:
        """SHA-256 of the thresholds as data."""
        return content_hash(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Plain data; `from_dict` reads it back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: object, where: str) -> "FilterSettings":
        """Check and build. Raises SyncseError naming the bad key or value, with a suggestion."""
        groups = {item.name: item.default_factory for item in dataclasses.fields(cls)}
        tables = TomlTable(data, where, groups).data
        read = {name: _group(group, tables.get(name, {}), f"{where}.{name}") for name, group in groups.items()}
        return cls(**read)


def _group(kind: Any, data: object, where: str) -> Any:
    fields = dataclasses.fields(kind)
    table = TomlTable(data, where, [item.name for item in fields])
    return kind(**{item.name: _value(table, item) for item in fields})


def _value(table: TomlTable, item: "dataclasses.Field[Any]") -> Any:
    default: Any = item.default
    if "range" in item.metadata:
        return table.number(item.name, default, *item.metadata["range"])
    value = table.data.get(item.name, default)
    if not isinstance(value, type(default)):
        table.fail(item.name, "must be true or false" if isinstance(default, bool) else "must be a string")
    return value


def changed(settings: FilterSettings, changes: Mapping[str, object], where: str) -> FilterSettings:
    """The settings with dotted keys (`lexical.max_overlap`) replaced. Raises SyncseError for an unknown one."""
    data: dict[str, Any] = settings.to_dict()
    for dotted, value in changes.items():
        group, _, name = dotted.partition(".")
        if isinstance(data.get(group, {}), dict):  # an unknown group or name is refused below, with a suggestion
            data.setdefault(group, {})[name] = value
    return FilterSettings.from_dict(data, where)
