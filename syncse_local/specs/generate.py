"""What a synthesis is told: sentences, recipe, model and engine, which part of the plan. Knows no engine and no recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from syncse_local.registry import DEFAULT_BACKEND
from syncse_local.specs.choices import THINKING
from syncse_local.specs.field import option, settled
from syncse_local.specs.reading import Reading

MOST_SAMPLES = 1_000
"""Triplets of one sentence: far more than a recipe's prompts and exemplars can make different."""
MOST_TEMPERATURE = 5.0
"""Above it every token is about as likely as any other."""
LARGEST_SEED = 2**63 - 1
"""What SQLite keeps as a whole number."""


def _engine(default: Any, help: str, **more: Any) -> Any:
    """A field that becomes an option of the chosen engine."""
    return option(default, help, key=None, group="engine", **more)


@dataclass(frozen=True, kw_only=True)
class GenerateSpec(Reading):
    """A run of kind `generate`. The last five are what preparation makes of the others."""

    KIND: ClassVar[str] = "generate"
    TITLE: ClassVar[str] = "Bad option of a synthesis"

    input: str = option(
        "", "a .txt, .csv, .tsv, .jsonl or .parquet file with sentences; none for a scratch recipe",
        positional=True, names="path",
    )  # fmt: skip
    recipe: str = option(
        "starter", "the name of a recipe (`syncse recipes` lists them), or a TOML file",
        key=None, names="recipe", setting="recipe", metavar="NAME",
    )  # fmt: skip
    model: str = option(
        "", "the language model: a path, or a name of `syncse models`; empty: the starter LLM",
        names="model", setting="model", metavar="NAME", required=True,
    )  # fmt: skip
    backend: str = option(DEFAULT_BACKEND, "the engine", names="backend", setting="backend", metavar="NAME")
    count: int = option(0, "sentences to write; not for recipes of mode partial", at_least=0, unit="sentences")
    limit: int = option(0, "use only the first so many sentences of the input; 0: all", at_least=0, unit="sentences")
    samples: int | None = option(
        None, "triplets for each sentence; none: the recipe's", key=None, at_least=1, at_most=MOST_SAMPLES
    )
    seed: int | None = option(None, "the plan's seed; none: the recipe's", key=None, at_least=0, at_most=LARGEST_SEED)
    temperature: float | None = option(
        None, "sampling temperature of every role; none: the recipe's", key=None, at_least=0, at_most=MOST_TEMPERATURE
    )
    contexts: str = option(
        "rows",
        "prompts (instruction and exemplars) that rows share, for each role: rows (as many as they pay for), recipe, or a number",
        key=None, metavar="rows|recipe|N",
    )  # fmt: skip
    generator: str = option("", "of a recipe with several generators: do this one's rows", metavar="NAME")
    shard: str = option("", "do part I of N, from 1/N to N/N; `syncse merge` joins the workspaces", metavar="I/N")
    max_failure_rate: float = option(
        0.95, "end early when a larger share of the answers is rejected", at_least=0, at_most=1, changes_result=False
    )
    senteval: str = option(
        "", "SentEval's data directory, for the contamination count", names="path", setting="senteval", flag=None
    )
    reranking: str = option(
        "", "directory with the reranking sets, for the same", names="path", setting="reranking", flag=None
    )
    force: bool = option(False, "go on also where the model will not fit into the memory", changes_result=False)
    threads: int = _engine(0, "CPU threads; 0: chosen", at_least=0, setting="threads", changes_result=False)
    n_gpu_layers: int = _engine(0, "layers on the GPU; -1: all", at_least=-1, setting="n_gpu_layers")
    n_ctx: int = _engine(
        0, "context of all rows in flight, or the longest prompt with its answer, as the engine counts; 0: chosen",
        at_least=0, setting="n_ctx", unit="tokens",
    )  # fmt: skip
    thinking: str = _engine(
        "off", "whether the model may reason before it answers; auto: as its template has it", choices=THINKING
    )
    vllm_python: str = _engine(
        "", "the interpreter that has vLLM", names="path", setting="vllm_python", metavar="PATH", changes_result=False
    )
    base_urls: str = _engine(
        "", "the server, or several with commas between, as one pool", flag="--base-url", setting="base_urls",
        metavar="URL",
    )  # fmt: skip
    allow_remote: bool = _engine(
        False, "rows may be sent to a server that is not on this machine", changes_result=False
    )
    backend_options: Mapping[str, Any] | None = option(
        None, "an option of the engine itself, as in dtype=bfloat16", flag="--backend-option", repeated=True,
        metavar="NAME=VALUE", group="engine",
    )  # fmt: skip
    recipe_data: Mapping[str, Any] | None = settled(None, "the recipe with all its keys", key="recipe", required=True)
    recipe_hash: str = settled("", "SHA-256 of the recipe but for its filters")
    settled_contexts: int = settled(0, "contexts of each role; 0: the recipe's", key="contexts", at_least=0)
    pools_hash: str = settled("", "SHA-256 of the prompts and exemplars")
    input_sha256: str = settled("", "SHA-256 of the input")

    def complete(self) -> None:
        """See `Spec.complete`: a recipe that reads needs an input, one that writes a number of sentences."""
        super().complete()
        mode = (self.recipe_data or {}).get("mode", "partial")
        if mode != "scratch" and not self.input:
            raise self.lacking("input")
        if mode == "scratch" and not self.count:
            raise self.lacking("count")
