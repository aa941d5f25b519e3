"""Settings: which source wins, what is refused, and that each says where it came from."""

import os
import tomllib
from pathlib import Path

import pytest

from syncse_local import config, settingsfile
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


def test_every_setting_is_explained_and_stands_in_the_template(tmp_path: Path) -> None:
    assert set(config.ABOUT) == set(config.TYPES)
    text = settingsfile.template()
    assert tomllib.loads(text) == {}
    plain = "\n".join(line.removeprefix("# ") for line in text.splitlines() if " = " in line)
    assert config.Settings(**config.check(tomllib.loads(plain), "the template")) == config.Settings()
    assert all(f"# [{name}]" in text for name in ("prices", "keys"))


def test_a_command_to_run_is_taken_from_the_users_own_file_only(
    user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCSE_NOTIFY", "evil")
    assert config.load({}, tmp_path).notify == []
    user.write_text('notify = ["say", "{text}"]\n', encoding="utf-8")
    assert config.load({}, tmp_path).notify == ["say", "{text}"]
    (tmp_path / "syncse.toml").write_text('notify = ["./evil"]\n', encoding="utf-8")
    with pytest.raises(SyncseError) as caught:
        config.load({}, tmp_path)
    assert caught.value.code == ExitCode.USAGE


def test_a_folder_of_models_is_added_to_the_users_file(user: Path, tmp_path: Path) -> None:
    user.write_text('# mine\nmodel_dirs = "/a"\n[keys]\n"app.quit" = "Q"\n', encoding="utf-8")
    (tmp_path / "new").mkdir()
    found = settingsfile.with_model_folder(config.load({}, tmp_path), tmp_path / "new")
    assert found.model_dirs == f"/a{os.pathsep}{tmp_path / 'new'}"
    assert config.load({}, tmp_path).model_dirs == found.model_dirs
    assert "# mine" in user.read_text(encoding="utf-8")
    with pytest.raises(SyncseError):
        settingsfile.with_model_folder(found, tmp_path / "missing")
    (tmp_path / "syncse.toml").write_text('model_dirs = "/b"\n', encoding="utf-8")
    with pytest.raises(SyncseError, match="stronger"):
        settingsfile.with_model_folder(config.load({}, tmp_path), tmp_path / "new")
