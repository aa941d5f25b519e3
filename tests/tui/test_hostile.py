"""Text and numbers that would break a screen: shown, never obeyed, and the layout stands."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from syncse_local.errors import SyncseError
from syncse_local.store import filtering, runs
from syncse_local.store.filtering import VerdictRow
from tui.app import SyncseApp
from tui.widgets.event_log import EventLog

if TYPE_CHECKING:
    from tests.tui.conftest import Look, Rows

    Looker = Callable[[Pilot[int]], Look]
    Beginner = Callable[[str], SyncseApp]

HOSTILE = "[red]not red[/red] \x1b[31mESC\x1b[0m \u202ebidi\u202c a\u200bb \x07 [@click=app.quit]x[/]"
LONG = "[b]漢字\U0001f469\u200d\U0001f467 " + "x" * 10_000


def sound(seen: Look, width: int) -> None:
    """No acting character on the screen, and every line as wide as the terminal."""
    assert not [
        char for char in seen.text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    ]
    assert {cell_len(line) for line in seen.lines} == {width}


@pytest.mark.parametrize("text", [HOSTILE, LONG])
async def test_hostile_text_is_shown_and_not_obeyed(app: SyncseApp, rows: Rows, look: Looker, text: str) -> None:
    rows.add("g0101-eeeeee", "generate", text)
    rows.answers("g0101-eeeeee", text, text, text)
    rows.event("g0101-eeeeee", "warning", text=text)
    rows.event("g0101-eeeeee", text, **{text: text})
    rows.progress("g0101-eeeeee", done=1, total=2, phase=text, task=text)
    async with app.run_test(size=(118, 50)) as pilot:
        seen = look(pilot)
        await seen.see("Latest answer", text[:3])
        await seen.until(lambda: "warning: " + text[:3] in app.screen.query_one(EventLog)._shown.plain)
        sound(seen, 118)
        if text == HOSTILE:
            await seen.see("[red]not red[/red] \\u001b[31mESC\\u001b[0m")
            await seen.see("\\u202ebidi\\u202c a\\u200bb \\u0007 [@click=app.quit]x")


async def test_a_hostile_error_is_shown_and_not_obeyed(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.add("g0101-eeeeee", "generate", state="running")
    runs.finish(rows.connection, "g0101-eeeeee", "failed", SyncseError(HOSTILE, LONG, HOSTILE))
    async with app.run_test(size=(80, 24)) as pilot:
        seen = look(pilot)
        await seen.see("[red]not red[/red] \\u001b[31mESC", "[b]漢字", "→ [red]")
        sound(seen, 80)


@pytest.mark.parametrize(
    "progress",
    [
        {"done": "many", "total": [], "accepted": {}, "eta": "soon", "loss": None},
        {"done": -5, "total": 3, "accepted": 10**400},
        {"done": 7, "total": 0},
        {"done": 9, "total": 3, "eta": -1, "task": 7, "phase": 3},
        {"done": float("nan"), "total": float("inf"), "rows_per_second": float("nan")},
    ],
)
async def test_progress_of_any_shape_is_survived(
    app: SyncseApp, rows: Rows, look: Looker, progress: dict[str, Any]
) -> None:
    rows.add("g0101-eeeeee", "generate")
    rows.progress("g0101-eeeeee", **progress)
    async with app.run_test(size=(80, 24)) as pilot:
        seen = look(pilot)
        await seen.see("generate g0101-eeeeee", "Events")
        sound(seen, 80)


async def test_results_and_events_of_any_shape_are_survived(app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.evaluate()
    broken = {"average": "high", "missing": ["x"], "spearman": {"STS12": HOSTILE}}
    rows.connection.execute("UPDATE run SET result = ?", (json.dumps(broken),))
    for kind in ("mapping", "planned", "engine", "training", "task_missing", "warning", "state"):
        rows.event("e0101-cccccc", kind)
    rows.event("e0101-cccccc", "planned", rows="x", skipped=[1])
    runs.add_event(rows.connection, "e0101-cccccc", "list", ["no", "mapping"])  # type: ignore[arg-type]
    async with app.run_test(size=(120, 40)) as pilot:
        seen = look(pilot)
        await seen.see("Spearman x 100", "now list")
        sound(seen, 120)


ZALGO = "z" + "\u0335" * 40
WIDE = "漢字仮名交じり文の長い例文です" * 3 + " \U0001f469\u200d\U0001f467\ufe0f é ﷽ \u2028 \U000e0041"
HUGE = "[b]\x1b]0;title\x07 " + "y" * 100_000
TEXTS = [HOSTILE, ZALGO, WIDE, HUGE, "\x1b[2J\x1b[H\r\b\x00", "\u202e" * 500, "{+[-x-]+}", ""]


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_hostile_triplets_are_shown_and_not_obeyed(
    begin: Beginner, rows: Rows, look: Looker, size: tuple[int, int]
) -> None:
    rows.add("g0101-eeeeee", "generate", HOSTILE)
    rows.triplets("g0101-eeeeee", [(f"{text} {i}", text, f"{text}!") for i, text in enumerate(TEXTS)])
    filtering.record(rows.connection, "g0101-eeeeee", {}, "h", {}, 1, [VerdictRow(0, HOSTILE, 1, "flag", 1.0, HUGE)])
    app = begin("triplets")
    async with app.run_test(size=size) as pilot:
        seen = look(pilot)
        await seen.see(f"row 1 of {len(TEXTS)}", "No. 0 of")
        for number in range(len(TEXTS)):
            await seen.see(f"No. {2 * number} of")
            sound(seen, size[0])
            await pilot.press("J", "J", "J")
            await pilot.pause()
            sound(seen, size[0])
            await pilot.press("K", "K", "K", "a")
            await seen.see("✓● ")
            await pilot.press("j")
        await pilot.press("f", "escape", "P", "enter", "g")
        await seen.see("No. 0 of", "[red]not red[/red] \\u001b[31m" if size[0] > 80 else "[red]not red[/red]")
        await pilot.press("slash", *"[red]", "enter")
        await seen.see('with "[red]"')
        sound(seen, size[0])


async def test_hidden_characters_and_long_texts_are_not_edited_in_a_line(
    begin: Beginner, rows: Rows, look: Looker
) -> None:
    rows.add("g0101-eeeeee", "generate", "x")
    rows.triplets("g0101-eeeeee", [("one", HOSTILE, "b"), ("two", "y" * 100_000, "b")])
    app = begin("triplets")
    async with app.run_test(size=(80, 24)) as pilot:
        seen = look(pilot)
        await seen.see("No. 0 of")
        await pilot.press("e")
        await seen.see("Not edited here", "U+001B")
        await pilot.press("escape", "j")
        await seen.see("No. 2 of")
        await pilot.press("e")
        await seen.see("Not edited here", "100,000 characters")
