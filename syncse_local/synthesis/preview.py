"""What a recipe would ask for one row of an input: the very messages of its plan. Asks no engine.

A row's prompt, exemplars and seed do not depend on the engine or on other rows, so a preview with a run's number of contexts is
what that run will send.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.paths import starter_sentences
from syncse_local.records import Message, Sampling
from syncse_local.synthesis.plan import EngineIdentity, context_of, plan_pairs, plan_sentences, row_of
from syncse_local.synthesis.recipe import load_pools, load_recipe
from syncse_local.text.clean import sentence_key
from syncse_local.text.ingest import open_input

NO_ENGINE = EngineIdentity("", "", "")


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it would be sent: `context` names the prompt and the draw of exemplars."""

    role: str
    context: str
    seed: int
    messages: tuple[Message, ...]
    sampling: Sampling

    def to_dict(self) -> dict[str, Any]:
        """The request as plain data."""
        return asdict(self)


def preview(
    name: str,
    number: int = 1,
    input: str = "",
    sentence: str = "",
    how: Mapping[str, Any] | None = None,
    contexts: int = 0,
) -> list[Request]:
    """The requests for row `number` (from 1) of an input, read as `how` says, or for `sentence`: a recipe's first sample.

    `contexts`: how many each role draws from; 0: the recipe's number. Without input and sentence the bundled sentences are
    read. A recipe that writes its own sentences first shows its `number`-th request for them.

    Raises SyncseError for a bad recipe or input, and where there is no such row.
    """
    recipe = load_recipe(name).with_changes(samples=1, contexts=contexts or None)
    pools = load_pools(recipe)
    found: list[Request] = []
    if recipe.mode == "scratch":
        asked = next(plan_sentences(recipe, pools, 1, NO_ENGINE, number - 1))
        turn = row_of(recipe, asked).turn
        last = (Message("user", turn),) if turn else ()
        messages = (*context_of(recipe, pools, asked.context_id), *last)
        found.append(Request("sentence", asked.context_id, asked.seed, messages, recipe.sentence))
    text = sentence or _row(Path(input) if input else starter_sentences(), number, how or {})
    for row in plan_pairs(recipe, pools, [(sentence_key(text), text)], NO_ENGINE):
        messages = (*context_of(recipe, pools, row.context_id), Message("user", row_of(recipe, row, text).turn))
        found.append(Request(row.role, row.context_id, row.seed, messages, recipe.sampling(row.role)))
    return found


def _row(path: Path, number: int, how: Mapping[str, Any]) -> str:
    for row in islice(iter(open_input(path, **how)), max(0, number - 1), None):
        return row.sentence
    detail = f"{path} has fewer than {number} usable sentences."
    raise SyncseError("No such row", detail, "Ask for an earlier row.", ExitCode.USAGE)


def described(requests: list[Request]) -> Iterator[str]:
    """The requests as lines for a person; the texts are as they are, not yet made safe for a terminal."""
    for request in requests:
        yield f"== {request.role}  {request.context}  seed {request.seed}"
        for message in request.messages:
            yield f"[{message.role}] {message.content}"
