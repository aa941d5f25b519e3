"""`syncse run`: the whole job - generate, filter, train, evaluate before and after, print the table. Run again, it continues."""

import argparse
from typing import Any

from syncse_local.api import Workspace
from syncse_local.cli.common import parser, settings, workspace
from syncse_local.cli.evaluate import scores_table
from syncse_local.cli.flags import add_fields, spec_of
from syncse_local.cli.generate import told
from syncse_local.cli.output import emit
from syncse_local.cli.steps import detach_flag, follow_steps, leave
from syncse_local.errors import ExitCode
from syncse_local.prepare.pipeline import Filtered, PipelineResult, pipeline
from syncse_local.specs.pipeline import RunSpec
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
    add_fields(made, RunSpec, hidden=("engine",), checked_late=("pooling",))
    detach_flag(made)


def run(options: argparse.Namespace) -> ExitCode:
    """Do the steps in order; each is a run of its own, found again by its options."""
    chosen = settings(options)
    job = pipeline(spec_of(options, RunSpec), chosen, told)
    if options.detach:
        return leave(options, chosen)
    with workspace(options) as opened, opened.pipeline_lock():
        tell = (lambda found: None) if options.json else _tell
        outcome, code = follow_steps(opened, options, job.steps(opened, tell))
        if outcome:
            _report(opened, options, outcome)
        return code


def _tell(found: Filtered) -> None:
    before = "" if found.again else " (done before)"
    print(
        f"{found.place} filter: {found.run}: {found.kept} of {found.judged} triplets kept, "
        f"{found.judged - found.kept} dropped; {found.contaminated} match an evaluation sentence{before}",
        flush=True,
    )


def _report(opened: Workspace, options: argparse.Namespace, outcome: PipelineResult) -> None:
    before, made, filtered, trained, after = outcome
    steps = [before, *made, trained, after]
    blocked = sum(step.blocked for step in steps)
    left_out = trained.result.get("contaminated", 0)
    if options.json:
        found = {"runs": [step.id for step in steps], "before": before.result, "after": after.result}
        filters = [
            {
                "run": counts.run,
                "judged": counts.judged,
                "kept": counts.kept,
                "dropped": counts.judged - counts.kept,
                "contaminated": counts.contaminated,
            }
            for counts in filtered
        ]
        emit({**found, "filters": filters, "contaminated": left_out, "blocked": blocked})
        return
    print(f"\n{scores_table(opened, [before, after])}")
    print("The starter set is a smoke test, never a benchmark.")
    print(f"More than noise? syncse compare before={before.id} after={after.id}\n")
    for run in made:
        print(f"triplets   {run.result['triplets']} of {run.result['planned'] // 2} planned: syncse show {run.id}")
    print(f"           export them: syncse export {' '.join(run.id for run in made)} triplets.csv")
    for counts in filtered:
        dropped = counts.judged - counts.kept
        print(f"filters    {counts.kept} kept, {dropped} dropped: syncse filter {counts.run} --dry-run")
    print(f"checked    {left_out} triplets match an evaluation sentence and were left out of training")
    print(f"encoder    {safe(trained.result['output'])}  (SentenceTransformer(path) loads it)")
    print(f"workspace  {safe(opened.directory)}")
    guard = "" if opened.settings.airgap else " (guard off: --airgap)"
    print(f"network    {blocked} connections refused{guard}")
