"""The whole loop in a real terminal, by keys: the starter run, a kill -9 of the front end half-way, reviews, a comparison.

A terminal of 80x24 in tmux; skipped where tmux is missing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncse_local.api import Workspace
from tests.conftest import REPO

PATIENCE = 420.0
STARTER = ("run", "--limit", "60", "--samples", "1", "--epochs", "1")
PROGRAM = f"""
import sys
from syncse_local.cli.main import entry
from tui.screens.home import HomeScreen
HomeScreen.starter = {STARTER!r}
sys.argv = ["syncse", "tui"]
entry()
"""
"""The front end with a starter run of some seconds in place of minutes."""
pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Terminal:
    """A shell in tmux with a server and a socket of its own."""

    def __init__(self, directory: Path) -> None:
        self.env = {
            **os.environ,
            "TMUX_TMPDIR": str(directory),
            "TERM": "screen-256color",
            "PYTHONPATH": str(REPO),
            "OMP_NUM_THREADS": "1",
        }
        for name in (
            "TMUX",
            "COLUMNS",
            "LINES",
        ):  # the last two, where a test runner sets them, would stand for the terminal's size
            self.env.pop(name, None)
        self(
            "new-session",
            "-d",
            "-x",
            "80",
            "-y",
            "24",
            "-c",
            str(directory),
            "env PS1='ready> ' bash --norc --noprofile",
        )
        self("set-option", "-g", "set-clipboard", "on")
        self.see("ready>")

    def __call__(self, *words: str) -> str:
        """What `tmux WORDS` prints."""
        done = subprocess.run(
            ["tmux", "-f", "/dev/null", *words], capture_output=True, text=True, env=self.env, check=True
        )
        return done.stdout

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return self("capture-pane", "-p")

    def type(self, text: str) -> None:
        """Type a line and enter it."""
        self("send-keys", "-l", text)
        self("send-keys", "Enter")

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names for them."""
        self("send-keys", *keys)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.text
            time.sleep(0.2)

    def see(self, *words: str) -> None:
        """Wait until all these words stand on the screen."""
        self.until(lambda: all(word in self.text for word in words))

    def children(self) -> list[int]:
        """The processes that the shell has started and that are there still."""
        shell = self("display-message", "-p", "#{pane_pid}").strip()
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", shell], capture_output=True, text=True, check=False)
        return [int(pid) for pid in listed.stdout.split()]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal whose directory has the default workspace."""
    if shutil.which("ps") is None:
        pytest.skip("ps is not installed")
    made = Terminal(tmp_path)
    yield made
    made("kill-server")


def test_the_starter_run_by_keys_survives_a_kill_and_is_reviewed_and_compared(
    terminal: Terminal, tmp_path: Path
) -> None:
    program = tmp_path / "front.py"
    program.write_text(PROGRAM, encoding="utf-8")
    begin = f"{sys.executable} {program}"
    terminal.type(begin)
    terminal.see("0 runs", "Try the bundled models", "$ syncse run")
    terminal.press("s")
    terminal.see("✓ 1  Measure the starter encoder", "● 2  Write triplets")

    for pid in terminal.children():
        os.kill(pid, signal.SIGKILL)
    terminal.see("Killed")
    terminal.type(f"reset; {begin}")
    terminal.see("✓ 4  Measure it again", "✓ 5  Your own encoder", "Compare the two encoders")

    terminal.press("y")
    terminal.see("Copied")
    assert terminal("show-buffer").startswith("syncse run --limit 60")  # OSC 52 came through the multiplexer
    assert (tmp_path / "workspace" / "copied.txt").read_text(encoding="utf-8").startswith("syncse run --limit 60")

    review_ten(terminal, tmp_path / "workspace")

    terminal.press("Enter")
    terminal.see("$ syncse compare e", "● ")
    terminal.press("s")
    terminal.see("Scores, 95 % intervals", "Differences, Holm's intervals", "$ syncse show c")

    terminal.press("z")
    terminal.see("ready>", "Stopped")
    terminal.type("fg")
    terminal.see("Scores, 95 % intervals", "8Compare")
    terminal("resize-window", "-x", "120", "-y", "40")
    terminal.see("nothing says how", "8 Compare")  # one run an arm
    terminal("resize-window", "-x", "80", "-y", "24")
    terminal.see("Scores, 95 % intervals", "8Compare")
    terminal.press("q")
    terminal.until(lambda: not terminal.children())
    terminal.until(lambda: "8Compare" not in terminal.text and "ready>" in terminal.text)


def review_ten(terminal: Terminal, workspace: Path) -> None:
    """Accept ten triplets of the generate run on their screen."""
    with Workspace(workspace) as opened:
        run_id = next(run.id for run in opened.runs() if run.kind == "generate")
        terminal.press("5")
        terminal.see(run_id, "row 1 of")
        for number in range(1, 11):
            terminal.press("a")
            terminal.until(lambda wanted=number: len(opened.reviews(run_id)) == wanted)  # type: ignore[misc]
            terminal.press("n")
        assert [decided["action"] for decided in opened.reviews(run_id)] == ["accept"] * 10
    terminal.press("1")
    terminal.see("Compare the two encoders")


CRASHING = """
import sys
from syncse_local.cli.main import entry
from tui.screens.home import HomeScreen
def paint(self, snapshot):
    raise RuntimeError("a bug")
HomeScreen.paint = paint
sys.argv = ["syncse", "tui"]
entry()
"""


def test_a_crash_gives_the_terminal_back_and_names_its_log(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "front.py").write_text(CRASHING, encoding="utf-8")
    terminal.type(f"clear; {sys.executable} front.py; echo code $?; stty -a")
    terminal.see(
        "The terminal UI crashed: RuntimeError: a bug", "The traceback is in", "code 1", " icanon iexten echo "
    )
    assert "RuntimeError: a bug" in (tmp_path / "workspace" / "tui-crash.log").read_text(encoding="utf-8")
