"""A wheel brings one top-level package: the terminal UI lies within it, and opens from there."""

from __future__ import annotations

import shutil
import sys
import tomllib
from pathlib import Path

from terminal import Terminal

TARGET = "tool.hatch.build.targets.wheel"
OPENED = """
import sys
sys.path.insert(0, sys.argv[1])
import textual.app
textual.app.App.run = lambda app, *_, **__: print("opened from", sys.modules["tui.app"].__file__, type(app).__name__)
from syncse_local.cli import program, tui
sys.exit(program.run((tui,), ["tui", "-w", sys.argv[2]]))
"""


def test_the_packages_of_a_wheel(repo: Path) -> None:
    settings = tomllib.loads((repo / "pyproject.toml").read_text(encoding="utf-8"))
    for name in TARGET.split("."):
        settings = settings[name]
    assert settings["packages"] == ["syncse_local"]
    assert settings["force-include"] == {"models": "syncse_local/_models", "tui": "syncse_local/_tui"}


def test_the_packed_ui_opens(repo: Path, tmp_path: Path) -> None:
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(repo / "syncse_local", tmp_path / "site" / "syncse_local", ignore=skipped)
    shutil.copytree(repo / "tui", tmp_path / "site" / "syncse_local" / "_tui", ignore=skipped)
    words = [sys.executable, "-P", "-c", OPENED, str(tmp_path / "site"), str(tmp_path / "ws")]
    with Terminal(words) as terminal:
        assert terminal.end() == 0, terminal.seen
        found = terminal.seen.replace(b"\r\n", b"").decode()
    assert f"opened from {tmp_path}/site/syncse_local/_tui/app.py SyncseApp" in found
