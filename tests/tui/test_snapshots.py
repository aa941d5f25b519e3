"""Pictures of the screen at two sizes in two themes; ids and times are fixed: they change only when the look does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from textual.pilot import Pilot

from tui.app import SyncseApp

if TYPE_CHECKING:
    from tests.tui.conftest import Look, Rows

    Looker = Callable[[Pilot[int]], Look]

SIZES = [(80, 24), (120, 40)]
THEMES = ["textual-dark", "textual-light"]
KEYS = {"generate": [], "train": ["j"], "eval": ["j", "j"], "failed": ["j", "j", "j"]}
SHOWN = {"generate": "Latest answer", "train": "→ 0.689", "eval": "Spearman x 100", "failed": "Copy the file again."}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("kind", list(KEYS))
def test_runs_screen(
    snap_compare: Callable[..., bool],
    app: SyncseApp,
    rows: Rows,
    look: Looker,
    kind: str,
    size: tuple[int, int],
    theme: str,
) -> None:
    rows.fill()

    async def before(pilot: Pilot[int]) -> None:
        app.theme = theme
        seen = look(pilot)
        await seen.ready()
        await pilot.press(*KEYS[kind])
        await seen.see(SHOWN[kind])

    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("theme", THEMES)
def test_empty_workspace(snap_compare: Callable[..., bool], app: SyncseApp, look: Looker, theme: str) -> None:
    async def before(pilot: Pilot[int]) -> None:
        app.theme = theme
        await look(pilot).see("No runs yet.")

    assert snap_compare(app, terminal_size=(80, 24), run_before=before)


def test_help(snap_compare: Callable[..., bool], app: SyncseApp, rows: Rows, look: Looker) -> None:
    rows.fill()

    async def before(pilot: Pilot[int]) -> None:
        app.theme = "textual-dark"
        seen = look(pilot)
        await seen.ready()
        await pilot.press("question_mark")
        await seen.see("All commands")

    assert snap_compare(app, terminal_size=(80, 24), run_before=before)
