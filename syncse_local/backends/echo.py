"""The smallest complete engine, to copy (docs/extend/backend.md) and to test with: it answers with what it was asked.

It needs no model and no library, and is the same everywhere. A token is four characters here. **Its answers are no
training data**: nothing is paraphrased and nothing contradicted.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncse_local.backends.spec import Abilities, BackendSpec
from syncse_local.modelfiles.entry import ModelInfo
from syncse_local.records import Completion, Context, Message, Row

NOTES = "An answer follows from the row's last turn and seed."
WARNING = "Echo repeats what it is asked: its answers are no training data."


@dataclass(frozen=True, slots=True)
class EchoOptions:
    """`n_ctx`: tokens of the longest prompt with its answer."""

    n_ctx: int = 2048


class EchoBackend:
    """Implements `Backend`. Raises SyncseError (USAGE) for an option that it does not have."""

    name, version = "echo", "1"

    def __init__(self, model: Path, sha256: str = "", **options: Any) -> None:
        self.options: EchoOptions = SPEC.read(options)
        self.info = ModelInfo.without_files(model, self.name, hashlib.sha256(b"echo").hexdigest(), self.options.n_ctx)
        self._closed = False

    def generate(self, contexts: Iterable[Context], cancelled: Callable[[], bool]) -> Iterator[Completion]:
        """See `Backend.generate`."""
        if self._closed:
            raise RuntimeError("the backend is closed")
        for context in contexts:
            for row in context.rows:
                if cancelled():
                    return
                yield self._answer(context.prefix, row)

    def _answer(self, prefix: Sequence[Message], row: Row) -> Completion:
        if row.sampling.grammar:
            raise SPEC.no_grammar()
        turns = [*(message.content for message in prefix), row.turn]
        asked = next((turn for turn in reversed(turns) if turn), "").encode("utf-8", "replace").decode()
        prompt = 1 + sum(map(len, turns)) // 4
        most = 4 * min(row.sampling.max_tokens, self.options.n_ctx - prompt)
        if most <= 0:
            said = f"The prompt has {prompt} tokens, and the context {self.options.n_ctx}."
            return Completion(row.key, "", "refused", prompt, error=said)
        whole = f"On page {row.seed}, {asked}"  # unlike seeds, unlike answers: a positive is not its negative
        stopped = min([len(whole), *(place for stop in row.sampling.stop if (place := whole.find(stop)) >= 0)])
        text = whole[: min(stopped, most)]
        return Completion(row.key, text, "length" if stopped > most else "stop", prompt, 0, -(-len(text) // 4))

    def settings(self) -> dict[str, object]:
        """See `Backend.settings`; a warning is shown with every run."""
        return {"window": self.options.n_ctx, "shared_prefix": False, "warnings": [WARNING]}

    def close(self) -> None:
        """See `Backend.close`."""
        self._closed = True


SPEC = BackendSpec(
    name=EchoBackend.name,
    summary="no model: repeats what it is asked, for trying things out; no training data",
    engine="syncse_local.backends.echo:EchoBackend",
    options=EchoOptions,
    abilities=Abilities(
        sampling=False, penalties=False, deterministic_alone=True, deterministic_in_batch=True, notes=NOTES
    ),
    model="none",
    offered=False,
)
