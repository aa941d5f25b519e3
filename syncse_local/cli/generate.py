"""`syncse generate`: start a synthesis run and follow it."""

import argparse
from pathlib import Path
from typing import Any

from syncse_local.backends.preflight import check_generate
from syncse_local.cli.common import (
    begun,
    existing,
    force_flag,
    job_flags,
    named,
    parser,
    reading_flags,
    room,
    settings,
    workspace,
)
from syncse_local.cli.engine import engine_flags, engine_options
from syncse_local.cli.follow import follow
from syncse_local.cli.parts import chosen_part, input_of, shard_flag, sized, with_generator
from syncse_local.cli.served import consent, named_model
from syncse_local.errors import ExitCode
from syncse_local.paths import starter_llm
from syncse_local.registry import DEFAULT_BACKEND, backend_spec
from syncse_local.synthesis.recipe import list_recipes, load_pools, load_recipe
from syncse_local.text.files import file_sha256
from syncse_local.text.ingest import reading


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(
        verbs,
        "generate",
        "synthesise triplets from sentences, or from genres and topics",
        "syncse generate notes.txt --limit 500",
        run,
    )
    job_flags(made)
    made.add_argument(
        "input", nargs="?", help=".txt, .csv, .tsv, .jsonl or .parquet with sentences (not for mode scratch)"
    )
    made.add_argument("--recipe", metavar="NAME", help=f"{', '.join(list_recipes())}, or a TOML file")
    made.add_argument(
        "--model",
        metavar="NAME",
        help="the language model: a path, or a name of `syncse models` (default: the starter LLM)",
    )
    made.add_argument("--backend", help=f"the engine (default: {DEFAULT_BACKEND})")
    made.add_argument("--count", type=int, default=0, help="how many sentences to write (not for mode partial)")
    made.add_argument("--limit", type=int, default=0, help="use only the first N sentences of the input")
    made.add_argument("--samples", type=int, help="triplets per sentence")
    made.add_argument("--seed", type=int, help="the plan's seed")
    made.add_argument("--temperature", type=float, help="sampling temperature of every role")
    made.add_argument("--generator", metavar="NAME", help="of a recipe with several generators: do this one's rows")
    shard_flag(made)
    made.add_argument(
        "--max-failure-rate", type=float, default=0.95, help="end early when more answers than this are rejected (0.95)"
    )
    reading_flags(made)
    engine_flags(made)
    force_flag(made)


def run(options: argparse.Namespace) -> ExitCode:
    """Check what can be checked at once, start the run, follow it."""
    plan = request(options)
    with workspace(options) as opened:
        started = opened.start("generate", plan, options.name)
        return begun(started, options.json) if options.detach else follow(opened, started, options.json)


def requests(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """A run's options for each of the recipe's generators, by name; one nameless run's where it has none or one."""
    generators = load_recipe(settings(options).recipe).generators
    if len(generators) < 2:
        return {"": request(options)}
    return {g.name: request(argparse.Namespace(**{**vars(options), "generator": g.name})) for g in generators}


def request(options: argparse.Namespace) -> dict[str, Any]:
    """The run's options, complete: the recipe resolved, paths absolute, the input looked at."""
    recipe = load_recipe(settings(options).recipe).with_changes(
        samples=options.samples, seed=options.seed, temperature=options.temperature
    )
    pools = load_pools(recipe)
    options = with_generator(options, recipe)
    chosen = settings(options)
    source = input_of(options, recipe) if recipe.reads else ""
    recipe, written = sized(options, recipe)
    engine = engine_options(chosen, options.backend_option)
    spec = backend_spec(chosen.backend)
    if spec.model == "files":
        model = named(chosen.model or str(starter_llm()), chosen, "model", chosen.backend)
    else:
        model = named_model(chosen, spec)
    engine |= consent(options, chosen, spec, engine, 2 * recipe.samples)
    if not options.force:
        check_generate(chosen.backend, Path(model), engine, room())
    found: dict[str, Any] = {
        "recipe": recipe.to_dict(),
        "recipe_hash": recipe.hash,
        "pools_hash": pools.hash,
        "backend": chosen.backend,
        "model": model,
        "backend_options": engine,
        "max_failure_rate": options.max_failure_rate,
        **({"force": True} if options.force else {}),
        **({"senteval": existing(chosen.senteval, "SentEval directory")} if chosen.senteval else {}),
        **({"reranking": existing(chosen.reranking, "reranking directory")} if chosen.reranking else {}),
        **written,
        **chosen_part(options, recipe),
    }
    if not recipe.reads:
        return found
    return {
        **found,
        "input": source,
        "input_sha256": file_sha256(Path(source)),
        "limit": options.limit,
        "column": options.column,
        "encoding": options.encoding,
        **reading(vars(options)),
    }
