"""The energy meter over a made-up powercap tree, a real one where there is one, and a GPU tool that says odd things."""

import os
from pathlib import Path

import pytest

from syncse_local.training.energy import Meter


def _package(root: Path, number: int, name: str, energy: int, limit: int = 1_000_000_000) -> Path:
    folder = root / f"intel-rapl:{number}"
    folder.mkdir(parents=True)
    for file, content in (("name", name), ("energy_uj", str(energy)), ("max_energy_range_uj", str(limit))):
        (folder / file).write_text(content + "\n")
    return folder / "energy_uj"


def test_packages_are_summed_and_a_counter_that_starts_again_is_followed(tmp_path: Path) -> None:
    one = _package(tmp_path, 0, "package-0", 999_000_000)
    two = _package(tmp_path, 1, "package-1", 5_000_000)
    _package(tmp_path, 2, "psys", 0)  # the whole board: it has the packages in it
    (tmp_path / "intel-rapl:0:0").mkdir()  # a core domain without files
    meter = Meter(powercap=tmp_path, interval=1e6).start()
    one.write_text("999500000\n")
    two.write_text("7000000\n")
    assert meter.read() == {"CPU package-0 (RAPL)": 0.5, "CPU package-1 (RAPL)": 2.0}
    one.write_text("1000000\n")  # wrapped at 1,000 J
    assert meter.stop() == {"CPU package-0 (RAPL)": 2.0, "CPU package-1 (RAPL)": 2.0}


@pytest.mark.parametrize("content", ["", "many", "-"])
def test_what_cannot_be_read_is_not_there(tmp_path: Path, content: str) -> None:
    _package(tmp_path, 0, "package-0", 1).write_text(content)
    assert Meter(powercap=tmp_path, interval=1e6).start().stop() == {}
    assert Meter(powercap=tmp_path / "absent", interval=1e6).start().stop() == {}


def test_a_gpu_tool_that_does_not_know_is_no_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '0, 100.00'\necho '1, [N/A]'\necho 'x'\necho '2, 50.5'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    meter = Meter(gpus=(0, 1), powercap=tmp_path / "absent", interval=1e6).start()
    found = meter.stop()
    assert list(found) == ["GPU 0 (nvidia-smi)"]
    assert found["GPU 0 (nvidia-smi)"] > 0
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert Meter(gpus=(0,), powercap=tmp_path / "absent", interval=1e6).start().stop() == {}
