"""`syncse compare`: differences between evaluated encoders with intervals and verdicts."""

import argparse
from typing import Any

from syncse_local.api import Run
from syncse_local.cli.common import begun, job_flags, parser, workspace
from syncse_local.cli.follow import follow
from syncse_local.cli.output import table
from syncse_local.compare import report
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.results.tables import FORMATS, render
from syncse_local.text.display import safe

METHODS = ("bca", "percentile")
METRICS = ("spearman", "pearson", "map", "map@1000", "mrr@10", "ndcg@10", "accuracy", "f1")


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(
        verbs,
        "compare",
        "say which of several evaluated encoders is better, or that nobody can tell",
        "syncse compare base=e1124-a1,e1124-b2,e1124-c3 mine=e1125-d4,e1125-e5,e1125-f6",
        run,
    )
    job_flags(made)
    made.add_argument("arms", nargs="+", metavar="RUN", help="an eval run, or the seeds of one arm: name=RUN,RUN,RUN")
    made.add_argument(
        "--tasks", nargs="+", metavar="TASK", default=[], help="tasks or families (default: all in common)"
    )
    made.add_argument("--metric", choices=METRICS, help="instead of each family's main one")
    made.add_argument("--draws", type=int, default=10_000, help="bootstrap draws (default: 10000)")
    made.add_argument("--seed", type=int, default=1, help="seed of the draws (default: 1)")
    made.add_argument("--method", choices=METHODS, default="bca", help="intervals over items (default: bca)")
    forms = made.add_mutually_exclusive_group()
    for form in FORMATS:
        forms.add_argument(f"--{form}", dest="form", action="store_const", const=form, help=f"print {form}")


def setting(options: argparse.Namespace) -> dict[str, Any]:
    """The setting of a study, checked."""
    if options.draws < 100 or options.seed < 0:
        detail = (
            f"--draws is {options.draws} and --seed {options.seed}; at least 100 draws and a seed from 0 are needed."
        )
        raise SyncseError("Bad bootstrap setting", detail, "Leave them out for 10000 draws, seed 1.", ExitCode.USAGE)
    return {"draws": options.draws, "seed": options.seed, "method": options.method}


def run(options: argparse.Namespace) -> ExitCode:
    """Start the comparison, follow it, print its tables."""
    plan = {"tasks": options.tasks, "metric": options.metric or "", "setting": setting(options)}
    with workspace(options, must_exist=True) as opened:
        arms = opened.arms(options.arms)
        if len(arms) < 2:
            raise SyncseError(
                "Compare with what?", "One arm was given.", "Give two runs or more: syncse compare A B", ExitCode.USAGE
            )
        started = opened.start("compare", {"arms": arms, **plan}, options.name)
        if options.detach:
            return begun(started, options.json)
        code = follow(opened, started, options.json)
        if code == ExitCode.OK and not options.json:
            show(opened.run(started.id), options.form)
        return code


def show(done: Run, form: str | None = None) -> None:
    """Print a finished compare run."""
    study = done.result
    tables = [report.scores(study), report.differences(study)]
    for header, rows in tables:
        if not rows:
            continue
        print(render(form, (header, rows)) if form else table(header, rows), end="\n\n")
    for line in report.remarks(study):
        print(f"% {safe(line)}" if form == "latex" else f"# {safe(line)}" if form == "csv" else safe(line))
