"""The program in a real terminal: however it ends, the terminal is as it was before."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest
from terminal import PATIENCE, Terminal

from tests.conftest import REPO

if TYPE_CHECKING:
    from tests.tui.conftest import Rows

PROGRAM = """
import sys, time
from pathlib import Path
from syncse_local.api import Workspace
from tui import triplet_queries
from tui.app import SyncseApp
from tui.screens.triplets import TripletsScreen
def broken(screen):
    raise RuntimeError("broken on purpose")
TripletsScreen.action_search = broken
if sys.argv[2] == "busy":  # a backlog that takes longer than the test waits
    triplet_queries.BACKLOG, triplet_queries.index_backlog = 0, lambda workspace, run_id: time.sleep(float(sys.argv[3]))
with Workspace(Path(sys.argv[1])) as workspace:
    sys.exit(SyncseApp(workspace, first="triplets").run())
"""
TAKEN, GIVEN_BACK, CURSOR = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"


@pytest.mark.parametrize("how", ["crash", "kill", "quit", "busy"])
def test_the_terminal_is_given_back(rows: Rows, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    rows.add("g0101-aaaaaa", "generate")
    rows.triplets("g0101-aaaaaa", [("one", "two", "three")])
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    with Terminal([sys.executable, "-c", PROGRAM, str(rows.directory), how, str(2 * PATIENCE)]) as terminal:
        assert terminal.echoes()
        terminal.until(lambda seen: (b"indexing 2" if how == "busy" else b"row 1 of 1") in seen)
        assert TAKEN in terminal.seen
        assert not terminal.echoes()
        if how == "kill":
            terminal.process.send_signal(signal.SIGTERM)
        else:
            terminal.press(b"/" if how == "crash" else b"q")
        assert terminal.end() == (1 if how == "crash" else 0)
        assert GIVEN_BACK in terminal.seen
        assert CURSOR in terminal.seen
        assert terminal.echoes()
        if how == "crash":
            told = terminal.seen.rpartition(GIVEN_BACK)[2]
            assert b"RuntimeError: broken on purpose" in told
            assert b"tui-crash.log" in told.replace(b"\r\n", b"")
    assert rows.state("g0101-aaaaaa").state == "running"
