"""`syncse run`: the whole job - generate, filter, train, evaluate before and after, print the table. Run again, it continues."""

import argparse
from pathlib import Path
from typing import Any

from syncse_local.api import Run, Workspace
from syncse_local.cli import evaluate, train
from syncse_local.cli import generate as generation
from syncse_local.cli.common import force_flag, parser, reading_flags, settings, workspace
from syncse_local.cli.engine import engine_flags
from syncse_local.cli.evaluate import scores_table
from syncse_local.cli.filterstep import filter_step
from syncse_local.cli.output import emit
from syncse_local.cli.parts import shard_flag
from syncse_local.cli.steps import detach_flag, leave, step
from syncse_local.config import Settings
from syncse_local.errors import ExitCode
from syncse_local.paths import starter_sentences
from syncse_local.text.display import safe


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(
        verbs,
        "run",
        "the whole job: generate, filter, train, evaluate before and after",
        "syncse run notes.txt --limit 2000",
        run,
    )
    made.add_argument("input", nargs="?", help="sentences (default: the ones that ship with the project)")
    for flag in (
        "recipe",
        "model",
        "backend",
        "encoder",
        "senteval",
        "reranking",
        "device",
        "precision",
    ):
        made.add_argument(f"--{flag}", help="as in `syncse generate`, `train` and `eval`")
    made.add_argument("--count", type=int, default=0, help="sentences to write, for scratch recipes")
    made.add_argument("--limit", type=int, default=0, help="use only the first N sentences")
    made.add_argument("--epochs", type=int, default=3, help="training epochs")
    made.add_argument(
        "--learning-rate", type=float, default=1e-4, help="training rate (default suits the starter encoder)"
    )
    made.add_argument("--seed", type=int, default=1, help="seed of the plan and of the training")
    made.add_argument("--samples", type=int, default=3, help="triplets to try for each sentence (default: 3)")
    made.add_argument("--pooling", default="avg", help="avg suits the starter encoder; the paper's is cls")
    made.add_argument("--no-filters", action="store_true", help="train on all accepted triplets")
    shard_flag(made)
    reading_flags(made)
    engine_flags(made, hidden=True)
    force_flag(made)
    detach_flag(made)
    made.set_defaults(temperature=None, max_failure_rate=0.95, generator=None)


def run(options: argparse.Namespace) -> ExitCode:
    """Do the steps in order; each is a run of its own, found again by its options. Several generators take turns."""
    options.input = options.input or (None if options.count else str(starter_sentences()))
    chosen = settings(options)
    of = 4 if options.no_filters else 5
    first = evaluate.request(chosen, None, None)
    plans = generation.requests(options)
    if options.detach:
        return leave(options, chosen)
    with workspace(options) as opened, opened.pipeline_lock():
        before, code = step(opened, options, "eval", {**first, "label": "before"}, f"1/{of} evaluate before")
        if code:
            return code
        made, filtered = list[Run](), list[dict[str, Any]]()
        for name, plan in plans.items():
            run, code = step(opened, options, "generate", plan, f"2/{of} generate {name}".rstrip())
            if code:
                return code
            made.append(run)
        for run in [] if options.no_filters else made:
            found, code = filter_step(opened, options, chosen, run, f"3/{of} filter")
            if code:
                return code
            filtered.append(found)
        trained, code = step(opened, options, "train", _training(opened, options, chosen, made), f"{of - 1}/{of} train")
        if code:
            return code
        last = {**first, "encoder": trained.result["output"], "label": "after"}
        after, code = step(opened, options, "eval", last, f"{of}/{of} evaluate after")
        if code:
            return code
        _report(opened, options, [before, *made, trained, after], filtered)
    return ExitCode.OK


def _training(opened: Workspace, options: argparse.Namespace, chosen: Settings, made: list[Run]) -> dict[str, Any]:
    """The options of the train run; those that do not change the data or the encoder are the starter encoder's."""
    output = str(opened.default_output(f"from-{made[0].id}" + ("-unfiltered" if options.no_filters else "")))
    training = {"epochs": options.epochs, "learning_rate": options.learning_rate, "seed": options.seed}
    training |= {"pooling": options.pooling, "batch_size": 64, "no_duplicates": True}  # samples share their anchor
    there = chosen.senteval and Path(chosen.senteval).exists()
    return {
        **train.request(chosen, output, training, options.force),
        "dev": ["STSB-dev" if there else "starter-dev"],
        "runs": [run.id for run in made],
        "limit": 0,
        **({"unfiltered": True} if options.no_filters else {}),
    }


def _report(opened: Workspace, options: argparse.Namespace, steps: list[Run], filtered: list[dict[str, Any]]) -> None:
    before, *made, trained, after = steps
    blocked = sum(step.blocked for step in steps)
    left_out = trained.result.get("contaminated", 0)
    if options.json:
        found = {"runs": [step.id for step in steps], "before": before.result, "after": after.result}
        emit({**found, "filters": filtered, "contaminated": left_out, "blocked": blocked})
        return
    print(f"\n{scores_table(opened, [before, after])}")
    print("The starter set is a smoke test, never a benchmark.")
    print(f"More than noise? syncse compare before={before.id} after={after.id}\n")
    for run in made:
        print(f"triplets   {run.result['triplets']} of {run.result['planned'] // 2} planned: syncse show {run.id}")
    print(f"           export them: syncse export {' '.join(run.id for run in made)} triplets.csv")
    for found in filtered:
        print(f"filters    {found['kept']} kept, {found['dropped']} dropped: syncse filter {found['run']} --dry-run")
    print(f"checked    {left_out} triplets match an evaluation sentence and were left out of training")
    print(f"encoder    {safe(trained.result['output'])}  (SentenceTransformer(path) loads it)")
    print(f"workspace  {safe(opened.directory)}")
    guard = "" if opened.settings.airgap else " (guard off: --airgap)"
    print(f"network    {blocked} connections refused{guard}")
