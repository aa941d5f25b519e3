"""`syncse filter`: apply a recipe's filters to a run's triplets, or see what they would change. Generates nothing."""

import argparse
import dataclasses
import tomllib
from pathlib import Path
from typing import Any

from syncse_local.api import Run
from syncse_local.cli.common import existing, named, parser, settings, workspace
from syncse_local.cli.engine import engine_options
from syncse_local.cli.follow import follow
from syncse_local.cli.output import emit, table
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.registry import backend_spec
from syncse_local.specs.generate import GenerateSpec
from syncse_local.synthesis.filters.settings import FilterSettings, changed
from syncse_local.synthesis.recipe import Recipe, load_recipe
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
    made.add_argument("run", help="a generate run")
    made.add_argument(
        "--recipe", metavar="NAME", dest="by", help="take the thresholds of this recipe, not of the run's own"
    )
    made.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a threshold, as in lexical.max_overlap=0.8; may be repeated",
    )
    made.add_argument(
        "--against",
        nargs="+",
        default=[],
        metavar="RUN",
        help="runs whose triplets count as kept before: duplicates across runs",
    )
    made.add_argument("--senteval", metavar="DIR", help="SentEval's data directory, for the contamination flags")
    made.add_argument("--reranking", metavar="DIR", help="directory with the reranking sets, for the same")
    made.add_argument("--device", help="where the encoders run: auto, cpu, cuda or mps")
    made.add_argument("--dry-run", action="store_true", help="store no verdict; only say what would change")


def run(options: argparse.Namespace) -> ExitCode:
    """Measure what is missing in a job of its own, then judge and print."""
    chosen = settings(options)
    if chosen.senteval:
        existing(chosen.senteval, "SentEval directory")
    if chosen.reranking:
        existing(chosen.reranking, "reranking directory")
    with workspace(options, must_exist=True) as opened:
        target = opened.run(options.run)
        wanted = resolved(chosen, thresholds(target, options.by, options.set))
        if opened.lacks_measurements(target.id, wanted):
            code = follow(opened, opened.start("filter", measuring(target, wanted, chosen)), options.json)
            if code:
                return code
        report = opened.apply_filters(target.id, wanted, options.against, options.dry_run)
        if options.json:
            emit({"run": target.id, "dry_run": options.dry_run, **report, "settings": wanted.to_dict()})
        else:
            _print(target, report, options.dry_run)
    return ExitCode.OK


def thresholds(target: Run, recipe: str | None, changes: list[str]) -> FilterSettings:
    """The run's own filter settings, or a recipe's, with `--set` on top. Raises SyncseError (USAGE)."""
    if target.kind != "generate":
        hint = "Name a generate run; `syncse runs` lists them."
        raise SyncseError("Nothing to filter", f"Run {target.id} is a {target.kind} run.", hint, ExitCode.USAGE)
    own = load_recipe(recipe) if recipe else Recipe.from_dict(GenerateSpec.of(target.options).recipe_data or {})
    return changed(own.filters, dict(map(_assignment, changes)), "--set, [filters]")


def _assignment(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not equals or "." not in key:
        hint = "Write --set TABLE.KEY=VALUE, as in --set lexical.max_overlap=0.8."
        raise SyncseError("Bad threshold", f"{text!r} names no key and value.", hint, ExitCode.USAGE)
    try:
        return key.strip().removeprefix("filters."), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip().removeprefix("filters."), value.strip()


def resolved(chosen: Settings, wanted: FilterSettings) -> FilterSettings:
    """The settings with the encoder's and the judge's names as absolute paths."""
    encoder, near, judge = wanted.cosine.encoder, wanted.contamination.encoder, wanted.judge.model
    if encoder:
        encoder = named(encoder, chosen, "encoder", "train")
    if near:
        near = named(near, chosen, "encoder", "train")
    if judge and backend_spec(wanted.judge.backend).model == "files":
        judge = named(judge, chosen, "model", wanted.judge.backend)
    return dataclasses.replace(
        wanted,
        cosine=dataclasses.replace(wanted.cosine, encoder=encoder),
        judge=dataclasses.replace(wanted.judge, model=judge),
        contamination=dataclasses.replace(wanted.contamination, encoder=near),
    )


def measuring(target: Run, wanted: FilterSettings, chosen: Settings) -> dict[str, Any]:
    """The options of a run of kind `filter`, which measures what these filters need of a generate run."""
    engine = engine_options(dataclasses.replace(chosen, backend=wanted.judge.backend), []) if wanted.judge.model else {}
    sets = {name: str(Path(found).resolve()) for name in ("senteval", "reranking") if (found := getattr(chosen, name))}
    return {"run": target.id, "filters": wanted.to_dict(), "device": chosen.device, "backend_options": engine, **sets}


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
