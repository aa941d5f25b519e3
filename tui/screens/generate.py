"""Synthesis: choose recipe, engine, model and sentences, start a run, and watch it write. Knows the arguments of `generate`."""

from syncse_local.api import offered_backends
from tui.screens.job_form import JobScreen
from tui.widgets.form import PATHS, Field

RECIPES = ("starter", "starter-scratch", "syncse-partial", "syncse-scratch", "domain", "naive")
BACKENDS = tuple(offered_backends())
EMPTY = "No synthesis yet.\n\ne edits the form, s starts the run.\nThe bundled model needs no choice: name a file of sentences."


class GenerateScreen(JobScreen):
    """`syncse generate`."""

    MODE = FOLLOWS = VERB = "generate"
    EMPTY = EMPTY
    FIELDS = (
        Field("input", "sentences", hint=".txt .csv .tsv .jsonl .parquet; none for scratch recipes", suggest=PATHS),
        Field("recipe", "recipe", "--recipe", f"{', '.join(RECIPES)}, or a .toml file", RECIPES),
        Field("model", "model", "--model", "a path or a name (2 lists them); empty: the starter LLM"),
        Field("backend", "engine", "--backend", " or ".join(BACKENDS), BACKENDS),
        Field("limit", "limit", "--limit", "use only the first N sentences"),
        Field("count", "count", "--count", "scratch recipes: how many sentences to write"),
        Field("samples", "samples", "--samples", "triplets for each sentence"),
        Field("seed", "seed", "--seed", "the plan's seed"),
        Field("more", "more", "*", "any other flag of `syncse generate`"),
    )
