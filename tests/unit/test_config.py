"""Settings: which source wins, what is refused, and that each says where it came from."""

from pathlib import Path

import pytest

from syncse_local import config
from syncse_local.errors import ExitCode, SyncseError


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    for name in config.TYPES:
        monkeypatch.delenv(f"SYNCSE_{name.upper()}", raising=False)
    path = config.user_file()
    path.parent.mkdir(parents=True)
    return path


def test_the_stronger_source_wins(user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user.write_text('model = "user"\nthreads = 1\ndevice = "cpu"\nrecipe = "user"\n', encoding="utf-8")
    (tmp_path / "syncse.toml").write_text('model = "project"\nthreads = 2\nrecipe = "project"\n', encoding="utf-8")
    monkeypatch.setenv("SYNCSE_THREADS", "3")
    monkeypatch.setenv("SYNCSE_RECIPE", "environment")
    found = config.load({"recipe": "flag", "backend": None}, tmp_path)
    assert (found.device, found.model, found.threads, found.recipe) == ("cpu", "project", 3, "flag")
    assert found.origin["threads"] == "the environment"
    assert found.origin["model"].endswith("syncse.toml")
    assert "backend" not in found.origin


def test_an_unknown_key_is_refused_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "syncse.toml").write_text('modle = "x"\n', encoding="utf-8")
    with pytest.raises(SyncseError) as caught:
        config.load({}, tmp_path)
    assert caught.value.code == ExitCode.USAGE
    assert "'model'" in caught.value.hint


@pytest.mark.parametrize("line", ['threads = "many"', "airgap = 3", "model = 5", "threads = true", "not toml at all"])
def test_a_wrong_value_is_refused_with_its_source(tmp_path: Path, line: str) -> None:
    (tmp_path / "syncse.toml").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(SyncseError) as caught:
        config.load({}, tmp_path)
    assert "syncse.toml" in caught.value.detail


@pytest.mark.parametrize(("text", "value"), [("1", True), ("true", True), ("off", False), ("", False)])
def test_switches_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, value: bool) -> None:
    monkeypatch.setenv("SYNCSE_AIRGAP", text)
    assert config.load({}, tmp_path).airgap is value
