"""The generators that a recipe names, with weights: which model writes which share of the rows. Loads no model."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from syncse_local.specs.choices import THINKING
from syncse_local.text.toml import TomlTable, did_you_mean, refuse

MOST = 64
"""Generators of one recipe. A guard against a list that was pasted wrongly; nobody mixes so many."""


@dataclass(frozen=True, slots=True)
class Generator:
    """One `[[generators]]` table: a name, the model (a path or a name of the catalog), its engine, its share of the rows.

    An empty `model`, `backend` or `thinking` is what the flags and the settings say.
    """

    name: str
    model: str = ""
    backend: str = ""
    weight: float = 1.0
    thinking: str = ""

    def to_dict(self) -> dict[str, object]:
        """The table; `thinking` came later, so it is left out where it is empty, and older recipes keep their hashes."""
        data = dataclasses.asdict(self)
        return data if self.thinking else {name: value for name, value in data.items() if name != "thinking"}


def read_generators(data: object, where: str) -> tuple[Generator, ...]:
    """Check and build. Raises SyncseError (USAGE) naming the bad key or value."""
    if not isinstance(data, list | tuple):
        refuse("Bad value", f"{where}: generators must be tables, written [[generators]].", "Write [[generators]].")
    if len(data) > MOST:
        refuse("Bad value", f"{where} names {len(data)} generators.", f"Name {MOST} at most.")
    found = tuple(_generator(item, f"{where}, generator {i}") for i, item in enumerate(data, 1))
    names = [g.name for g in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        refuse("Bad value", f'{where} has two generators called "{twice}".', "Give each a name of its own.")
    return found


def _generator(item: object, where: str) -> Generator:
    table = TomlTable(item, where, [f.name for f in dataclasses.fields(Generator)])
    return Generator(
        table.text("name"),
        table.text("model", ""),
        table.text("backend", ""),
        table.number("weight", 1, 1e-6, 1e6),
        table.choice("thinking", "", ("", *THINKING)),
    )


def named_generator(generators: Sequence[Generator], name: str) -> Generator:
    """The generator of that name. Raises SyncseError (USAGE) with the nearest one."""
    found = next((generator for generator in generators if generator.name == name), None)
    if found is None:
        hint = did_you_mean(name, [g.name for g in generators]) if generators else "Give the model with --model."
        refuse("Unknown generator", f'The recipe has no generator "{name}".', hint)
    return found


def beside(generators: Iterable[Generator], folder: Path) -> tuple[Generator, ...]:
    """The generators of a file in `folder`: models given as ./x or ../x lie beside it."""
    return tuple(
        dataclasses.replace(g, model=str((folder / g.model).resolve())) if g.model.startswith(("./", "../")) else g
        for g in generators
    )
