"""What `syncse study` does once its words are read: writes, checks, plans, carries out and shows a study."""

import argparse
from pathlib import Path

from syncse_local.api import Workspace
from syncse_local.cli import compare
from syncse_local.cli.common import settings, workspace
from syncse_local.cli.output import emit, table
from syncse_local.cli.steps import leave
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.study import state, template
from syncse_local.study.carry import Carrier, opened, shown
from syncse_local.study.design import study_of
from syncse_local.study.forecast import forecast
from syncse_local.study.page import markdown, page
from syncse_local.study.tables import leaderboard
from syncse_local.text.display import safe
from syncse_local.text.figures import clock, size


def run(options: argparse.Namespace) -> ExitCode:
    """Do what was asked."""
    if options.act != "list" and not options.name:
        raise SyncseError(
            "Which study?", f"`syncse study {options.act}` needs a name.", "syncse study list", ExitCode.USAGE
        )
    chosen = settings(options)
    if options.act == "new":
        return _new(options, Path(chosen.workspace))
    with workspace(options, must_exist=options.act in ("show", "report", "cancel")) as door:
        if options.act == "list":
            return _list(options, door)
        if options.act == "cancel":
            opened(door, options.name)
            (state.folder(door.directory, options.name) / "cancel").touch()
            print("Asked to stop. It saves what it is at.")
            return ExitCode.OK
        if options.act in ("show", "report"):
            return _report(options, door) if options.act == "report" else _show(options, door)
        carrier = Carrier(door, opened(door, options.name), lambda line: print(safe(line), flush=True))
        if changed := carrier.changed():
            print(safe(changed))
        if options.act == "check":
            print(f"Sound: {len(carrier.arms)} arms, {len(carrier.study.seeds)} seeds.{_one_seed(carrier)}")
            return ExitCode.OK
        if options.act == "plan" and options.pilot:
            carrier.pilot()
        if options.act == "plan":
            return _plan(options, carrier)
        if options.detach:
            return leave(options, chosen)
        done = carrier.run()
        _show(options, door)
        return ExitCode.OK if not any(arm.error for arm in done.arms.values()) else ExitCode.FAILED


def _one_seed(carrier: Carrier) -> str:
    return " One seed: nothing will say how training scatters." if len(carrier.study.seeds) == 1 else ""


def _new(options: argparse.Namespace, directory: Path) -> ExitCode:
    if not options.input:
        raise SyncseError("No input", "A study needs sentences.", "Add --input FILE.", ExitCode.USAGE)
    models = [str(Path(name).resolve()) if Path(name).exists() else name for name in options.models]
    text = template.text(options.name, options.question, models, str(Path(options.input).resolve()), options.backend)
    import tomllib

    study_of(tomllib.loads(text), "the new study")
    path = state.folder(directory, options.name) / "study.toml"
    if path.exists() and not options.force:
        raise SyncseError(
            "A study of this name is there", f"{path} exists.", "Edit it, or add --force.", ExitCode.USAGE
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    emit({"file": str(path)}) if options.json else print(f"{path}\nNext: syncse study run {options.name}")
    return ExitCode.OK


def _list(options: argparse.Namespace, door: Workspace) -> ExitCode:
    found = []
    for path in sorted((door.directory / state.FOLDER).glob("*/study.toml")):
        arms = state.load(door.directory, path.parent.name).arms.values()
        found.append(
            [path.parent.name, len(arms), sum(a.state == "done" for a in arms), sum(bool(a.error) for a in arms)]
        )
    if options.json:
        emit([dict(zip(("name", "arms", "done", "failed"), row, strict=True)) for row in found])
    elif found:
        print(table(("study", "arms", "done", "failed"), found))
    else:
        print("No study here. Write one: syncse study new which-llm --models A B --input FILE")
    return ExitCode.OK


def _plan(options: argparse.Namespace, carrier: Carrier) -> ExitCode:
    found = forecast(carrier)
    if options.json:
        emit(found)
        return ExitCode.OK
    rows = [[step["what"], step["runs"], step["there"], step["requests"] or "-"] for step in found["steps"]]
    print(table(("step", "runs", "there already", "requests"), rows))
    hours = "unknown: nothing was measured yet (add --pilot)" if found["seconds"] is None else clock(found["seconds"])
    print(
        f"time {hours}; tokens {'unknown' if found['tokens'] is None else found['tokens']}; disk {size(found['disk']) or 'none'}"
    )
    print("Order: one seed of every arm before the second of any.")
    return ExitCode.OK


def _show(options: argparse.Namespace, door: Workspace) -> ExitCode:
    found = shown(door, options.name)
    if options.json:
        emit(found)
        return ExitCode.OK
    print(table(*leaderboard(found)))
    for arm in found["arms"]:
        if arm["error"]:
            print(f"{safe(arm['arm'])}: {safe(arm['error']['title'])}: {safe(arm['error']['detail'])}")
    done = state.load(door.directory, options.name).compare
    if done:
        print()
        compare.show(door.run(done))
    return ExitCode.OK


def _report(options: argparse.Namespace, door: Workspace) -> ExitCode:
    found = shown(door, options.name)
    if options.html:
        Path(options.html).write_text(page(door, opened(door, options.name), found), encoding="utf-8")
        print(f"Written: {safe(options.html)}")
    else:
        print(markdown(found, "latex" if options.latex else "markdown"))
    return ExitCode.OK
