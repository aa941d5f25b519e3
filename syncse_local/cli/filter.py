"""`syncse filter`: apply a recipe's filters to a run's triplets, or see what they would change. Generates nothing."""

import argparse
from typing import Any

from syncse_local.api import Run
from syncse_local.cli.common import parser, settings, workspace
from syncse_local.cli.flags import add_fields, spec_of
from syncse_local.cli.follow import follow
from syncse_local.cli.output import emit, table
from syncse_local.errors import ExitCode
from syncse_local.prepare.filter import measuring, thresholds
from syncse_local.prepare.names import evaluation_sets
from syncse_local.specs.filter import FilterSpec
from syncse_local.text.display import safe


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(
        verbs,
        "filter",
        "apply filters to a run's triplets, or see what they would change",
        "syncse filter g1124-0a1b2c --set lexical.max_overlap=0.8 --dry-run",
        run,
    )
    add_fields(made, FilterSpec)


def run(options: argparse.Namespace) -> ExitCode:
    """Measure what is missing in a job of its own, then judge and print."""
    chosen, spec = settings(options), spec_of(options, FilterSpec)
    evaluation_sets(chosen.senteval, chosen.reranking)
    with workspace(options, must_exist=True) as opened:
        target = opened.run(spec.run)
        wanted = thresholds(target, spec, chosen)
        if opened.lacks_measurements(target.id, wanted):
            started = opened.start("filter", measuring(target, wanted, spec, chosen).to_options())
            code = follow(opened, started, options.json)
            if code:
                return code
        report = opened.apply_filters(target.id, wanted, spec.against, spec.dry_run)
        if options.json:
            emit({"run": target.id, "dry_run": spec.dry_run, **report, "settings": wanted.to_dict()})
        else:
            _print(target, report, spec.dry_run)
    return ExitCode.OK


def _print(target: Run, report: dict[str, Any], dry_run: bool) -> None:
    rows = [[name, counts.get("drop", 0), counts.get("flag", 0), counts.get("swap", 0), _reasons(counts)]
            for name, counts in report["filters"].items()]  # fmt: skip
    print(table(["filter", "drops", "flags", "swaps", "reasons"], rows))
    would = "would keep" if dry_run else "keep"
    print(f"{target.id}: the filters {would} {report['kept']} of {report['triplets']} accepted triplets")
    print(f"against the view until now: {report['dropped']} leave, {report['restored']} come back, "
          f"{report['exchanged']} are exchanged")  # fmt: skip
    if report["unmeasured"]:
        print(f"{report['unmeasured']} were kept for want of a measurement")
    for task, why in report["unread_sets"].items():
        print(f"not checked against {task}: {safe(why)}")
    for example in report["examples"]:
        print(f"  - [{example['filters']}] {safe(example['sentence'], 160)}")
        print(f"    + {safe(example['positive'], 160)}\n    x {safe(example['negative'], 160)}")
    if dry_run:
        print("Nothing was stored.")


def _reasons(counts: dict[str, int]) -> str:
    found = [(key.partition(":")[2], count) for key, count in counts.items() if ":" in key]
    return ", ".join(f"{reason} {count}" for reason, count in found)
