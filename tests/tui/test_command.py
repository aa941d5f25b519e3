"""Command lines to paste, and directories as short as they can be said."""

from pathlib import Path

import pytest

from tui.command import line, place


def test_a_command_names_the_workspace_unless_it_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert line(["show", "g1-a", "--follow"], tmp_path / "workspace") == "syncse show g1-a --follow"
    assert line(["cancel", "g1-a"], tmp_path / "my own") == f"syncse cancel g1-a -w '{tmp_path}/my own'"
    assert place(tmp_path / "workspace") == "workspace"


def test_a_command_to_paste_quotes_a_hostile_id(tmp_path: Path) -> None:
    shown = line(["show", "x\n; rm -rf ~ #"], tmp_path)
    assert "\n" not in shown
    assert shown.startswith("syncse show 'x␤; rm -rf ~ #' -w ")
