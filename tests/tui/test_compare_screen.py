"""Compare: arms are marked and named, a real comparison is run, and its tiers, intervals and verdicts are shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from textual.pilot import Pilot

from syncse_local.api import Workspace
from syncse_local.store import runs
from tests.conftest import Cli
from tests.tui.comparison import result
from tui import comparison, describe
from tui.app import SyncseApp
from tui.arms import Marks
from tui.widgets.command_line import CommandLine
from tui.widgets.task_result import TaskResult

if TYPE_CHECKING:
    from tests.tui.conftest import Look, Rows

    Looker = Callable[[Pilot[int]], Look]
    Beginner = Callable[[str], SyncseApp]

SMALL, MIDDLE = (80, 24), (120, 40)


def said(app: SyncseApp) -> str:
    """The command line on the screen."""
    return app.screen.query_one(CommandLine).command


async def test_two_evaluations_are_marked_named_and_compared(
    begin: Beginner, rows: Rows, look: Looker, tiny_encoder: Path
) -> None:
    cli = Cli(rows.directory)
    for name, pooling in (("one", "avg"), ("two", "avg_top2")):
        done = cli("eval", str(tiny_encoder), "--tasks", "starter", "--pooling", pooling, "--name", name)
        assert done.returncode == 0, done.stderr
    with Workspace(rows.directory) as workspace:
        newer, older = (run.id for run in workspace.runs())
    app = begin("compare")
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.see("two: ", "one: ", "No noise floor yet", "syncse calibrate")
        assert said(app) == "syncse compare --detach"
        await pilot.press("s")
        await seen.see("Compare with what?")
        await pilot.press("escape", "m", "j", "N")
        await seen.see("The arm that this is a seed of: one: ")
        await pilot.press(*"--base", "enter")
        await seen.see("base: one: ", "(1 seed)")
        assert said(app) == f"syncse compare {newer} base={older} --detach"
        await pilot.press("s")
        await seen.see("starter", "Scores, 95 % intervals", "Differences, Holm's intervals", "●", "syncse show c")
        pair = comparison.read(workspace_result(rows)).tasks[0].pairs[0]
        assert pair.verdict in seen.text.replace("\n", " ")
        for _ in range(3):
            await pilot.press("J")
        await seen.see("this machine is not calibrated", "`syncse calibrate`", "Holm over 1 comparisons")
        await pilot.press("l")
        await seen.see("Log", "--log")
        await pilot.press("l", "s")
        await seen.until(lambda: said(app).endswith(f"base={older} --detach"))


def workspace_result(rows: Rows) -> dict[str, Any]:
    """The newest comparison's result."""
    with Workspace(rows.directory) as workspace:
        return next(run.result for run in workspace.runs() if run.kind == "compare")


@pytest.mark.parametrize("size", [SMALL, MIDDLE, (200, 60)])
async def test_each_task_has_its_ranking_intervals_and_verdicts(
    begin: Beginner, rows: Rows, look: Looker, size: tuple[int, int]
) -> None:
    rows.compare()
    app = begin("compare")
    async with app.run_test(size=size) as pilot:
        seen = look(pilot)
        await seen.see("average of the 2 present: STS12, STSB spearman", "$ syncse show c0101-eeeeee")  # first of all
        text = app.screen.query_one(TaskResult)._shown.plain
        assert "▼ base is worse than mine" in text
        assert "≈ cannot tell base from one [b]seed[/b]" in text
        assert "Used: seeds (3 and 3), unlike; seeds (3) and other arms; seeds (3), taken for both." in text
        await pilot.press("j")
        await seen.see("STS12", "1 mine  2 base, one [b]seed[/b]", "STSB")
        await seen.see("one tier: cannot be told", "93.84", "93.05 to 94.89")
        assert {len(line) for line in seen.lines} == {size[0]}
        await pilot.press("j")
        await seen.see("STSB spearman x 100 over 60 pairs", "94.63")
        await pilot.resize_terminal(40, 20)
        await seen.see("STS12")


async def test_a_calibration_is_named(begin: Beginner, rows: Rows, look: Looker) -> None:
    rows.evaluate()
    rows.add("c0101-eeeeee", "compare")
    runs.finish(rows.connection, "c0101-eeeeee", "done", **result(calibrated=True))
    app = begin("compare")
    async with app.run_test(size=MIDDLE) as pilot:
        await look(pilot).see("Calibrated with", "starter-encoder, 1,200 triplets")


async def test_what_home_chose_is_marked_and_nothing_to_compare_says_how(
    begin: Beginner, rows: Rows, look: Looker
) -> None:
    app = begin("compare")
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.see("Nothing to compare yet.")
        rows.evaluate("e0101-aaaaaa")
        rows.evaluate("e0101-bbbbbb", ago=10)
        await seen.see("all-MiniLM-L6-v2", "average 36.22")
        await pilot.press("1")
        await seen.see("Compare the two encoders that were evaluated last")
        await pilot.press("enter")
        await seen.until(lambda: said(app) == "syncse compare e0101-aaaaaa e0101-bbbbbb --detach")
        await pilot.press("m")
        await seen.until(lambda: said(app) == "syncse compare e0101-aaaaaa --detach")


def test_runs_of_one_name_are_the_seeds_of_one_arm() -> None:
    marks = Marks()
    for run_id, name in (("e1", "mine"), ("e2", ""), ("e3", " -mine "), ("e4", "a b")):
        marks.put(run_id, name)
    assert marks.arguments() == ["mine=e1,e3", "e2", "a b=e4"]
    marks.toggle("e1")
    marks.toggle("e5")
    assert marks.arguments() == ["e2", "mine=e3", "a b=e4", "e5"]
    assert ("e1" in marks, marks.name("e3"), marks.name("e9")) == (False, "mine", "")


def test_the_runs_table_says_how_many_differ(rows: Rows) -> None:
    assert describe.outcome(rows.compare()) == "4 of 9 differ"


ODD: list[Any] = [None, True, 7, 1e400, "x", [], [None], [1, 2], [2, 1], {}, {"value": [], "source": 3}]
NAMES = (
    "rows",
    "tiers",
    "scores",
    "comparisons",
    "interval",
    "corrected",
    "floor",
    "value",
    "seeds",
    "notes",
    "family",
)


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_results_of_any_shape_are_read(odd: Any) -> None:
    shapeless = dict.fromkeys([*NAMES, "calibration", "p_holm", "items", "why_undefined"], odd)
    assert isinstance(comparison.read(shapeless).notes, tuple)
    row = {**shapeless, "scores": [shapeless, odd], "comparisons": [shapeless, odd]}
    (task,) = comparison.read({**shapeless, "rows": [row, odd]}).tasks[:1]
    assert (len(task.scores), len(task.pairs)) == (2, 2) if isinstance(odd, dict) else (1, 1)


def test_a_tier_whose_arms_differ_says_why_they_share_it(rows: Rows) -> None:
    from tui.widgets.task_result import _ranking

    pair = {"first": "a", "second": "c", "verdict": "better", "difference": 0.1}
    told = {"rows": [{"name": "T", "tiers": [["a", "b", "c"]], "comparisons": [pair]}]}
    (task,) = comparison.read(told).tasks
    assert "another cannot be told from either" in _ranking(task)[0].plain


def test_arms_that_were_named_after_a_directory_say_what_they_are(rows: Rows) -> None:
    told = {"rows": [{"name": "T", "tiers": [["encoder-1", "mine"]], "scores": [{"arm": "encoder-1", "value": 0.5}]}]}
    (task,) = comparison.read(told, {"encoder-1": "MiniLM + qwen x naive, seed 1"}).tasks
    assert task.tiers == (("MiniLM + qwen x naive, seed 1", "mine"),)
    assert task.scores[0].arm == "MiniLM + qwen x naive, seed 1"
