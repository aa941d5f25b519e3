"""What the machine says: the driver's rows, visible GPUs, control groups, and a description in place of a driver."""

from pathlib import Path

import pytest

from syncse_local import machine
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.machine import MIB, Gpu

ROWS = """0, GPU-1111aaaa-0000, 143771, 142984, NVIDIA H200
1, GPU-2222bbbb-0000, [N/A], [Insufficient Permissions], NVIDIA, with a comma
No devices were found
"""


def test_the_drivers_rows() -> None:
    first, second = machine.parse_smi(ROWS)
    assert first == Gpu(0, "NVIDIA H200", 143771 * MIB, 142984 * MIB, "GPU-1111aaaa-0000")
    assert (second.name, second.total, second.free) == ("NVIDIA,with a comma", None, None)
    assert machine.parse_smi("") == []


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        (None, [0, 1]),
        ("", []),
        ("-1", []),
        ("1", [1]),
        ("1,0", [1, 0]),
        ("0,7,1", [0]),
        ("GPU-2222", [1]),
        ("GPU-", []),
        ("0,0", [0]),
    ],
)
def test_only_visible_gpus_count(chosen: str | None, left: list[int]) -> None:
    assert [gpu.index for gpu in machine._visible(machine.parse_smi(ROWS), chosen)] == left


def test_a_slice_of_a_gpu_has_memory_that_nobody_states() -> None:
    assert {gpu.free for gpu in machine._visible(machine.parse_smi(ROWS), "MIG-1234")} == {None}


def test_the_driver_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\nprintf '%s\\n' '{ROWS.splitlines()[0]}'\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.delenv(machine.PRETEND, raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert [gpu.name for gpu in machine.gpus()] == ["NVIDIA H200"]
    tool.write_text("#!/bin/sh\nexit 9\n", encoding="utf-8")
    assert machine.gpus() == []
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert machine.gpus() == []


def test_described_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(machine.PRETEND, "0:24576:20000, 3:1:0")
    assert [(gpu.index, gpu.total, gpu.free) for gpu in machine.gpus()] == [
        (0, 24576 * MIB, 20000 * MIB),
        (3, MIB, 0),
    ]
    monkeypatch.setenv(machine.PRETEND, "")
    assert machine.gpus() == []
    monkeypatch.setenv(machine.PRETEND, "one big one")
    with pytest.raises(SyncseError) as wrong:
        machine.gpus()
    assert wrong.value.code == ExitCode.USAGE


def test_memory_is_what_the_tightest_control_group_leaves(tmp_path: Path) -> None:
    for folder, limit, used in (("", "max", 9_000), ("a", "5000", 3_000), ("a/b", "4000", 1_500)):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "memory.max").write_text(limit)
        (tmp_path / folder / "memory.current").write_text(str(used))
    (tmp_path / "a" / "memory.stat").write_text("anon 5\ninactive_file 1000\n")
    member = tmp_path / "cgroup"
    member.write_text("0::/a/b\n")
    assert list(machine._group_limits(tmp_path, member)) == [(4000, 1500), (5000, 2000)]


def test_older_control_groups(tmp_path: Path) -> None:
    group = tmp_path / "memory" / "job"
    group.mkdir(parents=True)
    (group / "memory.limit_in_bytes").write_text("700")
    (group / "memory.usage_in_bytes").write_text("300")
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712")
    (tmp_path / "memory" / "memory.usage_in_bytes").write_text("300")
    member = tmp_path / "cgroup"
    member.write_text("4:cpu,cpuacct:/x\n3:memory:/job\n0::/\nnonsense\n")
    assert list(machine._group_limits(tmp_path, member)) == [(700, 300)]
    assert list(machine._group_limits(tmp_path, tmp_path / "none")) == []


def test_this_machine_has_memory() -> None:
    found = machine.memory()
    assert 0 < found.free <= found.total


@pytest.mark.parametrize(
    ("files", "member", "quotas"),
    [
        ({"cpu.max": "max 100000"}, "0::/", []),
        ({"cpu.max": "250000 100000"}, "0::/", [2.5]),
        ({"a/cpu.max": "100000 100000", "cpu.max": "max 100000"}, "0::/a/b", [1.0]),
        ({"cpu,cpuacct/docker/x/cpu.cfs_quota_us": "400000", "cpu,cpuacct/docker/x/cpu.cfs_period_us": "100000",
          "cpu,cpuacct/cpu.cfs_quota_us": "-1", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
         "4:cpu,cpuacct:/docker/x\n3:cpuset:/", [4.0]),
        ({"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, "1:cpu:/seen/only/outside", [0.5]),
        ({"cpu.max": "nonsense"}, "0::/", []),
        ({}, "0::/", []),
    ],
)  # fmt: skip
def test_quotas_of_control_groups(tmp_path: Path, files: dict[str, str], member: str, quotas: list[float]) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n", encoding="ascii")
    membership = tmp_path / "membership"
    membership.write_text(f"{member}\n", encoding="ascii")
    assert list(machine._quotas(tmp_path, membership)) == quotas


@pytest.mark.parametrize(("quotas", "cores"), [([], 8), ([2.5], 2), ([0.5], 1), ([16.0], 8), ([6.0, 3.0], 3)])
def test_threads_follow_the_quota_that_holds(monkeypatch: pytest.MonkeyPatch, quotas: list[float], cores: int) -> None:
    monkeypatch.setattr(machine, "visible_cores", lambda: 8)
    monkeypatch.setattr(machine, "_quotas", lambda *_: iter(quotas))
    assert machine.cores() == cores
    assert set(machine.thread_limits().values()) == ({str(cores)} if cores < 8 else set())
