"""How threads wait beside other work: what the kernel's counts come to, and that the way of waiting changes no number."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from syncse_local.jobs.shared_cores import CALM_LOOKS, CROWDED, Crowd, Queued

COMPUTE = """
import os, torch, hashlib
from syncse_local.jobs import shared_cores as cores
torch.set_num_threads(2)
torch.manual_seed(0)
layer = torch.nn.Sequential(torch.nn.LayerNorm(64), torch.nn.Linear(64, 256), torch.nn.GELU(), torch.nn.Linear(256, 1))
texts = torch.randn(2048, 64)
def digest():
    layer.zero_grad()
    layer(texts).sum().backward()
    return hashlib.sha256(b"".join(p.grad.numpy().tobytes() for p in layer.parameters())).hexdigest()
def threads(): return len(os.listdir("/proc/self/task"))
crowd, found = cores.Crowd(), [digest()]
before = threads()
made = crowd.enter()
assert crowd.enter() == made
print("made", made, threads() - before)
found.append(digest())
crowd.leave()
while threads() > before: pass
found.append(digest())
print("same", len(set(found)) == 1)
"""


def counted(folder: Path, **waited: object) -> None:
    for task, nanoseconds in waited.items():
        (folder / task).mkdir(exist_ok=True)
        (folder / task / "schedstat").write_text(f"5 {nanoseconds} 7\n", encoding="ascii")


def test_the_share_is_of_all_threads_since_the_last_look(tmp_path: Path) -> None:
    now = [100.0]
    counted(tmp_path, a=10**9, b=0)
    queued = Queued(tmp_path, lambda: now[0])
    now[0] = 102.0
    counted(tmp_path, a=2 * 10**9, b=10**9, c=10**9)
    assert queued.share() == pytest.approx(1.5)
    now[0] = 103.0
    assert queued.share() == 0.0


def test_without_counts_the_share_is_nothing(tmp_path: Path) -> None:
    now = [1.0]
    (tmp_path / "a").mkdir()
    queued = Queued(tmp_path, lambda: now[0])
    now[0] = 2.0
    assert queued.share() == 0.0
    assert Queued(tmp_path / "missing", lambda: now[0]).share() == 0.0


class Noted(Crowd):
    """Writes down what it does."""

    def __init__(self) -> None:
        super().__init__()
        self.did: list[str] = []

    def enter(self) -> bool:
        self.did.append("enter")
        return True

    def leave(self) -> None:
        self.did.append("leave")


def test_threads_sleep_at_once_and_wait_busily_only_after_a_while_of_calm() -> None:
    crowd = Noted()
    crowd.heed(2 * CROWDED)
    assert crowd.did == ["enter"]
    for _ in range(CALM_LOOKS - 1):
        crowd.heed(0.0)
    assert crowd.did == ["enter"]
    crowd.heed(0.0)
    assert crowd.did == ["enter", "leave"]
    crowd.heed(2 * CROWDED)
    assert crowd.did[2:] == ["enter"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's counts and GNU OpenMP are Linux's")
def test_the_way_of_waiting_changes_no_number() -> None:
    done = subprocess.run([sys.executable, "-c", COMPUTE], capture_output=True, text=True, timeout=300, check=True)
    made, same = done.stdout.splitlines()
    assert same == "same True"
    assert made == f"made True {len(os.sched_getaffinity(0)) + 1}"
