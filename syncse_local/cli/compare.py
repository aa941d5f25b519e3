"""`syncse compare`: differences between evaluated encoders with intervals and verdicts."""

import argparse
from typing import Any

from syncse_local.api import Run
from syncse_local.cli.common import begun, job_flags, parser, workspace
from syncse_local.cli.flags import add_fields, spec_of
from syncse_local.cli.follow import follow
from syncse_local.cli.output import table
from syncse_local.compare import report
from syncse_local.errors import ExitCode
from syncse_local.prepare.compare import compare
from syncse_local.results.tables import FORMATS, render
from syncse_local.specs.compare import CompareSpec
from syncse_local.text.display import safe


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
    add_fields(made, CompareSpec)
    forms = made.add_mutually_exclusive_group()
    for form in FORMATS:
        forms.add_argument(f"--{form}", dest="form", action="store_const", const=form, help=f"print {form}")


def run(options: argparse.Namespace) -> ExitCode:
    """Start the comparison, follow it, print its tables."""
    spec = spec_of(options, CompareSpec)
    with workspace(options, must_exist=True) as opened:
        started = opened.start(
            "compare", compare(spec, opened.arms(spec.arms, spec.fixed, spec.trained)).to_options(), options.name
        )
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
