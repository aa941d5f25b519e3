"""A preview of prompts made ready: how many contexts a run on the same input would have, and what shows its prompts."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncse_local.config import Settings
from syncse_local.prepare.engine import engine_options
from syncse_local.prepare.generate import contexts_of
from syncse_local.prepare.names import named_model
from syncse_local.records import Message
from syncse_local.registry import load_prompts
from syncse_local.specs.generate import GenerateSpec
from syncse_local.synthesis.recipe import load_recipe

if TYPE_CHECKING:
    from syncse_local.backends.prompt import SentPrompt


def contexts_for(name: str, input: str, how: Mapping[str, Any], wish: str) -> int:
    """How many contexts each role of a run on this input would draw from; the recipe's number where there is no input.

    Raises SyncseError (USAGE) for a bad wish.
    """
    recipe = load_recipe(name)
    given = {"input": input, "contexts": wish or ("rows" if input else "recipe")}
    return contexts_of(GenerateSpec.asked(**given, **how), recipe, 0)


def shown_prompts(
    model: str, backend: str, thinking: str, chosen: Settings
) -> "Callable[[Sequence[Message]], SentPrompt]":
    """What turns messages into the prompt that this model will get. Raises SyncseError where nothing can show it."""
    chosen = dataclasses.replace(chosen, backend=backend or chosen.backend)
    show = load_prompts(chosen.backend)
    options = engine_options(chosen, {"thinking": thinking} if thinking else {})
    return show(Path(named_model(model, chosen, "model", chosen.backend)), options)
