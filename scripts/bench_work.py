"""The requests that the shipped recipe makes of a file of sentences, for benchmarks: the very prompts of a run, in its order."""

from itertools import groupby
from pathlib import Path

from syncse_local.backends.chat import PromptProfile, choose_profile
from syncse_local.backends.llamacpp.native import Model
from syncse_local.backends.messages import with_turn
from syncse_local.modelfiles.gguf import model_info
from syncse_local.records import Context, Row
from syncse_local.synthesis.contexts import by_rows
from syncse_local.synthesis.plan import EngineIdentity, context_of, plan_pairs, row_of
from syncse_local.synthesis.recipe import load_pools, load_recipe
from syncse_local.text.clean import sentence_key
from syncse_local.text.ingest import open_input

RECIPE = "syncse-partial"


def sentences_of(path: Path, count: int) -> list[str]:
    """The first `count` sentences of a file. Ends the program where there are fewer."""
    found = [row.sentence for row, _ in zip(open_input(path), range(count), strict=False)]
    if len(found) < count:
        raise SystemExit(f"{path} has {len(found)} sentences, and {count} were asked for")
    return found


def shipped_work(sentences: list[str]) -> list[Context]:
    """The requests of a run over these sentences by context, positives first, as a run sends them."""
    recipe = load_recipe(RECIPE)
    recipe = recipe.with_changes(contexts=by_rows(recipe, len(sentences)))
    pools = load_pools(recipe)
    texts = {sentence_key(text): text for text in sentences}
    planned = list(plan_pairs(recipe, pools, texts.items(), EngineIdentity("", "", "")))
    planned.sort(key=lambda row: (row.role != "positive", row.context_id))
    return [
        Context(name, context_of(recipe, pools, name), [row_of(recipe, row, texts[row.sentence_key]) for row in rows])
        for name, rows in groupby(planned, key=lambda row: row.context_id)
    ]


def profile_of(path: Path) -> PromptProfile:
    """How this model's prompts are written."""
    model = Model(path, 0, vocab_only=True)
    found = choose_profile(model_info(path, "-"), "auto", model.vocab.bos, model.vocab.eos)
    model.close()
    return found


def prompts_of(path: Path, work: list[Context]) -> list[tuple[str, Row, tuple[str, ...]]]:
    """(prompt text, row, stop strings) of every request, in order."""
    profile = profile_of(path)
    turns = ((with_turn(context.prefix, row.turn), row) for context in work for row in context.rows)
    return [(profile.render(said), row, (*row.sampling.stop, *profile.stops(said))) for said, row in turns]
