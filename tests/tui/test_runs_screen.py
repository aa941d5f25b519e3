"""The runs screen over a real workspace: what it shows, how it follows, what its keys do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from textual.binding import Binding
from textual.pilot import Pilot

from syncse_local.api import OPEN, Workspace
from tui.app import SyncseApp
from tui.screens.runs import RunsScreen
from tui.themes import ALIASES
from tui.widgets.table import Table

if TYPE_CHECKING:
    from tests.tui.conftest import Look, Rows

    Looker = Callable[[Pilot[int]], Look]

SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (200, 60)


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE])
async def test_it_lists_the_runs_and_follows_the_newest(
    app: SyncseApp, rows: Rows, look: Looker, size: tuple[int, int]
) -> None:
    rows.fill()
    async with app.run_test(size=size) as pilot:
        seen = look(pilot)
        await seen.see("4 runs  ● 1 at work", "syncse-partial", "seed 2", "average 36.22", "2h")
        await seen.see("qwen2.5-7b-instruct-q4_k_m x syncse-partial", "Writing")
        await seen.see("1,600 of 4,000 requests", "ETA 0:43", "accepted 1,503 (94%)", "accepted/s ", "tokens/s ")
        await seen.see("Latest answer: refusal", "A man plays a guitar.", "As a model I cannot.")
        await seen.until(lambda: re.search(r"Rejected answers.*refusal +1", seen.text, re.DOTALL))
        await seen.see("$ syncse show g0101-aaaaaa --follow")
        assert {len(line) for line in seen.lines} == {size[0]}


async def test_a_train_run_shows_its_curves(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.fill()
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.ready()
        await pilot.press("j")
        await seen.see("The run was lost", "r resumes it", "loss 5.026 → 0.622", "dev 0.473 → 0.689", "┤")


async def test_an_evaluation_shows_its_table(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.fill()
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.ready()
        await pilot.press("j", "down")
        await seen.see("Spearman x 100", "31.23", "undefined", "average over the 2 present", "STS16 is not there")


async def test_a_failed_run_shows_title_sentence_and_next_step(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.fail()
    async with app.run_test(size=SMALL) as pilot:
        await look(pilot).see("The model file is truncated", "x.gguf ends early.", "→ Copy the file again.")


async def test_a_finished_generate_run_shows_a_whole_triplet(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.add("g0101-eeeeee", "generate", state="done")
    rows.answers("g0101-eeeeee", "Dogs run.", "Some dogs are running.", "Dogs sleep.")
    async with app.run_test(size=SMALL) as pilot:
        await look(pilot).see("First triplet", "Dogs run.", "Some dogs are running.", "Dogs sleep.")


async def test_it_follows_what_another_connection_writes(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.generate()
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see("1,600 of 4,000")
        rows.progress("g0101-aaaaaa", done=1700, total=4000, accepted=1600, eta=40.0)
        rows.event("g0101-aaaaaa", "warning", text="the disk is nearly full")
        await seen.see("1,700 of 4,000", "accepted 1,600 (94%)", "ETA 0:40", "warning: the disk is nearly full")


async def test_a_new_run_appears_and_the_cursor_stays_on_its_run(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.fill()
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.ready()
        await pilot.press("j")
        rows.add("g0101-ffffff", "generate", "brand new", ago=1)
        await seen.see("5 runs  ● 2 at work", "brand new")
        assert app.screen.query_one(Table).current == "t0101-bbbbbb"
        await seen.see("$ syncse show t0101-bbbbbb --follow")


async def test_an_empty_workspace_says_what_to_do_and_fills_by_itself(app: SyncseApp, rows: Rows, look: Looker) -> None:
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.see("No runs yet.", "1 opens Home", "0 runs")
        await pilot.press("c", "r", "l", "y", "j", "k", "J", "K")
        rows.generate()
        await seen.see("g0101-aaaaaa", "1 run  ● 1 at work")
        await seen.until(lambda: "No runs yet." not in seen.text)


async def test_a_run_whose_process_is_gone_is_found_lost(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.generate()
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.see("● running")
        rows.abandon("g0101-aaaaaa")  # nothing is written: the front end has to look
        await seen.see("? lost", "The run was lost", "r resumes it")
    assert rows.state("g0101-aaaaaa").state == "lost"


async def test_cancel_asks_once_and_then_goes_a_step_further_at_each_press(
    app: SyncseApp, rows: Rows, look: Looker
) -> None:
    rows.generate()
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.ready()
        await pilot.press("c")
        await seen.see("Stop g0101-aaaaaa?", "qwen2.5-7b-instruct-q4_k_m x syncse-partial, seed 1", "lets it go on")
        await pilot.press("escape")
        await seen.until(lambda: isinstance(app.screen, RunsScreen))
        assert rows.state("g0101-aaaaaa").cancel == 0
        await pilot.press("c", "c")
        await seen.see("▶ asked to stop", "c again:")
        for step, shown in enumerate(("▶ SIGTERM", "▶ SIGKILL"), 2):
            await pilot.press("c")  # asked once is enough
            await seen.see(shown)
            assert rows.state("g0101-aaaaaa").cancel == step


async def test_cancel_is_not_offered_where_there_is_nothing_to_cancel(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.evaluate()
    async with app.run_test(size=SMALL) as pilot:
        await look(pilot).see("✓ done")
        await pilot.press("c", "r")
        assert app.screen.check_action("cancel", ()) is False
        assert app.screen.check_action("resume", ()) is False
        assert "Cancel" not in look(pilot).lines[-1]
    assert rows.state("e0101-cccccc").cancel == 0
    assert rows.state("e0101-cccccc").state == "done"


async def test_a_refused_action_shows_the_error(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.evaluate()
    async with app.run_test(size=MIDDLE, notifications=True) as pilot:
        seen = look(pilot)
        await seen.see("✓ done")
        assert isinstance(app.screen, RunsScreen)
        await app.screen.action_cancel()  # as when the run ended between the last look and the key
        await pilot.press("enter")
        await seen.see("Nothing to cancel", "Run e0101-cccccc is done.", "See `syncse runs`.")


async def test_resume_starts_a_real_process_and_shows_how_it_ends(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.add("g0101-eeeeee", "generate", state="cancelled")
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.see("The run was stopped")
        await pilot.press("r")
        await seen.until(lambda: rows.state("g0101-eeeeee").state not in (*OPEN, "cancelled"))
        await seen.see("✗ failed", "recipe: name is missing.")  # the row has no options: its worker says so
        await pilot.press("l")
        await seen.see("Log", "The log is empty.")
        with Workspace(rows.directory) as workspace:
            await seen.until(lambda: not workspace.alive("g0101-eeeeee"))


async def test_an_incomplete_run_says_what_is_missing_and_can_be_resumed(
    app: SyncseApp, rows: Rows, look: Looker
) -> None:
    rows.incomplete()
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see(
            "◐ incomple", "The run is incomplete", "8 of 16 requests have no answer: HTTP 500 8", "r resumes"
        )
        await seen.until(lambda: re.search(r"warning: The positive equals the hard negative in 8\W+of 8", seen.text))


async def test_l_shows_the_log_with_its_escapes_visible_and_puts_it_away(
    app: SyncseApp, rows: Rows, look: Looker
) -> None:
    rows.generate()
    log = rows.directory / "runs" / "g0101-aaaaaa" / "log"
    log.write_bytes(b"early line\n" * 5_000 + b"\x1b[31mred\x1b[0m [b]x[/b] \xff\r\n")
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.see("Events")
        await pilot.press("l")
        await seen.see("early line", "\\u001b[31mred\\u001b[0m [b]x[/b] \ufffd\\u000d")
        assert "Latest answer" not in seen.text
        await pilot.press("l")
        await seen.see("Latest answer", "Events")


async def test_y_copies_the_command(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.generate()
    async with app.run_test(size=SMALL) as pilot:
        await look(pilot).ready()
        await pilot.press("y")
        assert app.clipboard == "syncse show g0101-aaaaaa --follow"


async def test_help_lists_every_binding_and_closes(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.generate()
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.ready()
        screen = app.screen
        await pilot.press("question_mark")
        bindings = [binding for binding in [*screen.BINDINGS, *app.BINDINGS] if isinstance(binding, Binding)]
        assert all(binding.id for binding in bindings)
        wanted = {b.description for b in bindings if screen.check_action(b.action.partition("(")[0], ())}
        wanted -= {b.description for b in bindings if str(b.id).startswith("mode.")}
        seen_so_far = ""
        for _ in range(6):
            seen_so_far += seen.text
            await pilot.press("j")
            await pilot.pause()
        assert [words for words in wanted if words not in seen_so_far] == []
        assert "syncse cancel RUN" in seen_so_far
        assert "syncse resume RUN" not in seen_so_far  # nothing to resume: what does not work now is not listed
        await pilot.press("escape")
        await seen.until(lambda: app.screen is screen)


async def test_no_action_needs_a_ctrl_or_function_key(app: SyncseApp) -> None:
    bindings = [binding for binding in [*RunsScreen.BINDINGS, *app.BINDINGS] if isinstance(binding, Binding)]
    plain = [
        [key for key in binding.key.split(",") if not key.startswith(("ctrl+", "alt+", "f1"))] for binding in bindings
    ]
    assert bindings
    assert all(plain)


async def test_t_goes_through_the_themes(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.fill()
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        themes = []
        for _ in ALIASES:
            await seen.see("● running")
            themes.append(app.theme)
            await pilot.press("t")
        assert themes == list(ALIASES.values())
        assert app.theme == themes[0]


async def test_without_colour_the_states_can_be_told_apart(
    rows: Rows, look: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows.fill()
    monkeypatch.setenv("NO_COLOR", "1")
    with Workspace(rows.directory) as workspace:
        app = SyncseApp(workspace, first="runs")
        async with app.run_test(size=SMALL) as pilot:
            await look(pilot).see("● running", " ? ", " ✓ ", " ✗ ")
            assert app.no_color


async def test_trouble_with_the_store_is_said_and_passes(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.generate()
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.see("1 run  ● 1 at work")
        rows.connection.execute("ALTER TABLE run RENAME TO elsewhere")
        await seen.see("! Cannot read: no such table: run", "1,600 of 4,000")
        rows.connection.execute("ALTER TABLE elsewhere RENAME TO run")
        await seen.see("1 run  ● 1 at work")


async def test_q_quits_and_leaves_the_run_alone(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.generate()
    async with app.run_test(size=SMALL) as pilot:
        await look(pilot).ready()
        await pilot.press("q")
    assert app.return_code == 0
    assert rows.state("g0101-aaaaaa").state == "running"
    assert rows.state("g0101-aaaaaa").cancel == 0


async def test_a_resize_keeps_every_line_whole(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.fill()
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see("all-MiniLM-L6-v2")
        for size in (SMALL, LARGE, (40, 12), MIDDLE):
            await pilot.resize_terminal(*size)
            await asyncio.sleep(0)
            await seen.until(lambda size=size: {len(line) for line in seen.lines} == {size[0]})  # type: ignore[misc]
        await seen.see("g0101-aaaaaa", "all-MiniLM-L6-v2", "1,600 of 4,000")


async def test_a_reading_that_comes_back_while_the_program_closes_is_dropped(
    app: SyncseApp, rows: Rows, look: Looker
) -> None:
    rows.fill()
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.ready()
        screen = app.screen
        await screen.query("#header, #detail").remove()
        rows.progress("g0101-aaaaaa", done=3900, total=4000)
        assert isinstance(screen, RunsScreen)
        await seen.until(lambda: screen.run_shown and screen.run_shown.progress["done"] == 3900)
        await pilot.pause()
        await pilot.press("q")
    assert app.return_code == 0


def test_a_crash_is_no_success(rows: Rows) -> None:
    class Broken(SyncseApp):
        def on_mount(self) -> None:
            raise RuntimeError("broken")

    with Workspace(rows.directory) as workspace:
        assert Broken(workspace).run(headless=True) == 1
