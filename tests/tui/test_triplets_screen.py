"""The screen of triplets over a real workspace: paging, filters, search, decisions, and what arrives while one looks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from textual import events
from textual.pilot import Pilot

from syncse_local.api import TripletQuery, Workspace
from syncse_local.config import Settings
from syncse_local.store import filtering
from syncse_local.store.filtering import VerdictRow
from tui import triplet_queries
from tui.app import SyncseApp
from tui.screens.error import ErrorScreen
from tui.screens.triplet_frame import flags
from tui.screens.triplets import TripletsScreen, _place
from tui.widgets.command_line import CommandLine
from tui.widgets.triplet_table import TripletTable

if TYPE_CHECKING:
    from tests.tui.conftest import Look, Rows

    Looker = Callable[[Pilot[int]], Look]
    Beginner = Callable[[str], SyncseApp]

RUN = "g0101-aaaaaa"
SMALL, MIDDLE = (80, 24), (120, 40)
COUNT = 250


def texts(count: int, first: int = 0) -> list[tuple[str, str, str]]:
    """Triplets that can be told apart."""
    names = ("guitar", "violin", "drum", "flute", "harp")
    return [
        (f"A man plays the {names[i % 5]} x{i}.", f"Someone plays the {names[i % 5]} x{i}.", f"Nobody sings x{i}.")
        for i in range(first, first + count)
    ]


@pytest.fixture
def filled(rows: Rows) -> Rows:
    """A finished run of COUNT triplets, every tenth rejected."""
    rows.add(RUN, "generate", "generate 5f6e7d8c", state="done")
    rows.triplets(RUN, texts(COUNT), copied=10)
    return rows


def said(app: SyncseApp) -> str:
    """The command line on the screen."""
    return app.screen.query_one(CommandLine).command


def table(app: SyncseApp) -> TripletTable:
    """The table on the screen."""
    return app.screen.query_one(TripletTable)


async def test_one_moves_through_the_table_and_sees_all_about_a_triplet(
    begin: Beginner, filled: Rows, look: Looker
) -> None:
    app = begin("triplets")
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.see("row 1 of 250", "✗  A man plays the guit", "No. 0 of", "✗ rejected copy")
        await pilot.press("j")
        await seen.see("row 2 of 250", "▶  2 ✓", "No. 2 of", "✓ accepted", "{+Someone+} plays the violin x1.", "A man")
        assert said(app) == f"syncse triplets {RUN} 2"
        await pilot.press("G")
        await seen.see("row 250 of 250", "▶250 ✓", "No. 498 of")
        await pilot.press("k", "pageup", "b")
        await seen.see(f"row {249 - 2 * table(app).height} of 250")
        await pilot.press("space", "g")
        await seen.see("▶  1 ✗")
        await pilot.press("percent_sign", *"50%", "enter")
        await seen.see("row 126 of 250")
        await pilot.press("percent_sign", *"3", "enter", "J")
        await seen.see("row 3 of 250", "Raw answers", "+ raw: Someone plays the drum x2.", "24 tokens")
        await pilot.press("J", "J")
        await seen.see("Prompt of the positive", "The run names no recipe that has this prompt.")


def test_a_place_is_a_row_or_a_percentage() -> None:
    given = ("1", "1,000", "50%", " 100 % ", "0%", "x", "", "nan", "inf%", "-")
    assert [_place(text, 1000) for text in given] == [0, 999, 500, 1000, 0, None, None, None, None, None]


async def test_filters_search_and_order_narrow_the_table(begin: Beginner, filled: Rows, look: Looker) -> None:
    app = begin("triplets")
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see("row 1 of 250")
        await pilot.press("f")
        await seen.see("not decided by a person", "accepted", "225", "rejected: copy", "25")
        await pilot.press("j", "j", "j", "j", "enter")
        await seen.see("row 1 of 25 ", "rejected")
        assert said(app) == f"syncse triplets {RUN} --state rejected"
        await pilot.press("slash", *"guitar x1*", "enter")
        await seen.see('with "guitar x1*"')
        with Workspace(filled.directory) as workspace:
            query = TripletQuery(RUN, state="rejected", search="guitar x1*")
            await seen.see(f"row 1 of {workspace.triplet_count(query)} ")
        assert said(app) == f"syncse triplets {RUN} --state rejected --search 'guitar x1*'"
        await pilot.press("slash", "escape", "escape")
        await seen.see("row 1 of 250", "  all")
        await pilot.press("S")
        await seen.see("by the positive's overlap")
        await pilot.press("j", "enter")
        await seen.see("by words", "row 1 of 250")
        await pilot.press("S", "enter")
        await seen.see("by words, falling")
        await pilot.press("P")
        await seen.see("any prompt", "p0", "125")
        await pilot.press("j", "enter")
        await seen.see("row 1 of 125", "prompt p0")
        await pilot.press("slash", *"zebra", "enter")
        await seen.see("nothing", 'with "zebra"')


async def test_decisions_are_stored_shown_and_taken_back(begin: Beginner, filled: Rows, look: Looker) -> None:
    app = begin("triplets")
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see("No. 0 of", "✗ rejected copy")
        await pilot.press("a")
        await seen.see("1 ✓● person", "No. 0 of", "✓ accepted person", f"syncse review {RUN} --accept 0")
        await pilot.press("n")
        await seen.see("row 2 of 250", "No. 2 of", "✓ accepted")
        await pilot.press("x")
        await seen.see("2 ✗● person", "No. 2 of", "✗ rejected person")
        await pilot.press("g", "n")
        await seen.see("row 3 of 250", "No. 4 of")
        await pilot.press("e")
        await seen.see("hard negative", "Someone plays the drum x2.")
        await pilot.press(*" Really.", "enter", "enter")
        await seen.see("3 ✓● edited", "No. 4 of", "✓ accepted edited", "{+Really.+}", "--positive")
        with Workspace(filled.directory) as workspace:
            assert [row["action"] for row in workspace.reviews(RUN)] == ["accept", "reject", "edit"]
            assert workspace.reviews(RUN)[2]["edited_positive"] == "Someone plays the drum x2. Really."
        await pilot.press("u")
        await seen.see("3 ✓  ", "No. 4 of", "✓ accepted", "--undo 4")
        await seen.until(lambda: "edited" not in seen.text)
        await pilot.press("u")
        await seen.see("Nothing to undo")
        assert isinstance(app.screen, ErrorScreen)
        await pilot.press("escape", "f", "j", "j", "enter")
        await seen.see("row 1 of 2 ", "decided by a person")


async def test_the_author_is_that_of_the_settings(filled: Rows, look: Looker) -> None:
    with Workspace(filled.directory, Settings(author="ana")) as workspace:
        app = SyncseApp(workspace, first="triplets")
        async with app.run_test(size=MIDDLE) as pilot:
            seen = look(pilot)
            await seen.see("No. 0 of")
            await pilot.press("a")
            await seen.see("● ana accept")
        assert workspace.reviews(RUN)[0]["author"] == "ana"


async def test_what_arrives_leaves_the_cursor_on_its_triplet(begin: Beginner, rows: Rows, look: Looker) -> None:
    rows.add(RUN, "generate")
    rows.triplets(RUN, texts(40, 100), first=100)
    app = begin("triplets")
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.see("row 1 of 40")
        await pilot.press(*"jjjjjjjjjjjj")
        await seen.see("row 13 of 40", "No. 224 of")
        line = next(i for i, text in enumerate(seen.lines) if text.startswith("▶"))
        rows.triplets(RUN, texts(20), first=0)
        await seen.see("row 33 of 60", "No. 224 of")
        assert seen.lines[line].startswith("▶ 33 ✓")
        rows.triplets(RUN, texts(20, 200), first=200)
        await seen.see("row 33 of 80")


async def test_two_front_ends_see_each_others_decisions(filled: Rows, look: Looker) -> None:
    with Workspace(filled.directory, Settings(author="ana")) as one, Workspace(filled.directory) as other:
        first, second = SyncseApp(one, first="triplets"), SyncseApp(other, first="triplets")
        async with first.run_test(size=MIDDLE) as pilot, second.run_test(size=MIDDLE) as watcher:
            seen, watched = look(pilot), look(watcher)
            await seen.see("No. 0 of")
            await watched.see("No. 0 of")
            await pilot.press("a")
            await watched.see("1 ✓● person", "● ana accept")


async def test_a_backlog_is_taken_up_by_a_process_of_its_own(
    begin: Beginner, filled: Rows, look: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triplet_queries, "BACKLOG", 100)
    asked: list[str] = []
    real = Workspace.refresh_triplets

    def watched(workspace: Workspace, run_id: str) -> int:
        asked.append(run_id)
        return real(workspace, run_id)

    monkeypatch.setattr(Workspace, "refresh_triplets", watched)
    app = begin("triplets")
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see("indexing 500 answers")
        assert not asked
        await seen.see("row 1 of 250")
        await seen.until(lambda: "taking up" not in seen.text)


async def test_an_answer_to_an_earlier_question_is_dropped(begin: Beginner, filled: Rows, look: Looker) -> None:
    app = begin("triplets")
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see("row 1 of 250")
        screen = app.screen
        assert isinstance(screen, TripletsScreen)
        for search in ("guitar", "violin", "drum x2"):
            screen.show_result(TripletQuery(RUN, search=search))
        await seen.see("row 1 of 1 ", "x2.")
        await pilot.pause(0.5)
        assert "row 1 of 1 " in seen.text
        assert table(app).pages.total == 1


async def test_another_run_is_chosen_by_key_and_from_another_screen(
    begin: Beginner, filled: Rows, look: Looker
) -> None:
    filled.add("g0101-bbbbbb", "generate", "the older one", ago=5000, state="done")
    filled.triplets("g0101-bbbbbb", texts(7))
    app = begin("triplets")
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see("row 1 of 250")
        await pilot.press("left_square_bracket")
        await seen.see("g0101-bbbbbb", "row 1 of 7")
        await pilot.press("w")
        await seen.see("The triplets of", "the older one")
        await pilot.press("k", "enter")
        await seen.see("row 1 of 250")
        await pilot.press("9", "j")
        await seen.see("generate g0101-bbbbbb")
        await pilot.press("v")
        await seen.see("row 1 of 7")


async def test_a_screen_without_runs_says_what_to_do(begin: Beginner, look: Looker, rows: Rows) -> None:
    app = begin("triplets")
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.see("No triplets yet.", "4 starts one")
        await pilot.press("a", "e", "u", "n", "f", "slash", "S", "j", "G", "P", "w", "enter", "o")
        rows.add(RUN, "generate")
        await seen.see(RUN, "nothing")
        rows.triplets(RUN, texts(3))
        await seen.see("row 1 of 3")


async def test_the_mouse_chooses_a_row_and_a_resize_keeps_it(begin: Beginner, filled: Rows, look: Looker) -> None:
    app = begin("triplets")
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see("row 1 of 250")
        await pilot.click(TripletTable, offset=(20, 5))
        await seen.see("row 5 of 250", "No. 8 of")
        for size in (SMALL, (200, 60), (40, 12)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert {len(line) for line in seen.lines} == {size[0]}
            await seen.until(lambda: any("▶  5" in line for line in seen.lines))
        table(app).post_message(events.MouseScrollDown(table(app), 5, 5, 0, 1, 0, False, False, False))
        await seen.see("row 5 of 250")


async def test_filters_show_their_scores(begin: Beginner, filled: Rows, look: Looker) -> None:
    said = [VerdictRow(2, "length", 1, "drop", 9.25, "too long"), VerdictRow(2, "judge", 1, "keep", 4.0, "")]
    filtering.record(filled.connection, RUN, {}, "h", {}, COUNT, said)
    app = begin("triplets")
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see("No. 0 of")
        await pilot.press("j")
        await seen.see("▽  length", "No. 2 of", "▽ dropped length", "drop 9.25  too long", "keep 4")


def test_a_query_is_words_of_the_command() -> None:
    query = TripletQuery(RUN, "rejected", "copy", "p0", "-x y", "words", True, "no")
    assert flags(query) == [
        *("--state", "rejected", "--reason", "copy", "--prompt", "p0", "--reviewed", "no", "--search=-x y"),
        *("--sort", "words", "--falling"),
    ]
    assert flags(TripletQuery(RUN)) == []


def test_the_command_lists_counts_and_shows(filled: Rows) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "syncse_local.cli.main", "triplets", RUN, *words, "-w", str(filled.directory)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    page = run("--state", "rejected", "--limit", "2")
    assert page.stdout.splitlines()[-1] == "2 of 25 triplets"
    assert "copy" in page.stdout
    assert run("--count").stdout.split()[-6:] == ["accepted", "-", "225", "rejected", "copy", "25"]
    assert "raw: Someone plays the violin" in run("2").stdout
    assert (run("--search", "zebra").returncode, run("3").returncode) == (3, 2)
