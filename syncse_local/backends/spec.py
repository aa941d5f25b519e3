"""What the rest of the program knows of an engine without loading it. One record for each engine; imports nothing heavy.

The registry finds it by the engine's name; nobody else knows an engine by name.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from syncse_local.backends.consent import Leaving
from syncse_local.backends.options import read_options
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.isolation.rules import Needs
from syncse_local.machine_memory import Fit, FreeMemory
from syncse_local.modelfiles.entry import Format, ModelEntry

Check = tuple[str, str, str]
"""A line of `syncse doctor`: what, its state (`ok`, `absent`, or `missing` where it is needed), and a detail."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an engine can do. The contract suite asks of it what it declares, and no more.

    `window`: a prompt that does not fit the context is refused, and answers stay inside it. `seeds`: unlike seeds give
    unlike texts. `sampling`: temperature, top-p, top-k and min-p count. `penalties`: presence, frequency and repeat
    penalty count. `grammar`: answers follow `Sampling.grammar`; an engine without it refuses the run (USAGE).
    `deterministic_alone`: the same rows in the same order, same options and machine, give the same texts.
    `deterministic_in_batch`: a row's text does not depend on which other rows are in flight, bit for bit.
    `notes`: one sentence on repeating a result, for people.
    """

    window: bool = True
    seeds: bool = True
    sampling: bool = True
    penalties: bool = True
    grammar: bool = False
    deterministic_alone: bool = False
    deterministic_in_batch: bool = False
    notes: str = ""


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """An engine as lists, forms, checks and queues see it; `name` is also its name in the registry and in settings.

    `summary`: a few words for lists. `engine`: its class as "module:Class", imported when a model is loaded. `embedding`:
    likewise its class for embedding models of the same formats, where it has one.
    `prompts`: likewise a function of model and options that shows prompts as the engine will send them, without loading
    weights, where there is one: it gives a function from messages to a SentPrompt.
    `options`: the frozen dataclass of its own options. `from_settings`: for each of them that a setting decides, that
    setting. `model`: `files` on this machine, a name that a server knows (`served`), or `none`. `formats`: the model
    files whose language models it runs. `offered`: whether people are shown it as a choice.

    `fit(model, options, memory)`: the memory a model needs, and `smaller`: what to do where it is too much.
    `remark(model, options)`: a sentence about what makes this model slow with this engine, and what would not; or nothing.
    `uses_gpu(options, gpus)`: whether a run with these options uses a GPU, `gpus` saying whether there are any.
    `needs(options)`: what a worker that runs the engine must be let have beside its model: sockets, servers, programs.
    `checks(settings)`: what doctor says. `leaving(options, sentences, calls, airgap)`: what would leave this machine,
    `calls` requests for each sentence, or None.
    """

    name: str
    summary: str
    engine: str
    options: type
    abilities: Abilities
    model: Literal["files", "served", "none"] = "files"
    formats: tuple[Format, ...] = ()
    embedding: str = ""
    prompts: str = ""
    from_settings: Mapping[str, str] = field(default_factory=dict)
    offered: bool = True
    fit: Callable[[ModelEntry, Any, FreeMemory], list[Fit]] | None = None
    smaller: str = ""
    remark: Callable[[ModelEntry, Any], str] = lambda model, options: ""
    uses_gpu: Callable[[Mapping[str, Any], bool], bool] = lambda options, gpus: False
    needs: Callable[[Mapping[str, Any]], Needs] = lambda options: Needs()
    checks: Callable[[Settings], list[Check]] = lambda settings: []
    leaving: Callable[[Mapping[str, Any], Iterable[str], int, bool], Leaving | None] | None = None

    def read(self, given: Mapping[str, Any]) -> Any:
        """The option record from plain data. Raises SyncseError (USAGE) for an unknown name or a bad value."""
        return read_options(self.options, self.name, given)

    def no_grammar(self) -> SyncseError:
        """The error for rows that ask for a grammar where the engine has none."""
        return SyncseError(
            "The engine has no grammars",
            f"{self.name} cannot hold an answer to a grammar, and a row asks for one.",
            "Take `grammar` out of the recipe, or choose a backend that has them.",
            ExitCode.USAGE,
        )

    def chosen(self, settings: Settings) -> dict[str, Any]:
        """The options that the settings decide, as plain data; a text becomes a list where an option holds several."""
        several = {option.name for option in fields(self.options) if option.default == ()}
        found = {option: getattr(settings, setting) for option, setting in self.from_settings.items()}
        return {option: _several(value) if option in several else value for option, value in found.items()}


def _several(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
