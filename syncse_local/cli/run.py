"""`syncse run`: the whole job - generate, filter, train, evaluate before and after, print the table. Run again, it continues."""

import argparse
from typing import Any

from syncse_local.api import OPEN, Run, Workspace
from syncse_local.cli.common import parser, settings, workspace
from syncse_local.cli.evaluate import scores_table
from syncse_local.cli.flags import add_fields, spec_of
from syncse_local.cli.follow import follow
from syncse_local.cli.generate import told
from syncse_local.cli.output import emit
from syncse_local.cli.steps import detach_flag, leave, step
from syncse_local.config import Settings
from syncse_local.errors import ExitCode
from syncse_local.prepare import pipeline
from syncse_local.prepare.filter import measuring, thresholds
from syncse_local.specs.filter import FilterSpec
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
    """Do the steps in order; each is a run of its own, found again by its options. Several generators take turns."""
    chosen, spec = settings(options), spec_of(options, RunSpec)
    of = pipeline.steps_of(spec)
    first = pipeline.first_evaluation(spec, chosen)
    plans = pipeline.generations(spec, chosen, told)
    if options.detach:
        return leave(options, chosen)
    with workspace(options) as opened, opened.pipeline_lock():
        before, code = step(opened, options, first.but(label="before"), f"1/{of} evaluate before")
        if code:
            return code
        made, filtered = list[Run](), list[dict[str, Any]]()
        for name, plan in plans.items():
            run, code = step(opened, options, plan, f"2/{of} generate {name}".rstrip())
            if code:
                return code
            made.append(run)
        for run in [] if spec.no_filters else made:
            found, code = _filtered(opened, options, chosen, run, f"3/{of} filter")
            if code:
                return code
            filtered.append(found)
        output = opened.default_output(f"from-{made[0].id}" + ("-unfiltered" if spec.no_filters else ""))
        training = pipeline.training(spec, chosen, [run.id for run in made], str(output))
        trained, code = step(opened, options, training, f"{of - 1}/{of} train")
        if code:
            return code
        last = first.but(encoder=trained.result["output"], label="after")
        after, code = step(opened, options, last, f"{of}/{of} evaluate after")
        if code:
            return code
        _report(opened, options, [before, *made, trained, after], filtered)
    return ExitCode.OK


def _filtered(
    opened: Workspace, options: argparse.Namespace, chosen: Settings, made: Run, title: str
) -> tuple[dict[str, Any], ExitCode]:
    """Apply the recipe's filters to a run unless they stand; returns the counts, and the exit code of measuring."""
    none = FilterSpec.asked(run=made.id)
    wanted = thresholds(made, none, chosen)
    measured = None
    if opened.lacks_measurements(made.id, wanted):
        measured = opened.ensure("filter", measuring(made, wanted, none, chosen).to_options(), "filter")
        code = follow(opened, measured, options.json) if measured.state in OPEN else ExitCode.OK
        if code:
            return {}, code
    stand = opened.filters(made.id)
    again = measured is not None or stand is None or stand["params"] != {**wanted.to_dict(), "against": []}
    if again:
        opened.apply_filters(made.id, wanted)
        stand = opened.filters(made.id)
    found = _counted(made, stand or {})
    if not options.json:
        print(f"{title}: {made.id}: {_described(found)}{'' if again else ' (done before)'}", flush=True)
    return found, ExitCode.OK


def _counted(made: Run, stand: dict[str, Any]) -> dict[str, Any]:
    """A run's filters in three figures: what they keep and drop, and the kept that match an evaluation sentence."""
    flagged = stand["filters"].get("contamination", {}).get("flag", 0)
    return {
        "run": made.id,
        "judged": stand["judged"],
        "kept": stand["kept"],
        "dropped": stand["judged"] - stand["kept"],
        "contaminated": flagged,
    }


def _described(found: dict[str, Any]) -> str:
    return (
        f"{found['kept']} of {found['judged']} triplets kept, {found['dropped']} dropped; "
        f"{found['contaminated']} match an evaluation sentence"
    )


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
