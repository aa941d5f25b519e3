"""Prompts as this engine will send them, from a model's template and vocabulary alone. Loads no weights."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from syncse_local.backends.chat import choose_profile
from syncse_local.backends.llamacpp.native import Model
from syncse_local.backends.llamacpp.options import LlamaOptions
from syncse_local.backends.messages import guard
from syncse_local.backends.options import read_options
from syncse_local.backends.prompt import SentPrompt, sent
from syncse_local.modelfiles.gguf import model_info
from syncse_local.records import Message


def shown_by(path: Path, options: Mapping[str, Any]) -> Callable[[Sequence[Message]], SentPrompt]:
    """What makes prompts of messages. Raises SyncseError: USAGE for a bad option, PREFLIGHT for a model that cannot be used."""
    asked = read_options(LlamaOptions, "llamacpp", options)
    vocab = Model(path, 0, vocab_only=True).vocab
    profile = choose_profile(
        model_info(path, "-"), asked.chat_profile, vocab.bos, vocab.eos, asked.thinking, asked.template
    )
    guarded = guard([*vocab.specials, *profile.marks])

    def tokenise(text: str) -> list[int]:
        return [int(token) for token in vocab.tokenise(text)]

    return lambda messages: sent(profile, messages, guarded, tokenise)
