"""Pictures of the screen at two sizes in two themes; ids and times are fixed: they change only when the look does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from syncse_local.api import Workspace
from syncse_local.store import filtering
from syncse_local.store.filtering import VerdictRow
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


MACHINE = {
    "memory": {"total": 24 * 2**30, "free": 20 * 2**30},
    "gpus": [{"index": 0, "name": "GPU", "total": 24 * 2**30, "free": 2**30}],
}
MODELS = [{"kind": "llm"}, {"kind": "llm"}, {"kind": "encoder"}]


@pytest.mark.parametrize("filled", [False, True], ids=["empty", "filled"])
@pytest.mark.parametrize(("size", "theme"), list(zip(SIZES, THEMES, strict=True)), ids=["80x24-dark", "120x40-light"])
def test_home(
    snap_compare: Callable[..., bool],
    begin: Callable[[str], SyncseApp],
    rows: Rows,
    look: Looker,
    monkeypatch: pytest.MonkeyPatch,
    filled: bool,
    size: tuple[int, int],
    theme: str,
) -> None:
    monkeypatch.setattr(Workspace, "machine", lambda _: MACHINE)  # this machine's figures would differ every time
    monkeypatch.setattr(Workspace, "command", lambda *_: MODELS)
    if filled:
        rows.fill()

    async def before(pilot: Pilot[int]) -> None:
        pilot.app.theme = theme
        await look(pilot).see("2 language models", "23.0 of 24.0 GiB", "4 runs" if filled else "0 runs")

    assert snap_compare(begin("home"), terminal_size=size, run_before=before)


@pytest.mark.parametrize(("size", "theme"), list(zip(SIZES, THEMES, strict=True)), ids=["80x24-dark", "120x40-light"])
@pytest.mark.parametrize(
    ("first", "keys", "shown"),
    [
        ("recipes", ["j", "j"], "starter-positive"),
        ("recipes", ["j", "j", "v"], "negative of row 1"),
        ("generate", ["e", *"notes.txt", "down", *"starter"], "notes.txt --recipe starter"),
        ("train", ["s"], "→ Add --from RUN"),
    ],
    ids=["recipes", "preview", "form", "error"],
)
def test_screens(
    snap_compare: Callable[..., bool],
    begin: Callable[[str], SyncseApp],
    look: Looker,
    first: str,
    keys: list[str],
    shown: str,
    size: tuple[int, int],
    theme: str,
) -> None:
    async def before(pilot: Pilot[int]) -> None:
        pilot.app.theme = theme
        pilot.app.animation_level = "none"
        seen = look(pilot)
        await seen.ready()
        if first == "recipes":
            await seen.see("syncse-scratch")
        await pilot.press(*keys)
        await seen.see(shown)
        for field in pilot.app.screen.query(Input):
            field.cursor_blink = False
        pilot.app.clear_notifications()
        await pilot.pause()

    assert snap_compare(begin(first), terminal_size=size, run_before=before)


SOME = [
    ("A man plays a guitar on the beach.", "Someone plays guitar by the sea.", "A man sells a guitar on the beach."),
    (
        "The bus was late again this morning.",
        "This morning the bus came late again.",
        "The bus was early this morning.",
    ),
    (
        "[b]Two dogs[/b] run \x1b[31mfast\u202e through 漢字 snow \U0001f415.",
        "Dogs race in the snow.",
        "Two dogs sleep.",
    ),
    ("She has read every letter twice.", "Each letter was read by her two times.", "She has burnt every letter."),
]
ON_TRIPLETS = {
    "table": (["j"], "No. 2 of"),
    "search": (["slash", *"letter", "enter"], "No. 6 of"),
    "filter": (["f"], "rejected: copy"),
    "edit": (["e"], "in the last line it saves"),
}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("what", list(ON_TRIPLETS))
def test_triplets_screen(
    snap_compare: Callable[..., bool],
    begin: Callable[[str], SyncseApp],
    rows: Rows,
    look: Looker,
    what: str,
    size: tuple[int, int],
    theme: str,
) -> None:
    rows.add("g0101-aaaaaa", "generate", "generate 5f6e7d8c", state="done")
    rows.triplets(
        "g0101-aaaaaa", SOME + [(f"Row {i} of many.", f"{i} is a row.", "None.") for i in range(60)], copied=7
    )
    said = [VerdictRow(4, "length", 1, "drop", 9.25, "too long"), VerdictRow(2, "judge", 1, "keep", 4.0, "")]
    filtering.record(rows.connection, "g0101-aaaaaa", {}, "h", {}, 64, said)
    with Workspace(rows.directory) as workspace:
        workspace.review("g0101-aaaaaa", 2, "accept", author="ana", note="fine")

    async def before(pilot: Pilot[int]) -> None:
        pilot.app.theme = theme
        keys, shown = ON_TRIPLETS[what]
        seen = look(pilot)
        await seen.see("row 1 of 64", "No. 0 of")
        await pilot.press(*keys)
        await seen.see(shown)
        for field in pilot.app.screen.query(Input):
            field.cursor_blink = False
        await pilot.pause()

    assert snap_compare(begin("triplets"), terminal_size=size, run_before=before)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("keys", "shown"),
    [(["j"], "over 160 pairs"), (["e", "m", "j", "N", *"mine", "enter"], "mine: all-MiniLM-L6-v2")],
    ids=["study", "choice"],
)
def test_compare(
    snap_compare: Callable[..., bool],
    begin: Callable[[str], SyncseApp],
    rows: Rows,
    look: Looker,
    keys: list[str],
    shown: str,
    size: tuple[int, int],
    theme: str,
) -> None:
    rows.evaluate()
    rows.evaluate("e0101-ffffff", ago=70)
    rows.compare()

    async def before(pilot: Pilot[int]) -> None:
        pilot.app.theme = theme
        pilot.app.animation_level = "none"
        seen = look(pilot)
        await seen.see("over 220 pairs")
        for key in keys:
            await pilot.press(key)
        await seen.see(shown)

    assert snap_compare(begin("compare"), terminal_size=size, run_before=before)
