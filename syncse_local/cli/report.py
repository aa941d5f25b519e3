"""`syncse report`: how diverse and how good the triplets of runs are, and what they cost; as tables, JSON and charts."""

import argparse
import shutil
from pathlib import Path
from typing import Any

from syncse_local.api import Run, Workspace
from syncse_local.charts import svg, terminal
from syncse_local.cli.common import begun, job_flags, parser, settings, workspace
from syncse_local.cli.flags import add_fields, spec_of
from syncse_local.cli.follow import follow
from syncse_local.cli.output import emit, table
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.prepare.compare import report
from syncse_local.specs.report import ReportSpec
from syncse_local.synthesis.report import tables
from syncse_local.synthesis.report.figures import charts
from syncse_local.text.display import safe

ROWS = 12
"""Lines of each run in a list: a screen holds two runs."""


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(
        verbs,
        "report",
        "diversity, quality and costs of runs' triplets, as tables, JSON and charts",
        "syncse report g1124-0a1b2c g1124-3d4e5f --encoder starter-encoder --svg report.svg",
        run,
    )
    job_flags(made)
    add_fields(made, ReportSpec)
    made.add_argument(
        "--by", choices=tables.LISTED, default="prompt", help="what to list one by one (default: prompt); JSON has all"
    )
    made.add_argument("--rows", type=int, default=ROWS, metavar="N", help=f"lines of each run in it (default: {ROWS})")
    made.add_argument("--charts", action="store_true", help="draw charts below the tables")
    made.add_argument("--svg", metavar="FILE", help="write the charts to this file")
    made.add_argument("--force", action="store_true", help="replace the file if it exists")


def run(options: argparse.Namespace) -> ExitCode:
    """Make the report in a run of its own, or take a report run that is done; print it."""
    target = _target(options)
    with workspace(options, must_exist=True) as opened:
        shown = _stored(opened, options.runs)
        if shown is None:
            started = _started(opened, options)
            if options.detach:
                return begun(started, options.json)
            code = follow(opened, started, options.json)
            if code:
                return code
            shown = opened.run(started.id)
        elif options.json:
            emit({"run": shown.id, "state": shown.state, "result": shown.result})
    if target:
        _write(target, shown.result, options.by)
    if not options.json:
        show(shown, options.by, options.rows, options.charts)
    return ExitCode.OK


def _target(options: argparse.Namespace) -> Path | None:
    if not options.svg:
        return None
    path = Path(options.svg).expanduser()
    if path.exists() and not options.force:
        hint = "Give another path, or pass --force to replace it."
        raise SyncseError("The file exists", f"{path} would be replaced.", hint, ExitCode.USAGE)
    return path


def _stored(opened: Workspace, names: list[str]) -> Run | None:
    """The one report run that is named, if it is one and done."""
    found = opened.run(names[0])
    return found if len(names) == 1 and found.kind == "report" and found.state == "done" else None


def _started(opened: Workspace, options: argparse.Namespace) -> Run:
    spec = spec_of(options, ReportSpec)
    ready = report(spec, settings(options), [opened.run(name) for name in dict.fromkeys(spec.runs)])
    return opened.start("report", ready.to_options(), options.name)


def show(done: Run, kind: str = "prompt", rows: int = ROWS, drawn: bool = False) -> None:
    """Print a finished report run."""
    result = done.result
    found = [
        tables.overview(result),
        tables.faithfulness(result),
        tables.texts(result),
        tables.groups(result, kind, rows),
        tables.failures(result),
    ]
    for header, lines in found:
        if lines:
            print(table(header, lines), end="\n\n")
    for line in tables.remarks(result, kind, rows):
        print(safe(line))
    if drawn:
        width = min(120, shutil.get_terminal_size((100, 24)).columns)
        for chart in charts(result, kind):
            print(f"\n{terminal.draw(chart, width)}")


def _write(path: Path, report: dict[str, Any], kind: str) -> None:
    try:
        path.write_text(svg.document(list(charts(report, kind))), encoding="utf-8")
    except OSError as error:
        detail = f"{path}: {error.strerror}."
        raise SyncseError("Cannot write the charts", detail, "Choose another folder.", ExitCode.PREFLIGHT) from error
