"""A study file as a person gets it first: commented, sound, the factors that its question varies. Knows no run."""

import json
from collections.abc import Sequence
from pathlib import Path

FACTORS = {
    "which-llm": 'recipe = ["starter"]',
    "size": 'recipe = ["starter"]\nsize = [500, 1000, 2000]      # the 500 are among the 1000: curves are paired',
    "diversity": 'recipe = ["starter"]\ntemperature = [0.3, 0.7, 1.0]',
    "prompts": 'recipe = ["starter", "naive"]  # `syncse recipes` lists them',
}


def text(name: str, question: str, models: Sequence[str], source: str, backend: str) -> str:
    """The file; names and paths are written so that TOML reads back what was given."""
    makers = [_generator(model, backend) for model in models] or [_generator("", backend)]
    return f"""# A study: syncse study check {name}, then plan, run, report.
version = 1
name = {_quoted(name)}
question = {_quoted(question)}
seeds = [1, 2, 3]          # trainings of every arm; with one seed the page cannot tell an arm from its luck
matched_on = "sentences"   # what arms share: sentences, triplets, tokens or seconds of generation

[input]
file = {_quoted(source)}
limit = 0                  # 0: all sentences
held_out = 0.1             # this share is kept apart, by a hash, before anything is generated

{"".join(makers)}
[factors]                  # every value is crossed with every other; add temperature, samples, size, filters, encoder
{FACTORS[question]}

[baselines]
untrained = true           # the encoder as it is
dropout = true             # unsupervised SimCSE on the same sentences
# human = "triplets.csv"   # triplets that people wrote

[training]                 # any number of `syncse train`
epochs = 3

[evaluation]
# tasks = ["sts"]          # none: what is there
# senteval = "~/SentEval/data"
"""


def _generator(model: str, backend: str) -> str:
    chosen = f"model = {_quoted(model)}\n" if model else "# no model: the starter LLM\n"
    name = Path(model).stem if model else "starter"
    return f"[[generators]]\nname = {_quoted(name)}\n{chosen}backend = {_quoted(backend)}\n\n"


def _quoted(value: str) -> str:
    """A basic string of TOML: JSON's escapes are among its own."""
    return json.dumps(value)
