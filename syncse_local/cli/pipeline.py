"""`syncse run`: the whole job - generate, train, evaluate before and after, print the table. Run again, it continues."""

import argparse
from pathlib import Path
from typing import Any

from syncse_local.api import OPEN, Run, Workspace
from syncse_local.cli import evaluate, train
from syncse_local.cli import generate as generation
from syncse_local.cli.common import force_flag, parser, settings, workspace
from syncse_local.cli.engine import engine_flags
from syncse_local.cli.evaluate import scores_table
from syncse_local.cli.follow import follow
from syncse_local.cli.output import emit
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.jobs import command
from syncse_local.paths import starter_sentences


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(
        verbs,
        "run",
        "the whole job: generate, train, evaluate before and after",
        "syncse run notes.txt --limit 2000",
        run,
    )
    made.add_argument("input", nargs="?", help="sentences (default: the ones that ship with the project)")
    for flag in ("recipe", "model", "backend", "encoder", "senteval", "device", "precision", "column", "encoding"):
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
    engine_flags(made, hidden=True)
    force_flag(made)
    made.add_argument(
        "--detach", action=argparse.BooleanOptionalAction, default=False, help="go on in the background and return"
    )
    made.set_defaults(temperature=None, max_failure_rate=1.0)


def run(options: argparse.Namespace) -> ExitCode:
    """Do the four steps in order; each is a run of its own, found again by its options."""
    options.input = options.input or (None if options.count else str(starter_sentences()))
    chosen = settings(options)
    if options.detach:
        return _detach(options, chosen)
    with workspace(options) as opened, opened.pipeline_lock():
        first = evaluate.request(chosen, None, None)
        before, code = _step(opened, options, "eval", {**first, "label": "before"}, "1/4 evaluate before")
        if code:
            return code
        made, code = _step(opened, options, "generate", generation.request(options), "2/4 generate")
        if code:
            return code
        output = str(opened.default_output(f"from-{made.id}"))
        training = {"epochs": options.epochs, "learning_rate": options.learning_rate, "seed": options.seed}
        training |= {"pooling": options.pooling, "batch_size": 64, "no_duplicates": True}  # samples share their anchor
        plan = {
            **train.request(chosen, output, training, options.force),
            "dev": ["starter-dev"],
            "runs": [made.id],
            "limit": 0,
        }
        if chosen.senteval and (Path(chosen.senteval)).exists():
            plan["dev"] = ["STSB-dev"]
        trained, code = _step(opened, options, "train", plan, "3/4 train")
        if code:
            return code
        last = {**first, "encoder": trained.result["output"], "label": "after"}
        after, code = _step(opened, options, "eval", last, "4/4 evaluate after")
        if code:
            return code
        _report(opened, options, [before, made, trained, after])
    return ExitCode.OK


def _detach(options: argparse.Namespace, chosen: Settings) -> ExitCode:
    """Check what can be checked, then do the same in a session of its own. Raises SyncseError where one is at work."""
    evaluate.request(chosen, None, None)
    generation.request(options)
    with workspace(options) as opened:
        if opened.pipeline_alive():
            detail = "A `syncse run` works in this workspace."
            raise SyncseError("Already at work", detail, "Follow it: syncse runs", ExitCode.NOTHING)
        pid = command.leave(
            [*(word for word in options.given if word != "--json"), "--no-detach"], opened.pipeline_log, chosen.airgap
        )
        told = {"pid": pid, "log": str(opened.pipeline_log)}
    emit(told) if options.json else print(f"Started. Follow it: syncse runs; its words go to {told['log']}")
    return ExitCode.OK


def _step(
    opened: Workspace, options: argparse.Namespace, kind: str, plan: dict[str, Any], title: str
) -> tuple[Run, ExitCode]:
    run = opened.ensure(kind, plan, title[4:])
    if not options.json:
        state = "" if run.state in OPEN else " (done before)"
        print(f"{title}: {run.id}{state}", flush=True)
    code = follow(opened, run, options.json) if run.state in OPEN else ExitCode.OK
    return opened.run(run.id), code


def _report(opened: Workspace, options: argparse.Namespace, steps: list[Run]) -> None:
    before, made, trained, after = steps
    if options.json:
        emit(
            {
                "runs": [step.id for step in steps],
                "before": before.result,
                "after": after.result,
                "blocked": sum(s.blocked for s in steps),
            }
        )
        return
    counts = made.result
    print(f"\n{scores_table(opened, [before, after])}")
    print("The starter set is a smoke test, never a benchmark.")
    print(f"\ntriplets   {counts['triplets']} of {counts['planned'] // 2} planned: syncse show {made.id}")
    print(f"           export them: syncse export {made.id} triplets.csv")
    print(f"encoder    {trained.result['output']}  (SentenceTransformer(path) loads it)")
    print(f"workspace  {opened.directory}")
    print(
        f"network    {sum(step.blocked for step in steps)} connections refused"
        + ("" if opened.settings.airgap else " (guard off: --airgap)")
    )
